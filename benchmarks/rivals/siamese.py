"""FC-Siam-diff (Daudt, Le Saux, Boulch 2018): one encoder for both dates, a decoder over the differences of its levels.

Widths, numbers of convolutions and the decoder's start from the later date are those of the paper; norms are of groups,
and there is no dropout.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layers import convolution
from rival import WIDTH, Periods, Trunk

WIDTHS, COUNTS = (16, 32, 64, 128), (2, 2, 3, 3)


class FCSiamDiff(Trunk):
    """Four levels of 16 to 128 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.outputs, self.multiple = WIDTHS[0], 16
        inputs = (WIDTH, *WIDTHS[:-1])
        outputs = (WIDTHS[0], *WIDTHS[:-1])
        levels = list(zip(inputs, WIDTHS, COUNTS, strict=True))
        self.down = nn.ModuleList(_chain((first, *[width] * count)) for first, width, count in levels)
        self.widen = nn.ModuleList(nn.ConvTranspose2d(width, width, 2, 2) for width in WIDTHS)
        self.up = nn.ModuleList(
            _chain((2 * width, *[width] * (count - 1), last))
            for width, count, last in zip(WIDTHS, COUNTS, outputs, strict=True)
        )

    def forward(self, features: Tensor, _seen: Tensor, _days: Tensor, periods: Periods) -> Tensor:
        """Return ``B M outputs H W``."""
        dates = features.shape[:2]
        maps, levels = features.flatten(0, 1), []
        for down in self.down:
            maps = down(maps)
            levels.append(maps.unflatten(0, dates))
            maps = F.max_pool2d(maps, 2)
        deepest = maps.unflatten(0, dates)
        return torch.stack([self._decoded(levels, deepest[:, end], start, end) for start, end in periods], 1)

    def _decoded(self, levels: list[Tensor], maps: Tensor, start: int, end: int) -> Tensor:
        for level, widen, up in reversed(list(zip(levels, self.widen, self.up, strict=True))):
            difference = (level[:, end] - level[:, start]).abs()
            maps = up(torch.cat((widen(maps), difference), 1))
        return maps


def _chain(widths: tuple[int, ...]) -> nn.Sequential:
    return nn.Sequential(*(convolution(inputs, outputs) for inputs, outputs in pairwise(widths)))
