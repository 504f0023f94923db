import csv
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from stsun.errors import ExperimentError
from stsun.model.stsun import create
from stsun.training.fit import LAST, fit, merge_logs
from stsun.training.plan import Experiment
from stsun.training.sources import memory_source
from stsun.training.stream import NO_AUGMENTATION, StreamPlan, TrainingStream


@pytest.fixture
def sources(make_sample):
    tasks = ("segmentation", "binary_change", "semantic_change")
    return [memory_source(task, [make_sample(task, task, seed) for seed in range(4)]) for task in tasks]


@pytest.fixture
def experiment(plan):
    stream = StreamPlan(crop=32, batch_size=2, accumulate=4)
    return Experiment(
        "test", (), stream=stream, optimiser=plan, steps=6, checkpoint_every=3, accelerator="cpu", validate_every=2
    )


def weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


class Interrupted:
    """Sources that stop the run when it has read some samples, as a power cut would."""

    def __init__(self, sources, after):
        self.left = after
        self.sources = [replace(source, read=self._wrap(source.read)) for source in sources]

    def _wrap(self, read):
        def wrapped(index):
            self.left -= 1
            if self.left < 0:
                raise RuntimeError("power cut")
            return read(index)

        return wrapped


@pytest.mark.parametrize("size", ["pixel", "nano"])
@pytest.mark.parametrize("workers", [0, 1])
def test_a_resumed_run_has_the_weights_of_an_unbroken_one(size, workers, sources, experiment, pixel_model, tmp_path):
    experiment = replace(experiment, workers=workers)

    def fresh():
        if size == "pixel":
            return type(pixel_model)()
        return create("nano", ["water", "land"], seed=1)

    whole = fresh()
    fit(whole, TrainingStream(sources, experiment.stream, seed=3), experiment, tmp_path / "whole")

    # nothing is cached, so that the samples read tell how far the run is: 12 to look at them, then two for each batch
    uncached = replace(experiment, stream=replace(experiment.stream, cache_gb=0.0), workers=0)
    cut = Interrupted(sources, after=12 + 2 * 4 * 4)
    broken = fresh()
    with pytest.raises(RuntimeError, match="power cut"):
        fit(broken, TrainingStream(cut.sources, uncached.stream, seed=3), uncached, tmp_path / "broken")
    last = torch.load(tmp_path / "broken" / LAST, weights_only=True)
    assert last["global_step"] == 3
    assert last["seconds"] > 0
    torch.save(last | {"seconds": 1000.0}, tmp_path / "broken" / LAST)

    resumed = fresh()
    stream = TrainingStream(sources, experiment.stream, seed=3)
    trainer = fit(resumed, stream, experiment, tmp_path / "broken", resume=True)
    assert trainer.lightning_module.seconds > 1000  # the duration of a run is that of all its parts
    for name, value in weights(whole).items():
        assert torch.equal(value, weights(resumed)[name]), name
    rows = list(csv.DictReader(merge_logs(tmp_path / "broken").open()))
    assert [int(row["step"]) for row in rows if row["loss"]] == list(range(6))


def test_training_lowers_the_loss_and_ends_on_the_averaged_weights(sources, experiment, pixel_model, tmp_path):
    plain = replace(experiment.stream, augment=NO_AUGMENTATION)
    experiment = replace(experiment, steps=40, stream=plain, optimiser=replace(experiment.optimiser, learning_rate=0.1))
    seen = []

    def validate(model):
        seen.append(weights(model))
        return {"score": float(len(seen))}

    before = weights(pixel_model)
    fit(pixel_model, TrainingStream(sources, experiment.stream), experiment, tmp_path, validations=[validate])
    rows = list(csv.DictReader(merge_logs(tmp_path).open()))
    losses = [float(row["loss"]) for row in rows if row["loss"]]
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])
    assert len(seen) == 20
    scores = [float(row["score"]) for row in rows if row["score"]]
    assert scores == [float(number) for number in range(1, 21)]
    final = weights(pixel_model)
    assert all(torch.equal(final[name], seen[-1][name]) for name in final)
    assert not torch.equal(final["weight"], before["weight"])


def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_samples(make_sample, experiment, pixel_model, tmp_path):
    sample = make_sample("bad", "segmentation", 1)
    sample.images[-1][:] = float("nan")
    stream = TrainingStream([memory_source("rotten", [sample])], experiment.stream)
    with pytest.raises(ExperimentError, match=r"rotten/bad-1.*learning_rate"):
        fit(pixel_model, stream, experiment, tmp_path)


def test_resume_without_a_checkpoint_says_what_to_do(sources, experiment, pixel_model, tmp_path):
    with pytest.raises(ExperimentError, match="start without --resume"):
        fit(pixel_model, TrainingStream(sources, experiment.stream), experiment, tmp_path, resume=True)


DDP_SCRIPT = """
import sys
from pathlib import Path
import torch
from safetensors.torch import save_file
sys.path.insert(0, {folder!r})
from conftest import make_sample
from stsun.model.stsun import create
from stsun.training.fit import fit
from stsun.training.plan import Experiment
from stsun.training.schedule import OptimiserPlan
from stsun.training.sources import memory_source
from stsun.training.stream import StreamPlan, TrainingStream

torch.set_num_threads(1)
tasks = ("segmentation", "binary_change", "semantic_change")
sources = [memory_source(task, [make_sample(task, task, seed) for seed in range(4)]) for task in tasks]
model = create("nano", ["water", "land"], seed=1)
devices, out = int(sys.argv[1]), Path(sys.argv[2])
experiment = Experiment(
    "test", (), stream=StreamPlan(crop=32, batch_size=2, accumulate=4),
    optimiser=OptimiserPlan(learning_rate=1e-3, warmup=1), steps=3, accelerator="cpu", devices=devices, validate_every=2,
)
trainer = fit(model, TrainingStream(sources, experiment.stream), experiment, out, validations=[lambda model: {{"one": 1.0}}])
if trainer.is_global_zero:
    save_file(model.state_dict(), out / "weights.safetensors")
"""


@pytest.mark.slow
def test_two_processes_train_the_same_weights_as_one(tmp_path):
    from safetensors.torch import load_file

    script = tmp_path / "script.py"
    script.write_text(DDP_SCRIPT.format(folder=str(__file__).rsplit("/", 1)[0]))
    for devices in ("1", "2"):
        command = [sys.executable, str(script), devices, str(tmp_path / devices)]
        subprocess.run(command, check=True, capture_output=True, timeout=240)
    one, two = (load_file(tmp_path / devices / "weights.safetensors") for devices in ("1", "2"))
    for name, value in one.items():
        torch.testing.assert_close(
            two[name], value, rtol=1e-3, atol=2e-5, msg=lambda text, name=name: f"{name}: {text}"
        )
