"""The two blocks that the network is made of. Tokens are ``N H W C``; the condition is one vector ``Z`` per forward."""

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from torch import Tensor, nn

from stsun.model.windows import Window, partition, unpartition


class ConditionedNorm(nn.Module):
    """Layer norm over channels whose scale and shift follow task and GSD (FiLM)."""

    def __init__(self, channels: int, condition: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.modulation = nn.Linear(condition, 2 * channels)
        nn.init.normal_(self.modulation.weight, std=0.02)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, tokens: Tensor, condition: Tensor) -> Tensor:
        """Normalise ``... C`` under the condition ``Z``."""
        weight, bias = self._affine(condition)
        return F.layer_norm(tokens, self.norm.normalized_shape, weight, bias, self.norm.eps)

    def folded(self, condition: Tensor) -> "FoldedNorm":
        """Return the norm under this one condition."""
        norm = FoldedNorm(self.norm.normalized_shape, self.norm.eps)
        norm.weight, norm.bias = (nn.Parameter(tensor, requires_grad=False) for tensor in self._affine(condition))
        return norm

    def _affine(self, condition: Tensor) -> tuple[Tensor, Tensor]:
        scale, shift = self.modulation(condition).chunk(2)
        return self.norm.weight * (1 + scale), self.norm.bias * (1 + scale) + shift


class FoldedNorm(nn.LayerNorm):
    """A conditioned norm whose condition is settled."""

    def forward(self, tokens: Tensor, condition: None = None) -> Tensor:
        """Normalise ``... C``."""
        return super().forward(tokens)


def fold_norms(module: nn.Module, condition: Tensor) -> None:
    """Settle the condition of all norms in a module."""
    for parent in list(module.modules()):
        for name, child in parent.named_children():
            if isinstance(child, ConditionedNorm):
                setattr(parent, name, child.folded(condition))


class DepthwiseConv(nn.Module):
    """Depthwise convolution on ``N H W C``: sees neighbours, and by the border also where it is."""

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, side, padding=side // 2, groups=channels)

    def forward(self, tokens: Tensor) -> Tensor:
        """Convolve; the permuted view is channels-last, so nothing is copied."""
        return rearrange(self.conv(rearrange(tokens, "n h w c -> n c h w")), "n c h w -> n h w c")


class MLP(nn.Sequential):
    """Two linear layers with a GELU between."""

    def __init__(self, channels: int, hidden: int, out: int | None = None) -> None:
        super().__init__(nn.Linear(channels, hidden), nn.GELU(), nn.Linear(hidden, out or channels))


def pool_valid(valid: Tensor, stride: int) -> Tensor:
    """Return ``N h w``: whether any pixel of each stride x stride footprint of ``N H W`` is valid."""
    return valid if stride == 1 else F.max_pool2d(valid[:, None].float(), stride)[:, 0] > 0


def plus(change: Tensor, tokens: Tensor) -> Tensor:
    """Return the sum, in the place of the change; in one of its own where that, of autocast, is less precise."""
    return change.add_(tokens) if change.dtype == tokens.dtype else change + tokens


class ConvBlock(nn.Module):
    """Depthwise 5 x 5, conditioned norm, MLP: the block of the fine levels (after ConvNeXt)."""

    def __init__(self, channels: int, condition: int) -> None:
        super().__init__()
        self.depthwise = DepthwiseConv(channels, 5)
        self.norm = ConditionedNorm(channels, condition)
        self.mlp = MLP(channels, 3 * channels)

    def forward(self, tokens: Tensor, condition: Tensor | None, valid: Tensor) -> Tensor:
        """Return ``N H W C``. The mask is not needed: invalid pixels are zero before the first layer."""
        return plus(self.mlp(self.norm(self.depthwise(tokens), condition)), tokens)


class AttentionBlock(nn.Module):
    """Positional depthwise 3 x 3, window attention, MLP, each with a residual: the paper's LGWA block, pre-norm."""

    def __init__(self, channels: int, condition: int, head_width: int, window: Window) -> None:
        super().__init__()
        self.window = window
        self.heads = channels // head_width
        self.position = DepthwiseConv(channels, 3)
        self.norm_attention = ConditionedNorm(channels, condition)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)
        self.norm_mlp = ConditionedNorm(channels, condition)
        self.mlp = MLP(channels, 3 * channels)

    def forward(self, tokens: Tensor, condition: Tensor | None, valid: Tensor) -> Tensor:
        """Return ``N H W C``; tokens without any valid pixel (``valid`` N H W) are attended to by nobody."""
        tokens = tokens + self.position(tokens)
        windows, real, plan = partition(self.norm_attention(tokens, condition), valid, self.window)
        tokens = tokens + unpartition(self._attend(windows, real), plan)
        return plus(self.mlp(self.norm_mlp(tokens, condition)), tokens)

    def _attend(self, windows: Tensor, real: Tensor) -> Tensor:
        query, key, value = rearrange(self.qkv(windows), "n l (three h d) -> three n h l d", three=3, h=self.heads)
        # a finite bias instead of -inf: a window without any real token stays finite, and is never read
        bias = torch.where(real, 0.0, -1e4).to(query.dtype)
        bias = repeat(bias, "n k -> n 1 q k", q=bias.shape[1])
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        return self.out(rearrange(mixed, "n h l d -> n l (h d)"))
