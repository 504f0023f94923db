"""Relief and water: valleys that rivers run in, hills, lakes, and how high every place lies above its nearest water."""

from dataclasses import dataclass

import numpy as np

from stsun.simulation.field import Field, Window, level, noise

RIVER_CELL_M, HILL_CELL_M, LAKE_CELL_M, MOISTURE_CELL_M = 3200.0, 1400.0, 900.0, 700.0
VALLEY_RISE = 0.03
"""Metres of height gained per metre away from a river, at first."""
VALLEY_HEIGHT_M, HILL_HEIGHT_M = 90.0, 45.0
LAKE_SHARE, LAKE_RISE_M, HOLLOW_M = 0.025, 14.0, 25.0
"""Share of the plane under lakes, the height gained away from them, and how deep the hollows are that they lie in."""


@dataclass(frozen=True)
class Relief:
    """The ground's shape in a window, all ``H W`` float32.

    Args:
        elevation_m: Height above the sea.
        above_water_m: Height above the nearest river or lake at its usual level; below 0 is under water.
        slope_x: Rise per metre to the east.
        slope_y: Rise per metre to the south.
        moisture: About standard normal; high in hollows and near water.
    """

    elevation_m: Field
    above_water_m: Field
    slope_x: Field
    slope_y: Field
    moisture: Field


def make_relief(seed: int, window: Window) -> Relief:
    """Return the relief of a window.

    Rivers are the lines where a smooth field is zero; the ground rises away from them, so that they lie in valleys by
    construction. A pixel more on every side gives slopes that do not know of the window's edge.
    """
    grown = window.grown(1)
    river = noise(seed + 1, grown, RIVER_CELL_M, 4)
    gradient = np.hypot(*_slopes(river, window.gsd_m))
    width_m = 6 + 24 * _unit(noise(seed + 2, window, 4 * RIVER_CELL_M, 1))
    distance_m = np.abs(river[1:-1, 1:-1]) / np.maximum(gradient, np.float32(0.3 / RIVER_CELL_M)) - width_m
    valley_m = VALLEY_HEIGHT_M * np.tanh(distance_m * np.float32(VALLEY_RISE / VALLEY_HEIGHT_M))
    lake_m = LAKE_RISE_M * (np.float32(level(LAKE_SHARE)) - noise(seed + 4, grown, LAKE_CELL_M, 3))
    hills = HILL_HEIGHT_M * noise(seed + 3, grown, HILL_CELL_M, 5)
    # hills flatten towards rivers, and lakes lie in hollows
    high = np.minimum(np.abs(river) * np.float32(RIVER_CELL_M / 4 / 400), 1)
    elevation = 120 + VALLEY_HEIGHT_M * np.tanh(np.abs(river)) + hills * high + np.minimum(lake_m, HOLLOW_M)
    slope_x, slope_y = _slopes(elevation, window.gsd_m)
    above_water_m = np.minimum(valley_m, lake_m[1:-1, 1:-1])
    moisture = 0.8 * noise(seed + 5, window, MOISTURE_CELL_M, 3) + 1.2 * np.exp(-np.maximum(above_water_m, 0) / 4) - 0.3
    return Relief(elevation[1:-1, 1:-1], above_water_m, slope_x, slope_y, moisture)


def _slopes(field: Field, gsd_m: float) -> tuple[Field, Field]:
    """Return the central differences along x and y of all but the outermost pixels."""
    scale = np.float32(0.5 / gsd_m)
    return (field[1:-1, 2:] - field[1:-1, :-2]) * scale, (field[2:, 1:-1] - field[:-2, 1:-1]) * scale


def _unit(field: Field) -> Field:
    """Squash a field of standard deviation 1 into 0..1."""
    return np.asarray(1 / (1 + np.exp(-2 * field)), np.float32)
