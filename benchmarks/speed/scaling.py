"""How the cost grows with dates, pixels and bands, and what generating weights takes of a forward pass.

Example:
    python benchmarks/speed/scaling.py --sizes tiny small --json scaling.json

Specialised networks; FLOPs are exact, times are est. ms (docs/speed.md), in one process and in turn. The hypernetworks'
share is of the generic model on 1 x 3 x 512 x 512: est. ms of making all weights that depend on metadata, to those of
the whole forward.
"""

import argparse
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from limits import gflops
from stsun.bench.cases import CATEGORIES, QUICK_SIZES, random_request
from stsun.bench.clock import timed
from stsun.errors import BenchmarkError
from stsun.files import write_text
from stsun.model.specialise import specialise
from stsun.model.stsun import STSUN, create
from stsun.terminal import to_json

LIMITS = {
    "FLOPs, 24 dates / 12 dates": 2.05,
    "FLOPs, 1024 x 1024 / 512 x 512": 4.1,
    "time, 224 bands / 3 bands": 1.6,
    "hypernetworks' share of a forward": 0.03,
}
"""What each ratio should be at most."""


def main() -> None:
    """Measure all ratios of every size, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=list(QUICK_SIZES))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    found: dict[str, Any] = {}
    for size in arguments.sizes:
        found[size] = dict(zip(LIMITS, ratios(create(size, CATEGORIES).eval(), arguments.repeats), strict=True))
    print(f"| ratio | at most | {' | '.join(found)} |\n| --- | ---: |{' ---: |' * len(found)}")
    for name, limit in LIMITS.items():
        print(f"| {name} | {limit:g} | {' | '.join(f'{own[name]:.3f}' for own in found.values())} |")
    if arguments.json is not None:
        facts = {"torch": torch.__version__, "threads": arguments.threads, "repeats": arguments.repeats}
        write_text(arguments.json, to_json({**facts, "limits": LIMITS, "ratios": found}) + "\n", BenchmarkError)


@torch.inference_mode()
def ratios(model: STSUN, repeats: int) -> tuple[float, float, float, float]:
    """Return the ratios in the order of ``LIMITS``."""
    dates = gflops(model, "24x10x128x128") / gflops(model, "12x10x128x128")
    area = gflops(model, "1x3x1024x1024") / gflops(model, "1x3x512x512")
    bands = times_as_long(specialised(model, "1x224x256x256"), specialised(model, "1x3x256x256"), repeats)
    return dates, area, bands, hypernetworks(model, repeats)


def specialised(model: STSUN, text: str) -> Callable[[], object]:
    """Return a forward pass of the specialised network on an input."""
    request = random_request(text)
    network = specialise(model, request[-1])
    return lambda: network(*request)


def hypernetworks(model: STSUN, repeats: int) -> float:
    """Return the share of a generic forward that it takes to make the weights that depend on metadata."""
    request = random_request("1x3x512x512")
    return times_as_long(lambda: model.made(request[-1]), lambda: model(*request), repeats)


def times_as_long(one: Callable[[], object], other: Callable[[], object], repeats: int) -> float:
    """Return how many times as long as the other call one takes: est. ms, the median of repeats in turn."""
    return statistics.median(timed(one, 1).est_ms / timed(other, 1).est_ms for _ in range(repeats))


if __name__ == "__main__":
    main()
