"""The curves of a training run, from the log that it leaves."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stsun.errors import ExperimentError
from stsun.evaluation.summary import HEADLINES
from stsun.report.words import TITLES

MOST_POINTS = 200
"""Of longer lines the means of as many equal parts are shown."""


@dataclass(frozen=True)
class Panel:
    """Lines with one axis in common.

    Args:
        title: What the axis measures.
        lines: Name -> updates done, and values.
    """

    title: str
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]]


def panels_of(log: Path, evaluations: Sequence[Mapping[str, Any]]) -> tuple[Panel, ...]:
    """Return the panels of a run: loss, learning rate, and the first headline score of each data set.

    Args:
        log: The run's ``metrics.csv``.
        evaluations: The scores of its validations, which name data sets and tasks.

    Raises:
        ExperimentError: The log cannot be read.
    """
    try:
        with log.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        columns = list(rows[0]) if rows else []
        lines = {name: _line(rows, name) for name in columns if name not in ("epoch", "step")}
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as problem:
        raise ExperimentError(f"{log}: cannot be read as the log of a run ({problem}); train again") from problem
    losses = {_loss_name(name): line for name, line in lines.items() if name.startswith("loss")}
    rates = {name: line for name, line in lines.items() if name.startswith("lr-")}
    rate = dict(list(rates.items())[:1])  # all groups of weights have the same
    panels = [Panel("loss", losses), Panel("learning rate", rate), *_validations(lines, evaluations)]
    return tuple(panel for panel in panels if any(len(values) > 1 for _, values in panel.lines.values()))


def _validations(
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]], evaluations: Sequence[Mapping[str, Any]]
) -> list[Panel]:
    panels: dict[str, dict[str, Any]] = {}
    for scores in evaluations:
        headline = HEADLINES[scores["task"]][0]
        line = lines.get(f"{scores['data_set']}/{headline}")
        if line is not None:
            panels.setdefault(headline, {})[scores["data_set"]] = line
    return [Panel(f"{TITLES[name]}, validation", own) for name, own in panels.items()]


def _line(rows: Sequence[Mapping[str, str]], name: str) -> tuple[list[float], list[float]]:
    points = np.array([(int(row["step"]) + 1, float(row[name])) for row in rows if row[name]]).reshape(-1, 2)
    parts = np.array_split(points, min(len(points), MOST_POINTS)) if len(points) else []
    means = np.array([part.mean(axis=0) for part in parts]).reshape(-1, 2)
    return means[:, 0].tolist(), means[:, 1].tolist()


def _loss_name(column: str) -> str:
    _, _, task = column.partition("/")
    return task.replace("_", " ") if task else "all tasks"
