"""What a report tells, before it has a form."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stsun.evaluation.evaluate import Watch
from stsun.report.curves import Panel
from stsun.report.gallery import Exhibit, Gallery


@dataclass(frozen=True)
class Chapter:
    """One evaluation.

    Args:
        scores: As ``stsun.evaluate`` gives them.
        colors: ``#rrggbb`` of categories; the others get `stsun.legend.color_of`.
        asked: What the model was given and asked, in words.
        best: The best samples.
        worst: The worst samples.
    """

    scores: Mapping[str, Any]
    colors: Mapping[str, str]
    asked: Mapping[str, str]
    best: tuple[Exhibit, ...]
    worst: tuple[Exhibit, ...]


@dataclass(frozen=True)
class Report:
    """An evaluation or a training run. Everything is plain text, which each form escapes.

    Args:
        title: What it is about.
        chapters: Its evaluations.
        provenance: Where the figures are from: model, data, versions; name -> value.
        panels: Curves of the training.
        settings: The configuration as it was written, such as YAML; empty = none.
    """

    title: str
    chapters: tuple[Chapter, ...]
    provenance: Mapping[str, str]
    panels: tuple[Panel, ...] = ()
    settings: str = field(default="")


def chapter_of(run: Callable[[Watch], dict[str, Any]], colors: Mapping[str, str], *, shown: int) -> Chapter:
    """Return one evaluation, watched while it runs.

    Args:
        run: Evaluates, telling the watch each sample.
        colors: ``#rrggbb`` of categories.
        shown: How many of the best and how many of the worst samples are shown.
    """
    gallery = Gallery(colors, shown)
    scores = run(gallery)
    return Chapter(scores, colors, gallery.asked, gallery.best, gallery.worst)
