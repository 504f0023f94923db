"""A Trainer that somebody else has set up."""

import math
from datetime import date

import numpy as np
import pytest
import torch
from lightning.pytorch import Trainer
from torch.utils.data import DataLoader

from stsun.data.batching import collate
from stsun.data.dataset import open_dataset
from stsun.errors import ExperimentError
from stsun.evaluation.evaluate import evaluate
from stsun.interop.backbones import EachDate, OnBackbone
from stsun.interop.lightning import Learner, Splits
from stsun.interop.torchgeo import sample_of
from stsun.model.stsun import create
from stsun.simulation.dataset import write_dataset
from stsun.training.schedule import OptimiserPlan
from stsun.training.stream import StreamPlan

from .conftest import StandIn

PLAN = StreamPlan(crop=32, batch_size=2, accumulate=1)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lightning") / "world"
    return open_dataset(write_dataset(folder, ["sentinel-2-l2a"], [date(2020, 5, 1)], size=32, samples=6))


def trainer(folder, **options):
    defaults = {"accelerator": "cpu", "devices": 1, "logger": False, "enable_checkpointing": False,
                "enable_progress_bar": False, "enable_model_summary": False, "default_root_dir": folder}  # fmt: skip
    return Trainer(**{**defaults, **options})


@pytest.mark.filterwarnings("ignore")
def test_fit_validate_test_and_predict(tmp_path, dataset):
    model = create("nano", dataset.categories, seed=0)
    before = model.ossum.table.rows.detach().clone()
    learner, data = Learner(model, OptimiserPlan(warmup=1)), Splits(dataset, plan=PLAN, batches=2)
    one = trainer(tmp_path, max_epochs=2)
    one.fit(learner, datamodule=data)
    assert one.global_step == 4 and learner.steps == 4
    assert not torch.equal(model.ossum.table.rows, before)
    assert {"loss", "val/loss", "val/mean_iou", "val/overall_accuracy"} <= one.callback_metrics.keys()
    found = one.test(learner, datamodule=data, verbose=False)[0]
    expected = evaluate(model, dataset, "test")
    for name in ("mean_iou", "overall_accuracy", "kappa"):
        assert found[f"test/{name}"] == pytest.approx(expected[name], abs=1e-6)
    maps = one.predict(learner, datamodule=data)
    assert (
        len(maps) == len(dataset.records("test")) and maps[0].shape == (1, 1, 32, 32) and maps[0].dtype == torch.int64
    )


@pytest.mark.filterwarnings("ignore")
def test_every_epoch_shows_other_batches_and_the_same_ones_when_it_is_run_again(tmp_path, dataset):
    def ids(seed):
        class Noting(Learner):
            def training_step(self, batch, index):
                seen.append((batch.ids, float(batch.images.sum())))
                return super().training_step(batch, index)

        seen = []
        one = trainer(tmp_path, max_epochs=2, limit_val_batches=0)
        model = create("nano", dataset.categories, seed=0)
        one.fit(Noting(model, OptimiserPlan(warmup=1)), datamodule=Splits(dataset, plan=PLAN, batches=2, seed=seed))
        return seen

    first = ids(0)
    assert len(set(first)) == 4 and first == ids(0) and first != ids(1)


@pytest.mark.filterwarnings("ignore")
def test_dicts_of_another_library_train_a_model_on_a_backbone(tmp_path, configuration):
    random = np.random.default_rng(0)
    items = [{"image": random.uniform(0, 0.5, (2, 32, 32)), "mask": random.integers(0, 3, (32, 32))} for _ in range(4)]
    loader = DataLoader(items, batch_size=2, collate_fn=lambda own: collate([sample_of(i, configuration) for i in own]))
    network = StandIn()
    before = network.embed.weight.clone()
    model = OnBackbone(create("nano", configuration.categories), EachDate(network), channels=12, stride=16, prefix=1)
    one = trainer(tmp_path, max_epochs=1)
    one.fit(Learner(model, OptimiserPlan(warmup=1)), loader, loader)
    assert one.global_step == 2 and math.isfinite(one.callback_metrics["val/mean_iou"])
    assert torch.equal(network.embed.weight, before)
    assert all(project.weight.any() for project in model.levels.projections)


@pytest.mark.filterwarnings("ignore")
def test_what_cannot_be_scored_or_ended_is_refused(tmp_path, dataset, configuration):
    unlabelled = [collate([sample_of({"image": np.zeros((2, 16, 16))}, configuration)])]
    learner = Learner(create("nano", configuration.categories))
    with pytest.raises(ExperimentError, match="no labels"):
        trainer(tmp_path).validate(learner, DataLoader(unlabelled, batch_size=None), verbose=False)
    with pytest.raises(ExperimentError, match="max_steps"):
        trainer(tmp_path, max_epochs=-1).fit(learner, datamodule=Splits(dataset, plan=PLAN))
