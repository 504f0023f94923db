"""Pictures ``H W 3`` of images, of maps, and of where two maps differ."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stsun.bands import Band
from stsun.data.sample import IGNORE
from stsun.legend import color_of

Colors = NDArray[np.uint8]
Map = NDArray[np.int64]

NEAR_INFRARED_NM, RED_NM, GREEN_NM, BLUE_NM = 840.0, 665.0, 560.0, 490.0
NEAR_NM = 60.0
"""How far from these a band may lie and still be called by their name."""

PERCENTILES = (2, 98)
MOST_PIXELS = 192
"""Largest side of a picture: of larger scenes every second, third, ... pixel is shown."""

HATCH = ((205, 205, 205), (130, 130, 130))
AGREEMENT = {"right": "#e3e3e3", "wrong": "#d55e00"}
FINDINGS = {"unchanged in both": "#e3e3e3", "change found": "#222222", "missed": "#5e3c99", "false alarm": "#ee7733"}
"""Colours of what a comparison tells, in the order of its values."""


@dataclass(frozen=True)
class Composite:
    """How the bands of an image become red, green and blue.

    Args:
        title: In words, such as ``infrared, red, green``.
        weights: ``3 C``: how much of each band each colour shows.
    """

    title: str
    weights: NDArray[np.float32]


def composite_of(bands: Sequence[Band]) -> Composite:
    """Return how to show an image: infrared, red, green where there is infrared; radar by its two polarisations."""
    units = np.eye(len(bands), dtype=np.float32)
    optical = [index for index, band in enumerate(bands) if band.wavelength_nm is not None]
    if len(bands) == 1:
        return Composite(f"{bands[0].name} in grey", units[[0, 0, 0]])
    if not optical:
        first, last = bands[0].name.upper(), bands[-1].name.upper()
        return Composite(f"{first}, {last}, {first} − {last}", np.stack([units[0], units[-1], units[0] - units[-1]]))
    wavelengths_nm = np.array([bands[index].wavelength_nm for index in optical])
    named = {"infrared": NEAR_INFRARED_NM, "red": RED_NM, "green": GREEN_NM, "blue": BLUE_NM}
    nearest = {name: int(np.abs(wavelengths_nm - target_nm).argmin()) for name, target_nm in named.items()}
    there = [name for name, index in nearest.items() if abs(wavelengths_nm[index] - named[name]) < NEAR_NM]
    if len(there) < 3:  # as they come, from long to short waves
        order = np.argsort(-wavelengths_nm)[[0, len(optical) // 2, -1]]
        title = ", ".join(f"{wavelengths_nm[index]:.0f} nm" for index in order)
        return Composite(title, units[[optical[index] for index in order]])
    return Composite(", ".join(there[:3]), units[[optical[nearest[name]] for name in there[:3]]])


def thinned(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array ``... H W`` with at most 192 rows and columns: every n-th of them."""
    step = -(-max(array.shape[-2:]) // MOST_PIXELS)
    return array[..., ::step, ::step]


def photographs(
    images: Sequence[NDArray[np.float32]], valid: NDArray[np.bool_], composites: Sequence[Composite]
) -> list[Colors]:
    """Return the dates of a series in colours, all with the same stretch; what is not valid is hatched.

    Args:
        images: One array ``C_t H W`` per date.
        valid: ``T H W``.
        composites: How to show each date.
    """
    layers = [
        np.tensordot(composite.weights, np.where(seen, image, 0), 1)
        for image, seen, composite in zip(images, valid, composites, strict=True)
    ]
    low, high = _limits([layer[:, seen] for layer, seen in zip(layers, valid, strict=True) if seen.any()])
    stretched = [((layer - low) / np.maximum(high - low, 1e-6)).clip(0, 1) for layer in layers]
    colors = [np.moveaxis((255 * layer).round().astype(np.uint8), 0, -1) for layer in stretched]
    return [hatched(color, ~seen) for color, seen in zip(colors, valid, strict=True)]


def _limits(layers: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
    """Return the values ``2 3 1 1`` that become black and white, of the valid pixels ``3 N`` of each date."""
    if not layers:
        return np.array([0.0, 1.0]).reshape(2, 1, 1, 1).repeat(3, 1)
    limits = np.array([np.percentile(layer, PERCENTILES, 1) for layer in layers])
    if len(layers) < 3:
        limits = np.stack([limits[:, 0].min(0), limits[:, 1].max(0)])
    else:  # one date under snow or haze must not darken the others
        limits = np.median(limits, 0)
    return limits[:, :, None, None]


def painted(values: Map, colors: Sequence[str]) -> Colors:
    """Return a map ``H W`` in the colours (``#rrggbb``) of its values; 255 is hatched."""
    palette = np.array([list(bytes.fromhex(color.lstrip("#"))) for color in colors], np.uint8)
    hidden = values == IGNORE
    return hatched(palette[np.where(hidden, 0, values)], hidden)


def hatched(colors: Colors, hidden: NDArray[np.bool_]) -> Colors:
    """Return a picture whose hidden pixels ``H W`` are grey diagonal stripes."""
    rows, columns = np.indices(hidden.shape)
    stripes = np.array(HATCH, np.uint8)[((rows + columns) % 6 < 2).astype(int)]
    return np.where(hidden[..., None], stripes, colors)


def agreement(truth: Map, prediction: Map) -> Map:
    """Return 0 where a map is right and 1 where it is wrong, 255 where either is."""
    return _unless_unknown(truth, prediction, lambda: (truth != prediction).astype(np.int64))


def findings(truth: Map, prediction: Map) -> Map:
    """Return 0 unchanged in both, 1 found, 2 missed, 3 false alarm, of two maps of changes; 255 where either is."""
    return _unless_unknown(
        truth, prediction, lambda: np.array([[0, 3], [2, 1]])[(truth != 0) * 1, (prediction != 0) * 1]
    )


def changes(before: Map, after: Map) -> Map:
    """Return what each pixel has become, counted from 1, or 0 where it has not changed; 255 where either is."""
    return _unless_unknown(before, after, lambda: np.where(before == after, 0, after + 1))


def _unless_unknown(one: Map, other: Map, compute: Callable[[], Map]) -> Map:
    return np.where((one == IGNORE) | (other == IGNORE), IGNORE, compute())


def colors_of(names: Sequence[str], given: Mapping[str, str]) -> tuple[str, ...]:
    """Return the ``#rrggbb`` of each category: what is given for it, else `stsun.legend.color_of`."""
    return tuple(given.get(name, color_of(name)) for name in names)
