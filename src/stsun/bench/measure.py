"""What one forward pass costs."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import nn

from stsun.bench.apart import peak_mb
from stsun.bench.cases import CATEGORIES, Case, random_request
from stsun.bench.clock import Times, share_of_rate, timed
from stsun.bench.flops import count_gflops, parameter_count
from stsun.errors import BenchmarkError
from stsun.model.specialise import specialise
from stsun.model.stsun import create


@dataclass(frozen=True)
class Cost:
    """What a case costs, float32.

    Args:
        case: Which.
        parameters: How many.
        gflops: 2 x multiply-add of one forward pass in 1e9, attention counted.
        forward: One forward pass in evaluation mode.
        share: Of the GEMM rate that it reaches.
        peak_mb: The largest resident memory of the process that ran it, Python and torch included.
        step: Forward and backward of the generic model; None = not timed.
        step_peak_mb: The largest resident memory with that.

    Raises:
        BenchmarkError: A number is not positive.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    case: Case
    parameters: int
    gflops: float
    forward: Times
    share: float
    peak_mb: float
    step: Times | None = None
    step_peak_mb: float | None = None

    def __post_init__(self) -> None:
        if not all(0 < number < math.inf for number in (self.parameters, self.gflops, self.share, self.peak_mb)):
            raise BenchmarkError(f"{self.case}: parameters, gflops, share and peak_mb are to be finite and above 0")


def measure(case: Case, *, repeats: int, threads: int, training: bool = False) -> Cost:
    """Return what a case costs, with random weights; changes how many threads this process computes with.

    Raises:
        BenchmarkError: The input is none.
    """
    torch.set_num_threads(threads)
    request = random_request(case.input)
    model = create(case.size, CATEGORIES, seed=0).eval()
    network = specialise(model, request[-1]) if case.specialised else model
    cost = cost_of(case, network, request, repeats=repeats)
    if not training:
        return cost
    return replace(cost, step=timed(training_step(model, request), repeats), step_peak_mb=peak_mb())


def cost_of(case: Case, network: nn.Module, inputs: tuple[object, ...], *, repeats: int) -> Cost:
    """Return what a network in evaluation mode costs on some inputs; ``case`` is what to call it."""

    def forward() -> None:
        with torch.inference_mode():
            network(*inputs)

    times, peak = timed(forward, repeats), peak_mb()
    gflops = count_gflops(network, *inputs)  # after the peak was read: unfused attention needs more memory
    return Cost(case, parameter_count(network), gflops, times, share_of_rate(gflops, times), peak)


def training_step(model: nn.Module, inputs: tuple[object, ...]) -> Callable[[], None]:
    """Return a call that does a forward and a backward pass of the mean of the squared logits."""
    model.train()

    def step() -> None:
        model.zero_grad()
        model(*inputs).square().mean().backward()

    return step
