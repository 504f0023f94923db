"""What rivals cost beside ours, measured in one run, each case in a process of its own.

Example:
    make rivals-env
    python benchmarks/speed/rivals.py --inputs 1x3x512x512 2x3x256x256 --json rivals.json

The rivals have random weights. Networks for one image are those of `peers.py`, which `make rivals-env` brings, and
MONAI's. They know no dates: those of a pair are stacked as channels (early fusion), and they are left out of longer
series. Those of `benchmarks/rivals` for pairs and for series take the inputs that they are made for; what each does
otherwise than its paper stands in its file. docs/speed.md explains est. ms and the share of the GEMM rate.
"""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

import torch

sys.path.append(str(Path(__file__).resolve().parents[1] / "rivals"))  # programs are no package

from costs import WINDOW, port_for
from image_networks import NETWORKS
from peers import MISSING, PEERS, at_hand
from roster import build, suits
from stsun.bench.apart import apart
from stsun.bench.cases import CATEGORIES, QUICK_INPUTS, QUICK_SIZES, Case, random_request, shape_of
from stsun.bench.measure import Cost, cost_of, measure
from stsun.bench.tables import cost_table
from stsun.errors import BenchmarkError
from stsun.files import write_text
from stsun.terminal import to_json

STACKED = {**PEERS, **NETWORKS}
"""Networks for one image."""
DATED = ("fc-siam-diff", "bit", "u-tae", "tsvit")
"""Networks for pairs and for series, of `roster.ROSTER`."""
RIVALS = (*STACKED, *DATED)


def main() -> None:
    """Measure our sizes and the rivals on every input, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="*", default=list(QUICK_SIZES))
    parser.add_argument("--rivals", nargs="*", choices=RIVALS, help="left out: all that are at hand")
    parser.add_argument("--inputs", nargs="+", default=list(QUICK_INPUTS), metavar="TxCxHxW")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    how = {"repeats": arguments.repeats, "threads": arguments.threads}
    try:
        rivals = chosen(arguments.rivals)
    except BenchmarkError as problem:
        parser.error(str(problem))
    costs = []
    for text in arguments.inputs:
        for name in (*arguments.sizes, *(name for name in rivals if takes(name, text))):
            print(f"{name} {text}", file=sys.stderr)
            cost = apart(measure_rival if name in RIVALS else measure, Case(name, text), **how)
            print(f"  {cost.gflops:.2f} GFLOP, {cost.forward.est_ms:.0f} est. ms", file=sys.stderr)
            costs.append(cost)
    print(cost_table(costs))
    if arguments.json is not None:
        facts = {"torch": torch.__version__, **how}
        content = to_json({**facts, "costs": [asdict(cost) for cost in costs]})
        write_text(arguments.json, content + "\n", BenchmarkError)


def chosen(asked: list[str] | None) -> list[str]:
    """Return the rivals that were asked for, or all that are at hand.

    Raises:
        BenchmarkError: One that was asked for is not at hand.
    """
    if at_hand():
        return list(RIVALS) if asked is None else asked
    if asked is None:
        print(f"left out: {MISSING}", file=sys.stderr)
        return [name for name in RIVALS if name not in PEERS]
    if set(asked) & set(PEERS):
        raise BenchmarkError(MISSING)
    return asked


def takes(name: str, text: str) -> bool:
    """Return whether a rival takes such an input; for those for one image a pair is one of twice as many channels."""
    return shape_of(text)[0] <= 2 if name in STACKED else suits(name, [port_for(text)])


def measure_rival(case: Case, *, repeats: int, threads: int) -> Cost:
    """Return what a rival costs; changes how many threads this process computes with."""
    torch.set_num_threads(threads)
    request = random_request(case.input)
    if case.size in DATED:
        rival = build(case.size, [port_for(case.input)], window=WINDOW, seed=0).eval()
        return cost_of(case, rival, request, repeats=repeats)
    dates, bands, _, _ = shape_of(case.input)
    categories = 1 if request[-1].task == "binary_change" else len(CATEGORIES)
    network = STACKED[case.size](dates * bands, categories).eval()
    return cost_of(case, network, (request[0].flatten(1, 2),), repeats=repeats)


if __name__ == "__main__":
    main()
