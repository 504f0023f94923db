import json
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import rasterio
import torch
import yaml
from safetensors.torch import load_file

from stsun.errors import DataError, ExperimentError
from stsun.model.checkpoint import load, read_card
from stsun.training import validation
from stsun.training.experiment import read_experiment, run, train
from stsun.training.record import RESOLVED, SCORES, VERSIONS

DESCRIPTION = {
    "name": "dark-water",
    "licence": "CC0",
    "task": "segmentation",
    "gsd_m": 10,
    "bands": [{"name": "red", "wavelength_nm": 665}, {"name": "nir", "wavelength_nm": 840}],
    "scale": 0.001,
    "images": ["{id}.tif"],
    "labels": ["{id}_label.tif"],
    "classes": {0: "water", 1: "land"},
    "colors": {"water": "#010203"},
    "splits": {"train": "train.txt", "val": "val.txt"},
}


def write(path, array):
    profile = {"driver": "GTiff", "count": len(array), "height": array.shape[1], "width": array.shape[2]}
    with rasterio.open(path, "w", dtype=array.dtype, **profile) as file:
        file.write(array)


@pytest.fixture
def folder(tmp_path):
    """A data set of which dark pixels are water, and an experiment of it and simulated floods."""
    data = tmp_path / "data"
    data.mkdir()
    rng = np.random.default_rng(0)
    for number in range(5):
        ground = rng.integers(0, 600, (1, 32, 32))
        write(data / f"s{number}.tif", np.concatenate([ground, ground + 5]).astype(np.int16))
        write(data / f"s{number}_label.tif", (ground > 300).astype(np.uint8))
    (data / "train.txt").write_text("s0\ns1\ns2\n")
    (data / "val.txt").write_text("s3\ns4\n")
    (data / "dataset.yaml").write_text(yaml.safe_dump(DESCRIPTION))
    experiment = {
        "name": "toy",
        "output": str(tmp_path / "run"),
        "model": {"size": "nano"},
        "data": [
            {"dataset": "data/dataset.yaml", "validation": "val"},
            {"simulation": "sentinel1-flood", "size": 32, "time_swap": False},
        ],
        "stream": {"crop": 32, "batch_size": 2, "accumulate": 2},
        "optimiser": {"warmup": 1},
        "steps": 4,
        "validate_every": 2,
        "checkpoint_every": 2,
        "accelerator": "cpu",
    }
    (tmp_path / "experiment.yaml").write_text(yaml.safe_dump(experiment))
    return tmp_path


def test_an_experiment_leaves_a_model_with_all_that_is_needed_to_repeat_it(folder):
    run_folder = train(folder / "experiment.yaml")
    assert run_folder == folder / "run"
    model = load(run_folder)
    assert set(model.categories) == {"water", "land", "flooded"}
    assert model.categories_for("binary_change") == ("flooded",)
    card = read_card(run_folder)
    assert [data["name"] for data in card["training_data"]] == ["dark-water", "sentinel1-flood"]
    assert card["training_data"][0]["licence"] == "CC0"
    assert card["training"]["steps"] == 4
    assert set(card["training"]["samples_seen"]) == {"dark-water", "sentinel1-flood"}
    scores = json.loads((run_folder / SCORES).read_text())
    assert scores[0]["data_set"] == "dark-water"
    assert 0 <= scores[0]["mean_iou"] <= 1
    assert card["scores"][0]["mean_iou"] == scores[0]["mean_iou"]
    assert json.loads((run_folder / VERSIONS).read_text())["torch"] == torch.__version__
    metrics = (run_folder / "metrics.csv").read_text()
    assert "dark-water/mean_iou" in metrics.splitlines()[0]
    assert "loss/binary_change" in metrics.splitlines()[0]
    assert list(run_folder.glob("logs/version_0/events.*"))

    page, told = (run_folder / "report.html").read_text(), json.loads((run_folder / "report.json").read_text())
    assert told["evaluations"][0]["mean_iou"] == scores[0]["mean_iou"] and told["title"] == "toy"
    assert {one["sample"] for part in ("best", "worst") for one in told["evaluations"][0][part]} == {"s3", "s4"}
    assert all(
        words in page for words in ("Training curves", "batch_size: 2", "dark-water (CC0)", "minutes of training")
    )
    assert page.count("data:image/svg+xml") == 2 + 3  # confusion, reliability; loss, learning rate, validation
    for file in (RESOLVED, "card.json", SCORES, VERSIONS, "report.html", "report.json", "report.md"):
        assert str(folder) not in (run_folder / file).read_text(), f"{file} tells where it was made"
    again = read_experiment(run_folder / RESOLVED)
    assert replace(again, output=None) == replace(read_experiment(folder / "experiment.yaml"), output=None)
    with pytest.raises(ExperimentError, match="finished run"):
        train(folder / "experiment.yaml")
    assert run(folder / "experiment.yaml", ["workers=1"], resume=True) == (run_folder, False)
    with pytest.raises(ExperimentError, match=r"run was started with other values of steps, seed; .*another `output`"):
        train(folder / "experiment.yaml", ["steps=8", "seed=3"], resume=True)
    assert model.name == "toy" and model.colors == {"water": "#010203"}

    continued = train(
        folder / "experiment.yaml",
        [f"output={folder}/more", "model={checkpoint: run}", "steps=1"],
    )
    assert set(load(continued).categories) == {*model.categories, "changed"}
    assert read_card(continued)["colors"] == model.colors
    assert read_card(continued)["training"]["earlier"] == read_card(run_folder)["training"]


def test_a_stopped_run_is_resumed_to_the_same_weights(folder, monkeypatch):
    whole = train(folder / "experiment.yaml", [f"output={folder}/whole"])
    original, calls = validation.evaluate, []

    def cut(*args, **keywords):
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return original(*args, **keywords)

    monkeypatch.setattr(validation, "evaluate", cut)
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        train(folder / "experiment.yaml")
    assert not (folder / "run" / "model.safetensors").exists()
    with pytest.raises(ExperimentError, match="--resume"):
        train(folder / "experiment.yaml")
    with pytest.raises(ExperimentError, match=r"run was started with other values of model, steps; .*another `output`"):
        train(folder / "experiment.yaml", ["model.size=tiny", "steps=6"], resume=True)
    resumed, trained = run(folder / "experiment.yaml", ["workers=1", "stream.cache_gb=0"], resume=True)
    assert trained
    first, second = (load_file(each / "model.safetensors") for each in (whole, resumed))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_an_interrupted_run_exits_with_130_and_says_how_to_go_on(folder):
    command = [
        sys.executable,
        "-m",
        "stsun",
        "train",
        str(folder / "experiment.yaml"),
        "steps=5000",
        "validate_every=0",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        started = time.monotonic()
        while not (folder / "run/checkpoints/last.ckpt").is_file() and time.monotonic() - started < 120:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=120)
    assert process.returncode == 130, told
    assert "of 5000 updates" in told and "--resume" in told and "Traceback" not in told


def test_without_matplotlib_and_tensorboard_a_run_leaves_all_but_the_page_and_says_so(folder, monkeypatch, caplog):
    for package in ("matplotlib", "tensorboard"):
        monkeypatch.setitem(sys.modules, package, None)
    run_folder = train(folder / "experiment.yaml", ["steps=1", "validate_every=0"])
    assert load(run_folder).categories and json.loads((run_folder / "report.json").read_text())["evaluations"]
    assert not (run_folder / "report.html").exists() and not list(run_folder.glob("logs/*/events.*"))
    (told,) = (record.getMessage() for record in caplog.records if record.name.startswith("stsun"))
    assert "report.html is left out" in told and "stsun[report]" in told
    assert run(folder / "experiment.yaml", ["steps=1"], resume=True) == (run_folder, False)


def test_a_folder_that_cannot_be_written_and_a_device_that_is_not_there_are_refused(folder):
    (folder / "file").write_text("")
    with pytest.raises(ExperimentError, match=r"cannot be written: .*check the folder"):
        train(folder / "experiment.yaml", [f"output={folder}/file"])
    if not torch.cuda.is_available():
        with pytest.raises(ExperimentError, match="accelerator=cpu"):
            train(folder / "experiment.yaml", ["accelerator=gpu"])


@pytest.mark.parametrize(("overrides", "resume"), [([], True), (["devices=2"], False)], ids=["resume", "devices"])
def test_a_run_that_cannot_start_leaves_nothing(folder, overrides, resume, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    monkeypatch.setattr("lightning.pytorch.Trainer.fit", lambda *_, **__: pytest.fail("it started"))
    with pytest.raises(ExperimentError, match="go on from" if resume else "devices is 2, .* give at most 1"):
        train(folder / "experiment.yaml", overrides, resume)
    assert not (folder / "run").exists()


def test_overrides_reach_places_in_lists(folder):
    path = folder / "experiment.yaml"
    changed = read_experiment(
        path, ["data.1={simulation: hyperspectral}", "optimiser.betas=[0.8, 0.9]", "optimiser.betas.0=0.7"]
    )
    assert changed.data[1].simulation == "hyperspectral"
    assert changed.optimiser.betas == (0.7, 0.9)


def test_overrides_reach_every_key(folder):
    path = folder / "experiment.yaml"
    changed = read_experiment(
        path, ["stream.crop=64", "data.0.weight=2.5", "optimiser.learning_rate=1e-4", "model.size=tiny"]
    )
    assert changed.stream.crop == 64
    assert changed.data[0].weight == 2.5
    assert changed.optimiser.learning_rate == 1e-4
    assert changed.model.size == "tiny"
    assert changed.stream.batch_size == 2


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("stream.corp=64", "did you mean 'crop'"),
        ("crop", "key=value"),
        ("data.7.weight=1", "no '7'"),
        ("name.first=1", "name has no 'first'"),
        ("optimiser.betas=[0.9, 1.5]", "betas is .0.9, 1.5., expected two numbers from 0 to below 1"),
        ("optimiser.weight_decay=.nan", "weight_decay is nan"),
        ("data.0.weight=-1", "weight is -1, expected a positive number"),
        ("data.1.counts_as=.nan", "counts_as is nan"),
        ("data.1.size=0", "size is 0"),
        ("steps=many", "steps"),
        ("steps=0", "at least 1"),
        ("steps=true", "steps: got True, expected a number"),
        ("stream.crop=true", "crop is True, expected a number"),
        ("optimiser.betas=[0.9, false]", "betas is .0.9, False., expected a number"),
        ("data.0.weight=true", "weight: got True"),
        ("name=' '", "name is empty"),
        ("optimiser.ema=1.5", "ema"),
        ("devices=3", "multiple of 3"),
        ("data=[{}]", "either `dataset"),
        ("data=[{simulation: hyperspectral, validation: val}]", "no splits"),
        ("steps={a: [}", "no YAML value"),
    ],
)
def test_what_cannot_run_is_said_before_it_runs(folder, override, message):
    with pytest.raises(ExperimentError, match=message):
        read_experiment(folder / "experiment.yaml", [override])


def test_data_that_is_not_there_is_said_before_training(folder):
    path = folder / "experiment.yaml"
    with pytest.raises(DataError, match="no split 'dev'"):
        train(path, ["data.0.train=dev"])
    with pytest.raises(DataError, match="no split 'test'"):
        train(path, ["data.0.validation=test"])
    with pytest.raises(ExperimentError, match="more than once"):
        train(path, ["data=[{dataset: data/dataset.yaml}, {dataset: data/dataset.yaml, train: val}]"])
    assert not (folder / "run").exists()


@pytest.mark.slow
def test_two_processes_of_the_command_line_write_one_run(folder):
    command = [
        sys.executable,
        "-m",
        "stsun",
        "train",
        str(folder / "experiment.yaml"),
        "devices=2",
        "threads=1",
        "steps=2",
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    assert done.stdout.count("wrote") == 1
    assert read_card(folder / "run")["training"]["batches"] == 4
