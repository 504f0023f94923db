"""The decoder: unified tokens of every output map to pixel features."""

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from stsun.model.blocks import MLP, ConditionedNorm, DepthwiseConv, plus, pool_valid
from stsun.model.config import STSUNConfig
from stsun.model.encoder import Blocks


def enlarge(tokens: Tensor, size: torch.Size) -> Tensor:
    """Upsample ``N h w C`` bilinearly to ``N H W C``; ``size`` H W, a multiple of h w."""
    planes = rearrange(tokens, "n h w c -> n c h w")
    larger = F.interpolate(planes, size=size, mode="bilinear", align_corners=False)
    return rearrange(larger, "n c h w -> n h w c")


def enlarged_rows(tokens: Tensor, first: int, last: int) -> Tensor:
    """Return rows first to last, ``N last-first 4w C``, of what `enlarge` makes of tokens ``N h w C`` at stride 4."""
    above, below = max(0, first // 4 - 1), min(tokens.shape[1], (last + 3) // 4 + 1)
    near = tokens[:, above:below]
    larger = enlarge(near, torch.Size((4 * near.shape[1], 4 * near.shape[2])))
    return larger[:, first - 4 * above : last - 4 * above]


class PyramidDecoder(nn.Module):
    """Coarse to fine with the unified skips of every level; the last is the native-resolution one."""

    def __init__(self, config: STSUNConfig) -> None:
        super().__init__()
        widths, embedding = config.widths, config.embedding
        depths = list(enumerate(config.decoder_depths))
        self.blocks = nn.ModuleList(Blocks(config, level, depth) for level, depth in reversed(depths))
        ups = [(widths[2], widths[1]), (widths[1], widths[0]), (widths[0], embedding)]
        self.ups = nn.ModuleList(nn.Linear(coarse, fine) for coarse, fine in ups)
        self.detail = DepthwiseConv(embedding, 3)
        self.norm = ConditionedNorm(embedding, config.condition)
        self.mlp = MLP(embedding, embedding)

    def coarse(self, levels: list[Tensor], valid: Tensor, condition: Tensor | None) -> Tensor:
        """Map levels ``N h w C`` (strides 4, 8, 16) and ``valid`` N H W to ``N H/4 W/4 embedding``."""
        *skips, tokens = levels
        for index, (blocks, up) in enumerate(zip(self.blocks, self.ups, strict=True)):
            tokens = up(blocks(tokens, condition, pool_valid(valid, 16 >> index)))
            if skips:
                skip = skips.pop()
                tokens = skip + enlarge(tokens, skip.shape[1:3])
        return tokens

    def fine(self, pixels: Tensor, tokens: Tensor, condition: Tensor | None) -> Tensor:
        """Add ``N H W embedding`` at native resolution to the coarse tokens as large as it, and look at neighbours."""
        tokens = pixels + tokens
        return plus(self.mlp(self.norm(self.detail(tokens) + tokens, condition)), tokens)


class PlainDecoder(nn.Module):
    """The paper's decoder: attention blocks at one stride, then transposed convolution back to the patch grid."""

    def __init__(self, config: STSUNConfig) -> None:
        super().__init__()
        width, hidden = config.widths[0], 64
        self.stride = config.stride
        self.blocks = Blocks(config, 0, config.decoder_depths[0])
        self.norm = ConditionedNorm(width, config.condition)
        self.mix = nn.Conv2d(width, width, 3, padding=1)
        self.norm_mix = nn.LayerNorm(width)
        self.up = nn.ConvTranspose2d(width, hidden, 12, stride=8, padding=2)
        self.norm_up = nn.LayerNorm(hidden)
        self.out = nn.Conv2d(hidden, config.embedding, 3, padding=1)

    def forward(self, levels: list[Tensor], valid: Tensor, condition: Tensor | None) -> Tensor:
        """Map one level ``N h w C`` and ``valid`` N H W to ``N H/p W/p embedding``."""
        (tokens,) = levels
        seen = pool_valid(valid, self.stride)
        tokens = self.blocks(tokens, condition, seen)
        mixed = self.mix(rearrange(self.norm(tokens, condition), "n h w c -> n c h w"))
        mixed = F.silu(self.norm_mix(rearrange(mixed, "n c h w -> n h w c")))
        cells = self.up(rearrange(mixed, "n h w c -> n c h w"))
        cells = F.silu(self.norm_up(rearrange(cells, "n c h w -> n h w c")))
        return rearrange(self.out(rearrange(cells, "n h w c -> n c h w")), "n c h w -> n h w c")
