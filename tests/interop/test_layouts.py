"""Axes of other libraries."""

import pytest
import torch

from stsun.errors import DataError
from stsun.interop.layouts import LAYOUTS, from_series, to_series

SIZES = {"b": 2, "t": 3, "c": 4, "h": 5, "w": 6}


def marked(axes):
    """A tensor whose values tell where they belong, whatever the order of the axes."""
    total = torch.zeros([SIZES[axis] for axis in axes], dtype=torch.int64)
    for place, axis in enumerate(axes):
        steps = torch.arange(SIZES[axis]) * 10 ** "btchw".index(axis)
        total += steps.reshape([-1 if i == place else 1 for i in range(len(axes))])
    return total


@pytest.mark.parametrize("layout", [*LAYOUTS, "w h c t b"])
def test_every_layout_becomes_ours_and_back(layout):
    axes = LAYOUTS.get(layout, layout).split()
    assert torch.equal(to_series(marked(axes), layout), marked("btchw"))
    assert torch.equal(from_series(marked("btchw"), layout), marked(axes))


@pytest.mark.parametrize(("layout", "axes"), [("terratorch", "bchw"), ("olmoearth", "bhwc")])
def test_single_images_are_series_of_one(layout, axes):
    assert torch.equal(to_series(marked(axes), layout), marked("bchw")[:, None])


def test_modalities_are_joined_band_by_band_in_their_order():
    optical, radar = marked("bcthw"), marked("bcthw")[:, :1] + 7
    joined = to_series({"optical": optical, "sar": radar}, "pangaea")
    assert joined.shape == (2, 3, 5, 5, 6) and torch.equal(joined[:, :, 4], radar[:, 0])
    with pytest.raises(DataError, match="modalities differ"):
        to_series({"optical": optical, "sar": radar[:, :, :1]}, "pangaea")


@pytest.mark.parametrize("layout", ["nonsense", "b c h w", "b t c h h"])
def test_no_such_layout(layout):
    with pytest.raises(DataError, match="no layout"):
        to_series(torch.zeros(1, 1, 1, 1, 1), layout)


def test_a_sample_without_a_batch_is_refused():
    with pytest.raises(DataError, match=r"images\[None\]"):
        to_series(torch.zeros(3, 4, 5), "torchgeo")
