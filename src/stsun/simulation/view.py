"""A place as the pixels of a sensor divide it, the conditions of an acquisition, and the mixed signal of the ground."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from stsun.simulation.days import YEAR_DAYS, day_of_year
from stsun.simulation.events import dryness, flood_of
from stsun.simulation.field import Field, Mask, Window, hashed, noise, uniform
from stsun.simulation.land import Land, World
from stsun.simulation.spectra import SURFACES, second_state

Floats = NDArray[np.float64]
A = TypeVar("A", bound=np.generic)

SENTINEL_1_LOOKS = 4.4
"""Equivalent number of looks of Sentinel-1 IW GRD (ESA product specification)."""
MARGIN = 3
"""Pixels around a window that its own pixels are blurred with."""


@dataclass(frozen=True)
class Conditions:
    """One acquisition, all that is drawn of it.

    Args:
        day: Days since 1970-01-01.
        seed: Of noise and clouds.
        cloud_cover: About which share of the plane clouds hide, 0..1; of a window it may be any.
        haze: Path radiance, as reflectance at 500 nm.
        gain: Brightness relative to the usual.
        shift_px: How far the image lies from where it should, right and down, in pixels.
        blur_px: Standard deviation of the point spread, in pixels, beyond the pixel itself.
        noise: Standard deviation of the noise, in parts of the usual.
        sun_azimuth: Where the sun stands, in radians clockwise from north.
        stretch: 8-bit display stretch: reflectance (radar: dB) shown as black and as white, and the gamma; None = as it
            is measured.
        looks: Of radar: how many independent looks make a pixel; filters raise them.
        gaps: Whether lines are missing as on Landsat 7 since 2003.
    """

    day: float
    seed: int = 0
    cloud_cover: float = 0.0
    haze: float = 0.0
    gain: float = 1.0
    shift_px: tuple[float, float] = (0.0, 0.0)
    blur_px: float = 0.35
    noise: float = 1.0
    sun_azimuth: float = math.radians(150)
    stretch: tuple[float, float, float] | None = None
    looks: float = SENTINEL_1_LOOKS
    gaps: bool = False


class View:
    """A window of a world as pixels of some size see it: what covers which share of each, on any day.

    Args:
        world: The world.
        window: The pixels.
        factor: How many places are looked at along either axis of a pixel.
    """

    def __init__(self, world: World, window: Window, factor: int = 2) -> None:
        self.world, self.window, self.factor = world, window, factor
        self.wide = window.grown(MARGIN)
        self.land: Land = world.land(self.wide.divided(factor))
        self._shares: dict[float, Field] = {}
        self._around: dict[tuple[float, float], Land] = {}

    def shares(self, day: float) -> Field:
        """Return ``S H W``: the share of each surface in each pixel on a day, with the margin."""
        if day not in self._shares:
            surface = self.land.surface(day)
            height, width = self.wide.shape
            cells = (
                np.arange(surface.shape[0])[:, None] // self.factor * width + np.arange(surface.shape[1]) // self.factor
            )
            flat = surface.astype(np.int64) * (height * width) + cells
            counts = np.bincount(flat.ravel(), minlength=len(SURFACES) * height * width)
            self._shares[day] = (counts.reshape(-1, height, width) / self.factor**2).astype(np.float32)
        return self._shares[day]

    def around(self, step_m: float, reach_m: float) -> Land:
        """Return the land to so many metres around the window, in pixels of ``step_m``; the same at each call.

        Its lattice is anchored to the world, so that neighbouring windows agree on it.
        """
        if (step_m, reach_m) not in self._around:
            fine = self.land.window
            left, top = (math.floor((edge - reach_m) / step_m) * step_m for edge in (fine.x_m, fine.y_m))
            across, down = (math.ceil((n * fine.gsd_m + 2 * reach_m) / step_m) + 2 for n in (fine.width, fine.height))
            self._around[step_m, reach_m] = self.world.land(Window(left, top, down, across, step_m))
        return self._around[step_m, reach_m]

    def mean(self, fine: Field | Mask) -> Field:
        """Return the mean of a field of the land over each pixel, with the margin."""
        step, shape = self.factor, self.wide.shape
        total = np.zeros(shape, np.float32)
        for row in range(step):
            for column in range(step):
                total += fine[row::step, column::step]
        return total / np.float32(step**2)

    def inner(self, array: NDArray[A]) -> NDArray[A]:
        """Return an array ``... H W`` without the margin."""
        return array[..., MARGIN:-MARGIN, MARGIN:-MARGIN]

    @cached_property
    def vigour(self) -> Field:
        """Deviation of the second state (leaf area, wetness), by parcel and by place."""
        parcels, seed = self.land.parcels, self.world.root + 50
        return 0.22 * self.mean(parcels.each(uniform(parcels.table, 3) - np.float32(0.5))) + 0.06 * noise(
            seed, self.wide, 180, 3
        )

    @cached_property
    def texture(self) -> Field:
        """Brightness variation of about standard deviation 1, the same on all dates; rows and crowns if they show."""
        texture = noise(self.world.root + 51, self.wide, 8 * self.wide.gsd_m, 3)
        if self.wide.gsd_m > 2:
            return texture
        land = self.land
        waves = land.parcels.each(2 * math.pi / (2.4 + 2.6 * uniform(land.parcels.table, 0)))
        rows = np.sin(land.parcels.u_m * waves)
        crowns = (land.crowns.dome * np.float32(3.0) - np.float32(1.6)) * land.forest
        return np.asarray(texture + self.mean(1.6 * rows * land.fields + crowns), np.float32)

    @cached_property
    def tint(self) -> Floats:
        """``S 2``: brightness and spectral slope of each surface here, relative to the usual."""
        draws = uniform(hashed(self.world.root + 52, np.arange(2 * len(SURFACES)))).reshape(-1, 2) - 0.5
        return np.array([1.0, 0.0]) + draws * np.array([0.5, 0.3])


def mixed(view: View, day: float, values: Floats) -> Field:
    """Return values ``S C`` of the surfaces mixed by their shares in each pixel: ``C H W``."""
    shares = view.shares(day)
    mixed = values.T.astype(np.float32) @ shares.reshape(len(shares), -1)
    return np.asarray(mixed.reshape(-1, *shares.shape[1:]), np.float32)


def signal_of(view: View, ends: tuple[Floats, Floats], conditions: Conditions, rng: np.random.Generator) -> Field:
    """Return the mixed signal ``C H W`` of the ground: linear in the shares, and in each surface's second state."""
    first, second = ends
    states = _second_states(view, conditions, rng)[:, None]
    mean = mixed(view, conditions.day, first + states * (second - first))
    signal = mixed(view, conditions.day, second - first)
    signal *= view.vigour
    signal += mean
    # vigour is a deviation: it may not make a pixel much greener than full leaf or barer than soil
    return signal.clip(0.25 * mean, 2.5 * mean, out=signal)


def _second_states(view: View, conditions: Conditions, rng: np.random.Generator) -> Floats:
    """Return how much of its second state each surface shows on this day."""
    world, day = view.world, conditions.day
    flood = flood_of(world.root, int(1970 + day // YEAR_DAYS))
    muddy = 0.7 * math.exp(-abs(day - flood.peak) / 20) if flood else 0.0
    season = (day_of_year(day, world.latitude) + rng.normal(0, 6)) % 365
    turbidity = min(1.0, muddy + 0.3 * float(rng.random()) ** 2)
    return second_state(season, world.latitude, dryness(world.root, day), turbidity)
