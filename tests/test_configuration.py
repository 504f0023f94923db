import copy
import dataclasses
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stsun.bands import Band
from stsun.configuration import GSD_RANGE_M, Configuration, read_categories
from stsun.errors import ConfigurationError

RED, NIR, VV = Band("red", 665, 70), Band("nir", 840, 120), Band("vv")


def configuration(bands=(RED, NIR), **fields):
    return Configuration(bands=bands, **{"categories": ["water", "forest"], **fields})


def test_equal_configurations_are_one_batch_key_however_they_were_written():
    first = configuration([RED, NIR], gsd_m=10, categories=["water", "forest"])
    second = configuration((RED, NIR), gsd_m=np.float32(10.0), categories=("water", "forest"))
    assert first == second and hash(first) == hash(second) and len({first, second}) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"bands": [NIR, RED]},
        {"bands": [RED, Band("nir", 840)]},
        {"gsd_m": None},
        {"gsd_m": 20},
        {"task": "semantic_change"},
        {"categories": ["forest", "water"]},
        {"per_date": True},
        {"merged": {"water": ["lake"]}},
    ],
)
def test_every_field_tells_batches_apart(other):
    base = configuration(gsd_m=10)
    fields = {field.name: getattr(base, field.name) for field in dataclasses.fields(base)}
    assert Configuration(**{**fields, **other}) != base


def test_the_same_bands_at_every_date_are_the_same_configuration_as_one_list():
    assert configuration([[RED, NIR], [RED, NIR]]) == configuration([RED, NIR])
    assert not configuration([[RED, NIR], [RED, NIR]]).mixed_sensors


def test_equal_lists_of_bands_still_say_how_many_images_there_are():
    listed = configuration([[RED, NIR], [RED, NIR]])
    for one in (listed, copy.deepcopy(listed), pickle.loads(pickle.dumps(listed))):
        assert one.bands_of_dates(2) == ((RED, NIR),) * 2
        with pytest.raises(ConfigurationError, match="bands of 2 dates, but there are 3 images"):
            one.bands_of_dates(3)
    assert len({listed, configuration(), configuration([[RED, NIR]] * 3)}) == 1
    with pytest.raises(ConfigurationError, match="bands of 1 dates, but there are 2 images"):
        configuration([[RED, NIR]]).bands_of_dates(2)


def test_a_series_of_mixed_sensors_knows_the_bands_of_each_date():
    mixed = configuration([[RED, NIR], [VV]])
    assert mixed.mixed_sensors
    assert mixed.bands_of_dates(2) == ((RED, NIR), (VV,))
    with pytest.raises(ConfigurationError, match="bands of 2 dates, but there are 3 images; give one list of bands"):
        mixed.bands_of_dates(3)


@given(st.integers(1, 70))
def test_one_list_of_bands_holds_for_any_number_of_dates(dates):
    assert configuration().bands_of_dates(dates) == ((RED, NIR),) * dates


@given(st.floats(*GSD_RANGE_M))
def test_every_plausible_gsd_is_taken_as_it_is(gsd_m):
    assert configuration(gsd_m=gsd_m).gsd_m == gsd_m


def test_a_binary_change_needs_no_categories():
    assert Configuration([RED], task="binary_change").categories == ()


@pytest.mark.parametrize(
    ("fields", "fix"),
    [
        ({"bands": []}, "non-empty list of Band"),
        ({"bands": "red"}, "non-empty list of Band"),
        ({"bands": RED}, r"must be a list, got the single band 'red'"),
        ({"bands": ["red"]}, "only Band, or only lists of Band"),
        ({"bands": [RED, [NIR]]}, "not a mixture"),
        ({"bands": [[[RED]]]}, "nested too deep"),
        ({"bands": [[RED, NIR], []]}, "non-empty list of Band"),
        ({"bands": [RED, RED]}, "list each band once|give each its own"),
        ({"bands": [Band("a", 600), Band("b", 600)]}, "give each its own centre wavelength"),
        ({"bands": [[RED, NIR], [Band("a", 600), Band("b", 600)]]}, "give each its own centre wavelength"),
        ({"gsd_m": 0}, "None if it is not known"),
        ({"gsd_m": -10}, "None if it is not known"),
        ({"gsd_m": 1e7}, "None if it is not known"),
        ({"gsd_m": float("nan")}, "number of metres per pixel or None"),
        ({"gsd_m": "10m"}, "number of metres per pixel or None"),
        ({"gsd_m": True}, "number of metres per pixel or None"),
        ({"task": "detection"}, "expected one of segmentation"),
        ({"categories": []}, "segmentation needs categories, got none; for example"),
        ({"categories": "water"}, "must be a list of names"),
        ({"categories": ["water", "water"]}, "'water' is asked for 2 times; list each once"),
        ({"categories": ["water", ""]}, "a category is a name"),
        ({"categories": ["water", 3]}, "a category is a name, got 3"),
        ({"per_date": "yes"}, "per_date must be True or False, got 'yes'"),
        ({"per_date": 1}, "per_date must be True or False, got 1"),
        ({"task": "binary_change", "per_date": True}, "per_date is for segmentation only.*leave it out"),
    ],
)
def test_contradictions_are_refused_with_the_fix(fields, fix):
    with pytest.raises(ConfigurationError, match=fix):
        configuration(**fields)


def test_a_configuration_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        configuration().gsd_m = 5.0


def test_merged_categories_are_kept_as_they_are_asked_for():
    asked = configuration(categories=["water", "green"], merged={"green": ["forest", "grassland"]})
    assert asked.parts == (("water",), ("forest", "grassland"))
    assert hash(asked) == hash(configuration(categories=["water", "green"], merged=asked.merged))
    assert pickle.loads(pickle.dumps(asked)) == asked == dataclasses.replace(asked)


@pytest.mark.parametrize(
    ("merged", "message"),
    [
        ({"lake": ["water"]}, "among the categories"),
        ({"forest": []}, "at least one name"),
        ({"forest": ["water", "pine"]}, "'water' counts as 2 categories"),
        ({"forest": ["pine", "pine"]}, "asked for 2 times"),
        ({"forest": "pine"}, "must be a list"),
        (3, "must map names"),
        ([1], "must map names"),
        ("ab", "must map names"),
        ([["forest"]], "must map names"),
        ([[["forest"], ["pine"]]], "among the categories"),
    ],
)
def test_merges_that_contradict_the_categories_are_refused(merged, message):
    with pytest.raises(ConfigurationError, match=message):
        configuration(merged=merged)


def test_categories_are_read_as_they_are_written():
    assert read_categories(["water", "green = forest + grassland", "woods=forest"]) == (
        ("water", "green", "woods"),
        {"green": ("forest", "grassland"), "woods": ("forest",)},
    )
    assert read_categories(["a=b"], known=["a=b"]) == (("a=b",), {})
    for wrong in ("water", [3]):
        with pytest.raises(ConfigurationError, match=r"a list of names|a category is a name"):
            configuration(categories=read_categories(wrong)[0])
    with pytest.raises(ConfigurationError, match="a category is a name"):
        configuration(**dict(zip(("categories", "merged"), read_categories(["green=forest+"]), strict=True)))
