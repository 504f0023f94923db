"""A report as one HTML page that needs no other file."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from stsun.evaluation.summary import HEADLINES
from stsun.report.contents import Chapter, Report
from stsun.report.gallery import Exhibit
from stsun.report.html import document, figures, image, key, map_row, note, score_table, swatch, table, value_cells
from stsun.report.markdown import AREAS, confusion_rows, reliability_rows
from stsun.report.pictures import colors_of
from stsun.report.plots import confusion_plot, curve_plot, reliability_plot
from stsun.report.words import TITLES, area_rows, category_rows, heading, number, remarks


def render(report: Report) -> str:
    """Return the page.

    Raises:
        ConfigurationError: matplotlib is not installed.
    """
    return document(
        "report",
        title=escape(report.title),
        summary=_summary(report.chapters) if len(report.chapters) > 1 else "",
        chapters="\n".join(_chapter(number, chapter) for number, chapter in enumerate(report.chapters, start=1)),
        curves=_curves(report),
        settings=_settings(report.settings),
        provenance=_facts(report.provenance),
    )


def _summary(chapters: Sequence[Chapter]) -> str:
    rows = []
    for place, chapter in enumerate(chapters, start=1):
        scores, headline = chapter.scores, HEADLINES[chapter.scores["task"]][0]
        link = f'<a href="#evaluation-{place}">{escape(scores["data_set"])}</a>'
        cells = scores["task"].replace("_", " "), TITLES[headline], *value_cells(scores, headline)
        rows.append((link, *map(escape, cells)))
    return table("All evaluations", ("Data set", "Task", "Score", "Value", "95 % interval"), rows)


def _chapter(place: int, chapter: Chapter) -> str:
    scores, name = chapter.scores, f"evaluation-{place}"
    return f"""<section id="{name}" aria-labelledby="{name}-title">
<h2 id="{name}-title">{escape(scores["data_set"])}</h2>
<p class="faint">{escape(heading(scores))}</p>
<div class="tables">{score_table(scores)}{_categories(chapter)}</div>
{"".join(map(_paragraph, remarks(scores)))}
{_confusion(scores)}
{_calibration(scores)}
{_areas(scores)}
{_exhibits("Best samples", chapter.best, chapter)}
{_exhibits("Worst samples", chapter.worst, chapter)}
<h3>What the model was given and asked</h3>
{_facts(chapter.asked)}
</section>"""


def _categories(chapter: Chapter) -> str:
    head, *rows = category_rows(chapter.scores)
    colors = colors_of(chapter.scores["confusion_names"], chapter.colors)
    marked = [
        (f"{swatch(color)}{escape(name)}", *map(escape, cells))
        for (name, *cells), color in zip(rows, colors, strict=True)
    ]
    return table("Categories", head, marked)


def _confusion(scores: Mapping[str, Any]) -> str:
    alt = "Confusion matrix: of the pixels of each label, the percentage of each prediction; the numbers follow"
    plot = image(confusion_plot(scores), "svg+xml", alt)
    return f'<h3>Confusion matrix, % of each label</h3><div class="plot">{plot}</div>' + _numbers(
        "Pixels of each label (rows) by prediction (columns)", confusion_rows(scores)
    )


def _calibration(scores: Mapping[str, Any]) -> str:
    if "reliability" not in scores:
        return ""
    alt = f"Reliability diagram: accuracy by confidence, calibration error {number(scores['ece'])}; the numbers follow"
    told = (
        "Of the pixels of which the model says that it is 80 % sure, 80 % should be right. The calibration error (ECE) "
        f"is the mean distance from that: {number(scores['ece'])}."
    )
    if "temperature" in scores:
        told += f" Logits were divided by the temperature {scores['temperature']:.3g}, found by stsun calibrate."
    plot = image(reliability_plot(scores), "svg+xml", alt)
    return f'<h3>Calibration</h3>{_paragraph(told)}<div class="plot">{plot}</div>' + _numbers(
        "Accuracy by confidence", reliability_rows(scores)
    )


def _areas(scores: Mapping[str, Any]) -> str:
    if "areas" not in scores:
        return ""
    head, *rows = area_rows(scores)
    shown = table("Areas", head, [[escape(cell) for cell in row] for row in rows])
    return f'<h3>Areas</h3>{_paragraph(AREAS)}<div class="tables">{shown}</div>'


def _exhibits(title: str, exhibits: Sequence[Exhibit], chapter: Chapter) -> str:
    if not exhibits:
        return ""
    names = chapter.scores["confusion_names"]
    legend = key(dict(zip(names, colors_of(names, chapter.colors), strict=True)), "Categories")
    ranked = escape(TITLES[HEADLINES[chapter.scores["task"]][0]])
    shown = "".join(
        f"<article><h3>{escape(one.id)}: {ranked} {number(one.score)}</h3>"
        f"{figures(one.inputs)}{note(one.input_note)}{''.join(map(map_row, one.maps))}</article>"
        for one in exhibits
    )
    return f"<details open><summary>{escape(title)}, by {ranked}</summary>{legend}{shown}</details>"


def _curves(report: Report) -> str:
    if not report.panels:
        return ""
    plots = "".join(
        f'<h3>{escape(panel.title[:1].upper() + panel.title[1:])}</h3><div class="plot">'
        f"{image(curve_plot(panel), 'svg+xml', f'{panel.title} over the updates of the run')}</div>"
        for panel in report.panels
    )
    return f'<section aria-labelledby="curves"><h2 id="curves">Training curves</h2>{plots}</section>'


def _settings(text: str) -> str:
    if not text:
        return ""
    return (
        '<section aria-labelledby="settings"><h2 id="settings">Configuration</h2>'
        f"<pre><code>{escape(text)}</code></pre></section>"
    )


def _numbers(caption: str, rows: Sequence[Sequence[str]]) -> str:
    """Return a table that opens on demand."""
    head, *body = rows
    cells = table(caption, head, [[escape(cell) for cell in row] for row in body])
    return f"<details><summary>The numbers</summary>{cells}</details>"


def _facts(facts: Mapping[str, str]) -> str:
    entries = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
    return f'<dl class="facts">{entries}</dl>'


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"
