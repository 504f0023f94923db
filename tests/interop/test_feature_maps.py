"""The model as a backbone of a benchmark."""

from dataclasses import replace

import pytest
import torch

from stsun.errors import ConfigurationError
from stsun.interop.features import FeatureMaps
from stsun.interop.layouts import from_series
from stsun.model.stsun import create

from .conftest import CATEGORIES


def series(dates=2, height=37, width=50):
    return torch.rand(2, dates, 2, height, width, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def test_features_are_what_categories_are_compared_with(nano, configuration):
    images, maps = series(), FeatureMaps(nano, configuration)
    features = maps.forward_features(images)
    assert features.shape == (2, maps.embed_dim, 37, 50)
    rows = nano.ossum.table(CATEGORIES)
    directions = torch.nn.functional.normalize(rows[:, :-1], dim=1) * nano.ossum.head.log_scale.exp()
    logits = torch.einsum("behw,ke->bkhw", features, directions) + rows[:, -1, None, None]
    unknown = torch.full((2, 2), torch.nan, dtype=torch.float64)
    expected = nano(images, torch.ones(2, 2, 37, 50, dtype=torch.bool), unknown, configuration)[:, 0]
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("layout", ["terratorch", "olmoearth"])
def test_the_layout_of_the_suite_changes_nothing(nano, configuration, layout):
    images = series()
    ours, theirs = FeatureMaps(nano, configuration), FeatureMaps(nano, configuration, layout)
    assert torch.equal(theirs.forward_features(from_series(images, layout)), ours.forward_features(images))


@torch.no_grad()
def test_there_is_a_map_at_each_stride_with_as_many_channels_as_are_told(nano, configuration):
    maps = FeatureMaps(nano, configuration)
    found = maps(series())
    assert maps.strides == [4, 8, 16]
    for level, channels, stride in zip(found, maps.out_channels, maps.strides, strict=True):
        assert level.shape == (2, channels, -(-37 // stride), -(-50 // stride))


@torch.no_grad()
def test_maps_follow_pixels_days_and_masks(nano, configuration):
    images, maps = series(height=64, width=64), FeatureMaps(nano, configuration)
    before = maps(images)
    moved = images.clone()
    moved[:, :, :, :8, :8] += 0.5
    change = (maps(moved)[0] - before[0]).abs().amax(dim=(0, 1))
    assert change[:2, :2].min() > change[-4:, -4:].max()
    days = torch.tensor([[18_000.0, 18_100.0]] * 2, dtype=torch.float64)
    assert not torch.equal(maps.forward_intermediates(images, days=days)[0], before[0])
    hidden = images.clone()
    hidden[:, 0, :, 5, 5] = torch.nan
    valid = torch.ones(2, 2, 64, 64, dtype=torch.bool)
    valid[:, 0, 5, 5] = False
    for one, other in zip(maps(hidden), maps.forward_intermediates(images, valid), strict=True):
        assert torch.equal(one, other)


def test_more_than_one_map_and_other_architectures_are_refused(nano, configuration):
    with pytest.raises(ConfigurationError, match="gives 2 maps"):
        FeatureMaps(nano, replace(configuration, per_date=True))(series())
    plain = create(
        "paper", CATEGORIES, widths=(64,), condition=32, attention_width=32, depths=(1,), decoder_depths=(1,)
    )
    with pytest.raises(ConfigurationError, match="layout 'pyramid'"):
        FeatureMaps(plain, configuration)
