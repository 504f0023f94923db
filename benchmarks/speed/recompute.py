"""What `checkpoint_activations` saves and costs: peak memory and CPU time of a training step, with it and without.

Example:
    python benchmarks/speed/recompute.py tiny:24x10x128x128 base:24x10x128x128 --repeats 3

A step is the forward and the backward pass of one sample, SIZE:DATESxBANDSxHEIGHTxWIDTH, in a process of its own, one
thread. Memory is what the process had at most, above what it had before the first step.
"""

import argparse

import torch

from stsun.bench.apart import apart, peak_mb
from stsun.bench.cases import CATEGORIES, random_request
from stsun.bench.clock import Times, timed
from stsun.bench.measure import training_step
from stsun.model.stsun import create

CASES = ("tiny:24x10x128x128", "tiny:61x10x128x128", "tiny:2x3x512x512", "base:24x10x128x128")


def main() -> None:
    """Measure every case both ways, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=CASES, metavar="SIZE:INPUT")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    print("| case | kept MB | recomputed MB | ratio | kept est. ms | recomputed est. ms | ratio |\n" + "|---" * 7 + "|")
    for case in arguments.cases:
        size, _, text = case.partition(":")
        (kept, before), (again, after) = (apart(step_of, size, text, way, arguments.repeats) for way in (False, True))
        cells = [f"{kept:.0f}", f"{again:.0f}", f"{again / kept:.2f}", f"{before.est_ms:.0f}", f"{after.est_ms:.0f}"]
        print(f"| {case} | {' | '.join(cells)} | {after.est_ms / before.est_ms:.2f} |", flush=True)


def step_of(size: str, text: str, recompute: bool, repeats: int) -> tuple[float, Times]:
    """Return the megabytes that steps take, and how long one takes."""
    torch.set_num_threads(1)
    model, request = create(size, CATEGORIES, seed=0), random_request(text)
    model.recompute = recompute
    training_step(model, random_request("2x3x32x32"))()  # what libraries take when they are first used
    before = peak_mb()
    times = timed(training_step(model, request), repeats)
    return peak_mb() - before, times


if __name__ == "__main__":
    main()
