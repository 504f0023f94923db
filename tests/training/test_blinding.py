"""The finest stride is unseen in some batches of a training, and in these alone."""

from dataclasses import replace

import pytest
import torch

from stsun.errors import ExperimentError
from stsun.model.stsun import STSUN, create
from stsun.training import fit as fitting
from stsun.training.blinding import FinestBlinded
from stsun.training.fit import fit
from stsun.training.plan import Experiment
from stsun.training.sources import memory_source
from stsun.training.stream import StreamPlan, TrainingStream

UPDATES, BATCHES = 6, 4


@pytest.fixture
def sources(make_sample):
    return [memory_source("segmentation", [make_sample("a", "segmentation", seed) for seed in range(4)])]


@pytest.fixture
def experiment(plan):
    stream = StreamPlan(crop=32, batch_size=2, accumulate=BATCHES)
    return Experiment(
        "test", (), stream=stream, optimiser=plan, steps=UPDATES, checkpoint_every=3, accelerator="cpu", drop_finest=0.4
    )


def blinded_batches(model: STSUN) -> list[bool]:
    """Return a list that gets, batch by batch of a training, whether what comes after the encoder sees stride 4."""
    seen = []

    def watch(_tum, arguments, _result):
        if torch.is_grad_enabled():
            levels = arguments[0]
            assert all(level.tokens.abs().sum() > 0 for level in levels[1:])
            seen.append(not levels[0].tokens.any())

    model.tum.register_forward_hook(watch)
    return seen


def test_a_share_of_batches_is_blind_and_the_model_is_left_as_it_was(sources, experiment, tmp_path):
    model = create("nano", ["water", "land"], seed=1)
    blind = blinded_batches(model)
    fit(model, TrainingStream(sources, experiment.stream, seed=3), experiment, tmp_path)
    assert len(blind) == UPDATES * BATCHES and 0 < sum(blind) < len(blind)
    assert not model.encoder._forward_hooks


class Place:
    """Where a trainer stands."""

    def __init__(self, update, processes=1, rank=0):
        self.global_step, self.world_size, self.global_rank = update, processes, rank
        self.accumulate_grad_batches = BATCHES // processes


def drawn(model, seed, updates, processes=1):
    """Return which batches of some updates are blind to callbacks that have seen nothing before, in the stream's order."""
    found = []
    for update in updates:
        for place in range(BATCHES):
            callback = FinestBlinded(0.4, seed)
            trainer = Place(update, processes, rank=place % processes)
            index = update * trainer.accumulate_grad_batches + place // processes
            callback.on_train_batch_start(trainer, model, None, index)
            found.append(bool(model.encoder._forward_hooks))
            callback.on_train_batch_end()
    return found


def test_which_batches_are_blind_follows_from_seed_and_place_alone():
    model = create("nano", ["water", "land"], seed=1)
    whole = drawn(model, 3, range(40))
    assert 0.3 < sum(whole) / len(whole) < 0.5
    assert drawn(model, 3, range(25, 40)) == whole[25 * BATCHES :]  # as a resumed run
    assert drawn(model, 3, range(40), processes=2) == whole
    assert drawn(model, 4, range(40)) != whole


def test_a_run_that_fails_leaves_the_model_as_it_was(make_sample, experiment, tmp_path):
    sample = make_sample("bad", "segmentation", 1)
    sample.images[-1][:] = float("nan")
    source = memory_source("segmentation", [sample])
    model = create("nano", ["water", "land"], seed=1)
    with pytest.raises(ExperimentError, match="bad-1"):
        fit(model, TrainingStream([source], experiment.stream), replace(experiment, drop_finest=0.99), tmp_path)
    assert not model.encoder._forward_hooks


def test_without_a_share_nothing_stands_between(experiment, tmp_path):
    plain = replace(experiment, drop_finest=0.0)
    assert not any(isinstance(one, FinestBlinded) for one in fitting._callbacks(plain, tmp_path, BATCHES))


def test_a_model_with_one_stride_is_refused(sources, experiment, pixel_model, tmp_path):
    paper = create("paper", ["water", "land"], widths=(64,), condition=32, attention_width=32)
    for number, model in enumerate((paper, pixel_model)):
        with pytest.raises(ExperimentError, match="drop_finest needs a network whose encoder has several strides"):
            fit(model, TrainingStream(sources, experiment.stream), experiment, tmp_path / str(number))


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_a_share_that_is_none_is_refused(experiment, share):
    with pytest.raises(ExperimentError, match=r"drop_finest is .*, expected 0 to below 1"):
        replace(experiment, drop_finest=share)
