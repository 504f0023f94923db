"""After TSViT (Tarasiou, Chavez, Zafeiriou 2023): a token for each category looks at the dates, then at its neighbours.

As there: time first, place second, a learned token per category, and windows of 12 x 12 patches. Otherwise than there:
patches of 4 pixels instead of 2, 96 channels, two blocks of each kind, and the linear head over all tokens' pixels that
all rivals have.
"""

import torch
from einops import rearrange
from torch import Tensor, nn

from layers import Block, as_pixels, days_encoded, in_patches, places_encoded
from rival import WIDTH, Periods, Trunk

CHANNELS, HEADS, DEPTH, PATCH, EACH = 96, 4, 2, 4, 4


class Tsvit(Trunk):
    """A Transformer over time and one over places; one map of the whole series.

    Args:
        categories: How many tokens look at the series.
    """

    def __init__(self, categories: int) -> None:
        super().__init__()
        self.outputs, self.multiple, self.window = categories * EACH, PATCH, 12 * PATCH
        self.patches = nn.Conv2d(WIDTH, CHANNELS, PATCH, PATCH)
        self.categories = nn.Parameter(0.02 * torch.randn(categories, CHANNELS))
        self.temporal = nn.ModuleList(Block(CHANNELS, HEADS) for _ in range(DEPTH))
        self.spatial = nn.ModuleList(Block(CHANNELS, HEADS) for _ in range(DEPTH))
        self.pixels = nn.Sequential(nn.LayerNorm(CHANNELS), nn.Linear(CHANNELS, PATCH**2 * EACH))

    def forward(self, features: Tensor, seen: Tensor, days: Tensor, _periods: Periods) -> Tensor:
        """Return ``B 1 outputs H W``."""
        grid = self.patches(features.flatten(0, 1))
        rows, columns = grid.shape[-2:]
        tokens = rearrange(grid, "(b t) d r c -> b (r c) t d", b=len(days)) + days_encoded(days, CHANNELS)[:, None]
        known = rearrange(in_patches(seen, rows, columns), "b t r c -> (b r c) t")
        answers = self._over_time(tokens.flatten(0, 1), known)
        answers = rearrange(answers, "(b n) k d -> (b k) n d", b=len(days))
        answers = answers + places_encoded(rows, columns, PATCH, CHANNELS, days.device)
        for block in self.spatial:
            answers = block(answers)
        maps = as_pixels(self.pixels(answers), rows, PATCH)
        return rearrange(maps, "(b k) e h w -> b 1 (k e) h w", b=len(days))

    def _over_time(self, tokens: Tensor, known: Tensor) -> Tensor:
        """Return ``N K d``: what each category's token found in the dates ``N T d``."""
        count = len(self.categories)
        tokens = torch.cat((self.categories.expand(len(tokens), -1, -1), tokens), 1)
        known = torch.cat((known.new_ones(len(known), count), known), 1)
        for block in self.temporal:
            tokens = block(tokens, seen=known)
        return tokens[:, :count]
