"""After U-TAE (Garnot, Landrieu 2021): a U-Net whose levels are summed over the dates by one temporal attention.

As there: 16 heads with a learned query and keys of 4 channels at the coarsest level, whose weights are enlarged for the
finer levels, each head for its group of channels. Otherwise than there: half the encoder's width, and days encoded both
as time since the first and as season.
"""

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from layers import HIDDEN, convolution, days_encoded, in_patches
from rival import WIDTH, Periods, Trunk

ENCODER, DECODER = (32, 32, 64, 128), (32, 32, 64, 128)
HEADS, KEY = 16, 4


class Utae(Trunk):
    """Four levels; one map of the whole series."""

    def __init__(self) -> None:
        super().__init__()
        self.outputs, self.multiple = DECODER[0], 8
        self.first = nn.Sequential(convolution(WIDTH, ENCODER[0]), convolution(ENCODER[0], ENCODER[0]))
        self.down = nn.ModuleList(Down(ENCODER[level], ENCODER[level + 1]) for level in range(3))
        self.attention = TemporalAttention(ENCODER[-1])
        self.up = nn.ModuleList(Up(DECODER[level + 1], ENCODER[level], DECODER[level]) for level in range(3))

    def forward(self, features: Tensor, seen: Tensor, days: Tensor, _periods: Periods) -> Tensor:
        """Return ``B 1 outputs H W``."""
        levels = [self.first(features.flatten(0, 1))]
        for down in self.down:
            levels.append(down(levels[-1]))
        *finer, coarsest = (level.unflatten(0, days.shape) for level in levels)
        maps, weights = self.attention(coarsest, in_patches(seen, *coarsest.shape[-2:]), days)
        for level, up in reversed(list(zip(finer, self.up, strict=True))):
            maps = up(maps, summed(level, weights))
        return maps.unsqueeze(1)


class TemporalAttention(nn.Module):
    """One weight per date, head and place, from a learned query of each head (lightweight temporal attention)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.enter = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * width))
        self.keys = nn.Linear(2 * width, HEADS * KEY, bias=False)  # a bias would shift all dates alike
        self.queries = nn.Parameter(torch.randn(HEADS, KEY) * 2**0.5)
        self.leave = nn.Sequential(nn.Linear(2 * width, width), nn.LayerNorm(width), nn.ReLU())

    def forward(self, maps: Tensor, seen: Tensor, days: Tensor) -> tuple[Tensor, Tensor]:
        """Return ``B C H W`` and the weights ``B T HEADS H W``.

        Args:
            maps: ``B T C H W``.
            seen: ``B T H W`` bool.
            days: ``B T``.
        """
        values = self.enter(rearrange(maps, "b t c h w -> b t h w c"))
        values = values + days_encoded(days, values.shape[-1])[:, :, None, None]
        keys = self.keys(values).unflatten(-1, (HEADS, KEY))
        scores = (keys * self.queries).sum(-1) / KEY**0.5 + torch.where(seen, 0.0, HIDDEN).unsqueeze(-1)
        weights = rearrange(scores.softmax(1), "b t h w g -> b t g h w")
        taken = summed(rearrange(values, "b t h w c -> b t c h w"), weights)
        left = self.leave(rearrange(taken, "b c h w -> b h w c"))
        return rearrange(left, "b h w c -> b c h w"), weights


def summed(maps: Tensor, weights: Tensor) -> Tensor:
    """Return ``B C H W``: dates ``B T C H W`` summed with weights ``B T HEADS h w``, each head for its channels."""
    groups = rearrange(maps, "b t (g c) h w -> b t g c h w", g=HEADS)
    enlarged = F.interpolate(weights.flatten(0, 1), maps.shape[-2:], mode="bilinear").unflatten(0, weights.shape[:2])
    return (groups * enlarged.unsqueeze(3)).sum(1).flatten(1, 2)


class Down(nn.Module):
    """Half the size; two convolutions, the second beside a shortcut."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.narrow = convolution(inputs, inputs, kernel=4, stride=2)
        self.first, self.second = convolution(inputs, outputs), convolution(outputs, outputs)

    def forward(self, maps: Tensor) -> Tensor:
        """Return ``B outputs H/2 W/2``."""
        maps = self.first(self.narrow(maps))
        return maps + self.second(maps)


class Up(nn.Module):
    """Twice the size, joined with the encoder's level; two convolutions, the second beside a shortcut."""

    def __init__(self, inputs: int, skipped: int, outputs: int) -> None:
        super().__init__()
        self.widen = nn.ConvTranspose2d(inputs, outputs, 2, 2)
        self.skip = convolution(skipped, skipped, kernel=1)
        self.first, self.second = convolution(outputs + skipped, outputs), convolution(outputs, outputs)

    def forward(self, maps: Tensor, level: Tensor) -> Tensor:
        """Return ``B outputs 2H 2W``."""
        maps = self.first(torch.cat((self.widen(maps), self.skip(level)), 1))
        return maps + self.second(maps)
