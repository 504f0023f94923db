"""What a C-band radar makes of the land: wind on water, double bounce at buildings, speckle."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stsun.bands import Band
from stsun.simulation.field import Field
from stsun.simulation.spectra import NUMBER, SURFACES, endmembers
from stsun.simulation.view import Conditions, View, signal_of

FILTER = 3
"""Side in pixels of the mean that makes one look of many."""
LOOK_ANGLE = math.radians(80)
"""Direction that the radar looks in, clockwise from north, on an ascending pass."""
ALIGNED = math.radians(9)
BOUNCE = 4.0
"""A wall that faces the radar gives up to this many times more."""


def _wind_on_water(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a factor per surface: wind roughens water, up to three times its backscatter, and calm smooths it."""
    factors = np.ones(len(SURFACES))
    factors[NUMBER["water"]] = 10 ** rng.uniform(-0.2, 0.5)
    return factors


def backscatter(view: View, bands: Sequence[Band], conditions: Conditions, rng: np.random.Generator) -> Field:
    """Return the power ``C H W`` that comes back, with double bounce and slopes, before speckle."""
    first, second = endmembers(bands)
    wind = _wind_on_water(rng)[:, None]
    power = signal_of(view, (first * wind, second * wind), conditions, rng)
    town, (slope_x, _) = view.land.settlement, view.land.relief.slopes
    turn = np.abs((town.turn - LOOK_ANGLE) % (math.pi / 2))
    off = np.minimum(turn, math.pi / 2 - turn)
    bounce = view.land.roofed(conditions.day) * np.float32(BOUNCE) * np.exp(-((off / ALIGNED) ** 2))
    away = view.mean(slope_x * np.float32(-math.sin(LOOK_ANGLE)))
    calibration = np.float32(10 ** rng.normal(0, 0.04))
    return np.asarray(power * (1 + view.mean(bounce)) * (1 - 2 * away).clip(0.4, 2.5) * calibration, np.float32)


def decibels(power: NDArray[np.floating[Any]], looks: float, rng: np.random.Generator) -> Field:
    """Return power as dB under speckle of so many looks; more than a filter's size of them are means of neighbours."""
    size = FILTER if looks > FILTER**2 / 2 else 1
    own = looks / size**2
    speckle = rng.gamma(own, 1 / own, power.shape)
    for axis in (-2, -1):
        speckle = np.asarray(sum(np.roll(speckle, step, axis) for step in range(size))) / size
    return np.asarray(10 * np.log10(np.maximum(power * speckle, 1e-6)), np.float32)
