"""The optimiser and the course of its learning rate."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from stsun.errors import ExperimentError

LEAST_SHARE = 0.01
"""The learning rate ends at this share of its peak."""


@dataclass(frozen=True)
class OptimiserPlan:
    """How weights are updated.

    Args:
        learning_rate: Peak of AdamW's learning rate.
        weight_decay: On matrices and kernels only.
        betas: AdamW's.
        warmup: Updates of linear warm-up.
        clip: Largest norm of one batch's gradient; 0 = not clipped. Batches are clipped one by one, then averaged.
        ema: Decay of the averaged weights that are evaluated and saved; 0 = no averaging.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    betas: tuple[float, float] = (0.9, 0.98)
    warmup: int = 100
    clip: float = 1.0
    ema: float = 0.999

    def __post_init__(self) -> None:
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise ExperimentError(f"optimiser.learning_rate is {self.learning_rate}, expected a positive number")
        if not 0 <= self.ema < 1:
            raise ExperimentError(f"optimiser.ema is {self.ema:g}, expected 0 (no averaging) to below 1, such as 0.999")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ExperimentError(f"optimiser.betas is {list(self.betas)}, expected two numbers from 0 to below 1")
        for name in ("weight_decay", "warmup", "clip"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ExperimentError(f"optimiser.{name} is {getattr(self, name)}, expected at least 0")


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Return AdamW's two groups: weights of linear maps and convolutions decay; all else does not.

    Biases, norms, scales, embeddings and tables do not decay: a rare row would be forgotten between its uses.
    """
    decays: list[Tensor] = []
    stays: list[Tensor] = []
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            matrix = name.endswith("weight") and parameter.ndim >= 2 and not isinstance(module, nn.Embedding)
            (decays if matrix else stays).append(parameter)
    groups = ((decays, weight_decay), (stays, 0.0))
    return [{"params": parameters, "weight_decay": decay} for parameters, decay in groups if parameters]


def adamw(groups: Sequence[dict[str, Any]], plan: OptimiserPlan) -> torch.optim.AdamW:
    """Return AdamW over groups of parameters, fused where their device has that."""
    fused = all(parameter.device.type in ("cpu", "cuda") for group in groups for parameter in group["params"])
    return torch.optim.AdamW(groups, lr=plan.learning_rate, betas=plan.betas, fused=fused)


def learning_rate_share(step: int, *, warmup: int, steps: int) -> float:
    """Return the share of the peak learning rate at an update: linear up, then a cosine down to 1 %."""
    if step < warmup:
        return (step + 1) / warmup
    progress = min(1.0, (step - warmup) / max(1, steps - warmup))
    return LEAST_SHARE + (1 - LEAST_SHARE) * 0.5 * (1 + math.cos(math.pi * progress))


def warm_up_cosine(optimiser: torch.optim.Optimizer, *, warmup: int, steps: int) -> LambdaLR:
    """Return the scheduler to be stepped once per update (see ``learning_rate_share``)."""
    return LambdaLR(optimiser, lambda step: learning_rate_share(step, warmup=warmup, steps=steps))
