"""Plots as SVG pictures, drawn by matplotlib (extra ``report``). Text of data is shown as it is, never as formulas."""

import io
import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from stsun.evaluation.calibration import BINS
from stsun.extras import extra_package
from stsun.report.curves import Panel

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
STROKES = ("-", "--", ":", "-.")
MOST_NUMBERED = 16
"""With more categories a confusion matrix shows colours only."""
NAME_LENGTH = 24
SETTINGS = {"svg.fonttype": "none", "svg.hashsalt": "stsun", "text.parse_math": False, "font.family": "sans-serif"}


def check_plots() -> None:
    """Refuse to begin what ends in plots where they cannot be drawn.

    Raises:
        ConfigurationError: matplotlib is not installed.
    """
    extra_package("matplotlib", "report", "plots of a report")


def confusion_plot(scores: Mapping[str, Any]) -> bytes:
    """Return the confusion matrix of scores as ``evaluate`` gives them: of each label, the share of each prediction."""
    names = [_short(name) for name in scores["confusion_names"]]
    counts = np.array(scores["confusion_matrix"], np.float64)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    places = range(len(names))

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.set_xticks(places, names, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(places, names)
        axes.set_xlabel("prediction")
        axes.set_ylabel("label")
        for row, column in np.ndindex(*shares.shape) if len(names) <= MOST_NUMBERED else ():
            share = shares[row, column]
            axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", color="wk"[int(share < 0.6)])

    side = 2.2 + 0.42 * min(len(names), 24)
    return _drawn(draw, side + 0.8, side)


def reliability_plot(scores: Mapping[str, Any]) -> bytes:
    """Return the reliability diagram of scores that tell it: accuracy by confidence, and how many pixels have it."""
    bins = scores["reliability"]
    edges = np.arange(BINS) / BINS
    accuracy = [math.nan if value is None else value for value in bins["accuracy"]]
    confidence = [math.nan if value is None else value for value in bins["confidence"]]
    shares = np.array(bins["pixels"]) / max(sum(bins["pixels"]), 1)

    def draw(figure: Any) -> None:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        upper.plot([0, 1], [0, 1], color="#888888", linestyle="--", label="as sure as right")
        upper.bar(edges, accuracy, 1 / BINS, align="edge", color="#9ecae1", edgecolor="white", label="accuracy")
        upper.plot(confidence, accuracy, "o", color=COLORS[0], markersize=4, label="mean confidence")
        upper.set(xlim=(0, 1), ylim=(0, 1), ylabel="accuracy")
        upper.legend(loc="upper left", frameon=False)
        lower.bar(edges, 100 * shares, 1 / BINS, align="edge", color="#bbbbbb", edgecolor="white")
        lower.set(xlabel="confidence", ylabel="% of pixels")

    return _drawn(draw, 4.6, 4.6)


def curve_plot(panel: Panel) -> bytes:
    """Return the lines of one panel over the updates of a run."""

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        for number, (name, (steps, values)) in enumerate(panel.lines.items()):
            color, stroke = COLORS[number % len(COLORS)], STROKES[number // len(COLORS) % len(STROKES)]
            mark = "o" if len(steps) < 20 else None
            axes.plot(steps, values, stroke, color=color, marker=mark, markersize=3, label=_short(name))
        axes.set(xlabel="updates", ylabel=panel.title)
        axes.grid(color="#dddddd")
        if len(panel.lines) > 1:
            axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize="small")

    return _drawn(draw, 7.5, 3.2)


def _drawn(draw: Callable[[Any], None], width: float, height: float) -> bytes:
    """Return what is drawn on a figure of so many inches; the same drawing gives the same bytes."""
    matplotlib = extra_package("matplotlib", "report", "plots of a report")
    figures = extra_package("matplotlib.figure", "report", "plots of a report")
    with matplotlib.rc_context(SETTINGS), warnings.catch_warnings(), io.BytesIO() as file:
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # the browser's own fonts draw them
        figure = figures.Figure(figsize=(width, height), layout="constrained")
        draw(figure)
        figure.savefig(file, format="svg", metadata={"Date": None})
        return file.getvalue()


def _short(name: str) -> str:
    return name if len(name) <= NAME_LENGTH else f"{name[: NAME_LENGTH - 1]}…"
