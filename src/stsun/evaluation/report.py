"""Scores in words: a Markdown report, and plain text for the terminal."""

from collections.abc import Sequence
from typing import Any

TITLES = {
    "overall_accuracy": "overall accuracy",
    "mean_iou": "mean IoU",
    "mean_f1": "mean F1",
    "kappa": "kappa",
    "change_f1": "change F1",
    "change_iou": "change IoU",
    "miou_scd": "mIoU (unchanged, changed)",
    "sek": "SeK",
    "f_scd": "F_scd",
}
"""Headline scores in the order of a report."""

CATEGORY_TITLES = {"precision": "precision", "recall": "recall", "f1": "F1", "iou": "IoU"}

Row = Sequence[str]


def to_markdown(scores: dict[str, Any]) -> str:
    """Return the scores that ``evaluate`` gives as Markdown: headline scores with intervals, then each category."""
    parts = [f"**{_heading(scores)}**", _markdown(_headline(scores)), _markdown(_per_category(scores))]
    return "\n\n".join([*parts, *_remarks(scores)]) + "\n"


def to_text(scores: dict[str, Any]) -> str:
    """Return the same as ``to_markdown`` as plain text in aligned columns."""
    parts = [_heading(scores), _aligned(_headline(scores)), _aligned(_per_category(scores))]
    return "\n\n".join([*parts, *_remarks(scores)]) + "\n"


def number(value: float | None) -> str:
    """Return a score with three decimals, or a dash where it is undefined."""
    return "–" if value is None else f"{value:z.3f}"


def interval(bounds: Sequence[float] | None) -> str:
    """Return an interval as ``0.412 to 0.538``, or a dash where there is none."""
    return "–" if bounds is None else f"{bounds[0]:z.3f} to {bounds[1]:z.3f}"


def _heading(scores: dict[str, Any]) -> str:
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


def _headline(scores: dict[str, Any]) -> list[Row]:
    rows: list[Row] = [("score", "value", "95 % interval")]
    for key, title in TITLES.items():
        if key in scores:
            rows.append((title, number(scores[key]), interval(scores["intervals"][key])))
    return rows


def _per_category(scores: dict[str, Any]) -> list[Row]:
    intervals = scores["intervals"]["categories"]
    rows: list[Row] = [("category", *CATEGORY_TITLES.values(), "95 % interval of IoU", "labelled pixels")]
    for name, values in scores["categories"].items():
        bounds = None if intervals is None else intervals[name]["iou"]
        measures = (number(values[key]) for key in CATEGORY_TITLES)
        rows.append((name, *measures, interval(bounds), f"{values['pixels']:,}"))
    return rows


def _remarks(scores: dict[str, Any]) -> list[str]:
    remarks = []
    if scores["excluded"]:
        absent = ", ".join(scores["excluded"])
        remarks.append(f"Left out of the means, as they occur neither in labels nor in predictions: {absent}.")
    if scores["samples"] < 2:
        remarks.append("No intervals: they need at least two samples.")
    return remarks


def _markdown(rows: Sequence[Row]) -> str:
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    rule = ["---"] + ["---:"] * (len(rows[0]) - 1)
    return "\n".join(f"| {' | '.join(row)} |" for row in [escaped[0], rule, *escaped[1:]])


def _aligned(rows: Sequence[Row]) -> str:
    first, *others = (max(len(row[column]) for row in rows) for column in range(len(rows[0])))
    lines = []
    for row in rows:
        cells = [row[0].ljust(first), *(cell.rjust(width) for cell, width in zip(row[1:], others, strict=True))]
        lines.append("  ".join(cells))
    return "\n".join(lines)
