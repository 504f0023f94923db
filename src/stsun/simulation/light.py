"""Reflected light: materials and leaves, snow, sun and relief, shadows, haze, clouds with their exact mask."""

import math
from collections.abc import Sequence

import numpy as np

from stsun.bands import Band
from stsun.simulation.days import YEAR_DAYS, day_of_year
from stsun.simulation.field import Field, Mask, Window, hashed, level, noise, uniform
from stsun.simulation.settlement import HEIGHTS_M
from stsun.simulation.spectra import NUMBER, endmembers, roughness, snow
from stsun.simulation.view import Conditions, View, mixed, signal_of

COARSEST_SHADOW_GSD_M = 5.0
"""In larger pixels shadows of buildings are not told apart."""
SHADOW_STEP_M, TALLEST_M, LONGEST_SHADOW_M = 1.0, float(np.max(HEIGHTS_M)), 45.0


def reflectance(
    view: View, bands: Sequence[Band], conditions: Conditions, sky: tuple[Field, Field], rng: np.random.Generator
) -> Field:
    """Return reflectance ``C H W`` as it is measured, under cloud opacity and shadow ``H W``."""
    wavelengths_nm = np.array([band.wavelength_nm for band in bands], np.float64)
    place = view.tint[:, :1] + view.tint[:, 1:] * np.log(wavelengths_nm / 935.4) / np.log(2500 / 935.4)
    first, second = endmembers(bands)
    light = signal_of(view, (first * place, second * place), conditions, rng)
    light *= (1 + mixed(view, conditions.day, roughness()[:, None])[0] * view.texture).clip(0.3, 2)
    lying = _snow_cover(view, conditions.day)
    grain = float(rng.random())
    if lying.any():
        white = snow(bands, grain)[:, None, None].astype(np.float32)
        light += lying * (white - light)
    light *= _sunlight(view, conditions) * np.float32(conditions.gain)
    light += (conditions.haze * (500 / wavelengths_nm) ** 2)[:, None, None].astype(np.float32)
    opacity, shade = sky
    if opacity.any() or shade.any():
        bright = 0.75 - 0.35 / (1 + np.exp((1500 - wavelengths_nm) / 150))
        light *= (1 - 0.55 * shade) * (1 - opacity)
        light += opacity * bright[:, None, None].astype(np.float32)
    return light


def _snow_cover(view: View, day: float) -> Field:
    """Return the share of each pixel that lies under snow: above the snow line, which is lowest in winter."""
    latitude = view.world.latitude
    winter = math.cos(2 * math.pi * (day_of_year(day, latitude) - 20) / 365)
    year = float(uniform(hashed(view.world.root + 53, int(day // YEAR_DAYS)))) - 0.5
    line_m = 2250 - 40 * (abs(latitude) - 45) - 1500 * winter + 700 * year
    elevation_m = view.mean(view.land.relief.elevation_m)
    if line_m > float(elevation_m.max()) + 400:  # a share of 1e-4
        return np.zeros_like(elevation_m)
    cover = 1 / (1 + np.exp(-(elevation_m + 20 * view.texture - np.float32(line_m)) / 40))
    shares = view.shares(day)
    hidden = shares[NUMBER["evergreen forest"]] * 0.6 + shares[NUMBER["deciduous forest"]] * 0.3
    return np.asarray((cover * (1 - hidden - shares[NUMBER["water"]])).clip(0, 1), np.float32)


def _sun_height(day: float, latitude: float) -> float:
    """Return the height of the sun in the middle of the morning in radians, 15 to 80 degrees."""
    tilt = -23.44 * math.cos(2 * math.pi * (day_of_year(day, 1.0 if latitude >= 0 else -1.0) + 10) / YEAR_DAYS)
    return min(max(math.radians(90 - abs(latitude) + tilt - 8), math.radians(15)), math.radians(80))


def _sunlight(view: View, conditions: Conditions) -> Field:
    """Return how bright each pixel is lit, relative to level ground in the sun."""
    height, (slope_x, slope_y) = _sun_height(conditions.day, view.world.latitude), view.land.relief.slopes
    east, north = math.sin(conditions.sun_azimuth), math.cos(conditions.sun_azimuth)
    # the ground faces the sun where it falls towards it
    facing = -slope_x * np.float32(east) + slope_y * np.float32(north)
    lit = (1 + np.float32(0.65 / math.tan(height)) * view.mean(facing)).clip(0.3, 1.7)
    if view.window.gsd_m > COARSEST_SHADOW_GSD_M:
        return lit
    return lit * (1 - 0.6 * view.mean(_cast_shadows(view, conditions.day, height, conditions.sun_azimuth)))


def _cast_shadows(view: View, day: float, sun_height: float, azimuth: float) -> Mask:
    """Return which places lie in the shadow of a building, be it inside the window or beside it."""
    window, rise = view.land.window, math.tan(sun_height)
    step_m, around = max(SHADOW_STEP_M, window.gsd_m), view.around(max(SHADOW_STEP_M, window.gsd_m), LONGEST_SHADOW_M)
    tops_m = np.where(around.roofed(day), around.settlement.height_m, np.float32(0))
    starts = window.x_m - around.window.x_m, window.y_m - around.window.y_m
    x, y = (axis.ravel() + start for axis, start in zip(window.axes(), starts, strict=True))
    shadow = np.zeros(window.shape, bool)
    for length_m in np.arange(step_m, min(TALLEST_M / rise, LONGEST_SHADOW_M), 1.5 * step_m):
        columns = ((x + math.sin(azimuth) * length_m) / step_m).astype(np.int64)
        rows = ((y - math.cos(azimuth) * length_m) / step_m).astype(np.int64)
        shadow |= np.take(np.take(tops_m > length_m * rise, rows, 0), columns, 1)
    return shadow & ~view.land.roofed(day)


def clouds(window: Window, conditions: Conditions) -> tuple[Field, Field]:
    """Return cloud opacity 0..0.95 and shadow 0..1; exactly 0 where there is none."""
    if conditions.cloud_cover <= 0:
        empty = np.zeros(window.shape, np.float32)
        return empty, empty
    top = cloud_level(conditions.cloud_cover)
    above, sunward = moisture(window, conditions)
    cloud, shade = ((2 * (field - top)).clip(0, 0.95).astype(np.float32, copy=False) for field in (above, sunward))
    return cloud, shade / np.float32(0.95) * (cloud == 0)


def moisture(window: Window, conditions: Conditions) -> tuple[Field, Field]:
    """Return two fields ``H W``: a pixel lies under a cloud, or in a shadow, where they exceed the cover's level."""
    cell = max(900.0, 24 * window.gsd_m)
    away_m = 500 + 900 * float(uniform(hashed(conditions.seed + 61)))
    east, north = math.sin(conditions.sun_azimuth), math.cos(conditions.sun_azimuth)
    above, sunward = (
        noise(conditions.seed + 60, where, cell, 5) for where in (window, window.moved(east * away_m, -north * away_m))
    )
    return above, sunward


def cloud_level(cover: float) -> float:
    """Return the level of ``moisture`` that clouds begin at, so that they hide a share ``cover`` of the plane."""
    return level(min(cover, 0.999))
