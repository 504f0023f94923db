import pytest
import torch

from stsun.errors import ExperimentError
from stsun.model.checkpoint import save
from stsun.model.stsun import create
from stsun.training.fit import fit
from stsun.training.parts import trained_part
from stsun.training.plan import Experiment, ModelPlan
from stsun.training.sources import Source
from stsun.training.stream import StreamPlan, TrainingStream
from stsun.training.vocabulary import start_model, vocabulary_of


def experiment(plan):
    stream = StreamPlan(crop=16, batch_size=2, accumulate=1, cache_gb=0)
    return Experiment("toy", (), plan, part="pixel_path", stream=stream, steps=3, accelerator="cpu")


def trained(plan, make_sample, tmp_path):
    """Return the weights before and after training the pixel path alone."""
    ours = experiment(plan)
    source = Source("land", "segmentation", 3, lambda index: make_sample("land", "segmentation", index))
    stream = TrainingStream([source], ours.stream, scattered=True)
    model = start_model(plan, vocabulary_of(stream.library.configurations), seed=0)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    fit(trained_part(model, ours), stream, ours, tmp_path / "run")
    return before, model.state_dict()


def test_of_a_checkpoint_only_the_path_learns(make_sample, tmp_path):
    save(create("nano", ["water"], seed=1, pixel_width=0), tmp_path / "old", {})
    plan = ModelPlan(checkpoint=str(tmp_path / "old"), options={"pixel_width": 8})
    before, after = trained(plan, make_sample, tmp_path)
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved and all(name.startswith("pixel_path.") for name in moved)


def test_a_fresh_model_learns_all_that_the_path_needs_and_nothing_else(make_sample, tmp_path):
    before, after = trained(ModelPlan("nano"), make_sample, tmp_path)
    moved = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert {"pixel_path", "issum", "ossum", "gsd"} <= moved
    assert not moved & {"encoder", "decoder"}


def test_a_model_without_the_path_cannot_train_it():
    with pytest.raises(ExperimentError, match="pixel_width: 24"):
        trained_part(create("nano", ["water"], pixel_width=0), experiment(ModelPlan("nano")))
