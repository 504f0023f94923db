"""Time that can be compared between machines, busy ones too: beside every call a product of matrices is timed."""

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import torch

from stsun.errors import BenchmarkError

GEMM_SIDE = 1024
REFERENCE_RATE = 160.0
"""GFLOP per second of the machine that estimates speak of: two quiet cores of 80 each."""


@dataclass(frozen=True)
class Times:
    """How long a call takes: medians over the repeats, after a call that does not count.

    Args:
        wall_s: Seconds of the clock.
        cpu_s: Seconds of the process, all threads together.
        gemm_rate: GFLOP per CPU second of a float32 product of 1024 x 1024 matrices, timed before and after each call.
        est_ms: CPU time x GEMM rate / 160 GFLOP per second: milliseconds on two quiet cores, if work splits evenly. A
            busy or slow machine takes more CPU time for the call and for the product alike.

    Raises:
        BenchmarkError: A number is not positive.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    wall_s: float
    cpu_s: float
    gemm_rate: float
    est_ms: float

    def __post_init__(self) -> None:
        if not all(0 < number < math.inf for number in (self.wall_s, self.cpu_s, self.gemm_rate, self.est_ms)):
            raise BenchmarkError(f"times are to be finite and above 0, got {self}")


def timed(call: Callable[[], object], repeats: int) -> Times:
    """Return how long a call takes, median of ``repeats``."""
    left, right = torch.rand(2, GEMM_SIDE, GEMM_SIDE)

    def rate() -> float:
        return 2 * GEMM_SIDE**3 / 1e9 / seconds(lambda: left @ right)[1]

    call()
    rate()
    calls, rates = [], [rate()]
    for _ in range(repeats):
        calls.append(seconds(call))
        rates.append(rate())
    walls, cpus = zip(*calls, strict=True)
    beside = [(before + after) / 2 for before, after in pairwise(rates)]
    products = [cpu * speed for cpu, speed in zip(cpus, beside, strict=True)]
    median = statistics.median
    return Times(median(walls), median(cpus), median(rates), 1000 * median(products) / REFERENCE_RATE)


def share_of_rate(gflops: float, times: Times) -> float:
    """Return the share of the GEMM rate that a call of so many 1e9 operations reaches."""
    return 1000 * gflops / (REFERENCE_RATE * times.est_ms)


def seconds(call: Callable[[], object]) -> tuple[float, float]:
    """Return how long one call takes: of the clock, and of all threads of the process."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu
