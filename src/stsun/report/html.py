"""Pieces of HTML that all pages share. Text goes in plain and is escaped here; only ``table`` takes ready cells."""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from stsun import __version__
from stsun.report.exhibits import Figure, MapRow
from stsun.report.words import TITLES, interval, number

HATCHED = '<li><span class="swatch hatched"></span>cloud, no data or not labelled</li>'


def document(unit: str, **parts: object) -> str:
    """Return a whole page: the ``page.html`` of a package such as ``report``, with its parts, the style and version."""
    template = files("stsun").joinpath(unit, "page.html").read_text(encoding="utf-8")
    style = files("stsun").joinpath("report", "style.css").read_text(encoding="utf-8")
    return Template(template).substitute(style=style, version=escape(__version__), **parts)


def figures(shown: Iterable[Figure]) -> str:
    """Return pictures side by side."""
    return f'<div class="figures">{"".join(map(_figure, shown))}</div>'


def image(data: bytes, kind: str, alt: str, **attributes: object) -> str:
    """Return a picture that needs no file; ``kind`` is ``png`` or ``svg+xml``."""
    extra = "".join(f' {name}="{escape(str(value))}"' for name, value in attributes.items())
    source = b64encode(data).decode("ascii")
    return f'<img{extra} alt="{escape(alt)}" src="data:image/{kind};base64,{source}">'


def map_row(row: MapRow) -> str:
    """Return the pictures of one output map with their key."""
    told = key(row.key, "Where they differ", HATCHED)
    return f"<h3>The map: {escape(row.title)}</h3>{figures(row.figures)}{note(row.note)}{told}"


def key(colors: Mapping[str, str], label: str, more: str = "") -> str:
    """Return a line of names with their colours, called ``label`` by screen readers; ``more`` is ready HTML."""
    entries = "".join(f"<li>{swatch(color)}{escape(name)}</li>" for name, color in colors.items())
    return f'<ul class="key" aria-label="{escape(label)}">{entries}{more}</ul>'


def note(text: str) -> str:
    """Return a remark in small print; nothing for an empty text."""
    return f'<p class="faint">{escape(text[:1].upper() + text[1:])}.</p>' if text else ""


def swatch(color: str) -> str:
    """Return a little square of a colour."""
    return f'<span class="swatch" style="background:{escape(color)}"></span>'


def score_table(scores: Mapping[str, Any]) -> str:
    """Return the table of all headline scores with their intervals."""
    rows = [(escape(title), *value_cells(scores, name)) for name, title in TITLES.items() if name in scores]
    return table("Scores", ("Score", "Value", "95 % interval"), rows)


def value_cells(scores: Mapping[str, Any], name: str) -> tuple[str, str]:
    """Return the cells of one score: value and interval."""
    return number(scores[name]), interval(scores["intervals"][name])


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
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


def _figure(figure: Figure) -> str:
    caption = f"<span>{escape(figure.caption)}</span>" if figure.caption else ""
    picture = image(figure.png, "png", figure.alt, width=figure.width, height=figure.height)
    return f"<figure>{picture}<figcaption>{escape(figure.title)}{caption}</figcaption></figure>"
