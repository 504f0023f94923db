"""What a sensor records of a place: light, heat, radar and height, blurred, noisy, with gaps, as it is stored."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stsun.bands import Band, reflective
from stsun.simulation.days import day_of, day_of_year
from stsun.simulation.field import Field, Mask, Window, hashed, uniform
from stsun.simulation.light import cloud_level, clouds, moisture, reflectance
from stsun.simulation.radar import backscatter, decibels
from stsun.simulation.spectra import warmth
from stsun.simulation.view import MARGIN, Conditions, View, mixed

STEPS = {"light": 1e-4, "heat": 0.01, "radar": 0.01, "height": 0.1}
"""What is measured, and the step in which such products store it: reflectance, kelvin, dB, metres."""
CLOUD_K, CLOUD_SHADE_K = 258.0, 3.0
"""Temperature of clouds in kelvin, and how much cooler the ground is in their shadow."""
CLEAR = 1e-3
"""A pixel is valid if less than this share of what it is blurred from lies under clouds or in their shadow."""
MOST_ROWS, ROWS = 512, 64
"""Windows of more rows than the first are judged by so many of them."""
FEWEST_CLOUDS = 1e-6
"""Share of the plane below which clouds are none."""


def observe(view: View, bands: Sequence[Band], conditions: Conditions) -> tuple[Field, Mask]:
    """Return one acquisition: values ``C H W`` and the valid mask ``H W``.

    Reflectance for bands up to 3000 nm, kelvin beyond, dB for ``vv`` and ``vh``, metres for ``dem``; rounded as such
    products store them.

    Raises:
        ConfigurationError: A band that cannot be simulated.
    """
    rng = np.random.default_rng([conditions.seed, 7])  # of what the whole acquisition shares
    image = np.empty((len(bands), *view.wide.shape), np.float32)
    kinds = np.array([kind_of(band) for band in bands])
    looks_down = bool(np.isin(kinds, ("light", "heat")).any())
    sky = clouds(view.wide, conditions if looks_down else replace(conditions, cloud_cover=0.0))
    if (kinds == "light").any():
        own = [band for band, kind in zip(bands, kinds, strict=True) if kind == "light"]
        image[kinds == "light"] = reflectance(view, own, conditions, sky, rng)
    for number in np.flatnonzero(kinds == "heat"):
        kelvin = warmth(bands[int(number)], day_of_year(conditions.day, view.world.latitude), view.world.latitude)
        ground = mixed(view, conditions.day, kelvin[:, None])[0] - CLOUD_SHADE_K * sky[1]
        image[number] = (1 - sky[0]) * ground + sky[0] * CLOUD_K
    if (kinds == "radar").any():
        own = [band for band, kind in zip(bands, kinds, strict=True) if kind == "radar"]
        image[kinds == "radar"] = backscatter(view, own, conditions, rng)
    image[kinds == "height"] = view.mean(view.land.relief.elevation_m)
    image, hidden = _blurred(image, conditions), _hidden((sky[0] > 0) | (sky[1] > 0), conditions)
    valid = ~view.inner(hidden) & ~_missing(view.window, conditions)
    return _recorded(view.inner(image), kinds, view.window, conditions), valid


def thinned(window: Window, conditions: Conditions, most: float) -> Conditions:
    """Return conditions whose clouds hide at most a share ``most`` of the window, shadows and blurred edges included.

    Where they hide more, the cover is lowered until they do not; otherwise nothing changes. Up to 512 rows the share is
    exact; of more, 64 rows are looked at, so that time and memory grow with the width only.
    """
    cover = conditions.cloud_cover
    if cover <= 0:
        return conditions
    parts = [window]
    if window.height > MOST_ROWS:
        rows = np.linspace(0, window.height - 1, ROWS).astype(int).tolist()
        parts = [window.part(slice(row, row + 1), slice(0, window.width)) for row in rows]
    fields = [np.maximum(*moisture(part.grown(MARGIN), conditions)) for part in parts]
    inner = (slice(MARGIN, -MARGIN), slice(MARGIN, -MARGIN))

    def share(cover: float) -> float:
        top = cloud_level(cover)
        return float(np.mean([_hidden(field > top, conditions)[inner].mean() for field in fields]))

    while cover > FEWEST_CLOUDS and share(cover) > most:
        cover *= 0.8
    return replace(conditions, cloud_cover=cover if cover > FEWEST_CLOUDS else 0.0)


def kind_of(band: Band) -> str:
    """Return what a band measures, one of ``STEPS``: light, heat, radar or height."""
    if band.wavelength_nm is not None:
        return "light" if reflective(band) else "heat"
    return "height" if band.token == "dem" else "radar"


def _blurred(image: Field, conditions: Conditions) -> Field:
    """Return the image blurred by the point spread and moved by the misregistration, in one separable filter."""
    steps = np.arange(-MARGIN, MARGIN + 1)
    for axis, shift in ((2, conditions.shift_px[0]), (1, conditions.shift_px[1])):
        weights = np.exp(-0.5 * ((steps - shift) / max(conditions.blur_px, 0.2)) ** 2)
        weights = np.where(weights > 1e-3 * weights.max(), weights, 0)
        weights = (weights / weights.sum()).astype(np.float32)
        kept = [(int(step), weight) for step, weight in zip(steps, weights, strict=True) if weight > 0]
        image = np.asarray(sum(weight * np.roll(image, step, axis) for step, weight in kept), np.float32)
    return image


def _hidden(cloudy: Mask, conditions: Conditions) -> Mask:
    """Return which pixels are not valid for clouds, from where these and their shadows are."""
    return np.asarray(_blurred(cloudy[None].astype(np.float32), conditions)[0] >= CLEAR)


def _missing(window: Window, conditions: Conditions) -> Mask:
    """Return the lines that Landsat 7 has not seen since its scan line corrector failed on 2003-05-31."""
    if not conditions.gaps or conditions.day < day_of(2003, 5, 31):
        return np.zeros(window.shape, bool)
    x, y = window.axes()
    east, south = x.astype(np.float64) + window.x_m, y.astype(np.float64) + window.y_m
    # the swath is 185 km wide: whole in its middle, a third missing at its edges
    off = np.abs((east / 92_500) % 2 - 1)
    return np.asarray((south + 0.16 * east + 400 * (conditions.seed % 5)) % 990 < 390 * off)


def _recorded(image: Field, kinds: NDArray[np.str_], window: Window, conditions: Conditions) -> Field:
    """Return what the detectors record: noise, stripes, speckle; rounded as stored, or stretched to 8 bit."""
    # noise has no seams: it may follow from the window
    place = [int(window.x_m // window.gsd_m) % 2**32, int(window.y_m // window.gsd_m) % 2**32]
    rng = np.random.default_rng([conditions.seed, 8, *place])
    light, radar = kinds == "light", kinds == "radar"
    if light.any():
        image[light] = _noisy(image[light], window, conditions, rng)
    image[radar] = decibels(image[radar], conditions.looks, rng)
    if conditions.stretch is not None:
        black, white, gamma = conditions.stretch
        tone = ((image - black) / (white - black)).clip(0, 1) ** np.float32(gamma)
        return (np.rint(255 * tone) / 255).astype(np.float32)
    step = np.array([STEPS[kind] for kind in kinds])[:, None, None]
    return (np.rint(image / step) * step).astype(np.float32)


def _noisy(light: Field, window: Window, conditions: Conditions, rng: np.random.Generator) -> Field:
    """Add noise that grows with the signal, and the faint stripes of detectors that differ a little."""
    spread = rng.standard_normal(light.shape, np.float32)
    spread *= (0.002 + 0.008 * light) * np.float32(conditions.noise)
    column = np.arange(window.width) + int(window.x_m // window.gsd_m)
    detector = uniform(hashed(conditions.seed + 62, np.arange(len(light))[:, None], column[None, :])) - np.float32(0.5)
    light = (light + spread) * (1 + np.float32(0.006 * conditions.noise) * detector[:, None, :])
    return light.clip(STEPS["light"], 1.5)
