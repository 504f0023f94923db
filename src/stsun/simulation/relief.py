"""Relief and water: valleys that rivers run in, hills, lakes, and how high every place lies above its nearest water."""

from functools import cached_property

import numpy as np

from stsun.simulation.field import Field, Window, level, noise

RIVER_CELL_M, HILL_CELL_M, LAKE_CELL_M, MOISTURE_CELL_M = 3200.0, 1400.0, 900.0, 700.0
VALLEY_RISE = 0.03
"""Metres of height gained per metre away from a river, at first."""
VALLEY_HEIGHT_M, HILL_HEIGHT_M = 90.0, 45.0
LAKE_SHARE, LAKE_RISE_M, HOLLOW_M = 0.025, 14.0, 25.0
"""Share of the plane under lakes, the height gained away from them, and how deep the hollows are that they lie in."""
INNER = (slice(1, -1), slice(1, -1))


class Relief:
    """The ground's shape in a window, all ``H W`` float32, made when it is asked for.

    Rivers are the lines where a smooth field is zero; the ground rises away from them, so that they lie in valleys by
    construction. A pixel more on every side gives slopes that do not know of the window's edge.

    Args:
        seed: Of the world.
        window: Its grid.
    """

    def __init__(self, seed: int, window: Window) -> None:
        self._seed, self._window, self._grown = seed, window, window.grown(1)

    @cached_property
    def above_water_m(self) -> Field:
        """Height above the nearest river or lake at its usual level; below 0 is under water."""
        gradient = np.hypot(*_slopes(self._river, self._window.gsd_m))
        width_m = 6 + 24 * _unit(noise(self._seed + 2, self._window, 4 * RIVER_CELL_M, 1))
        distance_m = np.abs(self._river[INNER]) / np.maximum(gradient, np.float32(0.3 / RIVER_CELL_M)) - width_m
        valley_m = VALLEY_HEIGHT_M * np.tanh(distance_m * np.float32(VALLEY_RISE / VALLEY_HEIGHT_M))
        return np.asarray(np.minimum(valley_m, self._lake_m[INNER]), np.float32)

    @cached_property
    def elevation_m(self) -> Field:
        """Height above the sea."""
        return self._elevation_m[INNER]

    @cached_property
    def slopes(self) -> tuple[Field, Field]:
        """Rise per metre to the east, and to the south."""
        return _slopes(self._elevation_m, self._window.gsd_m)

    @cached_property
    def moisture(self) -> Field:
        """About standard normal; high in hollows and near water."""
        own = 0.8 * noise(self._seed + 5, self._window, MOISTURE_CELL_M, 3)
        return np.asarray(own + 1.2 * np.exp(-np.maximum(self.above_water_m, 0) / 4) - 0.3, np.float32)

    @cached_property
    def _river(self) -> Field:
        return noise(self._seed + 1, self._grown, RIVER_CELL_M, 4)

    @cached_property
    def _lake_m(self) -> Field:
        lakes = noise(self._seed + 4, self._grown, LAKE_CELL_M, 3)
        return np.asarray(LAKE_RISE_M * (np.float32(level(LAKE_SHARE)) - lakes), np.float32)

    @cached_property
    def _elevation_m(self) -> Field:
        river, hills = np.abs(self._river), HILL_HEIGHT_M * noise(self._seed + 3, self._grown, HILL_CELL_M, 5)
        # hills flatten towards rivers, and lakes lie in hollows
        high = np.minimum(river * np.float32(RIVER_CELL_M / 4 / 400), 1)
        elevation_m = 120 + VALLEY_HEIGHT_M * np.tanh(river) + hills * high + np.minimum(self._lake_m, HOLLOW_M)
        return np.asarray(elevation_m, np.float32)


def _slopes(field: Field, gsd_m: float) -> tuple[Field, Field]:
    """Return the central differences along x and y of all but the outermost pixels."""
    scale = np.float32(0.5 / gsd_m)
    return (field[1:-1, 2:] - field[1:-1, :-2]) * scale, (field[2:, 1:-1] - field[:-2, 1:-1]) * scale


def _unit(field: Field) -> Field:
    """Squash a field of standard deviation 1 into 0..1."""
    return np.asarray(1 / (1 + np.exp(-2 * field)), np.float32)
