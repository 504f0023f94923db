"""Labelled scenes: places of a world as named sensors see them on some days, with exact truth for a task."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stsun.bands import Band
from stsun.configuration import Bands, Configuration
from stsun.data.sample import IGNORE, Sample
from stsun.errors import ConfigurationError
from stsun.sensors import sensor
from stsun.simulation.days import YEAR_DAYS, day_of
from stsun.simulation.events import flood_of
from stsun.simulation.field import Mask, Window, hashed, uniform
from stsun.simulation.kinds import KINDS, Kind, Legend
from stsun.simulation.land import BUILDABLE_M, Land, World
from stsun.simulation.sensor import observe
from stsun.simulation.spectra import NUMBER, SURFACES
from stsun.simulation.view import SENTINEL_1_LOOKS, Conditions, View
from stsun.tasks import output_periods

SIZE_RANGE = (16, 4096)
HELD_OUT = 1_000_000
"""Training draws seeds below this; demo and benchmarks make their worlds from here on."""
MOST_FILTERED = 8.0
"""By how much filters raise the looks of a radar picture."""
SURVEY = Window(-13_440.0, -13_440.0, 64, 64, 420.0)
"""The coarse look at a world in which places are chosen: 27 km on either side."""
ANYWHERE = 0.15
"""Share of the scenes that lie anywhere, so that their site's peculiarity is not taken for granted."""


@dataclass(frozen=True)
class Scene:
    """A place, and the acquisitions of it.

    Args:
        world: The world.
        window: The pixels.
        bands: Of each date.
        conditions: Of each date.
    """

    world: World
    window: Window
    bands: tuple[Bands, ...]
    conditions: tuple[Conditions, ...]

    @property
    def days(self) -> NDArray[np.float64]:
        """Acquisition days since 1970-01-01."""
        return np.array([date.day for date in self.conditions])


def simulate(kind: str, seed: int, size: int = 128) -> Sample:
    """Return the labelled scene of a kind and a seed, ``size x size`` pixels; the same seed gives the same scene.

    Raises:
        ConfigurationError: An unknown kind, a negative seed, or a size outside 16 to 4096 pixels.
    """
    scene = scene_of(kind, seed, size)
    return sample_of(scene, KINDS[kind].task, KINDS[kind].legend, f"{kind}-{seed}")


def scene_of(kind: str, seed: int, size: int = 128) -> Scene:
    """Return what ``simulate`` makes a sample of, for experiments that change one thing of it.

    Raises:
        ConfigurationError: As ``simulate``.
    """
    if kind not in KINDS:
        raise ConfigurationError(f"no simulated kind {kind!r}; expected one of {', '.join(KINDS)}")
    if seed < 0 or not SIZE_RANGE[0] <= size <= SIZE_RANGE[1]:
        raise ConfigurationError(
            f"got seed {seed} and size {size}; expected a seed of 0 or more and a size of {SIZE_RANGE[0]} to "
            f"{SIZE_RANGE[1]} pixels"
        )
    return plan_scene(KINDS[kind], seed, size)


def plan_scene(plan: Kind, seed: int, size: int, days: Sequence[float] | None = None) -> Scene:
    """Return the scene of a plan and a seed: place and conditions are drawn, and the days if none are given."""
    rng = np.random.default_rng([seed, 1])
    world = World(seed, float(rng.uniform(32, 60)) * (1 if rng.random() < 0.8 else -1))
    drawn = _days(plan, world, rng) if days is None else np.array(days, np.float64)
    extent_m = size * plan.gsd_m
    x_m, y_m = _place(plan, world, drawn, extent_m, rng)
    window = Window(x_m - extent_m / 2, y_m - extent_m / 2, size, size, plan.gsd_m)
    bands = tuple(_bands(plan, date) for date in range(len(drawn)))
    conditions = tuple(_conditions(plan, world, float(day), date, rng) for date, day in enumerate(drawn))
    return Scene(world, window, bands, conditions)


def sample_of(scene: Scene, task: str, legend: Legend, name: str) -> Sample:
    """Return a scene's images with its truth.

    Labels are the land cover of most of a pixel's area. A pixel is ignored where the ground was not seen on a date that
    its label speaks of (for a whole series: on every date).
    """
    view = View(scene.world, scene.window)
    pairs = zip(scene.bands, scene.conditions, strict=True)
    acquired = [observe(view, bands, conditions) for bands, conditions in pairs]
    valid = np.stack([mask for _, mask in acquired])
    bands = scene.bands if len(set(scene.bands)) > 1 else scene.bands[0]
    configuration = Configuration(bands, scene.window.gsd_m, task, categories_of(task, legend))
    labels = labels_of(view, scene.days, valid, task, legend)
    return Sample(name, [image for image, _ in acquired], valid, scene.days, labels, configuration)


def categories_of(task: str, legend: Legend) -> tuple[str, ...]:
    """Return the categories that a task's labels tell of: any change, if a binary change has a legend of several."""
    return ("changed",) if task == "binary_change" and len(legend) > 1 else tuple(legend)


def labels_of(view: View, days: NDArray[np.float64], valid: Mask, task: str, legend: Legend) -> NDArray[np.int64]:
    """Return the labels ``T2 H W`` of a task, 255 where they were not seen."""
    whole_series = task == "segmentation"
    # of a whole series the last date is asked for: what came to be during it counts
    cover = [_cover(view, float(day), legend) for day in (days[-1:] if whole_series else days)]
    labels = []
    for start, end in output_periods(task, len(days)):
        if task == "binary_change":
            label, known = (cover[start] != cover[end]).astype(np.int64), valid[start] & valid[end]
        else:
            label, known = cover[0 if whole_series else start], valid[start : end + 1].any(0)
        labels.append(np.where(known, label, IGNORE))
    return np.stack(labels)


def _cover(view: View, day: float, legend: Legend) -> NDArray[np.int64]:
    """Return the category that covers most of each pixel; IGNORE or, of a single category, 1 for what is in none."""
    groups = [*legend.values()]
    groups.append(tuple({surface.category for surface in SURFACES.values()}.difference(*groups)))
    members = [[surface.category in group for surface in SURFACES.values()] for group in groups]
    held = np.tensordot(np.array(members, np.float32), view.inner(view.shares(day)), 1)
    # of categories that share a pixel evenly, chance decides: the same chance in every tile
    row, column = (int(edge // view.window.gsd_m) for edge in (view.window.y_m, view.window.x_m))
    places = (row + np.arange(view.window.height)[:, None], column + np.arange(view.window.width)[None, :])
    held += np.stack([1e-3 * uniform(hashed(view.world.root + 70 + group, *places)) for group in range(len(groups))])
    cover = held.argmax(0).astype(np.int64)
    return cover if len(legend) == 1 else np.where(cover == len(legend), IGNORE, cover)


def _bands(plan: Kind, date: int) -> tuple[Band, ...]:
    """Return the bands of a date's sensor that the plan keeps."""
    instrument = sensor(plan.sensors[date % len(plan.sensors)])
    named = zip(instrument.bands, instrument.common_names, strict=True)
    return tuple(band for band, common_name in named if common_name not in plan.skip)


def _days(plan: Kind, world: World, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return increasing acquisition days since 1970-01-01."""
    count = int(rng.integers(plan.dates[0], plan.dates[1] + 1))
    year = int(rng.integers(plan.first_years[0], plan.first_years[1] + 1))
    # single images and pairs are wanted in the growing season, when classes differ most
    in_year = float(rng.integers(0, 60) if count > 2 else rng.integers(110, 260))
    first = day_of(year) + in_year + (0 if world.latitude >= 0 else YEAR_DAYS / 2)
    span = int(rng.integers(plan.span_days[0], plan.span_days[1] + 1))
    if span > YEAR_DAYS and count == 2:
        span = round(round(span / YEAR_DAYS) * YEAR_DAYS + rng.uniform(-50, 50))
    if plan.site == "flood":
        floods = [flood for flood in (flood_of(world.root, year + more) for more in range(4)) if flood]
        if floods and rng.random() > ANYWHERE:
            first = floods[0].peak + float(rng.integers(-2, 6)) - span
    if count == 1:
        return np.array([math.floor(first)], np.float64)
    between = np.sort(rng.choice(np.arange(1, span), count - 2, replace=False))
    return np.floor(first) + np.array([0.0, *between, span])


def _place(
    plan: Kind, world: World, days: NDArray[np.float64], extent_m: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Return the middle of a place that suits the kind, in metres."""
    land = world.land(SURVEY)
    weight = _suitability(plan.site, land, float(days[0]), float(days[-1]), max(1, round(extent_m / SURVEY.gsd_m / 2)))
    if rng.random() < ANYWHERE or not weight.any():
        weight = np.ones(SURVEY.shape)
    chosen = int(rng.choice(weight.size, p=(weight / weight.sum()).ravel()))
    row, column = divmod(chosen, SURVEY.width)
    off = rng.uniform(0.25, 0.75, 2) * SURVEY.gsd_m  # near the cell's middle, which is what was looked at
    return SURVEY.x_m + column * SURVEY.gsd_m + float(off[0]), SURVEY.y_m + row * SURVEY.gsd_m + float(off[1])


def _suitability(site: str, land: Land, first: float, last: float, reach: int) -> NDArray[np.float64]:
    """Return how well each cell of the survey suits a kind of site, at least 0."""
    if site == "town":
        town = land.settlement.town_from
        built = (town <= last) & (land.relief.above_water_m > BUILDABLE_M)
        return built * (1.0 + 12.0 * (town > first))
    if site == "flood":
        wet = land.flooded(last) & ~land.flooded(first)
        if wet.any():
            return wet.astype(np.float64)
    surface = land.surface(last)
    if site == "fire":
        burned = surface == NUMBER["burned area"]
        if burned.any():
            return burned + 0.5 * burned.mean() * _variety(surface, reach)
    return _variety(surface, reach)


def _variety(surface: NDArray[np.uint8], reach: int) -> NDArray[np.float64]:
    """Return how many kinds of surfaces lie around each cell, cubed: varied places are preferred."""
    kinds = np.zeros(surface.shape)
    for number in np.unique(surface):
        present = surface == number
        near = present.copy()
        for shift in range(1, reach + 1):
            for axis in (0, 1):
                near |= np.roll(present, shift, axis) | np.roll(present, -shift, axis)
        kinds += near
    return kinds**3


def _conditions(plan: Kind, world: World, day: float, date: int, rng: np.random.Generator) -> Conditions:
    """Draw the conditions of one acquisition; the first date is where it should be."""
    shift = rng.normal(0, plan.shift_px, 2) if date else np.zeros(2)
    azimuth = rng.uniform(80, 280) if plan.eight_bit else rng.uniform(125, 165)
    stretch: tuple[float, float, float] | None = None
    looks = SENTINEL_1_LOOKS
    if plan.eight_bit and plan.sensors == ("sentinel-1",):
        looks *= float(rng.uniform(1, MOST_FILTERED))
        stretch = (rng.uniform(-26, -17), rng.uniform(-8, 0), rng.uniform(0.7, 1.3))
    elif plan.eight_bit:
        stretch = (rng.uniform(0, 0.04), rng.uniform(0.2, 0.42), rng.uniform(0.6, 1.1))
    return Conditions(
        day=day,
        seed=int(rng.integers(2**31)),
        cloud_cover=plan.cloud_cover * rng.random() * (rng.random() < 0.7),
        haze=rng.uniform(0, 0.012),
        gain=rng.uniform(0.88, 1.12),
        shift_px=(float(shift[0]), float(shift[1])),
        blur_px=rng.uniform(0.25, 0.6),
        sun_azimuth=math.radians(azimuth if world.latitude >= 0 else 180 - azimuth),
        stretch=stretch,
        looks=looks,
        gaps=plan.sensors[date % len(plan.sensors)] == "landsat-7",
    )
