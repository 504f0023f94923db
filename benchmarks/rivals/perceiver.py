"""After Perceiver IO (Jaegle et al. 2022): patches of all dates are read into latents, which each map's patches ask.

As there: cross-attention in, self-attention among latents, cross-attention out, with queries made of the patches'
features and places, as for optical flow. It is small: 128 latents of 128 channels, four blocks, patches of 4 pixels.
"""

import torch
from einops import rearrange
from torch import Tensor, nn

from layers import Block, as_pixels, days_encoded, in_patches, places_encoded
from rival import WIDTH, Periods, Trunk

CHANNELS, LATENTS, HEADS, DEPTH, PATCH, EACH = 128, 128, 4, 4, 4, 16


class Perceiver(Trunk):
    """Any dates, any maps.

    Args:
        window: Side of the squares that larger images are cut into.
    """

    def __init__(self, window: int) -> None:
        super().__init__()
        self.outputs, self.multiple, self.window = EACH, PATCH, window
        self.patches = nn.Conv2d(WIDTH, CHANNELS, PATCH, PATCH)
        self.latents = nn.Parameter(0.02 * torch.randn(LATENTS, CHANNELS))
        self.read = Block(CHANNELS, HEADS, crossed=True)
        self.blocks = nn.ModuleList(Block(CHANNELS, HEADS) for _ in range(DEPTH))
        self.question = nn.Linear(2 * CHANNELS, CHANNELS)
        self.answer = Block(CHANNELS, HEADS, crossed=True)
        self.pixels = nn.Sequential(nn.LayerNorm(CHANNELS), nn.Linear(CHANNELS, PATCH**2 * EACH))

    def forward(self, features: Tensor, seen: Tensor, days: Tensor, periods: Periods) -> Tensor:
        """Return ``B M outputs H W``."""
        grid = self.patches(features.flatten(0, 1))
        rows, columns = grid.shape[-2:]
        tokens = rearrange(grid, "(b t) d r c -> b t (r c) d", b=len(days))
        tokens = tokens + places_encoded(rows, columns, PATCH, CHANNELS, days.device)
        tokens = tokens + days_encoded(days, CHANNELS).unsqueeze(2)
        known = in_patches(seen, rows, columns).flatten(1)
        latents = self.read(self.latents.repeat(len(days), 1, 1), tokens.flatten(1, 2), known)
        for block in self.blocks:
            latents = block(latents)
        starts, ends = (tokens[:, list(dates)] for dates in zip(*periods, strict=True))
        questions = self.question(torch.cat((starts, ends), -1))
        answers = self.answer(questions.flatten(1, 2), latents).unflatten(1, questions.shape[1:3])
        maps = as_pixels(self.pixels(answers).flatten(0, 1), rows, PATCH)
        return maps.unflatten(0, questions.shape[:2])
