"""What a model costs: parameters, floating-point operations and time, for each size and kind of input.

Example:
    python benchmarks/cost.py --sizes tiny small --inputs 2x3x256x256 --threads 1 --json cost.json

* GFLOPs: 2 x multiply-add of one forward pass, attention counted, batch 1. Sums, norms and activations are not.
* Seconds: median over the repeats, after one that does not count; of the clock (wall) and of all threads (CPU).
  Backward is of the mean of the squared logits. Weights are random.
* GEMM rate: GFLOP per CPU second of a 1024 x 1024 x 1024 float32 product, timed between the calls in the same process.
  A busy or slow machine lowers it as it lowers the rest: GFLOPs / (CPU seconds x rate), the share of the rate that the
  model reaches, can be compared between machines.
* An input is dates x bands x height x width. One date asks for a segmentation, two for a binary change, more for a
  segmentation of the whole series; six categories.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.model.config import SIZES
from stsun.model.stsun import create
from tables import head, row, write_json

CATEGORIES = ("water", "forest", "building", "road", "agriculture", "grassland")
INPUTS = ("1x3x512x512", "2x3x256x256", "24x10x128x128")
COLUMNS = (
    "size", "input", "parameters (M)", "GFLOPs", "forward wall (s)", "forward CPU (s)", "forward + backward wall (s)",
    "forward + backward CPU (s)", "GEMM rate (GFLOP per CPU s)", "share of the rate, forward",
)  # fmt: skip
GEMM_SIDE = 1024
DAYS_APART = 10.0


@dataclass(frozen=True)
class Times:
    """Median seconds of one call.

    Args:
        wall: Of the clock.
        cpu: Of the process, all threads together.
    """

    wall: float
    cpu: float


@dataclass(frozen=True)
class Cost:
    """What one model costs on one input, batch 1.

    Args:
        size: Named size.
        input: Dates x bands x height x width.
        parameters: How many.
        gflops: 2 x multiply-add of one forward pass.
        forward: Without gradients, in evaluation mode.
        step: Forward and backward; None if not timed.
        gemm_rate: GFLOP per CPU second of a float32 GEMM, median of those timed between the calls.
    """

    size: str
    input: str
    parameters: int
    gflops: float
    forward: Times
    step: Times | None
    gemm_rate: float


def main() -> None:
    """Measure every size on every input, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--inputs", nargs="+", default=list(INPUTS), metavar="TxCxHxW")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--forward-only", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    costs = []
    print(head(COLUMNS, texts=2))
    for size in arguments.sizes:
        for name in arguments.inputs:
            print(f"{size} {name}", file=sys.stderr)
            costs.append(measure(size, name, arguments.repeats, backward=not arguments.forward_only))
            print(row(cells(costs[-1])), flush=True)
    if arguments.json is not None:
        facts = {"threads": arguments.threads, "repeats": arguments.repeats, "torch": torch.__version__}
        write_json(arguments.json, {**facts, "costs": [asdict(cost) for cost in costs]})


def measure(size: str, name: str, repeats: int, *, backward: bool) -> Cost:
    """Return what a size costs on an input such as ``2x3x256x256``."""
    model = create(size, CATEGORIES, seed=0).eval()
    request = random_input(name)

    def forward() -> None:
        with torch.inference_mode():
            model(*request)

    def step() -> None:
        model.zero_grad()
        model(*request).square().mean().backward()

    gflops = count_gflops(model, *request)
    forward_times, rates = timed(forward, repeats)
    step_times = None
    if backward:
        model.train()
        step_times, more = timed(step, repeats)
        rates += more
    parameters = parameter_count(model)
    return Cost(size, name, parameters, gflops, forward_times, step_times, statistics.median(rates))


def random_input(name: str) -> tuple[Tensor, Tensor, Tensor, Configuration]:
    """Return images, valid, days and configuration of the shape that a text such as ``24x10x128x128`` tells."""
    dates, bands, height, width = (int(part) for part in name.split("x"))
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(1, dates, bands, height, width, generator=generator)
    days = 18_000.0 + DAYS_APART * torch.arange(dates, dtype=torch.float64)[None]
    wavelengths = np.linspace(450, 2400, bands)
    configuration = Configuration(
        [Band(f"band {number}", float(wavelength), 30) for number, wavelength in enumerate(wavelengths)],
        gsd_m=10.0,
        task="binary_change" if dates == 2 else "segmentation",
        categories=("changed",) if dates == 2 else CATEGORIES,
    )
    return images, torch.ones(1, dates, height, width, dtype=torch.bool), days, configuration


def count_gflops(model: nn.Module, *inputs: object) -> float:
    """Return 2 x multiply-add of one forward pass in 1e9, attention counted.

    The counter sees no operation inside the fused kernels that a CPU uses for attention and for Transformer layers, so
    both give way to their unfused forms while it counts.
    """
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            model(*inputs)
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
    return counter.get_total_flops() / 1e9


def parameter_count(model: nn.Module) -> int:
    """Return the number of parameters."""
    return sum(parameter.numel() for parameter in model.parameters())


def timed(call: Callable[[], object], repeats: int) -> tuple[Times, list[float]]:
    """Return the median times of a call, and the GEMM rates met before each of them in GFLOP per CPU second."""
    call()
    walls, cpus, rates = [], [], []
    left, right = torch.rand(2, GEMM_SIDE, GEMM_SIDE)
    for _ in range(repeats):
        rates.append(2 * GEMM_SIDE**3 / 1e9 / seconds(lambda: left @ right).cpu)
        times = seconds(call)
        walls.append(times.wall)
        cpus.append(times.cpu)
    return Times(statistics.median(walls), statistics.median(cpus)), rates


def seconds(call: Callable[[], object]) -> Times:
    """Return how long one call takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return Times(time.perf_counter() - wall, time.process_time() - cpu)


def cells(cost: Cost) -> list[str]:
    """Return the cells of one row of the table."""
    step = ("–", "–") if cost.step is None else (f"{cost.step.wall:.3f}", f"{cost.step.cpu:.3f}")
    share = cost.gflops / (cost.forward.cpu * cost.gemm_rate)
    times = (f"{cost.forward.wall:.3f}", f"{cost.forward.cpu:.3f}", *step)
    return [
        cost.size, cost.input, f"{cost.parameters / 1e6:.2f}", f"{cost.gflops:.2f}", *times, f"{cost.gemm_rate:.0f}",
        f"{share:.2f}",
    ]  # fmt: skip


if __name__ == "__main__":
    main()
