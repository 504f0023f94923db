"""What a sensor makes of a world: mixed pixels, light, haze, noise, clouds with their exact mask, speckle, 8 bit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stsun.bands import Band
from stsun.errors import ConfigurationError
from stsun.simulation.spectra import SURFACES, endmembers, greenness, roughness
from stsun.simulation.world import NUMBER, ROOFS, World, smooth_noise

Floats = NDArray[np.float64]
Field = NDArray[np.float32]
Mask = NDArray[np.bool_]

REFLECTANCE_STEP = 1e-4
DECIBEL_STEP = 0.01
LOOKS = 4.4
"""Equivalent number of looks of Sentinel-1 IW GRD (ESA product specification)."""


@dataclass(frozen=True)
class View:
    """A world as a sensor's pixels divide it.

    Args:
        shares: ``2 S H W``: share of each surface in each pixel, before and after the events.
        vigour: ``H W``: deviation of the greenness.
        texture: ``H W``: brightness variation.
        tint: ``S 2``: brightness and spectral slope of each surface.
        roofs: ``2 H*factor W*factor`` bool: buildings on the world's own grid, for their shadows.
        roofs_gsd_m: Metres per pixel of the world's own grid.
    """

    shares: Field
    vigour: Field
    texture: Field
    tint: Floats
    roofs: Mask
    roofs_gsd_m: float


@dataclass(frozen=True)
class Conditions:
    """One acquisition.

    Args:
        day_of_year: 1..365.
        after: Whether the events of the world have happened.
        cloud_cover: About which share of the pixels clouds hide, 0..1.
        cast_shadows: Whether buildings throw shadows (pixels small enough to show them).
    """

    day_of_year: float
    after: bool = False
    cloud_cover: float = 0.0
    cast_shadows: bool = False


def view(world: World, factor: int) -> View:
    """Return the world mixed into pixels of ``factor x factor`` of its own.

    Raises:
        ConfigurationError: The factor does not divide the world's size.
    """
    size = world.surface.shape[1]
    if size % factor:
        raise ConfigurationError(f"a world of {size} pixels cannot be seen at 1/{factor}; use a divisor of its size")
    small, count = size // factor, len(SURFACES)
    pixel = np.arange(size) // factor
    cell = pixel[:, None] * small + pixel[None, :]
    counts = [
        np.bincount((date * np.int64(small**2) + cell).ravel(), minlength=count * small**2) for date in world.surface
    ]
    return View(
        (np.stack(counts).reshape(2, count, small, small) / factor**2).astype(np.float32),
        _mean(world.vigour, factor),
        _mean(world.texture, factor),
        world.tint,
        np.isin(world.surface, [NUMBER[name] for name in ROOFS]),
        world.gsd_m,
    )


def observe(seen: View, bands: Sequence[Band], conditions: Conditions, rng: np.random.Generator) -> tuple[Field, Mask]:
    """Return one acquisition: values ``C H W`` (reflectance; dB for ``vv``, ``vh``) and its valid mask ``H W``.

    Values are rounded to the step in which such products are stored (1e-4 reflectance, 0.01 dB).

    Raises:
        ConfigurationError: A band that cannot be simulated.
    """
    optical = np.array([band.wavelength_nm is not None for band in bands])
    image = _signal(seen, bands, conditions, rng)
    valid = np.ones(image.shape[1:], bool)
    if optical.any():
        wavelengths_nm = np.array([band.wavelength_nm for band in bands if band.wavelength_nm is not None], np.float32)
        light, valid = _light(seen, image[optical], wavelengths_nm[:, None, None], conditions, rng)
        image[optical] = _rounded(light, REFLECTANCE_STEP)
    if not optical.all():
        power = image[~optical]
        speckle = rng.gamma(LOOKS, 1 / LOOKS, power.shape)
        image[~optical] = _rounded(10 * np.log10(power * speckle) + rng.normal(0, 0.4), DECIBEL_STEP)
    return image, valid


def display(image: Field, rng: np.random.Generator) -> Field:
    """Return a reflectance image ``C H W`` as 8-bit pictures show it: stretched, gamma, values of k / 255."""
    dark, bright = np.quantile(image[:, ::2, ::2], [rng.uniform(0.0, 0.02), rng.uniform(0.97, 0.999)])
    gain = rng.normal(1, 0.04, (len(image), 1, 1))
    stretched = ((image - 0.8 * dark) / max(float(bright - 0.8 * dark), 1e-3) * gain).clip(0, 1)
    return (np.rint(255 * stretched ** rng.uniform(0.55, 1.0)) / 255).astype(np.float32)


def _rounded(values: NDArray[np.floating[Any]], step: float) -> Field:
    return np.asarray(np.rint(values / step) * step, np.float32)


def _mean(field: Field | Mask, factor: int) -> Field:
    """Return the mean over squares of ``factor x factor`` pixels."""
    small = field.shape[0] // factor
    return np.asarray(field.reshape(small, factor, small, factor).mean((1, 3), np.float32), np.float32)


def _signal(seen: View, bands: Sequence[Band], conditions: Conditions, rng: np.random.Generator) -> Field:
    """Return the mixed signal ``C H W`` of the ground (linear in shares and greenness), before the sensor."""
    bare, leafy = endmembers(bands)
    place = seen.tint[:, :1] + seen.tint[:, 1:] * _slope(bands)
    # wind roughens water: up to five times the backscatter, hardly a change in reflectance
    radar = np.array([band.wavelength_nm is None for band in bands])
    place[NUMBER["water"], radar] *= 10 ** rng.uniform(-0.2, 0.5)
    bare, leafy = bare * place, leafy * place
    green = greenness((conditions.day_of_year + rng.normal(0, 6)) % 365)[:, None]
    vigour = seen.vigour + 0.02 * rng.standard_normal(seen.vigour.shape, np.float32)
    mean = _mixed(seen, conditions, bare + green * (leafy - bare))
    lush = _mixed(seen, conditions, leafy - bare)
    lush *= vigour
    lush += mean
    # vigour is a deviation: it may not make a pixel much greener than full leaf or barer than soil
    return lush.clip(0.25 * mean, 2.5 * mean, out=lush)


def _mixed(seen: View, conditions: Conditions, values: Floats | Field) -> Field:
    """Return values ``S ...`` of the surfaces mixed by their shares in each pixel, ``... H W``."""
    shares = seen.shares[int(conditions.after)]
    mixed = values.T.astype(np.float32) @ shares.reshape(len(shares), -1)
    return np.asarray(mixed.reshape(*mixed.shape[:-1], *shares.shape[1:]), np.float32)


def _slope(bands: Sequence[Band]) -> Floats:
    """Return where the bands lie between 350 nm (-1) and 2500 nm (+1) on a logarithmic scale; 0 for tokens."""
    wavelengths_nm = np.array([band.wavelength_nm or 935.4 for band in bands])
    return np.asarray(np.log(wavelengths_nm / 935.4) / np.log(2500 / 935.4), np.float64)


def _light(
    seen: View, light: Field, wavelengths_nm: Field, conditions: Conditions, rng: np.random.Generator
) -> tuple[Field, Mask]:
    """Turn the signal of the ground into reflectance as it is measured, and tell where the ground is seen."""
    rough = _mixed(seen, conditions, roughness())
    light *= (1 + rough * seen.texture).clip(0.3, 2) * np.float32(rng.uniform(0.88, 1.12))
    if conditions.cast_shadows:
        light *= 1 - 0.6 * _cast_shadows(seen, conditions, rng)
    light += rng.uniform(0, 0.012) * (500 / wavelengths_nm) ** 2
    valid = np.ones(light.shape[1:], bool)
    if conditions.cloud_cover > 0:
        opacity, shade = _clouds(rng, light.shape[1], conditions.cloud_cover)
        light *= (1 - 0.55 * shade) * (1 - opacity)
        light += opacity * (0.75 - 0.35 / (1 + np.exp((1500 - wavelengths_nm) / 150)))
        valid = (opacity == 0) & (shade == 0)
    noise = rng.standard_normal(light.shape, np.float32)
    noise *= 0.002 + 0.01 * light
    light += noise
    return light.clip(REFLECTANCE_STEP, 1.5, out=light), valid


def _cast_shadows(seen: View, conditions: Conditions, rng: np.random.Generator) -> Field:
    """Return the share of each pixel that lies in the shadow of buildings, for one position of the sun."""
    roofs = seen.roofs[int(conditions.after)]
    angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(2, 7) / seen.roofs_gsd_m
    shadow = np.zeros_like(roofs)
    for part in np.linspace(0.25, 1.0, 4):
        shift = (round(part * length * np.sin(angle)), round(part * length * np.cos(angle)))
        shadow |= np.roll(roofs, shift, (0, 1))
    return _mean(shadow & ~roofs, len(roofs) // len(seen.vigour))


def _clouds(rng: np.random.Generator, size: int, cover: float) -> tuple[Field, Field]:
    """Return cloud opacity 0..0.95 and shadow 0..1, each ``H W``; exactly 0 where there is none."""
    field = smooth_noise(rng, size, size / 2.5, octaves=4)
    opacity = ((field - np.quantile(field, 1 - min(cover, 1.0))) / np.float32(0.5)).clip(0, 0.95).astype(np.float32)
    shift = (int(rng.integers(size // 16, size // 6 + 1)), int(rng.integers(-size // 6, size // 6 + 1)))
    shade = np.roll(opacity, shift, (0, 1)) / np.float32(0.95)
    return opacity, shade * (opacity == 0)
