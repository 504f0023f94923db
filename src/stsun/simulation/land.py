"""The ground truth: what covers every place of an endless world on any day, and what happened between two days."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from stsun.simulation.days import YEAR_DAYS, year_of
from stsun.simulation.events import Fire, burned_by, cut_days, fires_near, water_level_m
from stsun.simulation.field import Field, Mask, Window, hashed, level, noise, uniform
from stsun.simulation.regions import Bricks, Regions, lay_bricks, make_regions
from stsun.simulation.relief import Relief, make_relief
from stsun.simulation.settlement import BLOCKS, HALLS, Settlement, make_settlement
from stsun.simulation.spectra import NUMBER
from stsun.simulation.trees import Crowns, make_crowns

Surfaces = NDArray[np.uint8]

EVENTS = ("none", "building", "demolition", "road building", "clear-cut", "regrowth", "fire", "flood", "crop rotation")
"""What can happen to a place; its position is its number in a map of events."""

FOREST_SHARE, FIELD_SHARE, SHRUB_SHARE, BARE_SHARE = 0.36, 0.55, 0.07, 0.03
FOREST_CELL_M, FIELD_CELL_M, PATCH_CELL_M = 1100.0, 2400.0, 260.0
CROPS = ("winter crop", "summer crop", "fodder")
CROP_SHARES = (0.42, 0.78)
BUILDABLE_M = 1.2
"""Lots closer to the usual water level than this stay empty."""
DEEPEST_BRIDGED_M = -1.2
BARE_YEARS, GRASS_YEARS, SHRUB_YEARS = 1.5, 4.0, 12.0
"""Ages of a felled or burned forest up to which it is bare soil, grassland, shrubland."""
BURN_YEARS_FOREST, BURN_YEARS_OTHER = 2.0, 0.5
GARDEN_TREES = 0.34


@dataclass(frozen=True)
class World:
    """An endless piece of Earth; the same seed is the same world.

    Args:
        seed: Non-negative.
        latitude: Degrees, negative in the south; gives seasons and the height of the sun.
    """

    seed: int
    latitude: float = 50.0

    def land(self, window: Window) -> "Land":
        """Return the world as a window sees it."""
        return Land(self, window)


class Land:
    """What a window of a world holds: pure functions of the world and the place, so that windows join seamlessly.

    Args:
        world: The world.
        window: Its grid; each pixel is what lies at its centre.
    """

    def __init__(self, world: World, window: Window) -> None:
        self.world, self.window = world, window

    @cached_property
    def relief(self) -> Relief:
        """Shape of the ground and waters."""
        return make_relief(self.world.seed, self.window)

    @cached_property
    def regions(self) -> Regions:
        """The quarters of the land."""
        return make_regions(self.world.seed, self.window)

    @cached_property
    def settlement(self) -> Settlement:
        """Streets and buildings of all times."""
        return make_settlement(self.world.seed, self.window, self.regions)

    @cached_property
    def parcels(self) -> Bricks:
        """Fields, meadows and forest stands: one hash per parcel."""
        depth = 45 + 110 * self.regions.draw(self.world.seed + 30, 0) ** 2
        length = depth * (1.2 + 2.2 * self.regions.draw(self.world.seed + 30, 1))
        return lay_bricks(self.world.seed + 31, self.regions, depth.astype(np.float32), length.astype(np.float32))

    @cached_property
    def natural(self) -> Surfaces:
        """What would grow without people: forest of two kinds, shrubland, grassland, some bare soil."""
        seed, window, relief = self.world.seed, self.window, self.relief
        steep = np.hypot(relief.slope_x, relief.slope_y)
        surface = np.full(window.shape, NUMBER["grassland"], np.uint8)
        patch = noise(seed + 32, window, PATCH_CELL_M, 4)
        surface[patch > level(SHRUB_SHARE)] = NUMBER["shrubland"]
        surface[patch < -level(BARE_SHARE) + 0.3 * relief.moisture.clip(0)] = NUMBER["bare soil"]
        wood = noise(seed + 33, window, FOREST_CELL_M, 5) + 4 * steep - 0.2
        forest = wood > level(FOREST_SHARE)
        evergreen = noise(seed + 34, window, FOREST_CELL_M, 3) + (relief.elevation_m - 200) / 150 > 0
        surface[forest] = np.where(evergreen[forest], NUMBER["evergreen forest"], NUMBER["deciduous forest"])
        return surface

    @cached_property
    def forest(self) -> Mask:
        """Where forest grows if nobody fells it and nothing burns."""
        return np.isin(self.natural, (NUMBER["deciduous forest"], NUMBER["evergreen forest"]))

    @cached_property
    def fields(self) -> Mask:
        """Where fields lie: even land without forest, whole parcels at a time where possible."""
        seed, relief = self.world.seed, self.relief
        fertile = noise(seed + 35, self.window, FIELD_CELL_M, 2) > level(FIELD_SHARE)
        even = np.hypot(relief.slope_x, relief.slope_y) < 0.14
        kept = uniform(hashed(seed + 36, self.parcels.hashes.astype(np.int64))) < np.float32(0.88)
        return np.asarray(fertile & even & kept & ~self.forest & (relief.above_water_m > 0.3))

    @cached_property
    def cut_day(self) -> Field:
        """Day on which the forest stand of a pixel is felled; infinite where that never happens."""
        days = cut_days(self.world.seed, self.parcels.hashes)
        return np.where(self.forest, days, np.float32(np.inf))

    @cached_property
    def fires(self) -> list[tuple[Fire, Mask]]:
        """Every fire that burns something here, and where, the earliest first."""
        fuel = self.relief.above_water_m > 0
        burns = [(fire, burned_by(self.world.seed, fire, self.window) & fuel) for fire in self._fires_near]
        return [(fire, mask) for fire, mask in burns if mask.any()]

    @cached_property
    def _fires_near(self) -> list[Fire]:
        return fires_near(self.world.seed, self.window)

    @cached_property
    def crowns(self) -> Crowns:
        """Where crowns of trees would be."""
        return make_crowns(self.world.seed + 37, self.window)

    def crop(self, day: float) -> Surfaces:
        """Return the crop that every parcel would bear in the year of a day."""
        draw = uniform(hashed(self.world.seed + 38, self.parcels.hashes.astype(np.int64), year_of(day)))
        return np.array([NUMBER[name] for name in CROPS], np.uint8)[np.searchsorted(CROP_SHARES, draw)]

    def surface(self, day: float) -> Surfaces:
        """Return what covers every pixel on a day: ``H W``, numbers in the order of ``spectra.SURFACES``."""
        surface = self.natural.copy()
        surface[self.fields] = self.crop(day)[self.fields]
        self._grow_back(surface, np.float32(day) - self.cut_day, bare="bare soil", bare_years=BARE_YEARS)
        for fire, mask in self.fires:
            if fire.day <= day:
                self._burn(surface, mask, day - fire.day)
        self._settle(surface, day)
        return surface

    def _grow_back(self, surface: Surfaces, age_days: Field, *, bare: str, bare_years: float) -> None:
        """Let a forest that was felled come back: bare, then grass, then shrubs."""
        age = age_days / np.float32(YEAR_DAYS)
        for name, oldest in (("shrubland", SHRUB_YEARS), ("grassland", GRASS_YEARS), (bare, bare_years)):
            surface[(age >= 0) & (age < oldest)] = NUMBER[name]

    def _burn(self, surface: Surfaces, mask: Mask, age_days: float) -> None:
        burned_forest = np.where(mask & self.forest, np.float32(age_days), np.float32(-1))
        self._grow_back(surface, burned_forest, bare="burned area", bare_years=BURN_YEARS_FOREST)
        if age_days < BURN_YEARS_OTHER * YEAR_DAYS:
            surface[mask & ~self.forest] = NUMBER["burned area"]

    def _settle(self, surface: Surfaces, day: float) -> None:
        """Lay towns, waters, roads and buildings over the land."""
        town, relief = self.settlement, self.relief
        dry = relief.above_water_m > BUILDABLE_M
        settled = (town.town_from <= day) & dry
        paved = (town.zone == BLOCKS) & (uniform(town.lot, 3) < 0.5) | (town.zone == HALLS)
        surface[settled] = np.where(paved, NUMBER["pavement"], NUMBER["garden"])[settled]
        trees = settled & (self.crowns.dome > 0) & (uniform(self.crowns.hashes, 3) < GARDEN_TREES)
        surface[trees] = NUMBER["deciduous forest"]
        surface[self.flooded(day)] = NUMBER["water"]
        # a road over a river is a bridge; it does not cross a lake, and a flood covers it
        river = (relief.above_water_m < 0) & (relief.above_water_m > DEEPEST_BRIDGED_M)
        road = (town.road_from <= day) & (river | ~self.flooded(day))
        surface[road] = NUMBER["asphalt"]
        roofs = np.array([NUMBER[name] for name in ("tile roof", "grey roof", "metal roof")], np.uint8)
        building_site = settled & ~road & town.under_construction(day)
        surface[building_site] = NUMBER["bare soil"]
        for standing, roof in zip(town.buildings(day), town.roof, strict=True):
            built = standing & settled & ~road
            surface[built] = roofs[roof.astype(int)][built]

    def flooded(self, day: float) -> Mask:
        """Return what is under water on a day, at whatever level it stands."""
        stage_m = water_level_m(self.world.seed, day, self.world.latitude)
        return np.asarray(self.relief.above_water_m < np.float32(stage_m))

    def events(self, start: float, end: float) -> tuple[Surfaces, Field]:
        """Return the last thing that happened to every place after one day and up to another, and when.

        Returns:
            Numbers in the order of ``EVENTS``, ``H W``; and days since 1970-01-01, NaN where nothing happened.
        """
        kinds, days = np.zeros(self.window.shape, np.uint8), np.full(self.window.shape, np.nan, np.float32)
        before, after = self.surface(start), self.surface(end)

        def mark(name: str, when: Field | float, where: Mask) -> None:
            day = np.broadcast_to(np.asarray(when, np.float32), self.window.shape)
            within = where & (day > start) & (day <= end) & ~(days >= day)
            kinds[within], days[within] = EVENTS.index(name), day[within]

        changed = before != after
        for year in range(year_of(start) + 1, year_of(end) + 1):
            mark("crop rotation", (year - 1970) * YEAR_DAYS, changed & self.fields)
        mark("clear-cut", self.cut_day, self.forest)
        for years in (BARE_YEARS, GRASS_YEARS, SHRUB_YEARS):
            mark("regrowth", self.cut_day + np.float32(years * YEAR_DAYS), self.forest & changed)
        for fire, mask in self.fires:
            mark("fire", fire.day, mask)
        town, dry = self.settlement, self.relief.above_water_m > BUILDABLE_M
        mark("road building", town.road_from, np.isfinite(town.road_from))
        for built, gone in zip(town.building_from, town.building_until, strict=True):
            mark("building", built, dry & changed)
            mark("demolition", gone, dry & changed & np.isfinite(gone))
        water = NUMBER["water"]
        mark("flood", end, (after == water) & (before != water))
        return kinds, days
