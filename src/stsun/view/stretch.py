"""Contrast: which physical value becomes black and which white, chosen from a small picture of an image."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stsun.bands import Band, reflective
from stsun.scene.sources import SceneDate
from stsun.view.composites import Channel, Composite, chosen
from stsun.view.frames import whole
from stsun.view.layers import Shot
from stsun.view.tiles import read_tile

Limits = NDArray[np.float64]
"""Black and white of each channel, ``2 C``."""

PERCENTILES = (2, 98)
LOOKED_AT = 8
"""Dates of a series that are looked at, at the most."""

ROUNDING = 1e-3
LIFTED = np.rint(255 * np.linspace(0, 1, 256) ** 0.7).astype(np.uint8)


def limits_of(shots: Sequence[Shot], key: str | None) -> Limits:
    """Return the limits of a composite that serve all dates alike, so that they can be compared.

    Pictures of 8 bit are shown as they are. Of more than two dates the median counts: one under snow or haze must not
    darken the others.

    Args:
        shots: The dates of a layer that have the composite.
        key: Of the composite (see `stsun.view.composites.chosen`).

    Raises:
        RasterError: A file cannot be read.
    """
    every = np.linspace(0, len(shots) - 1, min(len(shots), LOOKED_AT)).round().astype(int)
    each = [_limits_of_date(shots[place].image, chosen(shots[place].image.bands, key)) for place in every]
    known = np.array([limits for limits in each if limits is not None])
    if not len(known):
        return np.array([[0.0], [1.0]]).repeat(len(chosen(shots[0].image.bands, key).channels), 1)
    if len(known) < 3:
        return np.stack([known[:, 0].min(0), known[:, 1].max(0)])
    return np.asarray(np.median(known, 0))


def mixed(values: NDArray[np.float32], places: Sequence[int], channels: Sequence[Channel]) -> NDArray[np.float32]:
    """Return what each colour shows, ``C ...``, from the values of the bands ``places``."""
    at = {place: values[number] for number, place in enumerate(places)}
    return np.stack([at[band] if minus is None else at[band] - at[minus] for band, minus in channels])


def stretched(shown: NDArray[np.float32], limits: Limits, *, lifted: bool) -> NDArray[np.uint8]:
    """Return 8-bit colours ``C H W`` of what each colour shows; ``lifted``: with more contrast in the dark."""
    low, high = limits[:, :, None, None]
    scaled = shown - low.astype(np.float32)
    scaled *= (255 / np.maximum(high - low, 1e-6)).astype(np.float32)
    colors = np.rint(scaled.clip(0, 255, out=scaled), out=scaled).astype(np.uint8)
    return LIFTED[colors] if lifted else colors


def is_lifted(bands: Sequence[Band], limits: Limits) -> bool:
    """Return whether bands show reflectance as measured: most of the land is dark, and the eye sees little of it."""
    picture = (limits[0] == 0).all() and (limits[1] == 1).all()
    return all(reflective(band) for band in bands) and not picture


def _limits_of_date(image: SceneDate, composite: Composite) -> Limits | None:
    """Return the limits of one date; None where it holds no data."""
    places = composite.places
    pixels = read_tile(image, places, whole(image.files[0].grid), smooth=False)
    if pixels is None:
        return None
    values = pixels[0][:, pixels[1]]
    shown = mixed(values, places, composite.channels)
    if _is_picture(values):
        return np.array([[0.0], [1.0]]).repeat(len(composite.channels), 1)
    return np.asarray(np.percentile(shown, PERCENTILES, 1))


def _is_picture(values: NDArray[np.float32]) -> bool:
    """Return whether values are multiples of 1/255 from 0 to 1: a picture, made to be looked at."""
    counts = values * 255
    return bool(0 <= counts.min() and counts.max() <= 255 and np.abs(counts - counts.round()).max() < ROUNDING)
