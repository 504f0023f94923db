"""NaN and infinity in training: the run stops with the sample's name, or leaves the batch out and counts it."""

import csv
from dataclasses import replace

import pytest
import torch

from stsun.errors import CheckpointError, ExperimentError
from stsun.model.checkpoint import save
from stsun.model.stsun import create
from stsun.training import module as training_module
from stsun.training.fit import fit, merge_logs
from stsun.training.plan import Experiment
from stsun.training.sources import memory_source
from stsun.training.stream import NO_AUGMENTATION, StreamPlan, TrainingStream


@pytest.fixture
def experiment(plan):
    stream = StreamPlan(crop=32, batch_size=2, accumulate=2, augment=NO_AUGMENTATION)
    return Experiment("test", (), stream=stream, optimiser=plan, steps=4, checkpoint_every=2, accelerator="cpu")


@pytest.fixture
def good(make_sample):
    return [make_sample("good", "segmentation", seed) for seed in range(2)]


def streamed(experiment, good, bad):
    return TrainingStream([memory_source("sound", good), memory_source("rotten", bad)], experiment.stream)


class NanGradient(torch.autograd.Function):
    """A step whose result is right and whose gradient is not: only what is done with the gradient can notice."""

    @staticmethod
    def forward(ctx, logits, spoilt):
        ctx.spoilt = spoilt
        return logits.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * (float("inf") if ctx.spoilt else 1.0), None


class Spoiling(torch.nn.Module):
    """The pixel model; where an image holds 77, the gradient is infinite though the loss is finite."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, images, valid, days, configuration):
        spoilt = bool((images == 77).any())
        return NanGradient.apply(self.inner(images, valid, days, configuration), spoilt)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_of_a_batch_the_sample_with_the_odd_pixel_is_named(value, good, make_sample, experiment, pixel_model, tmp_path):
    bad = [make_sample("bad", "segmentation", seed) for seed in range(2)]
    bad[1].images[0][0, 3, 4] = bad[1].images[1][0, 3, 4] = value
    with pytest.raises(ExperimentError, match=r"loss became (nan|inf).*for samples rotten/bad-1; look") as caught:
        fit(pixel_model, streamed(experiment, good, bad), experiment, tmp_path)
    assert "bad-0" not in str(caught.value)


def test_an_odd_pixel_that_is_not_valid_troubles_nobody(good, make_sample, experiment, tmp_path):
    odd = make_sample("odd", "segmentation", 5)
    for date in range(2):
        odd.images[date][0, 3, 4] = float("nan")
        odd.valid[date, 3, 4] = False
    model = create("nano", ["water", "land"], seed=1)
    experiment = replace(experiment, steps=1)
    assert fit(model, streamed(experiment, good, [odd]), experiment, tmp_path).global_step == 1
    assert all(parameter.isfinite().all() for parameter in model.parameters())


def test_a_gradient_that_is_not_finite_stops_before_it_reaches_a_weight(
    good, make_sample, experiment, pixel_model, tmp_path
):
    bad = [make_sample("bad", "segmentation", 1)]
    bad[0].images[0][0, 0, 0] = 77
    model = Spoiling(pixel_model)
    with pytest.raises(ExperimentError, match=r"the norm of its gradient is (inf|nan),.*samples rotten/bad-1"):
        fit(model, streamed(experiment, good, bad), experiment, tmp_path)
    assert all(parameter.isfinite().all() for parameter in model.parameters())


@pytest.mark.parametrize("kind", ["loss", "gradient"])
def test_skipped_batches_are_counted_named_and_change_no_weight_by_themselves(
    kind, good, make_sample, experiment, pixel_model, tmp_path, caplog
):
    bad = [make_sample("bad", "segmentation", 1)]
    bad[0].images[0][0, 0, 0] = 77
    if kind == "loss":
        bad[0].images[1][0, 1, 1] = float("nan")
    experiment = replace(experiment, not_finite="skip", steps=6)
    stream = streamed(experiment, good, bad)
    rotten = sum(stream.drawn(index)[0] == "rotten" for index in range(12))
    model = Spoiling(pixel_model)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    trainer = fit(model, stream, experiment, tmp_path)
    assert 0 < rotten < 12 and trainer.lightning_module.skipped == rotten
    assert all(value.isfinite().all() for value in model.state_dict().values())
    assert any(not torch.equal(before[name], value) for name, value in model.state_dict().items())
    rows = list(csv.DictReader(merge_logs(tmp_path).open()))
    assert [float(row["skipped"]) for row in rows if row["skipped"]][-1] == rotten
    told = [record.getMessage() for record in caplog.records if "skipped" in record.getMessage()]
    assert len(told) == rotten and "rotten/bad-1: skipped, 1 so far" in told[0]


def test_where_nothing_but_skipping_is_left_the_run_stops(make_sample, experiment, pixel_model, tmp_path, monkeypatch):
    monkeypatch.setattr(training_module, "MOST_SKIPPED", 3)
    bad = make_sample("bad", "segmentation", 1)
    bad.images[1][:] = float("nan")
    experiment = replace(experiment, not_finite="skip")
    with pytest.raises(ExperimentError, match="loss became nan at update 1"):
        fit(pixel_model, TrainingStream([memory_source("rotten", [bad])], experiment.stream), experiment, tmp_path)


def test_a_resumed_run_goes_on_counting(good, make_sample, experiment, pixel_model, tmp_path):
    bad = make_sample("bad", "segmentation", 1)
    bad.images[1][:] = float("nan")
    experiment = replace(experiment, not_finite="skip")
    stream = streamed(experiment, good, [bad])
    fit(pixel_model, stream, replace(experiment, steps=2), tmp_path)
    trainer = fit(pixel_model, stream, experiment, tmp_path, resume=True)
    assert trainer.lightning_module.skipped == sum(stream.drawn(index)[0] == "rotten" for index in range(8)) > 0


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_never_saved(value, tmp_path):
    model = create("nano", ["water"], seed=0)
    with torch.no_grad():
        model.tasks[0, 0] = value
    with pytest.raises(CheckpointError, match="not finite: tasks; train again"):
        save(model, tmp_path / "model", {})
    assert not (tmp_path / "model").exists()
