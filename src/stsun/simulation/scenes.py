"""Labelled scenes: worlds as named sensors see them, with exact truth for a task."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.data.sample import IGNORE, Sample
from stsun.errors import ConfigurationError
from stsun.sensors import sensor
from stsun.simulation.sensor import Conditions, View, display, observe, view
from stsun.simulation.spectra import SURFACES
from stsun.simulation.world import make_world
from stsun.tasks import output_periods

FACTOR = 2
"""How many pixels of the world, on either axis, one pixel of a sensor mixes."""

SIZE_RANGE = (16, 4096)
LAND_COVER = {
    "water": ("water",),
    "forest": ("forest",),
    "grassland": ("grassland",),
    "agriculture": ("agriculture",),
    "bare soil": ("bare soil",),
    "artificial surface": ("building", "road"),
}
AERIAL_COVER = {
    "building": ("building",),
    "road": ("road",),
    "water": ("water",),
    "bare soil": ("bare soil",),
    "vegetation": ("forest", "grassland", "agriculture"),
}


@dataclass(frozen=True)
class Kind:
    """One kind of scene.

    Args:
        sensors: Catalogue names; where there are several, the dates take turns.
        task: What the labels answer.
        categories: Each category of the labels with the land covers that it holds.
        gsd_m: Metres per pixel.
        dates: Fewest and most dates.
        span_days: Fewest and most days from the first to the last date.
        first_years: Years in which a series can begin, first and last.
        cloud_cover: Largest share of a date that clouds hide.
        built: About which share of the land is settled.
        flood: Chance that one of the events is a flood.
        events: Whether the last date lies after the events of the world.
        eight_bit: Whether images are display-stretched to 8 bit.
        skip: STAC common names of bands that are left out.
    """

    sensors: tuple[str, ...]
    task: str
    categories: Mapping[str, tuple[str, ...]]
    gsd_m: float
    dates: tuple[int, int] = (1, 1)
    span_days: tuple[int, int] = (0, 0)
    first_years: tuple[int, int] = (2017, 2023)
    cloud_cover: float = 0.0
    built: float = 0.4
    flood: float = 0.5
    events: bool = False
    eight_bit: bool = False
    skip: frozenset[str] = field(default=frozenset({"coastal", "nir09", "cirrus", "lwir", "lwir11", "lwir12", "pan"}))


KINDS = {
    "aerial-buildings": Kind(("aerial-rgb",), "segmentation", AERIAL_COVER, 0.5, built=0.7, eight_bit=True),
    "aerial-change": Kind(
        ("aerial-rgb",), "binary_change", {"building change": ("building",)}, 0.5,
        dates=(2, 2), span_days=(300, 3000), first_years=(2005, 2017), built=0.9, events=True, eight_bit=True,
    ),
    "sentinel2-series": Kind(
        ("sentinel-2-l2a",), "segmentation", LAND_COVER, 10.0, dates=(3, 8), span_days=(120, 360), cloud_cover=0.7,
    ),
    "sentinel2-semantic-change": Kind(
        ("sentinel-2-l2a",), "semantic_change", {**LAND_COVER, "burned area": ("burned area",)}, 10.0,
        dates=(2, 2), span_days=(200, 1500), cloud_cover=0.25, events=True,
    ),
    "landsat-mixed-series": Kind(
        ("landsat-5", "landsat-7"), "segmentation", LAND_COVER, 30.0,
        dates=(3, 6), span_days=(120, 360), first_years=(1999, 2010), cloud_cover=0.6,
    ),
    "hyperspectral": Kind(("enmap",), "segmentation", LAND_COVER, 30.0, first_years=(2022, 2024)),
    "sentinel1-flood": Kind(
        ("sentinel-1",), "binary_change", {"flooded": ("water",)}, 10.0,
        dates=(2, 2), span_days=(6, 60), flood=0.85, events=True,
    ),
}  # fmt: skip
"""Every kind of scene by its name."""


def simulate(kind: str, seed: int, size: int = 128) -> Sample:
    """Return the labelled scene of a kind and a seed, ``size x size`` pixels; the same seed gives the same scene.

    Labels are the land cover of most of a pixel's area. A pixel is ignored where clouds hide the ground on a date that
    its label speaks of (for a whole series: on every date).

    Raises:
        ConfigurationError: An unknown kind, a negative seed, or a size outside 16 to 4096 pixels.
    """
    if kind not in KINDS:
        raise ConfigurationError(f"no simulated kind {kind!r}; expected one of {', '.join(KINDS)}")
    if seed < 0 or not SIZE_RANGE[0] <= size <= SIZE_RANGE[1]:
        raise ConfigurationError(
            f"got seed {seed} and size {size}; expected a seed of 0 or more and a size of {SIZE_RANGE[0]} to "
            f"{SIZE_RANGE[1]} pixels"
        )
    plan, rng = KINDS[kind], np.random.default_rng([seed, 1])
    seen = view(make_world(seed, size * FACTOR, plan.gsd_m / FACTOR, built=plan.built, flood=plan.flood), FACTOR)
    days = _days(plan, rng)
    bands = [_bands(plan, date) for date in range(len(days))]
    acquisitions = [_acquire(plan, seen, bands[date], days, date, rng) for date in range(len(days))]
    valid = np.stack([mask for _, mask in acquisitions])
    configuration = Configuration(
        bands if len(plan.sensors) > 1 else bands[0], plan.gsd_m, plan.task, tuple(plan.categories)
    )
    labels = _labels(plan, seen, valid)
    return Sample(f"{kind}-{seed}", [image for image, _ in acquisitions], valid, days, labels, configuration)


def _bands(plan: Kind, date: int) -> tuple[Band, ...]:
    """Return the bands of a date's sensor that tell of the ground by reflected light or radar."""
    instrument = sensor(plan.sensors[date % len(plan.sensors)])
    named = zip(instrument.bands, instrument.common_names, strict=True)
    return tuple(band for band, common_name in named if common_name not in plan.skip)


def _days(plan: Kind, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return increasing acquisition days since 1970-01-01."""
    count = int(rng.integers(plan.dates[0], plan.dates[1] + 1))
    year = int(rng.integers(plan.first_years[0], plan.first_years[1] + 1))
    # single images and pairs are wanted in the growing season, when classes differ most
    first = _day(year) + float(rng.integers(0, 60) if count > 2 else rng.integers(110, 260))
    if count == 1:
        return np.array([first])
    span = int(rng.integers(plan.span_days[0], plan.span_days[1] + 1))
    between = np.sort(rng.choice(np.arange(1, span), count - 2, replace=False))
    return first + np.array([0.0, *between, span])


def _day(year: int) -> float:
    return (datetime(year, 1, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days


def _day_of_year(day: float) -> float:
    return day % 365.2425 + 1


def _acquire(
    plan: Kind, seen: View, bands: tuple[Band, ...], days: NDArray[np.float64], date: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return one date's image and valid mask."""
    conditions = Conditions(
        day_of_year=_day_of_year(float(days[date])),
        after=plan.events and date == len(days) - 1,
        cloud_cover=plan.cloud_cover * rng.random() * (rng.random() < 0.7),
        cast_shadows=plan.eight_bit,
    )
    image, valid = observe(seen, bands, conditions, rng)
    return (display(image, rng) if plan.eight_bit else image), valid


def _labels(plan: Kind, seen: View, valid: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the labels ``T2 H W`` of the task, 255 where they were not seen."""
    dates = len(valid)
    before = _cover(plan, seen, after=False)
    cover = [before] * (dates - 1) + [_cover(plan, seen, after=True) if plan.events else before]
    labels = []
    for start, end in output_periods(plan.task, dates):
        if plan.task == "binary_change":
            label, known = (cover[start] != cover[end]).astype(np.int64), valid[start] & valid[end]
        else:
            label, known = cover[start], valid[start : end + 1].any(0)
        labels.append(np.where(known, label, IGNORE))
    return np.stack(labels)


def _cover(plan: Kind, seen: View, *, after: bool) -> NDArray[np.int64]:
    """Return the category that covers most of each pixel; one more for what belongs to none."""
    groups = [*plan.categories.values()]
    groups.append(tuple({surface.category for surface in SURFACES.values()}.difference(*groups)))
    members = [[surface.category in group for surface in SURFACES.values()] for group in groups]
    share = np.tensordot(np.array(members, np.float32), seen.shares[int(after)], 1)
    return np.asarray(share.argmax(0), np.int64)
