"""What happens on certain days: floods, dry years, fires, and the felling of forest stands."""

import math
from typing import NamedTuple

import numpy as np

from stsun.simulation.days import YEAR_DAYS, day_of, day_of_year, year_of
from stsun.simulation.field import Field, Hashes, Mask, Window, hashed, noise, uniform

FLOOD_CHANCE = 0.6
FLOOD_RISE_DAYS, FLOOD_FALL_DAYS = 3.0, 18.0
FLOOD_HEIGHT_M = (1.2, 3.8)
SEASONAL_LEVEL_M, DROUGHT_LEVEL_M = 0.15, 0.5

FIRE_CELL_M, FIRE_YEARS = 2500.0, 6
FIRE_CHANCE = 0.3
FIRE_RADIUS_M = (150.0, 900.0)
FIRE_RAGGED = 0.35
MOST_RAGGED = 1 + 3.5 * FIRE_RAGGED
"""How far a fire can reach, in its radii."""


class Flood(NamedTuple):
    """A rise of all waters: the day of its peak and its height there in metres."""

    peak: float
    height_m: float


class Fire(NamedTuple):
    """A fire: its day, its middle and its radius in metres."""

    day: float
    x_m: float
    y_m: float
    radius_m: float


def flood_of(seed: int, year: int) -> Flood | None:
    """Return the flood of a year, if it has one."""
    draws = [float(uniform(hashed(seed + 40, year), draw)) for draw in range(3)]
    if draws[0] > FLOOD_CHANCE:
        return None
    low, high = FLOOD_HEIGHT_M
    return Flood(day_of(year) + 30 + 290 * draws[1], low + draws[2] * (high - low))


def dryness(seed: int, day: float) -> float:
    """Return how dry the year is around a day: 0 in usual and wet years, up to 1; changes steadily with the day."""
    position = day / YEAR_DAYS
    before, share = math.floor(position), position - math.floor(position)
    ends = [max(0.0, 2.5 * float(uniform(hashed(seed + 41, year))) - 1.5) for year in (before, before + 1)]
    return ends[0] * (1 - share) + ends[1] * share


def water_level_m(seed: int, day: float, latitude: float) -> float:
    """Return how far all waters stand above their usual level on a day, in metres."""
    season = SEASONAL_LEVEL_M * math.cos(2 * math.pi * (day_of_year(day, latitude) - 75) / YEAR_DAYS)
    level_m = season - DROUGHT_LEVEL_M * dryness(seed, day)
    for year in (year_of(day) - 1, year_of(day)):
        flood = flood_of(seed, year)
        if flood is not None:
            since = day - flood.peak
            scale = FLOOD_RISE_DAYS if since < 0 else FLOOD_FALL_DAYS
            level_m += flood.height_m * math.exp(-((since / scale) ** 2))
    return level_m


def fires_near(seed: int, window: Window) -> list[Fire]:
    """Return the fires of all years that may touch a window, the earliest first."""
    reach = FIRE_RADIUS_M[1] * MOST_RAGGED
    right, bottom = window.x_m + window.width * window.gsd_m, window.y_m + window.height * window.gsd_m
    columns = np.arange((window.x_m - reach) // FIRE_CELL_M, (right + reach) // FIRE_CELL_M + 1).astype(np.int64)
    rows = np.arange((window.y_m - reach) // FIRE_CELL_M, (bottom + reach) // FIRE_CELL_M + 1).astype(np.int64)
    periods = np.arange(1984, 2032, FIRE_YEARS)
    period, row, column = (axis.ravel() for axis in np.meshgrid(periods, rows, columns, indexing="ij"))
    place, when = hashed(seed + 42, period, row, column), hashed(seed + 43, period, row, column)
    low, high = FIRE_RADIUS_M
    radius_m = low + uniform(place, 3).astype(float) ** 2 * (high - low)
    x_m, y_m = (column + uniform(place, 0)) * FIRE_CELL_M, (row + uniform(place, 1)) * FIRE_CELL_M
    year = period + np.floor(uniform(when, 0) * FIRE_YEARS).astype(int)
    summer = 170 + 90 * uniform(when, 1)
    fires = [
        Fire(day_of(int(year[n])) + float(summer[n]), float(x_m[n]), float(y_m[n]), float(radius_m[n]))
        for n in np.flatnonzero(uniform(place, 2) < FIRE_CHANCE)
    ]
    return sorted(fires)


def burned_by(seed: int, fire: Fire, window: Window) -> Mask:
    """Return where a fire would burn if there were fuel everywhere: a disc with ragged edges and unburned islands."""
    burned = np.zeros(window.shape, bool)
    where = window.around(fire.x_m, fire.y_m, fire.radius_m * MOST_RAGGED)
    near = window.part(*where)
    if near.height and near.width:
        x, y = near.axes()
        distance = np.hypot(x - np.float32(fire.x_m - near.x_m), y - np.float32(fire.y_m - near.y_m))
        ragged = FIRE_RAGGED * noise(seed + 44 + int(fire.day), near, fire.radius_m / 2, 4)
        burned[where] = distance < np.float32(fire.radius_m) * (1 + ragged)
    return burned


def cut_days(seed: int, stands: Hashes) -> Field:
    """Return the day on which each forest stand is felled, from hashes of stands; most are not in our time."""
    hashes = hashed(seed + 45, stands)
    chosen = uniform(hashes, 0) < np.float32(0.35)
    day = np.float32(day_of(1982)) + uniform(hashes, 1) * np.float32(48 * YEAR_DAYS)
    return np.where(chosen, day, np.float32(np.inf)).astype(np.float32)
