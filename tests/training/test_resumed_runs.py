"""Runs that were killed, filled the disk or met a damaged file, and go on or say what is wrong."""

import csv
from dataclasses import replace

import pytest
import torch

from stsun.errors import ExperimentError, RasterError
from stsun.training.checkpoints import WholeCheckpoints
from stsun.training.fit import LAST, fit, merge_logs
from stsun.training.plan import Experiment
from stsun.training.schedule import OptimiserPlan
from stsun.training.sources import Source
from stsun.training.stream import StreamPlan, TrainingStream


@pytest.fixture
def experiment():
    stream = StreamPlan(crop=32, batch_size=1, accumulate=1, cache_gb=0.0)
    plan = OptimiserPlan(learning_rate=1e-1, warmup=1, ema=0.5)
    return Experiment(
        "t", (), stream=stream, optimiser=plan, steps=4, checkpoint_every=2, accelerator="cpu", validate_every=0
    )


@pytest.fixture
def fresh(pixel_model):
    return type(pixel_model)


def stream_of(experiment, make):
    def read(index):
        return make("water", "segmentation", index, dates=1)

    return TrainingStream([Source("water", "segmentation", 3, read)], experiment.stream)


def test_a_run_that_died_after_its_last_update_is_resumed_to_the_averaged_weights(
    experiment, make_sample, fresh, tmp_path
):
    whole = fresh()
    fit(whole, stream_of(experiment, make_sample), experiment, tmp_path)
    assert torch.load(tmp_path / LAST, weights_only=True)["global_step"] == experiment.steps
    resumed = fresh()
    fit(resumed, stream_of(experiment, make_sample), experiment, tmp_path, resume=True)
    assert torch.equal(resumed.weight, whole.weight) and not torch.equal(whole.weight, fresh().weight)


def test_the_average_is_what_a_run_ends_with(experiment, make_sample, fresh, tmp_path):
    plain = replace(experiment, optimiser=replace(experiment.optimiser, ema=0.0))
    averaged, last = fresh(), fresh()
    fit(averaged, stream_of(experiment, make_sample), experiment, tmp_path / "a")
    fit(last, stream_of(experiment, make_sample), plain, tmp_path / "b")
    assert not torch.equal(averaged.weight, last.weight)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_file_that_cannot_be_read_ends_a_run_with_its_own_message(workers, experiment, make_sample, fresh, tmp_path):
    def cut_off(index):
        raise RasterError("scene.tif: rows 0-63 cannot be read: it is cut off")

    stream = stream_of(experiment, make_sample)
    stream.library.sources = (replace(stream.library.sources[0], read=cut_off),)  # only now, behind the first look
    with pytest.raises(RasterError) as told:
        fit(fresh(), stream, replace(experiment, workers=workers), tmp_path)
    assert str(told.value) == "scene.tif: rows 0-63 cannot be read: it is cut off"


def test_the_state_of_a_run_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    kept, path = WholeCheckpoints(), tmp_path / "checkpoints" / "last.ckpt"
    kept.save_checkpoint({"step": 1}, path)

    def full(content, target, *_, **__):
        target.write_bytes(b"half")
        raise RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed\nframes")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(ExperimentError, match=r"last\.ckpt cannot be written: .* write failed; check .*--resume$"):
        kept.save_checkpoint({"step": 2}, path)
    monkeypatch.undo()
    assert kept.load_checkpoint(path, weights_only=True) == {"step": 1}
    assert [each.name for each in path.parent.iterdir()] == ["last.ckpt"]


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.95])
def test_a_damaged_state_of_a_run_is_told_with_what_to_do(tmp_path, kept):
    WholeCheckpoints().save_checkpoint({"weights": torch.zeros(1000)}, tmp_path / "last.ckpt")
    content = (tmp_path / "last.ckpt").read_bytes()
    (tmp_path / "last.ckpt").write_bytes(content[: int(kept * len(content))])
    with pytest.raises(ExperimentError, match="remove it and start again without --resume"):
        WholeCheckpoints().load_checkpoint(tmp_path / "last.ckpt", weights_only=True)


def test_half_a_line_of_a_killed_part_of_a_run_is_left_out(tmp_path):
    whole = "epoch,step,loss\n0,0,1.5\n0,1,1.25\n0,2,1.125\n"
    for cut in range(len(whole)):
        part = tmp_path / str(cut) / "logs" / "version_0"
        part.mkdir(parents=True)
        (part / "metrics.csv").write_text(whole[:cut])
        later = tmp_path / str(cut) / "logs" / "version_1"
        later.mkdir()
        (later / "metrics.csv").write_text("epoch,step,loss\n0,2,1.125\n")
        rows = list(csv.DictReader(merge_logs(tmp_path / str(cut)).open()))
        assert [int(row["step"]) for row in rows] in ([2], [0, 2], [0, 1, 2]) and rows[-1]["loss"] == "1.125"
