"""Work done part by part, so that what is at work at a time stays in the processor's cache."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

STRIP = 2**15
"""Pixels of a strip of rows, about: a plane of a few channels then has a few megabytes."""

GROUP = 2**18
"""Pixels of a group of images."""

HALO = 1
"""Rows to either side of a strip that are computed with it, as its own rows look at them."""


def at_once() -> bool:
    """Return whether nothing is to be parted: gradients are wanted, or the network is being traced for any size."""
    return torch.is_grad_enabled() or torch.compiler.is_compiling()


def by_strips(work: Callable[[int, int], Tensor], height: int, width: int) -> Tensor:
    """Return ``N K H W`` of what ``work(top, bottom)`` gives of rows, ``N K bottom-top W``; not for `at_once`.

    Args:
        work: Computes some rows; all but those at the edges of what it is asked for must be right.
        height: Rows in all.
        width: Pixels of a row, those of all images that it takes counted.
    """
    strips = []
    for first, last in _parts(height, STRIP // width):
        top, bottom = max(0, first - HALO), min(height, last + HALO)
        strips.append(work(top, bottom)[:, :, first - top : last - top])
    return torch.cat(strips, dim=2)


def by_groups(work: Callable[..., Sequence[Tensor]], *images: Tensor) -> Sequence[Tensor]:
    """Return what ``work(*images)`` gives, some tensors ``N ...``, computed for groups of the N images.

    Args:
        work: Takes some of the images; what it gives of one must not depend on which others are with it.
        images: Tensors ``N ...``; the last one has a value for each pixel.
    """
    if at_once():
        return work(*images)
    count, pixels = len(images[-1]), images[-1][0].numel()
    parts = [work(*(one[first:last] for one in images)) for first, last in _parts(count, GROUP // pixels)]
    return parts[0] if len(parts) == 1 else [torch.cat(same) for same in zip(*parts, strict=True)]


def _parts(length: int, size: int) -> Iterator[tuple[int, int]]:
    for first in range(0, length, max(1, size)):
        yield first, min(first + max(1, size), length)
