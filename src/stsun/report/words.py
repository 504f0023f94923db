"""Scores in words: numbers, titles, plain text for the terminal, and tables in Markdown."""

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

TITLES = {
    "overall_accuracy": "overall accuracy",
    "average_accuracy": "average accuracy",
    "mean_iou": "mean IoU",
    "mean_f1": "mean F1",
    "kappa": "kappa",
    "change_f1": "change F1",
    "change_iou": "change IoU",
    "miou_scd": "mIoU (unchanged, changed)",
    "sek": "SeK",
    "f_scd": "F_scd",
    "scs": "SCS",
    "bc": "BC",
    "sc": "SC",
    "ece": "calibration error (ECE)",
}
"""Headline scores in the order of a report."""

CATEGORY_TITLES = {"precision": "precision", "recall": "recall", "f1": "F1", "iou": "IoU"}

Row = Sequence[str]


def to_markdown(scores: Mapping[str, Any]) -> str:
    """Return the scores that ``evaluate`` gives as Markdown: headline scores with intervals, then each category."""
    tables = map(markdown_table, (headline_rows(scores), category_rows(scores)))
    told = map(markdown_text, remarks(scores))
    return "\n\n".join([f"**{markdown_text(heading(scores))}**", *tables, *told]) + "\n"


def to_text(scores: Mapping[str, Any]) -> str:
    """Return the same as ``to_markdown`` as plain text in aligned columns."""
    parts = [heading(scores), _aligned(headline_rows(scores)), _aligned(category_rows(scores))]
    return "\n\n".join([*parts, *remarks(scores)]) + "\n"


def number(value: float | None) -> str:
    """Return a score with three decimals, or a dash where it is undefined."""
    return "–" if value is None else f"{value:z.3f}"


def interval(bounds: Sequence[float] | None) -> str:
    """Return an interval as ``0.412 to 0.538``, or a dash where there is none."""
    return "–" if bounds is None else f"{bounds[0]:z.3f} to {bounds[1]:z.3f}"


def heading(scores: Mapping[str, Any]) -> str:
    """Return what was scored, in a line: data set, split, task, how much, by which model."""
    samples = scores["samples"]
    facts = [
        scores.get("data_set"),
        f"split {scores['split']}" if "split" in scores else None,
        scores["task"],
        f"{samples} sample{'' if samples == 1 else 's'}",
        f"{scores['pixels']:,} pixels",
        f"model {scores['model']}" if "model" in scores else None,
        f"{scores['seconds']:.1f} s" if "seconds" in scores else None,
    ]
    return " · ".join(fact for fact in facts if fact)


def headline_rows(scores: Mapping[str, Any]) -> list[Row]:
    """Return the table of headline scores with their intervals, its head first."""
    rows: list[Row] = [("score", "value", "95 % interval")]
    for key, title in TITLES.items():
        if key in scores:
            rows.append((title, number(scores[key]), interval(scores["intervals"][key])))
    return rows


def category_rows(scores: Mapping[str, Any]) -> list[Row]:
    """Return the table of categories, its head first."""
    intervals = scores["intervals"]["categories"]
    rows: list[Row] = [("category", *CATEGORY_TITLES.values(), "95 % interval of IoU", "labelled pixels")]
    for name, values in scores["categories"].items():
        bounds = None if intervals is None else intervals[name]["iou"]
        measures = (number(values[key]) for key in CATEGORY_TITLES)
        rows.append((name, *measures, interval(bounds), f"{values['pixels']:,}"))
    return rows


def area_rows(scores: Mapping[str, Any]) -> list[Row]:
    """Return the table of areas in hectares, its head first; only where scores tell areas."""
    rows: list[Row] = [("category", "mapped, ha", "estimated, ha", "95 % interval, ha")]
    for name, values in scores["areas"].items():
        mapped, estimated, bounds = values["mapped_m2"], values["estimated_m2"], values["interval_m2"]
        span = "–" if bounds is None else " to ".join(map(_hectares, bounds))
        rows.append((name, _hectares(mapped), "–" if estimated is None else _hectares(estimated), span))
    return rows


def _hectares(area_m2: float) -> str:
    return f"{area_m2 / 10_000:,.4g}" if area_m2 < 1e7 else f"{area_m2 / 10_000:,.0f}"


def remarks(scores: Mapping[str, Any]) -> list[str]:
    """Return what must be known to read the tables, as sentences."""
    told = []
    if scores["excluded"]:
        absent = ", ".join(scores["excluded"])
        told.append(f"Left out of the means, as they occur neither in labels nor in predictions: {absent}.")
    if scores["samples"] < 2:
        told.append("No intervals: they need at least two samples.")
    return told


def markdown_table(rows: Sequence[Row]) -> str:
    """Return rows of plain text, the first of them the head, as a Markdown table."""
    escaped = [[markdown_text(cell) for cell in row] for row in rows]
    rule = ["---"] + ["---:"] * (len(rows[0]) - 1)
    return "\n".join(f"| {' | '.join(row)} |" for row in [escaped[0], rule, *escaped[1:]])


def markdown_text(text: str) -> str:
    """Return a text that Markdown shows as it is, on one line: nothing in it becomes a tag, a link or a cell."""
    return " ".join(re.sub(r"([\\|*`\[\]])", r"\\\1", escape(text, quote=False)).split())


def _aligned(rows: Sequence[Row]) -> str:
    first, *others = (max(len(row[column]) for row in rows) for column in range(len(rows[0])))
    lines = []
    for row in rows:
        cells = [row[0].ljust(first), *(cell.rjust(width) for cell, width in zip(row[1:], others, strict=True))]
        lines.append("  ".join(cells))
    return "\n".join(lines)
