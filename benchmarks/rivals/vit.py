"""A plain ViT (Dosovitskiy et al. 2021, positions as in Beyer et al. 2022) that sees each date by itself.

192 channels, six blocks, patches of 8 pixels. A map's features are the mean of its dates, the last of them, and the
absolute difference between first and last, so that a linear head can answer every task.
"""

import torch
from torch import Tensor, nn

from layers import Block, as_pixels, days_encoded, places_encoded
from rival import WIDTH, Periods, Trunk

CHANNELS, HEADS, DEPTH, PATCH, EACH = 192, 3, 6, 8, 16


class Vit(Trunk):
    """Any dates, any maps.

    Args:
        window: Side of the squares that larger images are cut into.
    """

    def __init__(self, window: int) -> None:
        super().__init__()
        self.outputs, self.multiple, self.window = 3 * EACH, PATCH, window
        self.patches = nn.Conv2d(WIDTH, CHANNELS, PATCH, PATCH)
        self.blocks = nn.ModuleList(Block(CHANNELS, HEADS) for _ in range(DEPTH))
        self.pixels = nn.Sequential(nn.LayerNorm(CHANNELS), nn.Linear(CHANNELS, PATCH**2 * EACH))

    def forward(self, features: Tensor, seen: Tensor, days: Tensor, periods: Periods) -> Tensor:
        """Return ``B M outputs H W``."""
        grid = self.patches(features.flatten(0, 1))
        rows, columns = grid.shape[-2:]
        tokens = grid.flatten(2).transpose(1, 2) + places_encoded(rows, columns, PATCH, CHANNELS, days.device)
        tokens = tokens + days_encoded(days, CHANNELS).flatten(0, 1).unsqueeze(1)
        for block in self.blocks:
            tokens = block(tokens)
        dates = as_pixels(self.pixels(tokens), rows, PATCH).unflatten(0, days.shape)
        return torch.stack([_map(dates, seen, start, end) for start, end in periods], 1)


def _map(dates: Tensor, seen: Tensor, start: int, end: int) -> Tensor:
    """Return ``B (3 E) H W`` of dates ``B T E H W``; the mean is over dates where the pixel is seen."""
    weights = seen[:, start : end + 1].unsqueeze(2).to(dates.dtype)
    mean = (dates[:, start : end + 1] * weights).sum(1) / weights.sum(1).clamp(min=1)
    return torch.cat((mean, dates[:, end], (dates[:, end] - dates[:, start]).abs()), 1)
