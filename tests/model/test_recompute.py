"""What is computed again for the gradient gives the same loss and gradients, and takes less memory."""

from copy import deepcopy

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks

from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.model import recompute
from stsun.model.specialise import specialise
from stsun.model.stsun import create

BANDS = (Band("red", 665, 30), Band("nir", 840, 100), Band("vv"))
CATEGORIES = ("water", "land", "forest")
TASKS = {"segmentation": CATEGORIES, "semantic_change": CATEGORIES, "binary_change": ("changed",)}
PLAIN = {"size": "paper", "widths": (64,), "depths": (1,), "decoder_depths": (1,), "temporal_heads": 2, "condition": 16}


@pytest.fixture(autouse=True)
def small_groups(monkeypatch):
    """Several groups of images and strips of rows also of small ones."""
    monkeypatch.setattr(recompute, "GROUP", 700)


def batch(dates, task, side=24):
    generator = torch.Generator().manual_seed(dates)
    images = torch.rand(2, dates, len(BANDS), side, side + 7, generator=generator)
    valid = torch.rand(2, dates, side, side + 7, generator=generator) > 0.3
    days = 18_000 + 12.0 * torch.arange(dates, dtype=torch.float64).expand(2, -1)
    return images, valid, days, Configuration(BANDS, 10.0, task, TASKS[task])


def learned(model, inputs):
    """The loss and the gradients of one batch."""
    model.zero_grad()
    loss = model(*inputs).sigmoid().square().mean()
    loss.backward()
    return loss, {name: each.grad.clone() for name, each in model.named_parameters() if each.grad is not None}


def kept(model, inputs):
    """Bytes of all that is kept for the gradient, each memory once."""
    seen = {}

    def note(tensor):
        seen[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with saved_tensors_hooks(note, lambda tensor: tensor):
        logits = model(*inputs)
    return sum(seen.values()), logits


@pytest.mark.parametrize("choices", [{"size": "nano"}, {"size": "nano", "temporal": "linear"}, PLAIN])
@pytest.mark.parametrize(
    ("dates", "task"), [(5, "segmentation"), (1, "segmentation"), (3, "semantic_change"), (2, "binary_change")]
)
def test_loss_and_gradients_are_the_same(choices, dates, task):
    model = create(categories=CATEGORIES, **choices).train()
    inputs = batch(dates, task)
    loss, gradients = learned(model, inputs)
    model.recompute = True
    again, others = learned(model, inputs)
    torch.testing.assert_close(again, loss, rtol=1e-5, atol=1e-6)
    assert others.keys() == gradients.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(
            others[name], gradient, rtol=1e-4, atol=1e-5, msg=lambda text, name=name: f"{name}: {text}"
        )


def test_dates_of_other_sensors_are_computed_again_too():
    model = create("nano", CATEGORIES).train()
    images, valid, days, _ = batch(2, "binary_change")
    configuration = Configuration((BANDS[:2], BANDS[2:]), 10.0, "binary_change", ("changed",))
    inputs = [images[:, 0, :2], images[:, 1, 2:]], valid, days, configuration
    _, gradients = learned(model, inputs)
    model.recompute = True
    _, others = learned(model, inputs)
    for name, gradient in gradients.items():
        torch.testing.assert_close(others[name], gradient, rtol=1e-4, atol=1e-5)


def test_much_less_is_kept_for_the_gradient():
    model, inputs = create("nano", CATEGORIES).train(), batch(8, "segmentation", 48)
    all_of_it, _ = kept(model, inputs)
    model.recompute = True
    little, _ = kept(model, inputs)
    assert little < all_of_it / 4


def test_answers_without_gradients_copies_and_specialised_networks_know_nothing_of_it():
    model, inputs = create("nano", CATEGORIES).eval(), batch(3, "segmentation")
    with torch.no_grad():
        expected = model(*inputs)
        model.recompute = True
        torch.testing.assert_close(model(*inputs), expected, rtol=0, atol=0)
        special = specialise(model, inputs[-1])
        torch.testing.assert_close(special(*inputs[:3]), expected, rtol=1e-4, atol=1e-5)
    assert not special.recompute
    assert (
        model.state_dict().keys()
        == deepcopy(model).state_dict().keys()
        == create("nano", CATEGORIES).state_dict().keys()
    )
