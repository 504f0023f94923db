"""Lightning: a module and a data module for whoever brings a Trainer, callbacks and loggers of their own."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningDataModule
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Sampler

from stsun.configuration import Configuration
from stsun.data.batching import Batch, collate
from stsun.data.dataset import DataSet, open_dataset
from stsun.data.sample import Sample
from stsun.errors import ExperimentError
from stsun.evaluation.evaluate import maps_of
from stsun.evaluation.summary import Tally, scored_names, summarise, tally
from stsun.training.losses import loss
from stsun.training.module import TrainingModule
from stsun.training.schedule import OptimiserPlan
from stsun.training.sources import Source
from stsun.training.stream import StreamPlan, TrainingStream
from stsun.training.validation import HEADLINES


class Learner(TrainingModule):
    """The training of ``stsun train`` as a module for any Trainer, with validation, test and prediction by batches.

    It logs ``loss`` in training; ``val/loss``, ``val/mean_iou``, ``val/change_f1``, ... (``test/...``) at an epoch's
    end. The learning rate ends with the Trainer's last update. Gradients are clipped batch by batch (``plan.clip``):
    leave the Trainer's own clipping off. For averaged weights (``plan.ema``) give the Trainer the callback
    `stsun.training.module.AveragedWeights`.

    Args:
        model: Takes images, valid, days and configuration, gives logits ``B T2 K H W``.
        plan: How weights are updated.
        label_smoothing: See ``losses.loss``.
    """

    def __init__(self, model: nn.Module, plan: OptimiserPlan | None = None, *, label_smoothing: float = 0.0) -> None:
        super().__init__(model, plan or OptimiserPlan(), steps=1, label_smoothing=label_smoothing)
        self._counts: dict[Configuration, list[Tally]] = {}

    def forward(self, batch: Batch) -> Tensor:
        """Return logits ``B T2 K H W``."""
        return self.model(batch.images, batch.valid, batch.days, batch.configuration)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Return AdamW and its schedule over as many updates as the Trainer will make.

        Raises:
            ExperimentError: Nobody knows how many.
        """
        updates = self.trainer.estimated_stepping_batches
        if math.isinf(updates):
            raise ExperimentError("the Trainer has no last update, with which the learning rate ends; give max_steps")
        self.steps = int(updates)
        return super().configure_optimizers()

    def validation_step(self, batch: Batch, _index: int) -> None:  # type: ignore[override]
        """Count one batch of the validation data.

        Raises:
            ExperimentError: It has no labels.
        """
        self._count(batch, "val")

    def test_step(self, batch: Batch, _index: int) -> None:
        """Count one batch of the test data.

        Raises:
            ExperimentError: It has no labels.
        """
        self._count(batch, "test")

    def predict_step(self, batch: Batch, _index: int) -> Tensor:
        """Return the maps ``B T2 H W``: category indices, of a binary change 0 or 1."""
        return maps_of(self(batch), batch.configuration.task)

    def on_validation_epoch_end(self) -> None:
        """Log the scores of all validation data."""
        self._log_scores("val")

    def on_test_epoch_end(self) -> None:
        """Log the scores of all test data."""
        self._log_scores("test")

    def _count(self, batch: Batch, stage: str) -> None:
        if batch.labels is None:
            raise ExperimentError(f"samples {', '.join(batch.ids)} have no labels; only labelled ones can be scored")
        configuration, logits = batch.configuration, self(batch)
        value = loss(logits, batch.labels, configuration)
        self.log(f"{stage}/loss", value, batch_size=len(batch.ids), on_epoch=True, sync_dist=True)
        task, classes = configuration.task, len(scored_names(configuration))
        for labels, maps in zip(batch.labels.cpu().numpy(), maps_of(logits, task).cpu().numpy(), strict=True):
            self._counts.setdefault(configuration, []).append(tally(task, classes, labels, maps))

    def _log_scores(self, stage: str) -> None:
        """Log the scores of this process's share of the data, the mean over configurations where there are several."""
        counts, self._counts = self._counts, {}
        found: dict[str, list[float]] = {}
        for configuration, tallies in counts.items():
            if not any(one.full.any() for one in tallies):  # no pixel has a label
                continue
            scores = summarise(configuration.task, scored_names(configuration), tallies)
            for name in HEADLINES:
                if scores.get(name) is not None:
                    found.setdefault(name, []).append(scores[name])
        means = {f"{stage}/{name}": float(np.mean(values)) for name, values in found.items()}
        self.log_dict(means, batch_size=1, sync_dist=True)


class Splits(LightningDataModule):
    """A data set of ours for any Trainer: augmented crops to train on, whole samples one by one for all else.

    Args:
        dataset: Path of its YAML file, or an open data set.
        train: Name of the split to train on.
        validation: Of the split to validate on.
        test: Of the split to test on and to predict.
        plan: How samples become batches; None = the usual plan.
        batches: Of an epoch, over all processes together; None = as many as there are samples for.
        workers: Processes that make batches ahead; 0 = made in the training process.
        seed: Of all that is drawn.

    Raises:
        DataError: The description of the data set is wrong.
    """

    def __init__(
        self,
        dataset: str | Path | DataSet,
        *,
        train: str = "train",
        validation: str = "val",
        test: str = "test",
        plan: StreamPlan | None = None,
        batches: int | None = None,
        workers: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.dataset = dataset if isinstance(dataset, DataSet) else open_dataset(dataset)
        self.names = {"train": train, "val": validation, "test": test}
        self.plan = plan or StreamPlan(accumulate=1)
        self.batches, self.workers, self.seed = batches, workers, seed
        self._stream: TrainingStream | None = None

    def train_dataloader(self) -> DataLoader[Batch]:
        """Return the loader of one epoch's batches, others in each epoch.

        Raises:
            DataError: There is no such split, or a sample cannot be read.
        """
        source = _Samples(self.dataset, self.names["train"])
        if self._stream is None:  # reads the split once
            whole = Source(self.dataset.name, self.dataset.task, len(source), source.sample)
            self._stream = TrainingStream([whole], self.plan, seed=self.seed)
        count = self.batches or math.ceil(len(source) / self.plan.batch_size)
        return self._loader(self._stream, _Epochs(count, self._epoch))

    def val_dataloader(self) -> DataLoader[Batch]:
        """Return the loader of the samples to validate on.

        Raises:
            DataError: There is no such split.
        """
        return self._loader(_Samples(self.dataset, self.names["val"]), None)

    def test_dataloader(self) -> DataLoader[Batch]:
        """Return the loader of the samples to test on.

        Raises:
            DataError: There is no such split.
        """
        return self._loader(_Samples(self.dataset, self.names["test"]), None)

    def predict_dataloader(self) -> DataLoader[Batch]:
        """Return the loader of the samples to test on."""
        return self.test_dataloader()

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, _dataloader: int) -> Batch:
        """Return the batch on the device."""
        return batch.to(device, non_blocking=True)

    def _epoch(self) -> int:
        return 0 if self.trainer is None else self.trainer.current_epoch

    def _loader(self, batches: Dataset[Batch], sampler: Sampler[int] | None) -> DataLoader[Batch]:
        context: Any = "fork" if self.workers else None
        return DataLoader(
            batches, batch_size=None, sampler=sampler, num_workers=self.workers, multiprocessing_context=context
        )


class _Samples(Dataset[Batch]):
    """The samples of one split, each a batch of its own: they may differ in size."""

    def __init__(self, dataset: DataSet, split: str) -> None:
        self.dataset, self.records = dataset, dataset.records(split)

    def sample(self, index: int) -> Sample:
        return self.dataset.read(self.records[index])

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> Batch:
        return collate([self.sample(index)])


class _Epochs(Sampler[int]):
    """The indices of one epoch's batches, going on from those of the epochs before."""

    def __init__(self, count: int, epoch: Callable[[], int]) -> None:
        self.count, self.epoch = count, epoch

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[int]:
        first = self.epoch() * self.count
        return iter(range(first, first + self.count))
