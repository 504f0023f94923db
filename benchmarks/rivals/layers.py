"""Layers that several rivals are made of.

Norms are of groups of channels or of one token: batches are too small, and too unlike, for statistics of a batch.
"""

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

YEAR_DAYS = 365.25
LONGEST = 1000.0
"""Of the waves that encode days and pixels."""
GROUPS = 4
HIDDEN = -1e4
"""Added to what shall not be attended to: large, but finite, so that a token with nothing to see gets no NaN."""


def convolution(inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """Return a convolution, a norm and ReLU; the size stays, or is divided by the stride."""
    padding = dilation * (kernel - 1) // 2
    convolved = nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, bias=False)
    return nn.Sequential(convolved, nn.GroupNorm(GROUPS, outputs), nn.ReLU())


class Residual(nn.Module):
    """Two convolutions beside a shortcut, as in ResNet-18."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.first = convolution(inputs, outputs, stride=stride, dilation=dilation)
        self.second = convolution(outputs, outputs, dilation=dilation)[:2]
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, maps: Tensor) -> Tensor:
        """Return ``B outputs H/stride W/stride``."""
        return F.relu(self.shortcut(maps) + self.second(self.first(maps)))


class Block(nn.Module):
    """A Transformer block with norms before its parts: tokens look at a context, or at one another.

    Args:
        width: Channels of a token.
        heads: Of the attention.
        crossed: Whether there is a context.
    """

    def __init__(self, width: int, heads: int, *, crossed: bool = False) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.context_norm = nn.LayerNorm(width) if crossed else nn.Identity()
        self.query, self.key_value = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.projection = nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, tokens: Tensor, context: Tensor | None = None, seen: Tensor | None = None) -> Tensor:
        """Return ``B N width``.

        Args:
            tokens: ``B N width``.
            context: ``B L width``; None = the tokens themselves.
            seen: ``B L`` bool, false = not attended to; None = all are.
        """
        asking = self.norm(tokens)
        looked_at = asking if context is None else self.context_norm(context)
        split = "b n (h d) -> b h n d"
        key, value = (rearrange(part, split, h=self.heads) for part in self.key_value(looked_at).chunk(2, -1))
        query = rearrange(self.query(asking), split, h=self.heads)
        bias = None if seen is None else torch.where(seen, 0.0, HIDDEN)[:, None, None].to(query.dtype)
        found = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        tokens = tokens + self.projection(rearrange(found, "b h n d -> b n (h d)"))
        return tokens + self.mlp(tokens)


def waves(values: Tensor, width: int) -> Tensor:
    """Return ``... width`` sines and cosines of numbers, of ever longer waves; NaN gives zeros."""
    scale = LONGEST ** (torch.arange(width // 2, device=values.device, dtype=torch.float64) / (width // 2))
    angles = values.double().unsqueeze(-1) / scale
    return torch.cat((angles.sin(), angles.cos()), -1).nan_to_num(0.0).float()


def days_encoded(days: Tensor, width: int) -> Tensor:
    """Return ``B T width`` for ``B T`` days: half of it the time since the first date, half the season."""
    first = torch.where(days.isnan(), torch.inf, days).amin(1, keepdim=True)
    return torch.cat((waves(days - first, width // 2), waves(days % YEAR_DAYS, width // 2)), -1)


def places_encoded(rows: int, columns: int, patch: int, width: int, device: torch.device) -> Tensor:
    """Return ``N width`` for the centres, in pixels, of rows x columns patches: half of it down, half to the right."""
    down, right = (waves((torch.arange(count, device=device) + 0.5) * patch, width // 2) for count in (rows, columns))
    halves = (down[:, None].expand(rows, columns, -1), right[None].expand(rows, columns, -1))
    return torch.cat(halves, -1).flatten(0, 1)


def in_patches(seen: Tensor, rows: int, columns: int) -> Tensor:
    """Return ``B T rows columns``: whether any pixel of ``B T H W`` is seen there."""
    return F.adaptive_max_pool2d(seen.float(), (rows, columns)) > 0


def as_pixels(tokens: Tensor, rows: int, patch: int) -> Tensor:
    """Return ``B E H W`` of tokens ``B N (patch patch E)``."""
    return rearrange(tokens, "b (r c) (p q e) -> b e (r p) (c q)", r=rows, p=patch, q=patch)
