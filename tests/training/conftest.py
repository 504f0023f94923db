"""Small labelled samples whose label can be learned from their pixels."""

import numpy as np
import pytest
import torch
from torch import nn

from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.data.sample import Sample
from stsun.training.schedule import OptimiserPlan

RED, NIR = Band("red", 665, 30), Band("nir", 840, 100)


def make_sample(name, task, seed, *, size=(32, 32), dates=2, gsd_m=10.0, bands=(RED, NIR)):
    """A sample whose pixels are water where they are dark; changed where that differs."""
    rng = np.random.default_rng(seed)
    ground = rng.uniform(0, 0.6, (dates, 1, *size)) + rng.uniform(0, 0.02, (dates, len(bands), *size))
    images = list(ground.astype(np.float32))
    maps = np.stack([(image[-1] > 0.3).astype(np.int64) for image in images])
    configuration = {
        "segmentation": Configuration(bands, gsd_m, "segmentation", ("water", "land")),
        "binary_change": Configuration(bands, gsd_m, "binary_change", ("changed",)),
        "semantic_change": Configuration(bands, gsd_m, "semantic_change", ("water", "land")),
    }[task]
    labels = {
        "segmentation": maps[-1:],
        "binary_change": (maps[1:] != maps[:-1]).astype(np.int64),
        "semantic_change": maps,
    }[task]
    days = 18_000.0 + 16.0 * np.arange(dates)
    return Sample(f"{name}-{seed}", images, np.ones((dates, *size), bool), days, labels, configuration)


class PixelModel(nn.Module):
    """A model of the right interface with a handful of weights; deterministic on every machine."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.weight = nn.Parameter(torch.randn(2, 4, generator=generator))
        self.bias = nn.Parameter(torch.zeros(2))
        self.change = nn.Parameter(torch.ones(1))

    def forward(self, images, valid, days, configuration):
        dates = torch.stack([date.mean(1) for date in images], 1) if isinstance(images, list) else images.mean(2)
        features = torch.stack([dates, dates**2, dates.sin(), dates.cos()], -1)
        logits = (features @ self.weight.T + self.bias).movedim(-1, 2)  # B T 2 H W
        if configuration.task == "binary_change":
            return self.change * (logits[:, 1:, :1] - logits[:, :-1, :1]) ** 2
        return logits if configuration.task == "semantic_change" or configuration.per_date else logits[:, -1:]


@pytest.fixture
def plan():
    return OptimiserPlan(learning_rate=1e-2, warmup=2, ema=0.9)


@pytest.fixture(name="make_sample")
def sample_maker():
    return make_sample


@pytest.fixture
def pixel_model():
    return PixelModel()
