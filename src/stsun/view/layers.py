"""What can be looked at: layers with their dates, and places where layers lie over one another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from stsun.scene.sources import SceneDate

Kind = Literal["imagery", "categories", "labels", "probability", "polygons"]


@dataclass(frozen=True)
class Entry:
    """One line of a legend.

    Args:
        value: The pixel value that it explains.
        name: What it means.
        color: ``#rrggbb``.
    """

    value: int
    name: str
    color: str


@dataclass(frozen=True)
class Shot:
    """One date of a layer.

    Args:
        name: Such as ``2018-05-01``, ``2018-05-01 to 2024-05-01``, or the name of a file whose date is unknown.
        when: Where it stands on the time line: days since 1970-01-01, or its number where days are not known.
        image: What its pixels are read from. A map is an image of one band, a probability has one per category.
    """

    name: str
    when: float
    image: SceneDate


@dataclass(frozen=True)
class Layer:
    """Something that can be looked at.

    Args:
        title: What it is called.
        kind: How its pixels are shown.
        shots: Its dates, in order; none for polygons.
        legend: What values of a map mean; the categories of probabilities.
        notes: What had to be assumed, in words.
        unknown: Why the bands of an image are not known, which a prediction needs; None = they are known.
        gsd_m: Ground sample distance of an image in metres where its files do not tell it; None = unknown.
        vector: The file of polygons.
    """

    title: str
    kind: Kind
    shots: tuple[Shot, ...] = ()
    legend: tuple[Entry, ...] = ()
    notes: tuple[str, ...] = ()
    unknown: str | None = None
    gsd_m: float | None = None
    vector: Path | None = None


@dataclass(frozen=True)
class Place:
    """Layers that are seen together.

    Args:
        title: What it is called.
        layers: The lowest first.
        flat: They have no place on the earth; their pixels are what they have in common.
        notes: What could not be opened, in words.
        folder: Holds files that were made to show it, and is removed with it.
    """

    title: str
    layers: tuple[Layer, ...]
    flat: bool = False
    notes: tuple[str, ...] = ()
    folder: Path | None = None


class Sight(NamedTuple):
    """A place that can be opened.

    Args:
        title: What it is called.
        open: Opens it, when someone looks.
    """

    title: str
    open: Callable[[], Place]


ORDER: Sequence[Kind] = ("imagery", "labels", "categories", "probability", "polygons")
"""From the lowest to the uppermost."""


def stacked(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """Return layers with images below, maps above and outlines on top."""
    return tuple(sorted(layers, key=lambda layer: ORDER.index(layer.kind)))


def legend_json(legend: Sequence[Entry]) -> list[dict[str, Any]]:
    """Return a legend for the page."""
    return [{"value": entry.value, "name": entry.name, "color": entry.color} for entry in legend]
