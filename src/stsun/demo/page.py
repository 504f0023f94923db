"""The page: one HTML file that shows everything, needs no other file, and explains itself."""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from stsun import __version__
from stsun.evaluation.report import TITLES, number


@dataclass(frozen=True)
class Figure:
    """One picture.

    Args:
        title: What it is, in a word or a date.
        caption: More of it; may be empty.
        alt: What it shows, for those who cannot see it.
        png: The picture, as the bytes of a PNG file.
        width: In pixels.
        height: In pixels.
    """

    title: str
    caption: str
    alt: str
    png: bytes
    width: int
    height: int


@dataclass(frozen=True)
class MapRow:
    """Pictures of one output map: truth, prediction, difference.

    Args:
        title: What the map speaks for, such as ``2018-05-01 to 2024-05-01``.
        note: What to know of the pictures; may be empty.
        figures: The pictures.
        key: Colour of each thing that the last picture tells.
    """

    title: str
    note: str
    figures: tuple[Figure, ...]
    key: Mapping[str, str]


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
    template = files("stsun").joinpath("demo", "page.html").read_text(encoding="utf-8")
    return Template(template).substitute(
        style=files("stsun").joinpath("demo", "page.css").read_text(encoding="utf-8"),
        version=escape(__version__),
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
        score = [TITLES[section.headline], *_value(section.scores, section.headline)]
        rows.append((f'<a href="#{kind}">{kind}</a>', *map(escape, [*facts, section.task, *score])))
    return _table("All kinds of scenes", head, rows)


def _section(section: Section) -> str:
    count = section.scores["samples"]
    return f"""<section id="{escape(section.kind)}" aria-labelledby="{escape(section.kind)}-title">
<h2 id="{escape(section.kind)}-title">{escape(section.title)}</h2>
<p class="faint">{escape(section.kind)}; task: {escape(section.task)}; bands: {escape(section.facts["bands"])}; \
pixel size: {escape(section.facts["pixel"])}</p>
<p>{escape(section.question)}</p>
<h3>The images</h3>
{_figures(section.inputs)}{_note(section.input_note)}
{"".join(map(_map_row, section.maps))}
<h3>Legend and scores, over {count} scene{"s" * (count != 1)} of this kind</h3>
<div class="tables">{_legend(section)}{_scores(section)}</div>
<h3>The command that makes this map</h3>
<pre><code>{escape(section.command)}</code></pre>
</section>"""


def _map_row(row: MapRow) -> str:
    return f"<h3>The map: {escape(row.title)}</h3>{_figures(row.figures)}{_note(row.note)}{_key(row.key)}"


def _note(text: str) -> str:
    return f'<p class="faint">{escape(text[:1].upper() + text[1:])}.</p>' if text else ""


def _legend(section: Section) -> str:
    intervals = section.scores["intervals"]["categories"] or {}
    labelled = max(section.scores["pixels"], 1)
    rows = []
    for name, color in section.colors.items():
        scores = section.scores["categories"][name]
        interval = intervals.get(name, {}).get("iou")
        cells = (f"{100 * scores['pixels'] / labelled:.1f} %", number(scores["iou"]), _interval(interval))
        rows.append((f"{_swatch(color)}{escape(name)}", *cells))
    return _table("Categories", ("Category", "Share of truth", "IoU", "95 % interval"), rows)


def _scores(section: Section) -> str:
    rows = [(escape(title), *_value(section.scores, name)) for name, title in TITLES.items() if name in section.scores]
    return _table("Scores", ("Score", "Value", "95 % interval"), rows)


def _value(scores: Mapping[str, Any], name: str) -> tuple[str, str]:
    return number(scores[name]), _interval(scores["intervals"][name])


def _interval(bounds: Sequence[float] | None) -> str:
    return "–" if bounds is None else f"{number(bounds[0])} to {number(bounds[1])}"


def _figures(figures: Iterable[Figure]) -> str:
    return f'<div class="figures">{"".join(map(_figure, figures))}</div>'


def _figure(figure: Figure) -> str:
    data = b64encode(figure.png).decode("ascii")
    caption = f"<span>{escape(figure.caption)}</span>" if figure.caption else ""
    return (
        f'<figure><img width="{figure.width}" height="{figure.height}" alt="{escape(figure.alt)}" '
        f'src="data:image/png;base64,{data}"><figcaption>{escape(figure.title)}{caption}</figcaption></figure>'
    )


def _key(key: Mapping[str, str]) -> str:
    entries = "".join(f"<li>{_swatch(color)}{escape(name)}</li>" for name, color in key.items())
    hatched = '<li><span class="swatch hatched"></span>cloud, no data or not labelled</li>'
    return f'<ul class="key" aria-label="Where they differ">{entries}{hatched}</ul>'


def _swatch(color: str) -> str:
    return f'<span class="swatch" style="background:{escape(color)}"></span>'


def _table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table whose cells are HTML already; the first cell of a row is its header."""
    columns = "".join(f'<th scope="col">{escape(title)}</th>' for title in head)
    lines = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
        for first, *cells in rows
    )
    label = escape(caption)
    return (
        f'<div class="scroll" role="region" aria-label="{label}" tabindex="0"><table><caption>{label}</caption>'
        f"<thead><tr>{columns}</tr></thead><tbody>{lines}</tbody></table></div>"
    )
