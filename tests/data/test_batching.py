import numpy as np
import pytest
import torch

from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.data.batching import collate, group_by_configuration
from stsun.data.sample import Sample
from stsun.errors import DataError

RED, NIR, VV = Band("red", 665, 30), Band("nir", 840, 100), Band("vv")


def make(name, bands=(RED, NIR), size=(4, 6), dates=2, labelled=True, value=0.0):
    lists = bands if isinstance(bands[0], tuple) else (bands,) * dates
    images = [np.full((len(own), *size), value + date, np.float32) for date, own in enumerate(lists)]
    labels = np.zeros((1, *size), np.int64) if labelled else None
    configuration = Configuration(bands, 10.0, "segmentation", ("water",))
    return Sample(name, images, np.ones((dates, *size), bool), np.arange(dates) * 1.0, labels, configuration)


def test_a_batch_stacks_samples_in_order_with_the_layout_of_the_interfaces():
    batch = collate([make("a", value=1), make("b", value=5)])
    assert batch.images.shape == (2, 2, 2, 4, 6)
    assert batch.images.dtype == torch.float32
    assert batch.images[1, 1].unique().item() == 6
    assert batch.valid.shape == (2, 2, 4, 6)
    assert batch.valid.dtype == torch.bool
    assert batch.days.dtype == torch.float64
    assert batch.labels.shape == (2, 1, 4, 6)
    assert batch.labels.dtype == torch.int64
    assert batch.ids == ("a", "b")


def test_dates_of_several_sensors_stay_a_list():
    batch = collate([make("a", ((RED, NIR), (VV,))), make("b", ((RED, NIR), (VV,)))])
    assert [tuple(image.shape) for image in batch.images] == [(2, 2, 4, 6), (2, 1, 4, 6)]
    assert [image.device.type for image in batch.to("cpu").images] == ["cpu", "cpu"]


def test_samples_without_labels_give_none():
    assert collate([make("a", labelled=False)]).labels is None


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (make("b", (NIR, RED)), "configuration"),
        (make("b", size=(4, 7)), "size"),
        (make("b", dates=3), "number of dates"),
        (make("b", labelled=False), "having labels"),
    ],
)
def test_what_differs_is_named(other, what):
    with pytest.raises(DataError, match=rf"'a' and 'b'.*{what}.*group_by_configuration"):
        collate([make("a"), other])
    assert [[sample.id for sample in group] for group in group_by_configuration([make("a"), other, make("c")])] == [
        ["a", "c"],
        ["b"],
    ]


def test_an_empty_batch_is_refused():
    with pytest.raises(DataError, match="at least one"):
        collate([])
