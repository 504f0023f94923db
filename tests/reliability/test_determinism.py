"""The same seed gives the same bytes; threads and hash seeds move at most the last bits."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.model.stsun import create
from stsun.prediction.predict import predict

RUN = """
import hashlib, sys
from pathlib import Path
import rasterio, torch
from stsun.model.checkpoint import load
from stsun.prediction.predict import predict
from stsun.training.experiment import train

home = Path(sys.argv[1])
torch.set_num_threads(int(sys.argv[2]))
folder = train(home / "experiment.yaml", [f"output={sys.argv[3]}"])
image = home / "image.tif"
predict(load(folder), [image], task="segmentation", output=folder / "map.tif", tile=24, overlap=8, scale=0.001)
with rasterio.open(folder / "map.tif") as source:
    pixels = source.read().tobytes()
for content in ((folder / "model.safetensors").read_bytes(), pixels):
    print(hashlib.sha256(content).hexdigest())
"""

EXPERIMENT = """
name: twice
data: [{simulation: sentinel1-flood, size: 32, time_swap: false}, {simulation: aerial-change, size: 32}]
model: {size: nano}
stream: {crop: 32, batch_size: 2, accumulate: 2}
optimiser: {warmup: 1}
steps: 2
seed: 5
accelerator: cpu
threads: 1
"""


def write_image(path, size=40):
    import rasterio
    from rasterio.transform import from_origin

    values = np.random.default_rng(0).integers(0, 4000, (1, size, size), dtype="uint16")
    profile = {"count": 1, "height": size, "width": size, "dtype": "uint16", "crs": "EPSG:32633"}
    with rasterio.open(path, "w", driver="GTiff", transform=from_origin(5e5, 5e6, 10, 10), **profile) as target:
        target.write(values)
        target.update_tags(1, wavelength="665")
    return path


@pytest.mark.slow
def test_training_and_predicting_twice_gives_the_same_weights_and_pixels_in_any_process(tmp_path):
    """Two processes with other hash seeds: no order of a set or dictionary may reach a weight or a pixel."""
    (tmp_path / "experiment.yaml").write_text(EXPERIMENT)
    write_image(tmp_path / "image.tif")
    told = []
    for number in ("1", "2"):
        command = [sys.executable, "-c", RUN, str(tmp_path), "1", str(tmp_path / f"run-{number}")]
        environment = {**os.environ, "PYTHONHASHSEED": number, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=140)
        assert done.returncode == 0, done.stderr[-3000:]
        told.append(done.stdout.split()[-2:])
    assert told[0] == told[1] and len(told[0]) == 2


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def asked(task, dates=2, size=(48, 40)):
    random = torch.Generator().manual_seed(3)
    configuration = Configuration([Band("red", 665, 30), Band("nir", 842), Band("vv")], 10.0, task, ["water", "forest"])
    images = torch.rand(2, dates, 3, *size, generator=random)
    valid = torch.rand(2, dates, *size, generator=random) > 0.1
    return images, valid, torch.full((2, dates), 18_000.0, dtype=torch.float64), configuration


@pytest.mark.parametrize("task", ["segmentation", "binary_change", "semantic_change"])
def test_other_threads_move_logits_and_gradients_by_last_bits_only(task, threads):
    model = create("nano", ["water", "forest"], seed=1)
    results = []
    for count in (1, 2, 3):
        threads(count)
        model.zero_grad()
        logits = model(*asked(task))
        logits.square().mean().backward()
        gradient = torch.cat([each.grad.flatten() for each in model.parameters() if each.grad is not None])
        results.append((logits.detach(), gradient))
    for other in results[1:]:
        for found, expected in zip(other, results[0], strict=True):
            assert (found - expected).abs().max() <= 2e-5 * expected.abs().max()


def test_the_same_threads_give_the_same_bits(threads):
    model = create("nano", ["water", "forest"], seed=1).eval()
    for count in (1, 2):
        threads(count)
        with torch.inference_mode():
            assert torch.equal(model(*asked("segmentation")), model(*asked("segmentation")))


def test_a_map_predicted_with_other_threads_differs_at_ties_only(threads, tmp_path):
    import rasterio

    model, image = create("nano", ["water", "forest"], seed=1).eval(), write_image(tmp_path / "image.tif", 64)
    maps, probabilities = [], []
    for count in (1, 2):
        threads(count)
        predict(
            model, [image], task="segmentation", output=tmp_path / f"{count}.tif", probabilities=tmp_path / f"p{count}.tif",
            tile=32, overlap=8, scale=0.001,
        )  # fmt: skip
        with rasterio.open(tmp_path / f"{count}.tif") as source:
            maps.append(source.read())
        with rasterio.open(tmp_path / f"p{count}.tif") as source:
            probabilities.append(source.read().astype(float) * source.scales[0])
    step = np.abs(probabilities[0] - probabilities[1]).max()
    near = np.abs(probabilities[0][0] - probabilities[0][1]) <= 1e-2
    assert step <= 1e-2 and not ((maps[0] != maps[1])[0] & ~near).any()
