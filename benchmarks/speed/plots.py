"""Time against pixels, dates and bands, drawn from a file of `stsun bench`.

Example:
    stsun bench --all --sizes tiny small --json speed.json
    python benchmarks/speed/plots.py speed.json --output plots

Writes pixels.svg, dates.svg and bands.svg: est. ms on logarithmic axes, a line for each network that the file holds.
Cases that are not in the suite are left out. Needs matplotlib (pip install 'stsun[report]').
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from stsun.bench.cases import BANDS, DATES, PIXELS, shape_of
from stsun.bench.run import Run, read_run

Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Plot:
    """One picture.

    Args:
        name: Of its file.
        label: Of its horizontal axis.
        inputs: The cases that it shows.
        place: Where a shape (dates, bands, height, width) stands on that axis.
    """

    name: str
    label: str
    inputs: Sequence[str]
    place: Callable[[tuple[int, int, int, int]], float]


PLOTS = (
    Plot("pixels", "pixels of an RGB image", PIXELS, lambda shape: shape[2] * shape[3]),
    Plot("dates", "dates of 10 bands, 128 x 128 pixels", DATES, lambda shape: shape[0]),
    Plot("bands", "bands of an image of 256 x 256 pixels", BANDS, lambda shape: shape[1]),
)


def main() -> None:
    """Read a run and draw what it holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="written by stsun bench --json")
    parser.add_argument("--output", type=Path, default=Path("plots"), help="folder for the pictures")
    arguments = parser.parse_args()
    run = read_run(arguments.run)
    arguments.output.mkdir(parents=True, exist_ok=True)
    for plot in PLOTS:
        lines = lines_of(run, plot)
        if lines:
            draw(plot, lines, arguments.output / f"{plot.name}.svg")
            print(arguments.output / f"{plot.name}.svg")


def lines_of(run: Run, plot: Plot) -> dict[str, Points]:
    """Return the points of each network, from left to right."""
    lines: defaultdict[str, Points] = defaultdict(list)
    for cost in run.costs:
        if cost.case.input in plot.inputs:
            name = cost.case.size if cost.case.specialised else f"{cost.case.size} (generic)"
            lines[name].append((plot.place(shape_of(cost.case.input)), cost.forward.est_ms))
    return {name: sorted(points) for name, points in lines.items()}


def draw(plot: Plot, lines: dict[str, Points], path: Path) -> None:
    """Write one picture; the same lines give the same bytes."""
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "stsun"}):
        figure = Figure(figsize=(5, 3.4), layout="constrained")
        axes = figure.add_subplot()
        for name, points in lines.items():
            axes.loglog(*zip(*points, strict=True), marker="o", markersize=3, label=name)
        axes.set(xlabel=plot.label, ylabel="est. ms")
        axes.grid(color="#dddddd")
        axes.legend(frameon=False)
        figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
