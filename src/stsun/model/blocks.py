"""The two blocks that the network is made of. Tokens are ``N H W C``; the condition is one vector ``Z`` per forward."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from torch import Tensor, nn

from stsun.model.windows import Window, partition, unpartition

LITTLE = 0.1
"""What branches add at the start, as a share of what they would add."""


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


class DepthwiseConv(nn.Module):
    """Depthwise convolution on ``N H W C``: sees neighbours, and by the border also where it is."""

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, side, padding=side // 2, groups=channels)

    def forward(self, tokens: Tensor) -> Tensor:
        """Convolve; the permuted view is channels-last, so nothing is copied."""
        return rearrange(self.conv(rearrange(tokens, "n h w c -> n c h w")), "n c h w -> n h w c")


class Rescaled(nn.Linear):
    """The linear map at the end of a residual branch, scaled channel by channel, and little at the start.

    So what a branch adds stays in proportion to what it adds to (LayerScale; Touvron et al., arXiv 2103.17239). Without
    it, branches of the coarse levels grew into large constants, which drowned all that differs from place to place.
    """

    def __init__(self, channels: int, out: int) -> None:
        super().__init__(channels, out)
        self.scale = nn.Parameter(torch.full((out,), LITTLE))

    def forward(self, tokens: Tensor) -> Tensor:
        """Map ``... channels`` to ``... out``; the weights are scaled, not the tokens, as these are more."""
        return F.linear(tokens, self.weight * self.scale[:, None], self.bias * self.scale)

    def folded(self) -> nn.Linear:
        """Return the map with its scale in its weights."""
        linear = nn.Linear(self.in_features, self.out_features, device="meta")
        linear.weight, linear.bias = (
            nn.Parameter(self.weight * self.scale[:, None]),
            nn.Parameter(self.bias * self.scale),
        )
        return linear


def little_norm(channels: int) -> nn.LayerNorm:
    """Return a norm to end a branch with: of a tenth of the size at the start, as a `Rescaled` map is."""
    norm = nn.LayerNorm(channels)
    nn.init.constant_(norm.weight, LITTLE)
    return norm


class MLP(nn.Sequential):
    """Two linear layers with a GELU between."""

    def __init__(
        self, channels: int, hidden: int, out: int | None = None, last: Callable[[int, int], nn.Linear] = nn.Linear
    ) -> None:
        super().__init__(nn.Linear(channels, hidden), nn.GELU(), last(hidden, out or channels))


def fold(module: nn.Module, condition: Tensor | None) -> None:
    """Settle the scales of all branches in a module, and the condition of all norms, if there is one."""
    for parent in list(module.modules()):
        for name, child in parent.named_children():
            if isinstance(child, ConditionedNorm) and condition is not None:
                setattr(parent, name, child.folded(condition))
            elif isinstance(child, Rescaled):
                setattr(parent, name, child.folded())


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
        self.mlp = MLP(channels, 3 * channels, last=Rescaled)

    def forward(self, tokens: Tensor, condition: Tensor | None, valid: Tensor) -> Tensor:
        """Return ``N H W C``. The mask is not needed: invalid pixels are zero before the first layer."""
        return plus(self.mlp(self.norm(self.depthwise(tokens), condition)), tokens)


class AttentionBlock(nn.Module):
    """Window attention that sees where its tokens are by a depthwise 3 x 3, and MLP, each with a residual.

    The paper's LGWA block, with norms before and after each branch (after NormFormer, arXiv 2110.09456), so that none
    outgrows what it adds to. Where they could, the coarsest tokens became one large constant, alike at all places.
    """

    def __init__(self, channels: int, condition: int, head_width: int, window: Window) -> None:
        super().__init__()
        self.window = window
        self.heads = channels // head_width
        self.norm_attention = ConditionedNorm(channels, condition)
        self.position = DepthwiseConv(channels, 3)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.out = nn.Sequential(nn.Linear(channels, channels), little_norm(channels))
        self.norm_mlp = ConditionedNorm(channels, condition)
        self.mlp = nn.Sequential(MLP(channels, 3 * channels), little_norm(channels))

    def forward(self, tokens: Tensor, condition: Tensor | None, valid: Tensor) -> Tensor:
        """Return ``N H W C``; tokens without any valid pixel (``valid`` N H W) are attended to by nobody."""
        normed = self.norm_attention(tokens, condition)
        windows, real, plan = partition(normed + self.position(normed), valid, self.window)
        tokens = tokens + unpartition(self._attend(windows, real), plan)
        return plus(self.mlp(self.norm_mlp(tokens, condition)), tokens)

    def _attend(self, windows: Tensor, real: Tensor) -> Tensor:
        query, key, value = rearrange(self.qkv(windows), "n l (three h d) -> three n h l d", three=3, h=self.heads)
        # a finite bias instead of -inf: a window without any real token stays finite, and is never read
        bias = torch.where(real, 0.0, -1e4).to(query.dtype)
        bias = repeat(bias, "n k -> n 1 q k", q=bias.shape[1])
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        return self.out(rearrange(mixed, "n h l d -> n l (h d)"))
