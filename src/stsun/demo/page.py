"""The page: one HTML file that shows everything, needs no other file, and explains itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from stsun.report.exhibits import Figure, MapRow
from stsun.report.html import document, figures, map_row, note, score_table, swatch, table, value_cells
from stsun.report.words import TITLES, interval, number


@dataclass(frozen=True)
class Section:
    """All that the page tells of one kind of scenes. Everything is plain text, which the page escapes.

    Args:
        kind: Its name.
        title: Sensors and question in a few words.
        question: What the model was given and asked.
        task: The task in words.
        facts: ``sensor``, ``bands``, ``pixel`` (its size) and ``dates`` (how many), in words.
        input_note: What to know of the dates shown; may be empty.
        inputs: Pictures of the dates.
        maps: Pictures of the maps.
        headline: Name of the score that speaks for the task.
        scores: As `stsun.evaluate` gives them.
        colors: Colour of each category, in the order of the legend.
        command: Makes the map.
    """

    kind: str
    title: str
    question: str
    task: str
    facts: Mapping[str, str]
    input_note: str
    inputs: tuple[Figure, ...]
    maps: tuple[MapRow, ...]
    headline: str
    scores: Mapping[str, Any]
    colors: Mapping[str, str]
    command: str


def render(sections: Sequence[Section], model: str) -> str:
    """Return the page as HTML.

    Args:
        sections: One per kind of scenes.
        model: Which model it is, in words.
    """
    return document(
        "demo",
        model=escape(model),
        kinds=len(sections),
        scenes=sum(section.scores["samples"] for section in sections),
        summary=_summary(sections),
        sections="\n".join(map(_section, sections)),
    )


def _summary(sections: Sequence[Section]) -> str:
    head = ("Scenes", "Sensor", "Bands", "Pixel size", "Dates", "Task", "Score", "Value", "95 % interval")
    rows = []
    for section in sections:
        kind = escape(section.kind)
        facts = [section.facts[name] for name in ("sensor", "bands", "pixel", "dates")]
        score = [TITLES[section.headline], *value_cells(section.scores, section.headline)]
        rows.append((f'<a href="#{kind}">{kind}</a>', *map(escape, [*facts, section.task, *score])))
    return table("All kinds of scenes", head, rows)


def _section(section: Section) -> str:
    count = section.scores["samples"]
    return f"""<section id="{escape(section.kind)}" aria-labelledby="{escape(section.kind)}-title">
<h2 id="{escape(section.kind)}-title">{escape(section.title)}</h2>
<p class="faint">{escape(section.kind)}; task: {escape(section.task)}; bands: {escape(section.facts["bands"])}; \
pixel size: {escape(section.facts["pixel"])}</p>
<p>{escape(section.question)}</p>
<h3>The images</h3>
{figures(section.inputs)}{note(section.input_note)}
{"".join(map(map_row, section.maps))}
<h3>Legend and scores, over {count} scene{"s" * (count != 1)} of this kind</h3>
<div class="tables">{_legend(section)}{score_table(section.scores)}</div>
<h3>The command that makes this map</h3>
<pre><code>{escape(section.command)}</code></pre>
</section>"""


def _legend(section: Section) -> str:
    intervals = section.scores["intervals"]["categories"] or {}
    labelled = max(section.scores["pixels"], 1)
    rows = []
    for name, color in section.colors.items():
        scores = section.scores["categories"][name]
        bounds = intervals.get(name, {}).get("iou")
        cells = (f"{100 * scores['pixels'] / labelled:.1f} %", number(scores["iou"]), interval(bounds))
        rows.append((f"{swatch(color)}{escape(name)}", *cells))
    return table("Categories", ("Category", "Share of truth", "IoU", "95 % interval"), rows)
