"""Everything that can be looked at, by identifiers that tell nothing: the page never names a file."""

import secrets
import shutil
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from threading import RLock
from typing import Any

from stsun.errors import StsunError
from stsun.view.composites import composites_of
from stsun.view.frames import bounds_of, zoom_of
from stsun.view.layers import Layer, Place, Shot, Sight, legend_json

KEPT = 16
"""Places that stay open; those looked at longest ago are closed."""

LISTED = 200
"""Places that one answer names."""


class UnknownError(StsunError):
    """An identifier that is not in the catalogue."""


class Catalogue:
    """Places and their layers by identifier; safe to use from several threads.

    Args:
        sights: What can be opened.
    """

    def __init__(self, sights: Sequence[Sight]) -> None:
        self._sights = list(sights)
        self._session = secrets.token_hex(4)  # what a browser has kept of another session is never asked for
        self._opened: OrderedDict[int, Place] = OrderedDict()
        self._added: dict[int, list[Layer]] = {}
        self._lock = RLock()

    def __len__(self) -> int:
        """Return how many places there are."""
        return len(self._sights)

    def list_places(self, find: str = "", first: int = 0) -> dict[str, Any]:
        """Return titles and identifiers of the places whose title holds some words, and how many there are in all."""
        words = find.lower().split()
        matching = [
            (number, title)
            for number, title in enumerate(sight.title for sight in self._sights)
            if all(word in title.lower() for word in words)
        ]
        shown = matching[first : first + LISTED]
        return {
            "total": len(matching),
            "places": [{"id": f"{self._session}.{number}", "title": title} for number, title in shown],
        }

    def place(self, identifier: str) -> Place:
        """Return a place, with the layers that were added to it.

        Raises:
            UnknownError: There is none.
            StsunError: It cannot be opened.
        """
        number = self._number(identifier)
        with self._lock:
            if number not in self._opened:
                self._opened[number] = self._sights[number].open()
                self._close_oldest()
            self._opened.move_to_end(number)
            place = self._opened[number]
            added = self._added.get(number, [])
        return replace(place, layers=(*place.layers, *added))

    def layer(self, identifier: str) -> Layer:
        """Return a layer.

        Raises:
            UnknownError: There is none.
            StsunError: Its place cannot be opened.
        """
        place, _, number = identifier.rpartition(".")
        layers = self.place(place).layers
        if not number.isdecimal() or int(number) >= len(layers):
            raise UnknownError(f"there is no layer {identifier[:40]!r}; load the page again")
        return layers[int(number)]

    def add(self, identifier: str, layers: Sequence[Layer]) -> list[str]:
        """Add layers to a place, and return their identifiers.

        Raises:
            UnknownError: There is no such place.
        """
        with self._lock:
            first = len(self.place(identifier).layers)
            self._added.setdefault(self._number(identifier), []).extend(layers)
        return [f"{identifier}.{first + number}" for number in range(len(layers))]

    def describe(self, identifier: str) -> dict[str, Any]:
        """Return a place and its layers for the page.

        Raises:
            UnknownError: There is no such place.
            StsunError: It cannot be opened.
        """
        place = self.place(identifier)
        described = [_layer_json(f"{identifier}.{number}", layer) for number, layer in enumerate(place.layers)]
        return {
            "id": identifier, "title": place.title, "flat": place.flat, "notes": list(place.notes), "layers": described,
        }  # fmt: skip

    def _number(self, identifier: str) -> int:
        session, _, number = identifier.partition(".")
        known = session == self._session and number.isdecimal() and len(number) < 10
        if not known or int(number) >= len(self._sights):
            raise UnknownError(f"there is no place {identifier[:40]!r}; load the page again")
        return int(number)

    def _close_oldest(self) -> None:
        while len(self._opened) > KEPT:
            _, closed = self._opened.popitem(last=False)
            if closed.folder is not None:
                shutil.rmtree(closed.folder, ignore_errors=True)


def shot_of(layer: Layer, number: int) -> Shot:
    """Return one date of a layer.

    Raises:
        UnknownError: There is none of that number.
    """
    if not 0 <= number < len(layer.shots):
        raise UnknownError(f"there is no date {number} of {layer.title}; load the page again")
    return layer.shots[number]


def _layer_json(identifier: str, layer: Layer) -> dict[str, Any]:
    return {
        "id": identifier,
        "title": layer.title,
        "kind": layer.kind,
        "dates": [{"name": shot.name, "when": shot.when} for shot in layer.shots],
        "legend": legend_json(layer.legend),
        "looks": _looks(layer),
        "bounds": _bounds(layer.shots),
        "maxzoom": max((zoom_of(shot.image.files[0].grid) for shot in layer.shots[:1]), default=0),
        "notes": list(layer.notes),
        "unknown": layer.unknown,
    }


def _looks(layer: Layer) -> list[dict[str, str]]:
    """Return the ways in which the dates of an image can be shown, each once; of probabilities the categories."""
    if layer.kind == "probability":
        return [{"key": str(place), "title": entry.name} for place, entry in enumerate(layer.legend)]
    if layer.kind != "imagery":
        return []
    every = dict.fromkeys(shot.image.bands for shot in layer.shots)
    looks = {look.key: look.title for bands in every for look in composites_of(bands)}
    return [{"key": key, "title": title} for key, title in sorted(looks.items(), key=lambda one: "band-" in one[0])]


def _bounds(shots: Sequence[Shot]) -> list[float] | None:
    grids = {file.grid for shot in shots for file in shot.image.files}
    if not grids:
        return None
    boxes = [bounds_of(grid) for grid in grids]
    west, south, east, north = (list(side) for side in zip(*boxes, strict=True))
    return [min(west), min(south), max(east), max(north)]
