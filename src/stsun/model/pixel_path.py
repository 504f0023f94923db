"""The pixel path: what a pixel's own spectrum and series say, without neighbours."""

import torch.nn.functional as F
from torch import Tensor, nn

from stsun.model.blocks import ConditionedNorm
from stsun.model.config import STSUNConfig
from stsun.model.encoder import Level
from stsun.model.tum import of_one_date, temporal_unification


class PixelPath(nn.Module):
    """A short way from virtual bands to pixel features, added to what the decoder found out from the surroundings.

    Every response is bent before dates are mixed: a sum over dates of a line tells no more than the line of the sum.
    """

    def __init__(self, config: STSUNConfig) -> None:
        super().__init__()
        width, embedding = config.pixel_width, config.embedding
        self.respond = nn.Linear(config.virtual_bands, width)
        self.tum = temporal_unification(config, width, embedding)
        self.norm = ConditionedNorm(embedding, config.condition)
        self.out = nn.Linear(embedding, embedding)

    def fold_one_date(self) -> None:
        """Settle that there is only one date."""
        self.tum = of_one_date(self.tum)

    def forward(self, pixels: Level, dates: Tensor, maps: Tensor, condition: Tensor | None) -> Tensor:
        """Map virtual bands ``B T H W R`` to ``B M H W embedding``; ``dates`` B M T F, ``maps`` B M F."""
        responses = Level(F.gelu(self.respond(pixels.tokens)), pixels.valid)
        return self.out(F.gelu(self.norm(self.tum(responses, dates, maps), condition)))
