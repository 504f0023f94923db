"""What Lightning's Trainer runs: a training step, the stream as its data, averaged weights, validation."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from lightning.pytorch import LightningDataModule, LightningModule
from lightning.pytorch.callbacks import WeightAveraging
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.distributed import GradBucket  # type: ignore[attr-defined]
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, Sampler

from stsun.data.batching import Batch
from stsun.errors import ExperimentError
from stsun.training.losses import loss
from stsun.training.schedule import OptimiserPlan, adamw, warm_up_cosine
from stsun.training.stream import TrainingStream

Validate = Callable[[nn.Module], Mapping[str, float]]
"""From a model in evaluation mode to named scores."""


class TrainingModule(LightningModule):
    """One model, its loss and its optimiser.

    Args:
        model: Takes images, valid, days and configuration, gives logits ``B T2 K H W``.
        plan: How weights are updated.
        steps: Updates in all; the learning rate ends with them.
        label_smoothing: See ``losses.loss``.
    """

    def __init__(self, model: nn.Module, plan: OptimiserPlan, *, steps: int, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.model = model
        self.plan = plan
        self.steps = steps
        self.label_smoothing = label_smoothing
        self._losses: list[tuple[str, Tensor]] = []
        self._clipped: dict[nn.Parameter, Tensor] = {}

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """Return the loss of one batch.

        Raises:
            ExperimentError: The loss is not finite; names the samples.
        """
        if batch.labels is None:
            raise ExperimentError(f"samples {', '.join(batch.ids)} have no labels; training needs a labelled split")
        logits = self.model(batch.images, batch.valid, batch.days, batch.configuration)
        value = loss(logits, batch.labels, batch.configuration, label_smoothing=self.label_smoothing)
        if not torch.isfinite(value):
            raise ExperimentError(
                f"the loss became {value.item()} at update {self.global_step} for samples {', '.join(batch.ids)}; "
                "look at these with `stsun info`, or lower optimiser.learning_rate, and go on with --resume"
            )
        self._losses.append((batch.configuration.task, value.detach()))
        if (index + 1) % self.trainer.accumulate_grad_batches == 0:
            self._log_update()
        return value

    def on_train_start(self) -> None:
        """Keep the processes from averaging gradients before they are clipped."""
        if isinstance(self.trainer.model, DistributedDataParallel):
            self.trainer.model.register_comm_hook(None, _keep_local)

    def on_after_backward(self) -> None:
        """Clip the gradient of one batch by itself and put it aside until the update.

        Gradients of different data sets differ tenfold and more in size. Clipped together, the large ones would drown
        the small ones: in the sum, and in the second moments that AdamW divides by.
        """
        batches = self.trainer.accumulate_grad_batches
        own = {each: each.grad for each in self.parameters() if each.grad is not None}
        norm = nn.utils.get_total_norm(list(own.values())) * batches
        share = (self.plan.clip / norm.clamp(min=self.plan.clip)) if self.plan.clip else torch.ones_like(norm)
        for parameter, gradient in own.items():
            kept = self._clipped.get(parameter)
            self._clipped[parameter] = gradient * share if kept is None else kept.add_(gradient * share)
            parameter.grad = None

    def on_before_optimizer_step(self, _optimizer: torch.optim.Optimizer) -> None:
        """Hand the mean of the clipped gradients of all batches, and of all processes, to the optimiser."""
        clipped, self._clipped = self._clipped, {}
        if self.trainer.world_size > 1:
            clipped = mean_over_processes(list(self.parameters()), clipped)
        for parameter, gradient in clipped.items():
            parameter.grad = gradient

    def _log_update(self) -> None:
        """Log the mean loss of one update, and of each task in it."""
        losses, self._losses = self._losses, []
        self.log("loss", torch.stack([value for _, value in losses]).mean(), prog_bar=True, batch_size=1)
        for task in dict.fromkeys(task for task, _ in losses):
            own = torch.stack([value for name, value in losses if name == task])
            self.log(f"loss/{task}", own.mean(), batch_size=1)

    def validation_step(self, batch: Validate, _index: int) -> None:
        """Log the scores that one validation gives."""
        self.log_dict(dict(batch(self.model)), batch_size=1, rank_zero_only=True)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Return AdamW and its schedule, stepped once per update."""
        optimiser = adamw(self.model, self.plan)
        schedule = warm_up_cosine(optimiser, warmup=self.plan.warmup, steps=self.steps)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def _keep_local(_state: object, bucket: GradBucket) -> torch.futures.Future[Tensor]:
    """Leave the gradients of this process alone: they are clipped before they are averaged (see ``TrainingModule``)."""
    future: torch.futures.Future[Tensor] = torch.futures.Future()
    future.set_result(bucket.buffer())
    return future


def mean_over_processes(
    parameters: Sequence[nn.Parameter], gradients: Mapping[nn.Parameter, Tensor]
) -> dict[nn.Parameter, Tensor]:
    """Return the gradients averaged over all processes; one that a process lacks counts as zero there."""
    trained = [each for each in parameters if each.requires_grad]
    flat = torch.cat([gradients.get(each, torch.zeros_like(each)).flatten() for each in trained])
    torch.distributed.all_reduce(flat)
    parts = (flat / torch.distributed.get_world_size()).split([each.numel() for each in trained])
    return {each: part.view_as(each) for each, part in zip(trained, parts, strict=True)}


class StreamData(LightningDataModule):
    """The stream from where the trainer is on, dealt out to the processes, and the validations.

    Args:
        stream: The training stream; its ``plan.accumulate`` batches make one update over all processes together.
        workers: Processes that make batches ahead; 0 = made in the training process.
        validations: Each is run by one process, on the averaged weights.
    """

    def __init__(self, stream: TrainingStream, *, workers: int = 0, validations: tuple[Validate, ...] = ()) -> None:
        super().__init__()
        self.allow_zero_length_dataloader_with_multiple_devices = True
        self.stream = stream
        self.workers = workers
        self.validations = validations

    def train_dataloader(self) -> DataLoader[Batch]:
        """Return the loader of this process's batches, from the trainer's current update on."""
        if self.trainer is None:
            raise RuntimeError("the loader starts where the trainer stands: hand StreamData to Trainer.fit")
        first = self.trainer.global_step * self.stream.plan.accumulate
        return DataLoader(
            self.stream,
            batch_size=None,
            sampler=EveryNth(first + self.trainer.global_rank, self.trainer.world_size),
            num_workers=self.workers,
            # forked workers share the cached samples
            multiprocessing_context="fork" if self.workers else None,
            pin_memory=torch.cuda.is_available(),
            prefetch_factor=4 if self.workers else None,
        )

    def val_dataloader(self) -> DataLoader[Any]:
        """Return the validations of this process: all for the first, none for the others."""
        first = self.trainer is not None and self.trainer.is_global_zero
        mine: Any = list(self.validations) if first else []
        return DataLoader(mine, batch_size=None)

    def transfer_batch_to_device(self, batch: Any, device: torch.device, _dataloader: int) -> Any:
        """Return the batch on the device; validations are left alone."""
        return batch.to(device, non_blocking=True) if isinstance(batch, Batch) else batch


class EveryNth(Sampler[int]):
    """Indices ``first``, ``first + step``, ... without end."""

    def __init__(self, first: int, step: int) -> None:
        self.first = first
        self.step = step

    def __iter__(self) -> Iterator[int]:
        """Give one index after the other."""
        index = self.first
        while True:
            yield index
            index += self.step


class AveragedWeights(WeightAveraging):
    """Exponential moving average of the weights, young at first: decay min(decay, (1 + n) / (10 + n)) after n updates.

    Validation runs on the average, and at the end the model has it.
    """

    def __init__(self, decay: float) -> None:
        def average(means: Any, currents: Any, updates: Any) -> None:
            share = min(decay, (1 + int(updates)) / (10 + int(updates)))
            torch._foreach_lerp_(list(means), list(currents), 1 - share)

        super().__init__(use_buffers=False, multi_avg_fn=average)
