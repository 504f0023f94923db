"""Layers in colours: a tile of any kind of layer as a picture."""

from collections.abc import Collection
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from stsun.view.composites import chosen
from stsun.view.frames import tile_grid
from stsun.view.layers import Layer, Shot
from stsun.view.stretch import Limits, is_lifted, limits_of, mixed, stretched
from stsun.view.tiles import encode, read_tile

RAMP = ("#fff7d6", "#fdbb5a", "#d9552c", "#7a0f3c")
"""Colours of probabilities from 0 to 1."""


@dataclass(frozen=True)
class Style:
    """How a layer is shown.

    Args:
        look: The key of a composite; of probabilities the place of the category. None = the first.
        each: Every date has a contrast of its own.
        hidden: Values of a map that are not shown.
    """

    look: str | None = None
    each: bool = False
    hidden: frozenset[int] = frozenset()


class Painter:
    """Paints tiles, and remembers the contrast of what it has painted."""

    def __init__(self) -> None:
        self._limits: dict[tuple[object, ...], Limits] = {}
        self._lock = Lock()

    def tile(self, layer: Layer, shot: Shot, style: Style, z: int, x: int, y: int) -> bytes | None:
        """Return a tile as a PNG file; None where there is no such tile, or nothing to be seen in it.

        Raises:
            RasterError: A file cannot be read.
        """
        grid = tile_grid(z, x, y)
        if grid is None:
            return None
        if layer.kind == "imagery":
            composite = chosen(shot.image.bands, style.look)
            pixels = read_tile(shot.image, composite.places, grid, smooth=True)
            if pixels is None:
                return None
            shown = mixed(pixels[0], composite.places, composite.channels)
            limits = self.limits(layer, shot, style)
            lifted = is_lifted([shot.image.bands[place] for place in composite.places], limits)
            colors = stretched(shown, limits, lifted=lifted)
            return encode(colors if len(colors) == 3 else colors.repeat(3, 0), pixels[1])
        band = _category(layer, style) if layer.kind == "probability" else 0
        pixels = read_tile(shot.image, [band], grid, smooth=layer.kind == "probability")
        if pixels is None:
            return None
        if layer.kind == "probability":
            return encode(_ramp(pixels[0][0]), pixels[1])
        return _map(layer, pixels[0][0].astype(np.int64), pixels[1], style.hidden)

    def limits(self, layer: Layer, shot: Shot, style: Style) -> Limits:
        """Return the contrast of an image: that of all dates that can be shown so, or its own."""
        composite = chosen(shot.image.bands, style.look)
        alike = [one for one in layer.shots if chosen(one.image.bands, style.look).title == composite.title]
        shots = (shot,) if style.each else tuple(alike)
        key = (shots, composite)
        with self._lock:  # many tiles ask at once: one of them looks
            if key not in self._limits:
                self._limits[key] = limits_of(shots, style.look)
            return self._limits[key]


def _category(layer: Layer, style: Style) -> int:
    places = {str(place): place for place in range(len(layer.legend))}
    return places.get(style.look or "0", 0)


def _map(layer: Layer, values: NDArray[np.int64], valid: NDArray[np.bool_], hidden: Collection[int]) -> bytes | None:
    """Return a map in its legend's colours; what is hidden, and what no line explains, is transparent."""
    if not layer.legend:
        return None
    known = sorted(layer.legend, key=lambda entry: entry.value)
    numbers = np.array([entry.value for entry in known])
    palette = np.array([_rgb(entry.color) for entry in known], np.uint8)
    place = np.searchsorted(numbers, values).clip(0, len(numbers) - 1)
    seen = valid & (numbers[place] == values) & ~np.isin(values, list(hidden))
    return encode(np.moveaxis(palette[place], -1, 0), seen) if seen.any() else None


def _ramp(probabilities: NDArray[np.float32]) -> NDArray[np.uint8]:
    stops = np.linspace(0, 1, len(RAMP))
    colors = np.array([_rgb(color) for color in RAMP], np.float64)
    return np.stack([np.interp(probabilities, stops, colors[:, part]) for part in range(3)]).round().astype(np.uint8)


def _rgb(color: str) -> list[int]:
    return list(bytes.fromhex(color.lstrip("#")))
