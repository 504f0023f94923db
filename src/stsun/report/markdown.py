"""A report as Markdown, without pictures."""

from collections.abc import Mapping, Sequence
from typing import Any

from stsun.report.contents import Report
from stsun.report.gallery import Exhibit
from stsun.report.words import area_rows, interval, markdown_table, markdown_text, number, to_markdown

AREAS = (
    "Areas of all maps together: mapped, and estimated from the labels by the stratified estimator of Olofsson et al. "
    "(2014). It takes labels as drawn pixel by pixel at random; of labels that cover whole areas, the intervals are "
    "too narrow."
)


def to_page(report: Report) -> str:
    """Return the report as one Markdown page."""
    parts = [f"# {markdown_text(report.title)}"]
    for chapter in report.chapters:
        parts += [to_markdown(chapter.scores).rstrip(), "Confusion matrix, rows are labels:"]
        parts.append(markdown_table(confusion_rows(chapter.scores)))
        if "reliability" in chapter.scores:
            parts += ["Accuracy by confidence:", markdown_table(reliability_rows(chapter.scores))]
        if "areas" in chapter.scores:
            parts += [AREAS, markdown_table(area_rows(chapter.scores))]
        parts += [_ranking("Best samples", chapter.best), _ranking("Worst samples", chapter.worst)]
        parts.append(_facts(chapter.asked))
    if report.settings:
        parts += ["## Configuration", "\n".join(f"    {line}" for line in report.settings.splitlines())]
    parts += ["## Provenance", _facts(report.provenance)]
    return "\n\n".join(part for part in parts if part) + "\n"


def confusion_rows(scores: Mapping[str, Any]) -> list[list[str]]:
    """Return the confusion matrix as a table, its head first."""
    names = scores["confusion_names"]
    counts = zip(names, scores["confusion_matrix"], strict=True)
    return [["label", *names], *([name, *(f"{count:,}" for count in row)] for name, row in counts)]


def reliability_rows(scores: Mapping[str, Any]) -> list[list[str]]:
    """Return accuracy and mean confidence of each bin of confidence that holds pixels, the head first."""
    bins = scores["reliability"]
    rows = [["confidence", "pixels", "mean confidence", "accuracy"]]
    for place, (pixels, mean, accuracy) in enumerate(zip(*bins.values(), strict=True)):
        if pixels:
            edges = interval([place / len(bins["pixels"]), (place + 1) / len(bins["pixels"])])
            rows.append([edges, f"{pixels:,}", number(mean), number(accuracy)])
    return rows


def _ranking(title: str, exhibits: Sequence[Exhibit]) -> str:
    named = ", ".join(f"{markdown_text(one.id)} ({number(one.score)})" for one in exhibits)
    return f"{title}: {named}." if named else ""


def _facts(facts: Mapping[str, str]) -> str:
    return "\n".join(f"- {markdown_text(name)}: {markdown_text(value)}" for name, value in facts.items())
