"""A model on its way to answers: on a device, in evaluation mode, and back as it was."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import nn

from stsun.errors import ConfigurationError
from stsun.model.blocks import AttentionBlock


@contextmanager
def evaluating(model: nn.Module, device: str | torch.device | None) -> Iterator[torch.device]:
    """Put a model into evaluation mode on a device (None = where it is); afterwards it is as it was, module by module.

    Raises:
        ConfigurationError: This machine has no such device.
    """
    first = next(model.parameters(), None)
    home = torch.device("cpu") if first is None else first.device
    used = home if device is None else usable(device)
    training = {module: module.training for module in model.modules()}
    try:
        model.to(used).eval()
        yield used
    finally:
        model.to(home)
        for module, mode in training.items():
            module.training = mode


def usable(device: str | torch.device) -> torch.device:
    """Return the device of that name.

    Raises:
        ConfigurationError: This machine has no such device, or it holds no values (``meta``).
    """
    try:
        torch.zeros(1, device=device).cpu()
        return torch.device(device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).split("\n")[0]
        raise ConfigurationError(
            f"the device {str(device)!r} cannot be used ({reason}); try cpu, or leave it out"
        ) from error


@contextmanager
def local_attention(model: nn.Module) -> Iterator[None]:
    """Give blocks whose windows are spread over the whole image plain ones, shifted by half, for as long as it lasts.

    A pixel then depends on its surroundings only, not on how far the image that the network sees reaches. The weights
    were learned with spread windows: whether the results are as good is to be tried.
    """
    spread = [block for block in model.modules() if isinstance(block, AttentionBlock) and block.window.spread]
    before = [block.window for block in spread]
    try:
        for block in spread:
            block.window = replace(block.window, spread=False, shifted=True)
        yield
    finally:
        for block, window in zip(spread, before, strict=True):
            block.window = window


@contextmanager
def within_memory(what: str, device: object, remedy: str) -> Iterator[None]:
    """Tell that there is not enough memory as an error of what needed it.

    Args:
        what: What needed it, such as ``a tile of 512 x 512 pixels``.
        device: Whose memory.
        remedy: What to do.

    Raises:
        ConfigurationError: The block ran out of memory.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not _out_of_memory(error):
            raise
        raise ConfigurationError(f"{what} does not fit into the memory of {device}; {remedy}") from error


def _out_of_memory(error: RuntimeError | MemoryError) -> bool:
    """Return whether memory ran out: on the CPU torch says so in words only."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)
