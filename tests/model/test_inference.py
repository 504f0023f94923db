"""A model is lent to a device and to evaluation mode, and given back."""

import pytest
import torch
from torch import nn

from stsun.errors import ConfigurationError
from stsun.model.inference import evaluating, usable


def test_modes_are_module_by_module_as_before_even_after_an_error():
    model = nn.Sequential(nn.Dropout(), nn.Linear(1, 1)).train()
    model[0].eval()
    with pytest.raises(ZeroDivisionError), evaluating(model, None) as device:
        assert device.type == "cpu" and not any(module.training for module in model.modules())
        raise ZeroDivisionError
    assert [module.training for module in model.modules()] == [True, False, True]


def test_a_model_without_weights_is_at_home_on_the_cpu():
    with evaluating(nn.Identity(), None) as device:
        assert device == torch.device("cpu")


@pytest.mark.parametrize("device", ["abacus", "meta", "cpu:x"])
def test_a_device_that_is_not_there_is_refused(device):
    with pytest.raises(ConfigurationError, match=r"cannot be used.*try cpu"):
        usable(device)
