"""Small models and random scenes, made once."""

import pytest
import torch

from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.model.stsun import create

CATEGORIES = ["building", "water", "forest", "building change"]
PAPER = {"widths": (64,), "condition": 32, "attention_width": 32, "depths": (4,), "decoder_depths": (2,)}


def bands(count, first=420.0, step=9.0):
    return [Band(f"b{i}", first + step * i, 8 + i % 3) for i in range(count)]


def configuration(count=4, task="segmentation", categories=("building", "water", "forest"), **fields):
    return Configuration(bands(count), fields.pop("gsd_m", 10.0), task, list(categories), **fields)


def scene(batch=1, dates=1, count=4, height=32, width=32, seed=0):
    random = torch.Generator().manual_seed(seed)
    images = torch.rand(batch, dates, count, height, width, generator=random)
    valid = torch.rand(batch, dates, height, width, generator=random) > 0.1
    days = 17_000 + torch.cumsum(torch.rand(batch, dates, generator=random, dtype=torch.float64) * 40, dim=1)
    return images, valid, days


@pytest.fixture(scope="session")
def nano():
    return create("nano", CATEGORIES, seed=1).eval()


@pytest.fixture(scope="session")
def paper():
    return create("paper", CATEGORIES, seed=1, **PAPER).eval()


@pytest.fixture(params=["nano", "paper"])
def model(request):
    return request.getfixturevalue(request.param)


def logits(model, images, valid, days, config):
    with torch.inference_mode():
        return model(images, valid, days, config)
