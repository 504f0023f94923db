"""OSSUM, the output spatial-spectral unification: pixel features and category embeddings to logits."""

import math
from collections.abc import Callable, Sequence
from difflib import get_close_matches

import torch
import torch.nn.functional as F
from einops import einsum, rearrange
from torch import Tensor, nn

from stsun.errors import ConfigurationError
from stsun.model.config import STSUNConfig
from stsun.model.encodings import encode_cells
from stsun.model.hypernetwork import TransformerGenerator
from stsun.tasks import NEUTRAL

Logits = Callable[[Tensor, Tensor, Tensor, int], Tensor]

CELL_FEATURES = 4


class CategoryTable(nn.Module):
    """One trainable row per category name, shared by all data sets and tasks in which the name occurs."""

    def __init__(self, config: STSUNConfig) -> None:
        super().__init__()
        self.names = config.rows
        self.rows = nn.Parameter(F.pad(torch.randn(len(self.names), config.embedding), (0, 1)))

    def forward(self, names: Sequence[str]) -> Tensor:
        """Return ``[K, embedding + 1]``: embedding and bias of each name.

        Raises:
            ConfigurationError: A name is not in the table.
        """
        missing = [name for name in names if name not in self.names]
        if missing:
            raise ConfigurationError(self._unknown(missing))
        places = [self.names.index(name) for name in names]
        return self.rows[torch.tensor(places, dtype=torch.long, device=self.rows.device)]

    def _unknown(self, missing: Sequence[str]) -> str:
        close = [match for name in missing for match in get_close_matches(name, self.names, 1)]
        hint = f"did you mean {', '.join(map(repr, close))}?" if close else f"it knows {', '.join(self.names)}"
        return f"this model does not know the categories {', '.join(map(repr, missing))}; {hint}"


class CategoryHead(nn.Module):
    """Cosine of pixel and category embedding, times a learned scale, plus the category's bias (LSeg's head).

    A category's logits do not depend on which others are asked for.
    """

    def __init__(self, config: STSUNConfig) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Map rows ``K E+1`` to weights ``K 1 E`` and bias ``K``."""
        return F.normalize(rows[:, None, :-1], dim=-1) * self.log_scale.exp(), rows[:, -1]

    @staticmethod
    def logits(pixels: Tensor, weight: Tensor, bias: Tensor, patch: int) -> Tensor:
        """Map ``N h w E`` to ``N K H W``."""
        # an epsilon inside the root keeps the gradient finite where a pixel is all zeros
        length = (pixels.square().sum(dim=-1) + 1e-6).sqrt()
        logits = einsum(pixels, weight[:, 0], "n h w e, k e -> n k h w") / length[:, None] + bias[:, None, None]
        if patch > 1:
            logits = F.interpolate(logits, scale_factor=patch, mode="bilinear", align_corners=False)
        return logits


class GeneratedHead(nn.Module):
    """The paper's OSSUM: a hypernetwork from (category, row, column) to the weights of a linear map per sub-pixel.

    Its Transformer lets the categories asked for see one another: asking for a subset may move the others' logits.
    """

    def __init__(self, config: STSUNConfig) -> None:
        super().__init__()
        self.patch, width = config.patch, config.embedding
        self.generator = TransformerGenerator(width + 1 + CELL_FEATURES, width)
        self.log_scale = nn.Parameter(torch.zeros(()))

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Map rows ``K E+1`` to weights ``K (p p) E`` and bias ``K`` (zero: the weights know the rows' own)."""
        cells = encode_cells(self.patch, rows.device)  # p p, 4
        tokens = torch.cat([rows.repeat_interleave(len(cells), dim=0), cells.repeat(len(rows), 1)], dim=-1)
        weights = self.generator(tokens)  # (K p p) E
        weights = weights / (weights.square().mean(dim=-1, keepdim=True) + 1e-6).sqrt() * weights.shape[-1] ** -0.5
        return (weights * self.log_scale.exp()).unflatten(0, (len(rows), len(cells))), rows.new_zeros(len(rows))

    @staticmethod
    def logits(pixels: Tensor, weight: Tensor, bias: Tensor, patch: int) -> Tensor:
        """Map ``N h w E`` to ``N K H W``."""
        logits = einsum(pixels, weight, "n h w e, k p e -> n k p h w") + bias[:, None, None, None]
        return rearrange(logits, "n k (p q) h w -> n k (h p) (w q)", p=patch, q=patch)


_HEADS: dict[str, type[CategoryHead | GeneratedHead]] = {"category": CategoryHead, "generated": GeneratedHead}


class OSSUM(nn.Module):
    """Category table and head, with the two rules that hold for both: neutral categories and the union of changes."""

    def __init__(self, config: STSUNConfig) -> None:
        super().__init__()
        self.patch = config.patch
        self.table = CategoryTable(config)
        self.head: CategoryHead | GeneratedHead = _HEADS[config.head](config)

    def forward(self, groups: Sequence[Sequence[str]]) -> "Scoring":
        """Return the weights made for these categories, ready for pixel features.

        Args:
            groups: The names that each logit stands for. Those of several (merged categories, or the kinds of a binary
                change) get one: the log of the summed odds. ``background`` and ``unchanged`` have the logit 0 by
                definition.

        Raises:
            ConfigurationError: A category is not known.
        """
        categories = [name for group in groups for name in group]
        asked = [index for index, name in enumerate(categories) if name not in NEUTRAL]
        weight, bias = self.head(self.table([categories[index] for index in asked]))
        if len(asked) < len(categories):
            places = torch.tensor(asked, dtype=torch.long, device=weight.device)
            weight, bias = (
                part.new_zeros(len(categories), *part.shape[1:]).index_copy(0, places, part) for part in (weight, bias)
            )
        return Scoring(self.head.logits, self.patch, weight, bias, [len(group) for group in groups])


class Scoring(nn.Module):
    """Pixel features to logits by given weights ``K (p p) E`` and bias ``K``, of which so many count as one each."""

    weight: Tensor
    bias: Tensor

    def __init__(self, logits: Logits, patch: int, weight: Tensor, bias: Tensor, groups: Sequence[int]) -> None:
        super().__init__()
        self.logits, self.patch, self.groups = logits, patch, list(groups)
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)

    def forward(self, pixels: Tensor) -> Tensor:
        """Map ``N h w E`` to ``N K H W``."""
        logits = self.logits(pixels, self.weight, self.bias, self.patch)
        if all(count == 1 for count in self.groups):
            return logits
        return torch.cat([part.logsumexp(dim=1, keepdim=True) for part in logits.split(self.groups, dim=1)], dim=1)
