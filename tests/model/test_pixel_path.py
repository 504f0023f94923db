from copy import deepcopy

import pytest
import torch

from stsun.errors import ConfigurationError
from stsun.model.stsun import create

from .conftest import CATEGORIES, configuration, scene


@pytest.fixture
def model(nano):
    return deepcopy(nano)


def alone(model, images, valid, days, asked):
    with torch.no_grad():
        return model.run(images, valid, days, asked, model.made(asked), surroundings=False)


@pytest.mark.parametrize("task, dates", [("segmentation", 1), ("segmentation", 5), ("semantic_change", 3)])
def test_by_the_path_alone_a_pixel_has_no_neighbours(model, task, dates):
    images, valid, days = scene(dates=dates)
    asked = configuration(task=task)
    order = torch.randperm(32 * 32, generator=torch.Generator().manual_seed(1))

    def moved(array):
        return array.flatten(-2)[..., order].unflatten(-1, (32, 32))

    logits = alone(model, images, valid, days, asked)
    assert logits.std() > 0.01
    torch.testing.assert_close(alone(model, moved(images), moved(valid), days, asked), moved(logits))


def test_the_path_bends_responses_before_dates_are_mixed(model):
    """Two series with one mean differ: a path of lines could not tell them apart."""
    images, valid, days = scene(dates=4)
    asked = configuration()
    flat = images.mean(dim=1, keepdim=True).expand_as(images)
    valid = torch.ones_like(valid)
    days = torch.full_like(days, torch.nan)
    with torch.no_grad():
        model.pixel_path.tum.content.weight.zero_()  # every date then weighs alike
    difference = alone(model, images, valid, days, asked) - alone(model, flat, valid, days, asked)
    assert difference.abs().max() > 0.01


def test_its_part_is_added_to_the_surroundings(model):
    images, valid, days = scene()
    asked = configuration()
    whole = model(images, valid, days, asked)
    with torch.no_grad():
        model.pixel_path.out.weight.zero_(), model.pixel_path.out.bias.zero_()
    assert (model(images, valid, days, asked) - whole).abs().max() > 0.01
    assert alone(model, images, valid, days, asked).flatten(-2).std(dim=-1).max() < 1e-6


def test_a_model_without_one_and_a_layout_that_has_none():
    assert create("nano", CATEGORIES, pixel_width=0).pixel_path is None
    with pytest.raises(ConfigurationError, match="pixel_width must be 0"):
        create("paper", CATEGORIES, pixel_width=8)
