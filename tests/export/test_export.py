"""Exported files give the network's logits at any size, say what they are, and run without this package."""

import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.errors import ConfigurationError, ExportError
from stsun.export import onnx_file, pt2_file, write
from stsun.export.portable import flat, scene
from stsun.export.write import export
from stsun.model import checkpoint
from stsun.model.specialise import specialise
from stsun.model.stsun import create
from stsun.sensors import sensor
from stsun.tasks import TASKS

CLOSE = {"atol": 1e-4, "rtol": 1e-4}
CATEGORIES = ["water", "forest", "building"]
EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "onnx_numpy.py"
RADAR = (Band("vv"), Band("vh"))
pytestmark = pytest.mark.timeout(1500)  # tracing takes a minute, and several on a machine that is busy

OPEN = {"onnx": onnx_file.Session, "pt2": pt2_file.Program}
SIZES = [(1, 16, 16), (3, 1, 1), (1, 150, 37)]
"""Batch, height, width: with one window of attention, several, and next to nothing."""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A small model from a checkpoint that says what it was trained on."""
    made = create("nano", CATEGORIES, depths=(0, 0, 2), decoder_depths=(0, 0, 0))
    made.colors = {"water": "#0000ff"}
    card = {"name": "small", "training_data": [{"name": "a", "title": "ponds", "licence": "CC0"}, {"name": "own"}]}
    return checkpoint.load(checkpoint.save(made, tmp_path_factory.mktemp("model"), card))


PAIR = Configuration([RADAR, RADAR], 10.0, "semantic_change", ["water", "background", "forest"])
SINGLE = Configuration([sensor("naip").bands], None, "segmentation", CATEGORIES)


ASKED = {"onnx": PAIR, "pt2": SINGLE}


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    """Return the file of a format, made when it is first asked for."""
    folder = tmp_path_factory.mktemp("exported")
    return cache(lambda format: export(model, ASKED[format], folder / f"a.{format}", format).path)


@pytest.fixture(scope="module")
def opened(exported):
    """Return the file of a format at work."""
    return cache(lambda format: OPEN[format](exported(format)))


def assert_gives_the_models_logits(opened, model, configuration, sizes=SIZES):
    network = specialise(model, configuration)
    for batch, height, width in sizes:
        inputs = scene(network, batch=batch, height=height, width=width, seed=height)
        with torch.no_grad():
            expected = model(*inputs, configuration)
        torch.testing.assert_close(opened(flat(inputs)), expected, **CLOSE)


@pytest.mark.parametrize("format", write.FORMATS)
def test_a_file_gives_the_models_logits_at_any_size(model, exported, opened, format):
    path = exported(format)
    assert_gives_the_models_logits(opened(format), model, ASKED[format])
    assert [one.name for one in path.parent.iterdir() if one.name.startswith(".")] == []


@pytest.mark.parametrize("format", write.FORMATS)
def test_a_file_says_what_it_is(opened, format):
    facts, configuration = opened(format).facts, ASKED[format]
    assert facts["model"] == "small" and facts["weights"] == "float32"
    assert json.loads(facts["licence"]) == {"ponds": "CC0", "own": "not stated"}
    assert json.loads(facts["colors"]) == {"water": "#0000ff"}
    assert json.loads(facts["categories"]) == list(configuration.categories)
    assert json.loads(facts["configuration"])["dates"] == configuration.dates
    assert "/" not in facts["configuration"] and "torch" not in facts["inputs"]


def test_the_example_runs_with_onnxruntime_and_numpy_alone(exported, tmp_path):
    archive = tmp_path / "pixels.npz"
    np.savez(archive, images=np.random.default_rng(0).normal(-12, 3, (2, 2, 21, 30)), days=[18_000.0, 18_400.0])
    program = (
        f"import sys, runpy; sys.argv = ['onnx_numpy.py', {str(exported('onnx'))!r}, {str(archive)!r}]; "
        f"runpy.run_path({str(EXAMPLE)!r}, run_name='__main__'); assert not {{'torch', 'stsun'}} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "small: vv, vh at 2 date(s)" and lines[1].startswith("date 1 to 1: ") and len(lines) == 3


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"format": "tflite"}, ConfigurationError, "no format 'tflite'; expected one of onnx, pt2"),
        ({"weights": "int4"}, ConfigurationError, "expected one of float32, float16, int8"),
        ({"format": "pt2", "weights": "int8"}, ConfigurationError, "weights int8 are for format onnx"),
        ({"configuration": Configuration(RADAR, 10.0, "segmentation", ["water"])}, ConfigurationError, "date by date"),
        ({"configuration": Configuration([RADAR], 10.0, "segmentation", ["watr"])}, ConfigurationError, "'water'"),
        ({"configuration": Configuration([RADAR], 10.0, "binary_change")}, ConfigurationError, "at least 2 dates"),
        ({"output": "folder"}, ExportError, "it is a folder"),
        ({"output": "nowhere/a.onnx"}, ExportError, "its folder is missing"),
        ({"output": "there.onnx"}, ExportError, "is there already"),
    ],
)
def test_what_cannot_be_exported_is_refused_before_any_work(model, tmp_path, monkeypatch, change, kind, message):
    (tmp_path / "folder").mkdir()
    (tmp_path / "there.onnx").write_text("mine")
    monkeypatch.setattr(write, "traced", lambda network: pytest.fail("traced"))
    asked = {"configuration": PAIR, "output": "a.onnx"} | change
    with pytest.raises(kind, match=message):
        export(model, output=tmp_path / asked.pop("output"), **asked)
    assert (tmp_path / "there.onnx").read_text() == "mine"


def test_a_file_that_gives_something_else_is_thrown_away(model, tmp_path, monkeypatch):
    class Wrong:
        def __init__(self, path):
            assert path.read_bytes() == b"made"

        def __call__(self, inputs):
            return torch.zeros(2, 2, 3, *write.TRIED_SIZE)

    monkeypatch.setattr(write, "traced", lambda network: None)
    monkeypatch.setattr(pt2_file, "write", lambda program, path, facts: path.write_bytes(b"made"))
    monkeypatch.setattr(pt2_file, "Program", Wrong)
    with pytest.raises(ExportError, match=r"differ from the network's by \d"):
        export(model, PAIR, tmp_path / "a.pt2", "pt2")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("weights", ["float16", "int8"])
def test_other_weights_make_smaller_files_with_nearly_the_same_logits(model, exported, tmp_path, weights):
    path = shutil.copy(exported("onnx"), tmp_path / "a.onnx")
    before = path.stat().st_size
    onnx_file.shrink(path, weights)
    assert path.stat().st_size < 0.8 * before
    opened, inputs = onnx_file.Session(path), scene(specialise(model, PAIR), batch=2, height=65, width=47)
    with torch.no_grad():
        expected = model(*inputs, PAIR)
    difference = (opened(flat(inputs)) - expected).abs().max()
    assert 0 < difference < min(write.WEIGHTS[weights], 0.3 * expected.abs().max())
    assert opened.facts["model"] == "small"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("own", "task"),
    list(zip([sensor("naip").bands[:3], sensor("sentinel-2-l2a").bands, RADAR], TASKS, strict=True)),
)
def test_onnxruntime_gives_the_logits_of_any_sensor_and_task(tmp_path, task, own):
    model = create("nano", CATEGORIES, depths=(1, 0, 1), decoder_depths=(0, 0, 1)).eval()
    configuration = Configuration([own] * (TASKS[task].minimum_dates + 1), 10.0, task, ["water", "forest"])
    made = export(model, configuration, tmp_path / "a.onnx")
    assert_gives_the_models_logits(onnx_file.Session(made.path), model, configuration)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("format", "size", "choices", "bands"),
    [
        ("onnx", "paper", {"widths": (64,), "condition": 32, "attention_width": 32}, [RADAR]),
        ("pt2", "nano", {"windows": "shifted"}, [RADAR, sensor("naip").bands, RADAR]),
    ],
)
def test_other_networks_and_dates_of_different_sensors_can_be_exported(tmp_path, format, size, choices, bands):
    depths = {"depths": (1,), "decoder_depths": (1,)} if size == "paper" else {}
    model = create(size, CATEGORIES, **choices, **depths).eval()
    configuration = Configuration(bands, 10.0, "segmentation", CATEGORIES, per_date=True)
    made = export(model, configuration, tmp_path / "a", format)
    assert_gives_the_models_logits(OPEN[format](made.path), model, configuration)
