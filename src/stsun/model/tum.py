"""TUM, the temporal unification: tokens of any dates to one set of tokens per output map, by true dates."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from einops import einsum
from torch import Tensor, nn

from stsun.model.config import STSUNConfig
from stsun.model.encoder import Level
from stsun.model.encodings import DATE_FEATURES, PERIOD_FEATURES, ROLES
from stsun.model.hypernetwork import BasisGenerator, TransformerGenerator

FEW_DATES = 8
"""Up to so many, sums are faster date by date: as products of matrices they are tiny ones, one for each pixel."""


class _TUM(nn.Module):
    """One level's temporal unification, in two steps: what dates and periods make of it, and that applied."""

    def forward(self, level: Level, dates: Tensor, maps: Tensor) -> Tensor:
        """Map ``B T H W C`` to ``B M H W out``; ``dates`` B M T F, ``maps`` B M F."""
        return self.at(level.valid, dates, maps)(level)

    def at(self, valid: Tensor, dates: Tensor, maps: Tensor) -> Callable[[Level], Tensor]:
        """Return what maps any rows of a level that is valid where ``valid`` B T H W says, all rows of it."""
        raise NotImplementedError


class AttentionTUM(_TUM):
    """Attention over dates: one query per output map, keys from date, role and content, masked where invalid.

    Each head weighs whole tokens (values are not split over heads; after U-TAE's pooling, paper.md R12). Heads come in
    pairs, which start out looking at the period's start and end; what the two see, and how far it lies apart, is what
    the projection gets: a change is there from the first step on and need not be found in signed weights (R14).
    """

    def __init__(self, config: STSUNConfig, channels: int, out: int) -> None:
        super().__init__()
        heads = config.temporal_heads
        self.relation = BasisGenerator(DATE_FEATURES, heads)
        self.content = nn.Linear(channels, heads)
        self.project = nn.Linear((heads + heads // 2) * channels, out)
        preference = torch.zeros(heads, len(ROLES))
        preference[:, ROLES.index("own")] = 4
        preference[0::2, ROLES.index("start")] = 4
        preference[1::2, ROLES.index("end")] = 4
        self.preference = nn.Parameter(preference)

    def at(self, valid: Tensor, dates: Tensor, maps: Tensor) -> Callable[[Level], Tensor]:
        """See the base class."""
        if valid.shape[1] == 1:
            return self.of_one_date().at(valid, dates, maps)
        scores = self.relation(dates) + einsum(dates[..., : len(ROLES)], self.preference, "b m t r, u r -> b m t u")
        return partial(self._attend, scores)

    def _attend(self, scores: Tensor, level: Level) -> Tensor:
        content = self.content(level.tokens)  # B T H W U
        mask = level.valid[..., None]
        own, apart = self.project.weight.tensor_split([self.content.out_features * level.tokens.shape[-1]], dim=1)
        outputs = []
        for score in scores.unbind(1):
            logits = (content + score[:, :, None, None]).masked_fill(~mask, -1e4)
            weights = logits.softmax(dim=1) * mask
            mixed = _weighted(weights, level.tokens)
            contrast = (mixed[..., 0::2, :] - mixed[..., 1::2, :]).abs()
            outputs.append(F.linear(mixed.flatten(-2), own, self.project.bias) + F.linear(contrast.flatten(-2), apart))
        return torch.stack(outputs, dim=1)

    def of_one_date(self) -> "OneDateTUM":
        """All heads see a single date alike: the same result at a fraction of the cost."""
        heads, channels = self.content.out_features, self.content.in_features
        weight = self.project.weight.unflatten(1, (-1, channels))[:, :heads].sum(dim=1)
        return OneDateTUM(weight, self.project.bias.clone())  # made, as the weight is, and no parameter


def _weighted(weights: Tensor, tokens: Tensor) -> Tensor:
    """Map weights ``B T H W U`` and tokens ``B T H W C`` to their sums over dates ``B H W U C``."""
    if tokens.shape[1] > FEW_DATES:
        return einsum(weights, tokens, "b t h w u, b t h w c -> b h w u c")
    total = weights[:, 0, ..., None] * tokens[:, 0, ..., None, :]
    for weight, date in zip(weights[:, 1:].unbind(1), tokens[:, 1:].unbind(1), strict=True):
        total.addcmul_(weight[..., None], date[..., None, :])
    return total


class OneDateTUM(_TUM):
    """What attention over dates comes to where there is only one: a given linear map ``out C``."""

    weight: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)

    def at(self, valid: Tensor, dates: Tensor, maps: Tensor) -> Callable[[Level], Tensor]:
        """See the base class."""
        return self._map

    def _map(self, level: Level) -> Tensor:
        return F.linear(level.tokens * level.valid[..., None], self.weight, self.bias)


class LinearTUM(_TUM):
    """The paper's module: a generated linear map T to U, ReLU, a generated linear map U to one output, and a residual.

    The metadata are the dates themselves (the paper's first code numbers them 1..T). Content plays no part. A bias is
    the weight of one date more, of ones; in the first map its metadata are learned. The residual, which is the mean of
    the dates, is not the paper's (docs/design.md).
    """

    def __init__(self, config: STSUNConfig, channels: int, out: int) -> None:
        super().__init__()
        self.to_hidden = TransformerGenerator(DATE_FEATURES, config.temporal_heads)
        self.ones = nn.Parameter(torch.randn(DATE_FEATURES))
        self.to_output = TransformerGenerator(PERIOD_FEATURES, config.temporal_heads + 1)
        self.mean = MeanTUM(config, channels, out)

    def at(self, valid: Tensor, dates: Tensor, maps: Tensor) -> Callable[[Level], Tensor]:
        """See the base class."""
        usable = F.pad(valid.flatten(2).any(dim=2), (0, 1), value=True)[:, None]  # B 1 T+1
        metadata = torch.cat([dates, self.ones.expand(*dates.shape[:2], 1, -1)], dim=2)
        first = self.to_hidden(metadata, usable) * usable[..., None]  # B M T+1 U
        second = self.to_output(maps) * first.shape[-1] ** -0.5  # B M U+1
        return partial(self._map, first, second, self.mean.at(valid, dates, maps))

    def _map(self, first: Tensor, second: Tensor, mean: Callable[[Level], Tensor], level: Level) -> Tensor:
        seen = level.valid[..., None].to(level.tokens.dtype)
        tokens, seen = (_with_ones(each, axis=1) for each in (level.tokens * seen, seen))  # B T+1 H W C
        outputs = []
        for into, outof in zip(first.unbind(1), second.unbind(1), strict=True):
            total = einsum(into.abs(), seen, "b t u, b t h w one -> b h w u")[..., None]
            hidden = einsum(into, tokens, "b t u, b t h w c -> b h w u c") / (total + 1e-6)
            outputs.append(einsum(_with_ones(hidden.relu(), axis=3), outof, "b h w u c, b u -> b h w c"))
        return self.mean.project(torch.stack(outputs, dim=1)) + mean(level)


def _with_ones(dates: Tensor, axis: int) -> Tensor:
    """Return the dates along an axis, and one more, of ones."""
    return torch.cat([dates, torch.ones_like(dates.narrow(axis, 0, 1))], dim=axis)


class MeanTUM(_TUM):
    """No learning over time: the mean of all dates, a map's own date, or end minus start."""

    def __init__(self, config: STSUNConfig, channels: int, out: int) -> None:
        super().__init__()
        self.project = nn.Linear(channels, out)

    def at(self, valid: Tensor, dates: Tensor, maps: Tensor) -> Callable[[Level], Tensor]:
        """See the base class."""
        own, start, end, other = dates[..., : len(ROLES)].unbind(-1)  # B M T each
        whole = (other.amin(dim=2, keepdim=True) > 0).to(other.dtype)
        return partial(self._map, own + end - start + whole * other)

    def _map(self, weights: Tensor, level: Level) -> Tensor:
        seen = level.valid[..., None].to(level.tokens.dtype)
        total = einsum(weights.abs(), seen, "b m t, b t h w one -> b m h w")[..., None]
        mixed = einsum(weights, level.tokens * seen, "b m t, b t h w c -> b m h w c")
        return self.project(mixed / total.clamp(min=1))


_KINDS = {"attention": AttentionTUM, "linear": LinearTUM, "mean": MeanTUM}


class TemporalUnification(nn.Module):
    """One TUM per level, and the period's own code added at the coarsest."""

    def __init__(self, config: STSUNConfig, channels: tuple[int, ...], outs: tuple[int, ...]) -> None:
        super().__init__()
        kind = _KINDS[config.temporal]
        self.levels = nn.ModuleList(kind(config, c, out) for c, out in zip(channels, outs, strict=True))
        self.period = nn.Linear(PERIOD_FEATURES, outs[-1])

    def fold_one_date(self) -> None:
        """Settle that there is only one date."""
        levels = (tum.of_one_date() if isinstance(tum, AttentionTUM) else tum for tum in self.levels)
        self.levels = nn.ModuleList(levels)

    def forward(self, levels: Sequence[Level], dates: Tensor, maps: Tensor) -> list[Tensor]:
        """Return ``B M H W C`` of the encoder's levels, finest first."""
        own = self.levels[len(self.levels) - len(levels) :]
        unified = [tum(level, dates, maps) for tum, level in zip(own, levels, strict=True)]
        unified[-1] = unified[-1] + self.period(maps)[:, :, None, None]
        return unified

    def native(self, valid: Tensor, dates: Tensor, maps: Tensor) -> Callable[[Level], Tensor]:
        """Return what gives ``B M H W C`` of any rows of the pyramid's finest level, valid where ``valid`` says."""
        finest = self.levels[0]
        assert isinstance(finest, _TUM)
        return finest.at(valid, dates, maps)
