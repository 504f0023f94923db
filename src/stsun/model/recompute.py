"""Gradients in less memory: what parts of the network work out on the way is computed again for the gradient."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from stsun.model.encoder import Level
from stsun.model.strips import joined

GROUP = 2**16
"""Pixels of what is computed again at a time: with fewer it takes little less memory, with more no less time."""


class Recomputed(nn.Module):
    """Work of the same results and gradients, for which only what goes in and comes out is kept."""

    def __init__(self, work: Callable[..., Any]) -> None:
        super().__init__()
        self.work = work

    def forward(self, *arguments: Any) -> Any:
        """Return what the work gives."""
        # nothing here draws random numbers, so that their state need not be kept
        return checkpoint(self.work, *arguments, use_reentrant=False, preserve_rng_state=False)


def recomputed_by_groups(work: Callable[..., Sequence[Tensor]], *images: Tensor) -> list[Tensor]:
    """Return what ``work(*images)`` gives, some tensors ``N ...``, computed and recomputed group by group.

    Args:
        work: Takes some of the images; what it gives of one must not depend on which others are with it.
        images: Tensors ``N ...``; the last one has a value for each pixel.
    """
    # split, as slices would each get a gradient as large as the whole
    pieces = [one.split(max(1, GROUP // images[-1][0].numel())) for one in images]
    groups = [Recomputed(work)(*group) for group in zip(*pieces, strict=True)]
    return [joined(same) for same in zip(*groups, strict=True)]


def recomputed_by_rows(work: Callable[[Level], Tensor], level: Level) -> Tensor:
    """Return ``B M H W out``: what ``work`` makes of each pixel of a level, computed and recomputed by some rows."""
    rows = max(1, GROUP // level.valid[:, :, :1].numel())
    strips = zip(level.tokens.split(rows, dim=2), level.valid.split(rows, dim=2), strict=True)
    return torch.cat([Recomputed(work)(Level(tokens, valid)) for tokens, valid in strips], dim=2)
