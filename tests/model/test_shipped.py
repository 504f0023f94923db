"""The checkpoint in the package."""

import json
import re
from importlib import resources

import pytest
import torch

from stsun.evaluation.evaluate import predict_sample
from stsun.model.checkpoint import load, read_card
from stsun.simulation.scenes import KINDS, simulate
from stsun.tasks import TASKS

HELD_OUT = 2_000_000
"""Worlds from this seed on are in nobody's training."""


def maps(model, sample):
    with torch.inference_mode():
        return predict_sample(model, sample, torch.device("cpu"))


@pytest.fixture(scope="module")
def shipped():
    return load()


def test_it_knows_every_task_and_what_the_simulated_worlds_ask_for(shipped):
    for task in TASKS:
        assert shipped.categories_for(task)
    for kind in KINDS:
        sample = simulate(kind, HELD_OUT, 32)
        assert maps(shipped, sample).shape == sample.labels.shape


def test_its_card_tells_data_licences_and_how_it_was_made():
    card = read_card()
    assert len(card["training_data"]) > 25
    assert all(data.get("licence") or data["title"] == "simulated" for data in card["training_data"])
    assert card["training"]["samples_seen"]
    assert card["scores"]
    assert not re.search(r'"/(?!/)', json.dumps(card)), "no absolute path"


def test_it_is_small_enough_to_ship():
    folder = resources.files("stsun") / "checkpoints" / "tiny"
    assert sum(len(file.read_bytes()) for file in folder.iterdir()) < 25_000_000


def test_it_maps_unseen_worlds_better_than_the_commonest_category(shipped):
    right = common = total = 0
    for seed in range(HELD_OUT, HELD_OUT + 4):
        sample = simulate("sentinel2-series", seed, 96)
        known = sample.labels != 255
        right += (maps(shipped, sample) == sample.labels)[known].sum()
        counts = [(sample.labels[known] == value).sum() for value in range(sample.classes)]
        common += max(counts)
        total += known.sum()
    assert right / total > common / total + 0.05


def test_every_stride_of_its_encoder_tells_places_apart(shipped):
    spread = {stride: [] for stride in shipped.encoder.strides}

    def watch(_encoder, _arguments, levels):
        for stride, level in zip(spread, levels, strict=True):
            tokens = level.tokens.flatten(0, -2)
            spread[stride].append(float(tokens.var(0).mean() / tokens.square().mean()))

    handle = shipped.encoder.register_forward_hook(watch)
    try:
        for kind in ("aerial-buildings", "sentinel2-series"):
            maps(shipped, simulate(kind, HELD_OUT, 128))
    finally:
        handle.remove()
    # once the coarse strides were nearly constant, and nothing was lost without them
    assert all(min(shares) > 0.1 for shares in spread.values()), spread
