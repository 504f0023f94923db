"""The per-date encoder: virtual bands of every date to tokens at one or several strides."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from einops import rearrange
from torch import Tensor, nn

from stsun.model.blocks import AttentionBlock, ConvBlock, pool_valid
from stsun.model.config import STSUNConfig
from stsun.model.issum import PlainStem, PyramidStem
from stsun.model.strips import by_groups
from stsun.model.surroundings import Surroundings
from stsun.model.windows import window_of_block

Parted = Callable[..., Sequence[Tensor]]
"""Takes work and images, and gives what the work gives of all of them."""


@dataclass
class Level:
    """Tokens of one stride.

    Args:
        tokens: ``B T H W C`` (dates), or ``B M H W C`` (output maps).
        valid: ``B T H W`` bool: the token's footprint holds a valid pixel of that date.
    """

    tokens: Tensor
    valid: Tensor


class Blocks(nn.ModuleList):
    """The blocks of one level: attention at the coarsest, convolution at the finer ones."""

    def __init__(self, config: STSUNConfig, level: int, depth: int) -> None:
        width, condition = config.widths[level], config.condition
        if level < len(config.widths) - 1:
            super().__init__(ConvBlock(width, condition) for _ in range(depth))
        else:
            windows = [window_of_block(config.windows, config.window, block) for block in range(depth)]
            super().__init__(AttentionBlock(width, condition, config.attention_width, w) for w in windows)

    def forward(self, tokens: Tensor, condition: Tensor | None, valid: Tensor) -> Tensor:
        """Map ``N H W C`` to the same, one block after the other."""
        for block in self:
            tokens = block(tokens, condition, valid)
        return tokens


class Encoder(nn.Module):
    """Stem and blocks on each date by itself, weights shared over dates."""

    def __init__(self, config: STSUNConfig) -> None:
        super().__init__()
        self.patch = config.patch
        pyramid = config.layout == "pyramid"
        self.strides = (4, 8, 16) if pyramid else (config.stride,)
        self.surroundings = Surroundings(config) if config.surroundings else None
        self.stem = PyramidStem(config) if pyramid else PlainStem(config)
        self.blocks = nn.ModuleList(Blocks(config, i, depth) for i, depth in enumerate(config.depths))
        pairs = zip(config.widths, config.widths[1:], strict=False)
        self.downs = nn.ModuleList(nn.Linear(4 * fine, coarse) for fine, coarse in pairs)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for width in config.widths)

    def forward(
        self, pixels: Tensor, valid: Tensor, condition: Tensor | None, parted: Parted = by_groups
    ) -> list[Level]:
        """Return one level per stride, finest first.

        Args:
            pixels: ``B T h w R`` virtual bands at stride p, zero where invalid.
            valid: ``B T H W`` at native resolution.
            condition: ``Z``.
            parted: How images are divided into groups that are worked on one after the other.
        """
        work = partial(self._of_images, condition=condition)
        tensors = parted(work, pixels.flatten(0, 1), valid.flatten(0, 1))
        half, split = len(self.strides), {"t": pixels.shape[1]}
        return [
            Level(
                rearrange(tokens, "(b t) h w c -> b t h w c", **split), rearrange(seen, "(b t) h w -> b t h w", **split)
            )
            for tokens, seen in zip(tensors[:half], tensors[half:], strict=True)
        ]

    def _of_images(self, pixels: Tensor, valid: Tensor, condition: Tensor | None) -> list[Tensor]:
        """Map ``N h w R`` and ``N H W`` to the tokens ``N h w C`` of each level, and then to where each is seen."""
        mask = pool_valid(valid, self.patch)[..., None].to(pixels.dtype)
        if self.surroundings is None:
            pixels, context = torch.cat([pixels, mask], dim=-1), None
        else:
            pixels, context = self.surroundings(pixels, mask)
        tokens = self.stem(rearrange(pixels, "n h w r -> n r h w"), context)
        normed: list[Tensor] = []
        seen = [pool_valid(valid, stride) for stride in self.strides]
        for index, (blocks, norm) in enumerate(zip(self.blocks, self.norms, strict=True)):
            if index:
                cells = rearrange(normed[-1], "n (h p) (w q) c -> n h w (p q c)", p=2, q=2)
                tokens = self.downs[index - 1](cells)
            tokens = blocks(tokens, condition, seen[index])
            normed.append(norm(tokens))
        return [*normed, *seen]
