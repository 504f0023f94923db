"""One small model and configuration for all partners."""

import pytest
import torch
from torch import nn

from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.model.stsun import create

CATEGORIES = ("water", "forest", "building")
RED, NIR = Band("red", 665, 30), Band("nir", 842, 115)


@pytest.fixture
def configuration():
    return Configuration([RED, NIR], 10.0, "segmentation", CATEGORIES)


@pytest.fixture
def nano():
    return create("nano", CATEGORIES, seed=1).eval()


class StandIn(nn.Module):
    """A small network with the surface of a vision transformer: a token for each patch, a class token before them."""

    def __init__(self, bands=2, channels=12, stride=16, prefix=1):
        super().__init__()
        self.prefix = prefix
        generator = torch.Generator().manual_seed(0)
        self.embed = nn.Conv2d(bands, channels, stride, stride)
        nn.init.normal_(self.embed.weight, generator=generator)
        nn.init.zeros_(self.embed.bias)
        self.drop = nn.Dropout(0.5)  # shows in which mode it is
        self.seen = []

    def forward(self, images, bands):
        self.seen.append((tuple(images.shape), tuple(band.name for band in bands)))
        tokens = self.drop(self.embed(images)).flatten(2).mT  # N n c
        return torch.cat([torch.full_like(tokens[:, : self.prefix], 1e3), tokens], dim=1)


@pytest.fixture
def stand_in():
    return StandIn()
