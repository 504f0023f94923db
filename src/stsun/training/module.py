"""What Lightning's Trainer runs: a training step, the stream as its data, averaged weights, validation."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from lightning.pytorch import LightningDataModule, LightningModule, Trainer
from lightning.pytorch.callbacks import WeightAveraging
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, Dataset, Sampler

from stsun.data.batching import Batch
from stsun.errors import ExperimentError, StsunError
from stsun.training.gradients import keep_local, mean_over_processes
from stsun.training.losses import loss
from stsun.training.schedule import OptimiserPlan, adamw, parameter_groups, warm_up_cosine
from stsun.training.stream import TrainingStream

Validate = Callable[[nn.Module], Mapping[str, float]]
"""From a model in evaluation mode to named scores."""

MOST_SKIPPED = 50
"""So many batches in a row are never skipped: then not the samples are at fault, but the weights."""

logger = logging.getLogger(__name__)


class TrainingModule(LightningModule):
    """One model, its loss and its optimiser.

    Args:
        model: Takes images, valid, days and configuration, gives logits ``B T2 K H W``.
        plan: How weights are updated.
        steps: Updates in all; the learning rate ends with them.
        label_smoothing: See ``losses.loss``.
        skip_not_finite: Leave batches out whose loss or gradient is not finite, and count them in ``skipped``.
    """

    def __init__(
        self,
        model: nn.Module,
        plan: OptimiserPlan,
        *,
        steps: int,
        label_smoothing: float = 0.0,
        skip_not_finite: bool = False,
    ) -> None:
        super().__init__()
        self.model = model
        self.plan = plan
        self.steps = steps
        self.label_smoothing = label_smoothing
        self.skip_not_finite = skip_not_finite
        self.skipped = 0
        self._earlier_s, self._started = 0.0, time.perf_counter()
        self._in_a_row = 0
        self._batch: Batch | None = None
        self._refused = False
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
        self._batch, self._refused = batch, not torch.isfinite(value)
        if not self._refused:
            self._losses.append((batch.configuration.task, value.detach()))
        else:
            self._refuse(f"the loss became {value.item()}", batch)
            value = value.nan_to_num() * 0  # all processes must have a gradient, if only to throw it away
        if (index + 1) % self.trainer.accumulate_grad_batches == 0:
            self._log_update()
        return value

    def on_train_start(self) -> None:
        """Keep the processes from averaging gradients before they are clipped."""
        if isinstance(self.trainer.model, DistributedDataParallel):
            self.trainer.model.register_comm_hook(None, keep_local)

    def on_after_backward(self) -> None:
        """Clip the gradient of one batch by itself and put it aside until the update.

        Gradients of different data sets differ tenfold and more in size. Clipped together, the large ones would drown
        the small ones: in the sum, and in the second moments that AdamW divides by.

        Raises:
            ExperimentError: The gradient is not finite; names the samples.
        """
        weights = self._weights()
        own = {each: each.grad for each in weights if each.grad is not None}
        norm = nn.utils.get_total_norm(list(own.values())) * self.trainer.accumulate_grad_batches
        if self._batch is not None and not self._refused:
            self._refused = not torch.isfinite(norm)
            if self._refused:
                self._refuse(f"the loss is finite, but the norm of its gradient is {norm.item()},", self._batch)
            else:
                self._in_a_row = 0
        if self._refused:
            own = {}
        share = (self.plan.clip / norm.clamp(min=self.plan.clip)) if self.plan.clip else torch.ones_like(norm)
        clipped = {parameter: gradient * share for parameter, gradient in own.items()}
        for parameter in weights:
            parameter.grad = None
        self._put_aside(clipped)

    def _weights(self) -> list[nn.Parameter]:
        """Return what a backward pass gives gradients to."""
        return list(self.parameters())

    def _put_aside(self, clipped: Mapping[nn.Parameter, Tensor]) -> None:
        """Add what one batch gave to what the batches of this update gave before."""
        for parameter, gradient in clipped.items():
            kept = self._clipped.get(parameter)
            self._clipped[parameter] = gradient if kept is None else kept.add_(gradient)

    def _of_all_processes(self, clipped: dict[nn.Parameter, Tensor]) -> dict[nn.Parameter, Tensor]:
        """Return the mean of what the processes have put aside."""
        return mean_over_processes(list(self.parameters()), clipped) if self.trainer.world_size > 1 else clipped

    def on_before_optimizer_step(self, _optimizer: torch.optim.Optimizer) -> None:
        """Hand the mean of the clipped gradients of all batches, and of all processes, to the optimiser."""
        clipped, self._clipped = self._of_all_processes(self._clipped), {}
        for parameter, gradient in clipped.items():
            parameter.grad = gradient
        if self.skip_not_finite:
            self.log("skipped", float(self.skipped), batch_size=1)

    def _log_update(self) -> None:
        """Log the mean loss of one update, and of each task in it."""
        losses, self._losses = self._losses, []
        if not losses:
            return
        self.log("loss", torch.stack([value for _, value in losses]).mean(), prog_bar=True, batch_size=1)
        for task in dict.fromkeys(task for task, _ in losses):
            own = torch.stack([value for name, value in losses if name == task])
            self.log(f"loss/{task}", own.mean(), batch_size=1)

    def _refuse(self, what: str, batch: Batch) -> None:
        """Stop for a batch that is not finite, or count it where such ones are to be skipped."""
        message = f"{what} at update {self.global_step} for samples {', '.join(suspects(batch))}"
        self.skipped += 1
        self._in_a_row += 1
        if not self.skip_not_finite or self._in_a_row > MOST_SKIPPED:
            raise ExperimentError(
                f"{message}; look at these with `stsun info`, mend or leave them out and go on with --resume (or with "
                "not_finite=skip, which leaves such batches out), or start again with a lower optimiser.learning_rate"
            )
        logger.warning("%s: skipped, %d so far", message, self.skipped)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep how many batches were skipped, and how long the run has taken."""
        checkpoint["skipped"] = self.skipped
        checkpoint["seconds"] = self.seconds

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on counting; checkpoints of older versions know of none."""
        self.skipped = checkpoint.get("skipped", 0)
        self._earlier_s = checkpoint.get("seconds", 0.0)

    @property
    def seconds(self) -> float:
        """How long the run has taken, with all parts before it was resumed, each up to what was kept of it."""
        return self._earlier_s + time.perf_counter() - self._started

    def validation_step(self, batch: Validate, _index: int) -> None:
        """Log the scores that one validation gives."""
        self.log_dict(dict(batch(self.model)), batch_size=1, rank_zero_only=True)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Return AdamW and its schedule, stepped once per update."""
        optimiser = adamw(self._groups(), self.plan)
        schedule = warm_up_cosine(optimiser, warmup=self.plan.warmup, steps=self.steps)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _groups(self) -> list[dict[str, Any]]:
        return parameter_groups(self.model, self.plan.weight_decay)


def suspects(batch: Batch) -> tuple[str, ...]:
    """Return the samples that hold NaN or infinity where they are valid; all of the batch where none does."""
    dates = batch.images if isinstance(batch.images, list) else list(batch.images.unbind(1))
    odd = batch.days.isinf().any(1)
    for number, date in enumerate(dates):
        odd = odd | (~date.isfinite() & batch.valid[:, number].unsqueeze(1)).flatten(1).any(1)
    return tuple(name for name, found in zip(batch.ids, odd.tolist(), strict=True) if found) or batch.ids


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

    def train_dataloader(self) -> DataLoader[Batch | StsunError]:
        """Return the loader of this process's batches, from the trainer's current update on."""
        if self.trainer is None:
            raise RuntimeError("the loader starts where the trainer stands: hand StreamData to Trainer.fit")
        first = self.trainer.global_step * self.stream.plan.accumulate
        return DataLoader(
            _Told(self.stream),
            batch_size=None,
            sampler=EveryNth(first + self.trainer.global_rank, self.trainer.world_size),
            num_workers=self.workers,
            # forked workers share the cached samples
            multiprocessing_context="fork" if self.workers else None,
            pin_memory=torch.cuda.is_available(),
            prefetch_factor=4 if self.workers else None,
        )

    def val_dataloader(self) -> DataLoader[Any]:
        """Return the validations of this process: all for the first; the others are there, and find nothing to do."""
        first = self.trainer is not None and self.trainer.is_global_zero
        mine: Any = list(self.validations) if first else [_nothing]
        return DataLoader(mine, batch_size=None)

    def transfer_batch_to_device(self, batch: Any, device: torch.device, _dataloader: int) -> Any:
        """Return the batch on the device; validations are left alone.

        Raises:
            StsunError: The batch could not be made.
        """
        if isinstance(batch, StsunError):
            raise batch
        return batch.to(device, non_blocking=True) if isinstance(batch, Batch) else batch


def _nothing(_model: nn.Module) -> dict[str, float]:
    return {}


class _Told(Dataset[Batch | StsunError]):
    """A stream whose errors are values: raised in a process of its own, one would arrive with its traceback."""

    def __init__(self, stream: TrainingStream) -> None:
        self._stream = stream

    def __getitem__(self, index: int) -> Batch | StsunError:
        try:
            return self._stream[index]
        except StsunError as error:
            return error


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

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Give the model the average also where a run is resumed after its last update: nothing is trained then."""
        self.on_train_end(trainer, pl_module)
