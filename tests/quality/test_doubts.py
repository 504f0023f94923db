"""Samples whose labels a model contradicts come first."""

import numpy as np
import pytest
import rasterio
import torch
import yaml
from torch import nn

from stsun.data.dataset import open_dataset
from stsun.quality.doubts import doubts


class Sure(nn.Module):
    """Gives the category that the first band's value is, ten times as much as the others."""

    def forward(self, images, valid, days, configuration):
        stored = images[:, -1:, 0].round().long()
        logits = 10.0 * nn.functional.one_hot(stored, 3).movedim(-1, 2).float()
        return logits[:, :, 1:2] - logits[:, :, :1] if configuration.task == "binary_change" else logits


def made(folder, wrong, task="segmentation"):
    """Three samples of 100 pixels that look like their labels, but for some."""
    for number, count in enumerate(wrong):
        truth = np.random.default_rng(number).integers(0, 2 if task == "binary_change" else 3, 100)
        labels = truth.copy()
        labels[:count] = 1 - truth[:count].clip(max=1)
        for name, array, kind in ((f"{number}.tif", truth, "float32"), (f"{number}_l.tif", labels, "uint8")):
            profile = {"count": 1, "height": 10, "width": 10, "dtype": kind}
            with rasterio.open(folder / name, "w", driver="GTiff", **profile) as file:
                file.write(array.reshape(1, 10, 10).astype(kind))
    (folder / "train.txt").write_text("0\n1\n2\n")
    pair = task == "binary_change"
    names = {0: "unchanged", 1: "flooded"} if pair else {0: "water", 1: "forest", 2: "rock"}
    content = {"name": "made", "task": task, "bands": [{"name": "vv"}], "labels": ["{id}_l.tif"], "classes": names}
    content |= {"images": ["{id}.tif"] * (1 + pair), "splits": {"train": "train.txt"}}
    (folder / "set.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    return open_dataset(folder / "set.yaml")


@pytest.mark.parametrize("task", ["segmentation", "binary_change"])
def test_the_most_contradicted_sample_comes_first(tmp_path, task):
    found = doubts(Sure(), made(tmp_path, [10, 40, 0], task), "train")
    assert [one["id"] for one in found] == ["1", "0", "2"]
    assert [one["contradicted"] for one in found] == [0.4, 0.1, 0]
    assert found[0]["loss"] > found[1]["loss"] > found[2]["loss"]
    assert found[2]["labelled"] is None
    names = {"unchanged", "flooded"} if task == "binary_change" else {"water", "forest", "rock"}
    assert {found[0]["labelled"], found[0]["predicted"]} <= names


def test_only_as_many_as_asked_for_and_the_loss_is_the_cross_entropy(tmp_path):
    (found,) = doubts(Sure(), made(tmp_path, [0, 40, 0]), "train", count=1)
    right, wrong = (float(torch.log_softmax(torch.tensor([10.0, 0, 0]), 0)[place]) for place in (0, 1))
    assert found["loss"] == pytest.approx(-(0.6 * right + 0.4 * wrong), rel=1e-5)
