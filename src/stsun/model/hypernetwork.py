"""The Dimension Unified Module (paper, section 3.2): metadata tokens in, weights of a linear map out.

One vector of weights comes out for each metadata token, so the linear map has as many inputs (or outputs) as there are
tokens, and no parameter depends on their number. Weights are normalised where they are used, so that features keep
their scale at initialisation whatever the number of tokens.
"""

from torch import Tensor, nn

from stsun.model.blocks import MLP


class BasisGenerator(nn.Module):
    """An MLP on each token by itself: a continuous basis over the metadata, blind to the other tokens."""

    def __init__(self, features: int, out: int, width: int = 64) -> None:
        super().__init__()
        self.embed = nn.Linear(features, width)
        self.mlp = MLP(width, 2 * width)
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, out)
        nn.init.normal_(self.out.weight, std=width**-0.5)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map ``... N features`` to ``... N out``."""
        embedded = self.embed(tokens)
        return self.out(self.norm(embedded + self.mlp(embedded)))


class TransformerGenerator(nn.Module):
    """A one-layer Transformer over all tokens, without positions: permuting tokens permutes the weights."""

    def __init__(self, features: int, out: int, width: int = 64) -> None:
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(features, width), MLP(width, width))
        self.layer = nn.TransformerEncoderLayer(width, 4, width, dropout=0.0, activation="gelu", batch_first=True)
        self.out = nn.Linear(width, out)
        nn.init.normal_(self.out.weight, std=width**-0.5)

    def forward(self, tokens: Tensor, real: Tensor | None = None) -> Tensor:
        """Map ``... N features`` to ``... N out``; tokens that are not ``real`` (``... N``) are seen by no other."""
        sets = tokens.reshape(-1, *tokens.shape[-2:])
        padding = None
        if real is not None:
            real = real | ~real.any(dim=-1, keepdim=True)  # attention over nothing would be NaN
            padding = ~real.expand(tokens.shape[:-1]).reshape(sets.shape[:-1])
        embedded = self.embed(sets)
        weights = self.out(self.layer(embedded, src_key_padding_mask=padding) + embedded)
        return weights.reshape(*tokens.shape[:-1], -1)
