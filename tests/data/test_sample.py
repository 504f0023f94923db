import numpy as np
import pytest

from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.data.sample import Sample
from stsun.errors import ConfigurationError, DataError

RED, GREEN, BLUE, VV = Band("red", 665), Band("green", 560), Band("blue", 490), Band("vv")


def sample(channels=(3, 3), bands=(RED, GREEN, BLUE), *, maps=1, size=(4, 5), **other):
    dates = len(channels)
    fields = {
        "id": "a",
        "images": [np.zeros((count, *size), np.float32) for count in channels],
        "valid": np.ones((dates, *size), bool),
        "days": np.full(dates, np.nan),
        "labels": np.zeros((maps, *size), np.int64),
        "configuration": Configuration(bands, categories=["water", "forest"]),
    }
    return Sample(**{**fields, **other})


def test_a_sample_knows_its_size_and_how_many_values_its_labels_take():
    assert sample().size == (4, 5)
    assert sample().classes == 2
    change = Configuration([RED, GREEN, BLUE], task="binary_change", categories=["building change"])
    assert sample(configuration=change).classes == 2


def test_an_rgb_list_for_ten_bands_is_refused_and_the_message_says_the_fix():
    with pytest.raises(DataError, match=r"has 10 bands, but 3 are listed \(red, green, blue\); list every band"):
        sample(channels=(10,))


def test_dates_of_different_sensors_have_their_own_bands():
    assert sample(channels=(3, 1), bands=[[RED, GREEN, BLUE], [VV]]).size == (4, 5)
    with pytest.raises(DataError, match=r"date 1 has 3 bands, but 1 are listed \(vv\)"):
        sample(channels=(3, 3), bands=[[RED, GREEN, BLUE], [VV]])
    with pytest.raises(ConfigurationError, match="bands of 2 dates, but there are 3 images"):
        sample(channels=(3, 1, 1), bands=[[RED, GREEN, BLUE], [VV]])


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"images": []}, r"one image of bands x height x width per date, got \[\]"),
        ({"images": [np.zeros((4, 5), np.float32)]}, r"per date, got \[\(4, 5\)\]"),
        ({"images": [np.zeros((3, 4, 5)), np.zeros((3, 5, 4))]}, r"image of date 1 has shape \(3, 5, 4\), expected \(3, 4, 5\)"),
        ({"valid": np.ones((1, 4, 5), bool)}, r"valid mask has shape \(1, 4, 5\), expected \(2, 4, 5\)"),
        ({"days": np.zeros(3)}, r"days has shape \(3,\), expected \(2,\)"),
        ({"labels": np.zeros((2, 4, 5), np.int64)}, r"labels has shape \(2, 4, 5\), expected \(1, 4, 5\)"),
    ],
)  # fmt: skip
def test_arrays_that_do_not_fit_one_another_are_refused(fields, found):
    with pytest.raises(DataError, match=found):
        sample(**fields)


def test_a_sample_may_have_no_labels():
    assert sample(labels=None).labels is None
