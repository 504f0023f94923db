"""What an experiment file holds, as plain values."""

import math
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from stsun.errors import ExperimentError
from stsun.training.schedule import OptimiserPlan
from stsun.training.stream import StreamPlan

try:
    from pydantic import BeforeValidator

    from stsun.yamlfile import Number, Whole
except ImportError:  # a training that reads no file must run without pydantic and yaml
    BeforeValidator, Number, Whole = id, float, int  # type: ignore[misc, assignment]

LARGEST_SEED = 2**63 - 1
"""Of PyTorch's generators."""


def _of_numbers(plan: object) -> object:
    """Refuse true and false among the numbers of a plan whose module must do without pydantic."""
    for name, value in plan.items() if isinstance(plan, dict) else ():
        if any(isinstance(one, bool) for one in (value if isinstance(value, list) else [value])):
            raise ValueError(f"{name} is {value}, expected a number")
    return plan


@dataclass(frozen=True)
class ModelPlan:
    """Which model to train.

    Args:
        size: Named size of a fresh model; left out with a checkpoint.
        checkpoint: Folder of a checkpoint to go on from, relative to the experiment file.
        options: Architectural choices to exchange, such as ``{temporal: mean}``; fresh models only.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    size: str | None = None
    checkpoint: str | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.checkpoint is not None and (self.size is not None or self.options):
            raise ExperimentError("model: a checkpoint brings its size and options; give either it, or these")


@dataclass(frozen=True)
class DataPlan:
    """One data set or one kind of simulated scene to train on.

    Args:
        dataset: Path of the data set's YAML file, relative to the experiment file.
        simulation: Or the kind of scene to simulate.
        train: Split to train on.
        validation: Split to validate on; left out = the data set only trains.
        weight: Factor on how often it is drawn.
        time_swap: Whether its changes may be told backwards (a flood told backwards is no flood).
        counts_as: How many samples it counts as when sources are drawn; simulated scenes have no number of their own.
        size: Side of a simulated scene in pixels.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    dataset: str | None = None
    simulation: str | None = None
    train: str = "train"
    validation: str | None = None
    weight: Number = 1.0
    time_swap: bool = True
    counts_as: Number | None = None
    size: Whole = 128

    def __post_init__(self) -> None:
        if (self.dataset is None) == (self.simulation is None):
            raise ExperimentError("data: each entry needs either `dataset: path/to.yaml` or `simulation: kind`")
        if self.simulation is not None and self.validation is not None:
            raise ExperimentError("data: a simulation has no splits to validate on; leave `validation` out")
        for name in ("weight", "counts_as", "size"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ExperimentError(f"data: {name} is {value:g}, expected a positive number; leave the entry out")


@dataclass(frozen=True)
class Experiment:
    """One training run.

    Args:
        name: Its name.
        data: What to train on, together.
        model: Which model.
        stream: How samples become batches.
        optimiser: How weights are updated.
        steps: Updates in all.
        output: Folder of the run, relative to where the command runs; left out = ``runs/NAME``.
        seed: Of weights, samples and augmentation.
        label_smoothing: Of the segmentation losses, 0..1.
        drop_finest: Share of batches in which the encoder's finest stride is not seen, so that coarser ones are used.
        not_finite: What becomes of a batch whose loss or gradient is not finite: ``stop`` ends the run and names its
            samples, ``skip`` leaves it out and counts it.
        validate_every: Updates between validations; 0 = only at the end.
        checkpoint_every: Updates between the checkpoints that ``--resume`` goes on from.
        devices: Processes, one per GPU or one per CPU share.
        strategy: What each of several processes holds: ``ddp`` all weights, their averages and the optimiser's state,
            ``fsdp`` its part of them.
        checkpoint_activations: Compute again what a gradient needs, instead of keeping it: less memory, more time.
        accelerator: Where to compute; ``auto`` = a GPU if there is one.
        precision: ``auto`` = bfloat16 where a GPU gains by it, else 32 bit.
        workers: Processes that prepare batches, for each device.
        threads: Threads of one process's arithmetic; 0 = as PyTorch finds best.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    name: str
    data: tuple[DataPlan, ...]
    model: ModelPlan = field(default_factory=ModelPlan)
    stream: Annotated[StreamPlan, BeforeValidator(_of_numbers)] = field(default_factory=StreamPlan)
    optimiser: Annotated[OptimiserPlan, BeforeValidator(_of_numbers)] = field(default_factory=OptimiserPlan)
    steps: Whole = 2000
    output: str | None = None
    seed: Whole = 0
    label_smoothing: Number = 0.0
    drop_finest: Number = 0.0
    not_finite: Literal["stop", "skip"] = "stop"
    validate_every: Whole = 0
    checkpoint_every: Whole = 200
    devices: Whole = 1
    strategy: Literal["ddp", "fsdp"] = "ddp"
    checkpoint_activations: bool = False
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"
    workers: Whole = 0
    threads: Whole = 0

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ExperimentError("name is empty, and the folder of the run is called by it; give a name")
        least = {"steps": 1, "seed": 0, "validate_every": 0, "checkpoint_every": 1, "devices": 1, "workers": 0}
        for name, minimum in {**least, "threads": 0}.items():
            if getattr(self, name) < minimum:
                raise ExperimentError(f"{name} is {getattr(self, name)}, expected at least {minimum}")
        if self.seed > LARGEST_SEED:
            raise ExperimentError(f"seed is {self.seed}, expected at most {LARGEST_SEED}")
        for name in ("label_smoothing", "drop_finest"):
            if not 0 <= getattr(self, name) < 1:
                raise ExperimentError(f"{name} is {getattr(self, name):g}, expected 0 to below 1")
        if self.strategy == "fsdp" and self.devices == 1:
            raise ExperimentError(
                "strategy is 'fsdp', but there is 1 process, and nothing to deal out; give devices of 2 or more, or ddp"
            )
        if self.stream.accumulate % self.devices:
            raise ExperimentError(
                f"stream.accumulate is {self.stream.accumulate}, not a multiple of {self.devices} devices; an update "
                "takes that many batches over all devices together"
            )
