"""Pixels relative to their neighbourhood: what moves a neighbourhood as a whole leaves them as they are."""

import numpy as np
import pytest
import torch

from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.errors import ConfigurationError
from stsun.model.config import named_config
from stsun.model.specialise import specialise
from stsun.model.stsun import create
from stsun.model.surroundings import CELL, FAINT, REACH, STEP, Surroundings

REACHED = (REACH // 2 + 1) * CELL + CELL
"""No pixel is further away than this from one that it has a part in."""


@pytest.fixture
def surroundings():
    torch.manual_seed(0)
    return Surroundings(named_config("nano", ["water"])).eval()


@pytest.fixture
def pixels():
    """Virtual bands of two images with a hole in each, and where they are seen."""
    generator = torch.Generator().manual_seed(1)
    seen = (torch.rand(2, 192, 256, 1, generator=generator) < 0.8).float()
    seen[:, 40:100, :120] = 0
    # not of mean 0 and deviation 1, which relative values have
    return (3 * torch.randn(2, 192, 256, 8, generator=generator) + 2) * seen, seen


def test_light_and_haze_leave_relative_values_as_they_are_and_move_the_context(surroundings, pixels):
    values, seen = pixels
    relative, context = surroundings(values, seen)
    brighter, other = surroundings((2 * values + 3) * seen, seen)
    assert torch.allclose(brighter, relative, atol=0.02)  # but for FAINT
    assert (other - context).abs().mean() > 0.1


def test_mean_and_spread_are_those_of_what_is_seen_around(surroundings, pixels):
    values, seen = pixels
    relative, _ = surroundings(values, seen)
    down, right = 5 * CELL, 8 * CELL  # a cell whose neighbourhood lies within the image
    reach = (REACH // 2) * CELL
    around = np.s_[0, down - reach : down + CELL + reach, right - reach : right + CELL + reach]
    there = values[around].numpy()[seen[around][..., 0].bool().numpy()]
    expected = (values[0, down, right] - torch.from_numpy(there.mean(0))) / torch.from_numpy(
        there.var(0) + FAINT
    ).sqrt()
    assert relative.shape[-1] == 9 and torch.equal(relative[..., -1:], seen)
    # neighbourhoods differ little from cell to cell, and values between their centres are interpolated
    assert torch.allclose(relative[0, down, right, :-1], expected * seen[0, down, right], atol=0.25)
    assert relative[..., :-1][seen[..., 0] == 0].abs().max() == 0


def test_a_flat_image_has_no_relative_values_and_no_image_gives_nothing(surroundings):
    seen = torch.ones(1, 64, 64, 1)
    relative, _ = surroundings(torch.full((1, 64, 64, 8), 0.7), seen)
    assert relative[..., :-1].abs().max() < 1e-4
    relative, context = surroundings(torch.zeros(1, 64, 64, 8), torch.zeros_like(seen))
    assert relative.abs().max() == 0 and context.isfinite().all()


def test_what_is_far_away_plays_no_part(surroundings, pixels):
    values, seen = pixels
    relative, context = surroundings(values, seen)
    moved = values.clone()
    moved[:, :, :CELL] += 5 * seen[:, :, :CELL]
    other, there = surroundings(moved, seen)
    far = CELL + REACHED
    assert torch.equal(other[:, :, far:], relative[:, :, far:])
    assert torch.equal(there[:, :, far // STEP :], context[:, :, far // STEP :])
    assert not torch.equal(other[:, :, CELL : 2 * CELL], relative[:, :, CELL : 2 * CELL])


def test_strips_are_the_whole(surroundings, pixels):
    tall, seen = (each.repeat(1, 4, 4, 1) for each in pixels)
    whole = surroundings(tall, seen)
    with torch.no_grad():
        parted = surroundings(tall, seen)
    for one, other in zip(whole, parted, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("surroundings", [True, False])
def test_a_model_may_see_values_as_they_are(surroundings):
    model = create("nano", ["water", "forest"], surroundings=surroundings).eval()
    configuration = Configuration(
        [Band("red", 665, 30), Band("nir", 842, 100)], 10.0, "segmentation", ("water", "forest")
    )
    request = (torch.rand(1, 1, 2, 40, 56), torch.ones(1, 1, 40, 56, dtype=torch.bool), torch.zeros(1, 1).double())
    with torch.inference_mode():
        logits = model(*request, configuration)
        assert torch.allclose(specialise(model, configuration)(*request), logits, atol=1e-5)
    assert (
        model.config.surroundings == surroundings == any("surroundings" in name for name, _ in model.named_parameters())
    )


@pytest.mark.parametrize("switch", ["surroundings", "task_embedding"])
@pytest.mark.parametrize("value", ["x", -1, 1, 1e9, [True], None])
def test_a_switch_is_true_or_false(switch, value):
    with pytest.raises(ConfigurationError, match=f"{switch} is .*expected True or False"):
        named_config("nano", ["water"], **{switch: value})


def test_the_plain_layout_knows_no_surroundings():
    assert not named_config("paper", ["water"]).surroundings
    with pytest.raises(ConfigurationError, match="set surroundings to False"):
        create("paper", ["water"], surroundings=True)
