"""What rivals cost beside ours, measured in one run, each case in a process of its own.

Example:
    python benchmarks/speed/rivals.py --inputs 1x3x512x512 2x3x256x256 --json rivals.json

The rivals are the networks of `benchmarks/rivals/image_networks.py`, with random weights and six categories. They
know no dates: those of a series are stacked as channels, as is done where such networks are used for change. So their
cost of a series is that of early fusion, not of networks made for series. docs/speed.md explains est. ms and the share
of the GEMM rate.
"""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

import torch

sys.path.append(str(Path(__file__).resolve().parents[1] / "rivals"))  # programs are no package

from image_networks import NETWORKS
from stsun.bench.apart import apart
from stsun.bench.cases import CATEGORIES, QUICK_INPUTS, QUICK_SIZES, Case, random_request, shape_of
from stsun.bench.measure import Cost, cost_of, measure
from stsun.bench.tables import cost_table
from stsun.errors import BenchmarkError
from stsun.files import write_text
from stsun.terminal import to_json


def main() -> None:
    """Measure our sizes and the rivals on every input, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="*", default=list(QUICK_SIZES))
    parser.add_argument("--rivals", nargs="*", choices=list(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--inputs", nargs="+", default=list(QUICK_INPUTS), metavar="TxCxHxW")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    how = {"repeats": arguments.repeats, "threads": arguments.threads}
    costs = []
    for text in arguments.inputs:
        for name in (*arguments.sizes, *arguments.rivals):
            print(f"{name} {text}", file=sys.stderr)
            costs.append(apart(measure_rival if name in NETWORKS else measure, Case(name, text), **how))
    print(cost_table(costs))
    if arguments.json is not None:
        facts = {"torch": torch.__version__, **how}
        content = to_json({**facts, "costs": [asdict(cost) for cost in costs]})
        write_text(arguments.json, content + "\n", BenchmarkError)


def measure_rival(case: Case, *, repeats: int, threads: int) -> Cost:
    """Return what a rival costs; changes how many threads this process computes with."""
    torch.set_num_threads(threads)
    dates, bands, _, _ = shape_of(case.input)
    images, *_, configuration = random_request(case.input)
    categories = 1 if configuration.task == "binary_change" else len(CATEGORIES)
    network = NETWORKS[case.size](dates * bands, categories).eval()
    return cost_of(case, network, (images.flatten(1, 2),), repeats=repeats)


if __name__ == "__main__":
    main()
