"""What happened to the land between two days: for every place that changed, what changed it last, and when."""

from collections.abc import Callable

import numpy as np

from stsun.simulation.days import YEAR_DAYS, day_of, year_of
from stsun.simulation.events import water_level_m
from stsun.simulation.field import Field, Mask
from stsun.simulation.land import BARE_YEARS, BURN_YEARS_FOREST, GRASS_YEARS, SHRUB_YEARS, Land, Surfaces
from stsun.simulation.spectra import NUMBER, ROOFS

EVENTS = (
    "none", "building", "demolition", "road building", "development", "clear-cut", "regrowth", "fire", "flood",
    "falling water", "crop rotation",
)  # fmt: skip
"""What can happen to a place; its position is its number in a map of events."""

LONGEST_FLOOD_DAYS = 400


def events_between(land: Land, start: float, end: float) -> tuple[Surfaces, Field]:
    """Return what last changed every place that looks different on two days, and when.

    Returns:
        Numbers in the order of ``EVENTS``, ``H W``, 0 where nothing changed; days since 1970-01-01, NaN there.
    """
    before, after = land.surface(start), land.surface(end)
    kinds, days = np.zeros(land.window.shape, np.uint8), np.full(land.window.shape, np.nan, np.float32)

    def tell(name: str, when: Field | float, where: Mask) -> None:
        """Later calls say more about a place than earlier ones."""
        day = np.broadcast_to(np.asarray(when, np.float32), kinds.shape)
        told = where & (before != after) & (day > start) & (day <= end)
        kinds[told], days[told] = EVENTS.index(name), day[told]

    for year in range(year_of(start) + 1, year_of(end) + 1):
        turned = land.crop(day_of(year) - 1) != land.crop(day_of(year) + 1)
        tell("crop rotation", day_of(year), land.fields & turned)
    _tell_of_growth(land, end, tell)
    town, water = land.settlement, NUMBER["water"]
    tell("development", town.town_from, np.isfinite(town.town_from))
    tell("falling water", _since(land, end, rising=False), (before == water) & (after != water))
    tell("flood", _since(land, end, rising=True), (after == water) & (before != water))
    tell("road building", town.road_from, after == NUMBER["asphalt"])
    for built, gone in zip(town.building_from, town.building_until, strict=True):
        tell("demolition", gone, np.isin(before, ROOFS))
        tell("building", built, np.isin(after, ROOFS))
    return kinds, days


def _tell_of_growth(land: Land, end: float, tell: Callable[[str, Field | float, Mask], None]) -> None:
    """Tell of fires and felling, and of what grew back since."""
    latest, burned = land.disturbed(end)
    bare_years = np.where(burned, np.float32(BURN_YEARS_FOREST), np.float32(BARE_YEARS))
    for years in (bare_years, GRASS_YEARS, SHRUB_YEARS):
        tell("regrowth", latest + np.asarray(years, np.float32) * np.float32(YEAR_DAYS), land.forest)
    tell("clear-cut", latest, land.forest & ~burned)
    tell("fire", latest, burned)


def _since(land: Land, end: float, *, rising: bool) -> Field:
    """Return since which day each place has been under water (rising) or above it; at most 400 days back."""
    back = end - np.arange(LONGEST_FLOOD_DAYS)
    levels = np.array([water_level_m(land.world.root, float(day), land.world.latitude) for day in back], np.float32)
    height = land.relief.above_water_m.ravel()
    # the water has stood above a place as long as its lowest level since then has
    extreme = -np.minimum.accumulate(levels) if rising else np.maximum.accumulate(levels)
    lasted = np.searchsorted(extreme, -height if rising else height, side="left" if rising else "right")
    return np.asarray(back[np.clip(lasted - 1, 0, LONGEST_FLOOD_DAYS - 1)], np.float32).reshape(land.window.shape)
