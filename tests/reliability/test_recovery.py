"""Defects that injected faults have shown, each as small as it can be shown (see benchmarks/faults.py)."""

import os
import resource
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from stsun import cli
from stsun.adapters.adapter import write_yaml
from stsun.errors import ConfigurationError, DataError, RasterError
from stsun.legend import legend_of
from stsun.model.inference import within_memory
from stsun.prediction.predict import predict
from stsun.prediction.workspace import folder_of


class Level(nn.Module):
    """Water where its one weight says so, everywhere alike; raises what it is told at its n-th call."""

    def __init__(self, error=None, calls=0):
        super().__init__()
        self.level = nn.Parameter(torch.ones(1))
        self.error, self.left = error, calls

    def forward(self, images, valid, days, configuration):
        self.left -= 1
        if self.error is not None and self.left < 0:
            raise self.error
        names = len(configuration.categories)
        return self.level.expand(len(valid), 1, names, *valid.shape[2:]) * torch.arange(names)[:, None, None]


def tripped(error):
    """An error of a library that was interrupted where it did not expect it."""
    error.__context__ = RuntimeError("on the way")
    error.__context__.__context__ = KeyboardInterrupt()
    return error


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "stsun: interrupted; run it again\n"),
        (KeyboardInterrupt("interrupted; go on with --resume"), 130, "stsun: interrupted; go on with --resume\n"),
        (tripped(AssertionError("Trying to pop empty mode stack")), 130, "stsun: interrupted; run it again\n"),
        (MemoryError("Unable to allocate 3 GiB\nin a worker"), 2, "not enough memory (Unable to allocate 3 GiB); take"),
        (MemoryError(), 2, "not enough memory (MemoryError); take"),
        (RuntimeError("can't start new thread"), 2, "not enough memory (can't start new thread); take"),
        (torch.OutOfMemoryError("CUDA out of memory.\nSee"), 2, "not enough memory (CUDA out of memory.); take"),
        (RuntimeError("shapes"), 1, "this is a bug: RuntimeError: shapes"),
        (OSError(28, "No space left on device", "x.json"), 2, "No space left on device: 'x.json'; check the file"),
    ],
)
def test_what_the_machine_lacks_is_one_message_and_no_bug(monkeypatch, capfd, error, code, message):
    def fails(*_):
        raise error

    monkeypatch.setattr("stsun.data.validate.validate", fails)
    monkeypatch.setattr(sys, "argv", ["stsun", "validate", "dataset.yaml"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    told = capfd.readouterr().err
    assert end.value.code == code and message in told and told.count("\n") == 1


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_what_is_printed_to_a_disk_that_runs_full_is_not_cut_off_in_silence(tmp_path, unbuffered):
    def limited():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    with (tmp_path / "out.txt").open("w") as out:  # -B: no half of a compiled module is left behind
        done = subprocess.run(
            [sys.executable, "-B", "-m", "stsun", "--help"], stdout=out, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered}, preexec_fn=limited, restore_signals=False, timeout=120,
        )  # fmt: skip
    assert (tmp_path / "out.txt").stat().st_size == 100, "the limit did not strike"
    assert done.returncode == 2 and "File too large" in done.stderr and done.stderr.count("\n") == 1


def test_an_interrupted_prediction_says_how_to_go_on(write_image, tmp_path):
    image = write_image("a.tif", np.zeros((90, 90), np.float32))
    options = {"task": "segmentation", "categories": ["a", "b"], "tile": 16, "overlap": 4, "output": tmp_path / "m.tif"}
    with pytest.raises(KeyboardInterrupt, match="what is done is kept: go on with --resume"):
        predict(Level(KeyboardInterrupt(), 40), [image], **options)
    assert folder_of(tmp_path / "m.tif").is_dir()


def test_a_device_whose_memory_is_full_is_told_with_what_did_not_fit():
    on_cpu = RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried")
    for error in (torch.OutOfMemoryError("CUDA out of memory"), MemoryError(), on_cpu):
        with pytest.raises(ConfigurationError, match="a tile does not fit into the memory of cuda; take another"):
            with within_memory("a tile", "cuda", "take another"):
                raise error
    with pytest.raises(RuntimeError, match="shapes"), within_memory("a tile", "cuda", "take another"):
        raise RuntimeError("shapes do not fit")


def test_ten_thousand_classes_are_refused_by_their_number_alone():
    with pytest.raises(DataError, match="needs 1 to 255 classes, got 10000"):
        legend_of({number: f"kind {number // 2}" for number in range(10_000)}, (), {"other": "#000000"})


def test_a_description_and_its_list_of_samples_stay_together_where_one_cannot_be_written(tmp_path):
    sample = {"id": "first", "split": "train", "images": [{"path": "a.tif"}], "labels": ["b.tif"]}
    mapping = {"name": "n", "task": "segmentation", "classes": {0: "a"}, "samples": [sample]}
    write_yaml(tmp_path / "n.yaml", mapping)
    before = [(tmp_path / name).read_bytes() for name in ("n.yaml", "n.jsonl")]
    (tmp_path / ".n.yaml.unfinished.yaml").mkdir()  # in the way of the description, not of the list
    with pytest.raises(RasterError, match=r"n\.yaml cannot be written"):
        write_yaml(tmp_path / "n.yaml", {**mapping, "samples": [{**sample, "id": "second"}]})
    assert [(tmp_path / name).read_bytes() for name in ("n.yaml", "n.jsonl")] == before
