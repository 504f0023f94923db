"""Lightning's Trainer, set up for one experiment."""

import csv
import io
import logging
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.accelerators import CPUAccelerator
from lightning.pytorch.callbacks import Callback, LearningRateMonitor, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from lightning.pytorch.strategies import DDPStrategy
from torch import nn

from stsun.errors import ExperimentError
from stsun.files import write_text
from stsun.model.inference import within_memory
from stsun.model.network import Network
from stsun.training.blinding import FinestBlinded
from stsun.training.checkpoints import WholeCheckpoints
from stsun.training.module import AveragedWeights, StreamData, TrainingModule, Validate
from stsun.training.plan import Experiment
from stsun.training.sharded import ShardedModule, ShardedStrategy
from stsun.training.stream import TrainingStream

LAST = "checkpoints/last.ckpt"
LOGS = "logs"
LONG_RUN = 200
"""From so many updates on, only every tenth is logged."""


def fit(
    model: nn.Module,
    stream: TrainingStream,
    experiment: Experiment,
    folder: Path,
    *,
    validations: Sequence[Validate] = (),
    resume: bool = False,
    start: Callable[[], object] | None = None,
) -> Trainer:
    """Train the model in place, to its averaged weights; return the trainer.

    Args:
        model: The model.
        stream: Its batches; the same for all processes.
        experiment: Steps, optimiser, devices, precision, checkpoints.
        folder: Checkpoints and logs go here.
        validations: Run every ``validate_every`` updates.
        resume: Go on from the last checkpoint in the folder.
        start: Called when nothing speaks against the run any more, before anything is written.

    Raises:
        ExperimentError: There is nothing to resume, the loss is not finite, a file cannot be written, a process that
            makes batches died, or there is no such device or not so many.
        ConfigurationError: There is not enough memory.
        KeyboardInterrupt: The run was interrupted before its last update; says how to go on.
    """
    last = folder / LAST
    if resume and not last.is_file():
        raise ExperimentError(f"there is no {LAST} in {folder} to go on from; start without --resume")
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    module = _module(model, experiment)
    data = StreamData(stream, workers=experiment.workers, validations=tuple(validations))
    trainer = _trainer(experiment, folder, validate=bool(validations))
    if start is not None:
        start()
    with warnings.catch_warnings():
        # the loader starts where the trainer stands, so it is resumable although Lightning cannot know
        warnings.filterwarnings("ignore", message=".*dataloader is not resumable.*")
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        warnings.filterwarnings("ignore", message=".*exists and is not empty.*")
        warnings.filterwarnings("ignore", message=".*LeafSpec.* is deprecated.*")
        # it shards them all the same: what it averages are the parts of this process
        warnings.filterwarnings("ignore", message=".*WeightAveraging doesn't support sharding.*")
        warnings.filterwarnings("ignore", message=".*returned a view tensor.*")  # which nobody writes into
        handler = signal.getsignal(signal.SIGINT)
        try:
            with _explained(experiment):
                trainer.fit(module, datamodule=data, ckpt_path=last if resume else None, weights_only=True)
        except SystemExit:
            # Lightning turns Ctrl-C into exit code 1, and leaves the process deaf to it
            if not trainer.interrupted:
                raise
            signal.signal(signal.SIGINT, handler)
    if trainer.interrupted or trainer.global_step < experiment.steps:
        saved = f"go on from {last} with --resume" if last.is_file() else "no checkpoint was written yet, start again"
        raise KeyboardInterrupt(f"interrupted after {trainer.global_step} of {experiment.steps} updates; {saved}")
    return trainer


@contextmanager
def _explained(experiment: Experiment) -> Iterator[None]:
    """Tell what the machine lacks as an error of the experiment."""
    remedy = "lower stream.crop, stream.batch_size or model.size, and give another `output`, or take another machine"
    try:
        with within_memory("a batch of the training", experiment.accelerator, remedy):
            yield
    except RuntimeError as problem:
        what, _, _ = str(problem).partition("\n")
        if not what.startswith("DataLoader worker"):
            raise
        raise ExperimentError(
            f"a process that makes batches died ({what}), most likely for want of memory; "
            "take fewer `workers` or a smaller stream.cache_gb, and go on with --resume"
        ) from problem


def _module(model: nn.Module, experiment: Experiment) -> TrainingModule:
    if isinstance(model, Network):
        model.recompute = experiment.checkpoint_activations
    return (ShardedModule if experiment.strategy == "fsdp" else TrainingModule)(
        model.train(),
        experiment.optimiser,
        steps=experiment.steps,
        label_smoothing=experiment.label_smoothing,
        skip_not_finite=experiment.not_finite == "skip",
    )


def _trainer(experiment: Experiment, folder: Path, *, validate: bool) -> Trainer:
    try:
        trainer = _configured(experiment, folder, validate=validate)
    except MisconfigurationException as problem:
        raise ExperimentError(
            f"cannot compute on {experiment.devices} x {experiment.accelerator!r}: {problem}; "
            "set accelerator and devices to what this machine has, such as accelerator=cpu devices=1"
        ) from problem
    processors = os.cpu_count() or 1
    if isinstance(trainer.accelerator, CPUAccelerator) and experiment.devices > processors:
        raise ExperimentError(
            f"devices is {experiment.devices}, a process each, but this machine has {processors} processors; "
            f"give at most {processors}"
        )
    return trainer


def _configured(experiment: Experiment, folder: Path, *, validate: bool) -> Trainer:
    every = experiment.stream.accumulate // experiment.devices
    return Trainer(
        accelerator=experiment.accelerator,
        devices=experiment.devices,
        strategy=_strategy(experiment),
        use_distributed_sampler=False,
        precision=precision_of(experiment),  # type: ignore[arg-type]
        max_steps=experiment.steps,
        max_epochs=-1,
        accumulate_grad_batches=every,
        check_val_every_n_epoch=None,
        val_check_interval=max(1, experiment.validate_every) * every,
        limit_val_batches=None if validate and experiment.validate_every else 0,
        num_sanity_val_steps=0,
        log_every_n_steps=10 if experiment.steps >= LONG_RUN else 1,
        logger=_loggers(folder),
        callbacks=_callbacks(experiment, folder, every),
        enable_model_summary=False,
        default_root_dir=folder,
        plugins=[WholeCheckpoints()],
    )


def _strategy(experiment: Experiment) -> DDPStrategy | str:
    if experiment.devices == 1:
        return "auto"
    # a batch of one task leaves the parts for other tasks without gradient
    return ShardedStrategy() if experiment.strategy == "fsdp" else DDPStrategy(find_unused_parameters=True)


def _loggers(folder: Path) -> list[Logger]:
    """Logs as CSV, from which `merge_logs` reads, and for TensorBoard where it is installed."""
    version = len(list((folder / LOGS).glob("version_*")))
    loggers: list[Logger] = [CSVLogger(folder, name=LOGS, version=version)]
    if find_spec("tensorboard"):
        loggers.append(TensorBoardLogger(folder, name=LOGS, version=version))
    return loggers


def _callbacks(experiment: Experiment, folder: Path, every: int) -> list[Callback]:
    last = Path(LAST)
    callbacks: list[Callback] = [
        ModelCheckpoint(
            folder / last.parent,
            filename=last.stem,
            every_n_train_steps=experiment.checkpoint_every,
            save_on_train_epoch_end=False,
            enable_version_counter=False,
        ),
        LearningRateMonitor("step"),
        ProgressBar(refresh_rate=every),
    ]
    averaging = [AveragedWeights(experiment.optimiser.ema)] if experiment.optimiser.ema else []
    blinding = [FinestBlinded(experiment.drop_finest, experiment.seed)] if experiment.drop_finest else []
    return [*averaging, *blinding, *callbacks]


class ProgressBar(TQDMProgressBar):
    """Lightning's bar; the stream has no end, so the end of the run is that of the updates."""

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """End the line of the bar, so that what is said of the error has its own."""
        sys.stderr.write("\n")

    @property
    def total_train_batches(self) -> int:
        """Batches of the whole run."""
        return self.trainer.max_steps * self.trainer.accumulate_grad_batches


def precision_of(experiment: Experiment) -> str:
    """Return Lightning's name of the precision: bfloat16 only on a GPU that has it."""
    if experiment.precision != "auto":
        return experiment.precision
    gpu = experiment.accelerator != "cpu" and torch.cuda.is_available()
    return "bf16-mixed" if gpu and torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"


def merge_logs(folder: Path) -> Path:
    """Write ``metrics.csv``: the logs of all parts of a run, without what a later part did again; return its path.

    The last line of a part that was killed may be half a line, which is left out.

    Raises:
        ExperimentError: It cannot be written.
    """
    parts = sorted((folder / LOGS).glob("version_*/metrics.csv"), key=lambda path: int(path.parent.name.split("_")[1]))
    rows: list[dict[str, Any]] = []
    for part in parts:
        with part.open(newline="", encoding="utf-8") as file:
            new = [row for row in csv.DictReader(file) if _is_whole(row)]
        begin = min((int(row["step"]) for row in new), default=0)
        rows = [row for row in rows if int(row["step"]) < begin] + new
    names = list(dict.fromkeys(name for row in rows for name in row))
    target = folder / "metrics.csv"
    written = io.StringIO()
    columns = sorted(names, key=lambda name: (name not in ("epoch", "step"), name))
    writer = csv.DictWriter(written, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(target, written.getvalue(), ExperimentError)
    return target


def _is_whole(row: dict[str, Any]) -> bool:
    return None not in row and None not in row.values() and str(row.get("step", "")).isdigit()
