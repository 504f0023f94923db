"""Reports written to a folder: one HTML page, and its twins for machines and papers."""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from stsun.data.dataset import open_dataset
from stsun.errors import ConfigurationError
from stsun.evaluation.evaluate import Progress, evaluate
from stsun.legend import Legend
from stsun.raster.whole import check_writable, whole_file
from stsun.report.contents import Chapter, Report, chapter_of
from stsun.report.gallery import Exhibit
from stsun.report.latex import to_latex
from stsun.report.markdown import to_page
from stsun.report.page import render
from stsun.report.plots import check_plots
from stsun.report.provenance import digest_of, now, versions

PAGE, MARKDOWN, JSON, LATEX = "report.html", "report.md", "report.json", "report.tex"
SHOWN = 3
"""So many of the best and of the worst samples of one evaluation are shown."""

logger = logging.getLogger(__name__)


def evaluate_and_report(
    model: nn.Module,
    dataset: str | Path,
    split: str,
    folder: str | Path,
    *,
    task: str | None = None,
    device: str | torch.device | None = None,
    progress: Progress | None = None,
    seed: int = 0,
    legend: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, Any]:
    """Return the scores that ``stsun.evaluate`` gives, after writing a report of them.

    The samples are read once; of all but the shown ones no more than counts is kept.

    Args:
        model: As in ``stsun.evaluate``.
        dataset: Path of a data set's YAML file.
        split: Name of the split.
        folder: Gets ``report.html``, ``report.md``, ``report.json`` and ``report.tex``, replacing what is there.
        task: As in ``stsun.evaluate``.
        device: Where to compute.
        progress: Called after each sample.
        seed: Of the bootstrap.
        legend: As in ``stsun.evaluate``.

    Raises:
        StsunError: As ``stsun.evaluate``; or the folder cannot be written or matplotlib is missing, which is told
            before the evaluation.
    """
    target = Path(folder)
    check_report(target)
    opened = open_dataset(dataset)
    chapter = chapter_of(
        lambda watch: evaluate(
            model, opened, split, task=task, device=device, progress=progress, watch=watch, seed=seed, legend=legend
        ),
        colors_of_legend(opened.legend),
        shown=SHOWN,
    )
    facts = {"data set": opened.title, "licence": opened.licence, "source": opened.checked.description.source}
    provenance = {
        **{name: value for name, value in facts.items() if value},
        **provenance_of(model, getattr(model, "checkpoint", None)),
    }
    title = f"{chapter.scores['model']} on {opened.name}, {split}"
    write_report(Report(title, (chapter,), provenance), target)
    return dict(chapter.scores)


def check_report(folder: Path) -> None:
    """Refuse to begin work whose report could not be written whole.

    Raises:
        ConfigurationError: matplotlib is not installed.
        RasterError: The folder cannot be written.
    """
    check_plots()
    for name in (PAGE, MARKDOWN, JSON, LATEX):
        check_writable(folder / name)


def write_report(report: Report, folder: Path) -> None:
    """Write a report in all its forms, each file whole or not at all; without matplotlib all but the page, and say so.

    Raises:
        RasterError: A file cannot be written.
    """
    forms = {
        **_page(report, folder),
        MARKDOWN: to_page(report),
        JSON: json.dumps(_plain(report), indent=2, allow_nan=False, ensure_ascii=False) + "\n",
        LATEX: to_latex([chapter.scores for chapter in report.chapters]),
    }
    for name, text in forms.items():
        with whole_file(folder / name) as unfinished:
            unfinished.write_text(text, encoding="utf-8")


def _page(report: Report, folder: Path) -> dict[str, str]:
    try:
        check_plots()
    except ConfigurationError as lack:
        logger.warning("%s is left out: %s", folder / PAGE, lack)
        return {}
    return {PAGE: render(report)}


def provenance_of(model: nn.Module, weights: Path | None) -> dict[str, str]:
    """Return where the figures of a model are from: its weights (None = in no file), the versions, the time."""
    return {
        "model": str(getattr(model, "name", type(model).__name__)),
        "parameters": f"{sum(parameter.numel() for parameter in model.parameters()):,}",
        "weights": "in no file" if weights is None else f"SHA-256 {digest_of(weights)}",
        **versions(),
        "made": now(),
    }


def colors_of_legend(legend: Legend) -> dict[str, str]:
    """Return the colour of each category of a data set."""
    return dict(zip(legend.names, legend.colors, strict=True))


def _plain(report: Report) -> dict[str, Any]:
    return {
        "title": report.title,
        "evaluations": [_plain_chapter(chapter) for chapter in report.chapters],
        "settings": report.settings,
        "provenance": dict(report.provenance),
    }


def _plain_chapter(chapter: Chapter) -> dict[str, Any]:
    return {
        **chapter.scores,
        "asked": dict(chapter.asked),
        "best": [_ranked(one) for one in chapter.best],
        "worst": [_ranked(one) for one in chapter.worst],
    }


def _ranked(exhibit: Exhibit) -> Mapping[str, Any]:
    return {"sample": exhibit.id, "score": exhibit.score}
