from types import SimpleNamespace

import pytest
import torch

from stsun.training.module import TrainingModule
from stsun.training.schedule import OptimiserPlan


@pytest.fixture
def module(pixel_model):
    def make(clip, batches=2):
        module = TrainingModule(pixel_model, OptimiserPlan(clip=clip), steps=1)
        module._trainer = SimpleNamespace(accumulate_grad_batches=batches, world_size=1)
        return module

    return make


def backward(module, gradients):
    """As the trainer does it for one of two batches: each loss is halved."""
    for parameter, value in gradients.items():
        parameter.grad = value / module.trainer.accumulate_grad_batches
    module.on_after_backward()


def test_batches_weigh_alike_however_large_their_gradients(module, pixel_model):
    trained = module(clip=0.5)
    large, small = torch.tensor([300.0, 400.0]), torch.tensor([0.0, 0.1])
    backward(trained, {pixel_model.bias: large})
    assert pixel_model.bias.grad is None
    backward(trained, {pixel_model.bias: small})
    trained.on_before_optimizer_step(None)
    # the large one shrinks to norm 0.5, the small one stays; the update gets their mean
    torch.testing.assert_close(pixel_model.bias.grad, (torch.tensor([0.3, 0.4]) + small) / 2)


def test_the_norm_is_that_of_all_parameters_together(module, pixel_model):
    trained = module(clip=1.0, batches=1)
    backward(trained, {pixel_model.bias: torch.tensor([3.0, 0.0]), pixel_model.change: torch.tensor([4.0])})
    trained.on_before_optimizer_step(None)
    torch.testing.assert_close(pixel_model.bias.grad, torch.tensor([0.6, 0.0]))
    torch.testing.assert_close(pixel_model.change.grad, torch.tensor([0.8]))
    assert pixel_model.weight.grad is None


def test_nothing_is_clipped_at_0_and_nothing_is_left_for_the_next_update(module, pixel_model):
    trained = module(clip=0.0)
    for size in (1e6, 2.0):
        backward(trained, {pixel_model.bias: torch.full((2,), size)})
        backward(trained, {pixel_model.bias: torch.zeros(2)})
        trained.on_before_optimizer_step(None)
        torch.testing.assert_close(pixel_model.bias.grad, torch.full((2,), size / 2))
        pixel_model.bias.grad = None
