"""Work done part by part, so that what is at work at a time stays in the processor's cache."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

STRIP = 2**15
"""Pixels of a strip of rows, about: a plane of a few channels then has a few megabytes."""

ROWS = 16
"""Rows of a strip at least: of fewer, much of the work would be that on rows beside it."""

VALUES = 2**19
"""Values of a strip of an image of any number of bands."""

GROUP = 2**18
"""Pixels of a group of images."""

HALO = 1
"""Rows to either side of a strip that are computed with it, as its own rows look at them."""


def at_once(tensor: Tensor) -> bool:
    """Return whether nothing is to be parted.

    Gradients are wanted, the network is being traced for any size, or the tensor is on a device that is the faster the
    more it gets; shapes alone (``meta``) are parted as on the CPU, so that operations are counted as they are done.
    """
    parted = tensor.device.type in ("cpu", "meta")
    return torch.is_grad_enabled() or torch.compiler.is_compiling() or not parted


def by_strips(work: Callable[[int, int], Tensor], height: int, width: int) -> Tensor:
    """Return ``N K H W`` of what ``work(top, bottom)`` gives of rows, ``N K bottom-top W``; not for `at_once`.

    Args:
        work: Computes some rows; all but those at the edges of what it is asked for must be right.
        height: Rows in all.
        width: Pixels of a row, those of all images that it takes counted.
    """
    strips = []
    for first, last in parts(height, max(ROWS, STRIP // width)):
        top, bottom = max(0, first - HALO), min(height, last + HALO)
        strips.append(work(top, bottom)[:, :, first - top : last - top])
    return joined(strips, dim=2)


def by_groups(work: Callable[..., Sequence[Tensor]], *images: Tensor) -> Sequence[Tensor]:
    """Return what ``work(*images)`` gives, some tensors ``N ...``, computed for groups of the N images.

    Args:
        work: Takes some of the images; what it gives of one must not depend on which others are with it.
        images: Tensors ``N ...``; the last one has a value for each pixel.
    """
    if at_once(images[-1]):
        return work(*images)
    count, pixels = len(images[-1]), images[-1][0].numel()
    groups = [work(*(one[first:last] for one in images)) for first, last in parts(count, GROUP // pixels)]
    return [joined(same) for same in zip(*groups, strict=True)]


def joined(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Return tensors as one; a single one as it is."""
    return tensors[0] if len(tensors) == 1 else torch.cat(list(tensors), dim=dim)


def parts(length: int, size: int) -> Iterator[tuple[int, int]]:
    """Return where parts of so many, or of one at least, begin and end."""
    for first in range(0, length, max(1, size)):
        yield first, min(first + max(1, size), length)
