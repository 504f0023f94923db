"""After BIT (Chen, Qi, Shi 2021): both dates become a few semantic tokens, which a Transformer relates to their pixels.

As there: a ResNet-18 up to its third stage, stride 8, brought to stride 4 and 32 channels; four tokens a date, one
encoder block over the tokens of both, eight decoder blocks, the absolute difference. Otherwise than there: half the
ResNet's width, nothing learned before, norms of groups.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layers import Block, Residual, convolution
from rival import WIDTH, Periods, Trunk

CHANNELS, TOKENS, HEADS, DEPTH = 32, 4, 8, 8


class Bit(Trunk):
    """A Siamese network of convolutions and tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.outputs, self.multiple = CHANNELS, 8
        self.backbone = nn.Sequential(
            convolution(WIDTH, 32, kernel=7, stride=2),
            nn.MaxPool2d(3, 2, 1),
            Residual(32, 32),
            Residual(32, 32),
            Residual(32, 64, stride=2),
            Residual(64, 64),
            Residual(64, 128, dilation=2),
            Residual(128, 128, dilation=2),
            nn.Upsample(scale_factor=2, mode="bilinear"),
            nn.Conv2d(128, CHANNELS, 3, padding=1),
        )
        self.tokens = nn.Conv2d(CHANNELS, TOKENS, 1, bias=False)
        self.places = nn.Parameter(0.02 * torch.randn(2 * TOKENS, CHANNELS))
        self.encoder = Block(CHANNELS, HEADS)
        self.decoder = nn.ModuleList(Block(CHANNELS, HEADS, crossed=True) for _ in range(DEPTH))
        self.end = nn.Sequential(convolution(CHANNELS, CHANNELS), nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1))

    def forward(self, features: Tensor, _seen: Tensor, _days: Tensor, periods: Periods) -> Tensor:
        """Return ``B M outputs H W``."""
        maps = self.backbone(features.flatten(0, 1)).unflatten(0, features.shape[:2])
        return torch.stack([self._change(maps[:, start], maps[:, end]) for start, end in periods], 1)

    def _change(self, before: Tensor, after: Tensor) -> Tensor:
        both = torch.cat((self._tokens(before), self._tokens(after)), 1) + self.places
        contexts = self.encoder(both).chunk(2, 1)
        first, second = (self._related(maps, own) for maps, own in zip((before, after), contexts, strict=True))
        difference = F.interpolate((second - first).abs(), scale_factor=4, mode="bilinear")
        changed: Tensor = self.end(difference)
        return changed

    def _tokens(self, maps: Tensor) -> Tensor:
        """Return ``B TOKENS CHANNELS``: weighted means over the pixels."""
        weights = self.tokens(maps).flatten(2).softmax(-1)
        return weights @ maps.flatten(2).transpose(1, 2)

    def _related(self, maps: Tensor, context: Tensor) -> Tensor:
        pixels = maps.flatten(2).transpose(1, 2)
        for block in self.decoder:
            pixels = block(pixels, context)
        return pixels.transpose(1, 2).unflatten(2, maps.shape[-2:])
