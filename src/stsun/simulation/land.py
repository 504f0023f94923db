"""The ground truth: what covers every place of an endless world on any day."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from stsun.simulation.days import YEAR_DAYS, year_of
from stsun.simulation.events import Fire, burned_by, cut_days, fires_near, water_level_m
from stsun.simulation.field import Field, Mask, Window, hashed, level, noise, uniform
from stsun.simulation.regions import Bricks, Regions, lay_bricks, make_regions
from stsun.simulation.relief import Relief
from stsun.simulation.settlement import BLOCKS, HALLS, Settlement, make_settlement
from stsun.simulation.spectra import NUMBER, ROOFS
from stsun.simulation.trees import Crowns, make_crowns

Surfaces = NDArray[np.uint8]

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

    @property
    def root(self) -> int:
        """The seed that all random fields of the world add a number of their own to; no other world's come near."""
        return 1000 * self.seed

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
        self._burned: dict[Fire, Mask] = {}
        self._surfaces: dict[float, Surfaces] = {}
        self._roofed: dict[float, Mask] = {}

    @cached_property
    def relief(self) -> Relief:
        """Shape of the ground and waters."""
        return Relief(self.world.root, self.window)

    @cached_property
    def regions(self) -> Regions:
        """The quarters of the land."""
        return make_regions(self.world.root, self.window)

    @cached_property
    def settlement(self) -> Settlement:
        """Streets and buildings of all times."""
        return make_settlement(self.world.root, self.regions)

    @cached_property
    def parcels(self) -> Bricks:
        """Fields, meadows and forest stands: one hash per parcel."""
        depth = 45 + 110 * self.regions.draw(self.world.root + 30, 0) ** 2
        length = depth * (1.2 + 2.2 * self.regions.draw(self.world.root + 30, 1))
        return lay_bricks(self.world.root + 31, self.regions, depth.astype(np.float32), length.astype(np.float32))

    @cached_property
    def steepness(self) -> Field:
        """Rise per metre in the steepest direction."""
        return np.hypot(*self.relief.slopes)

    @cached_property
    def natural(self) -> Surfaces:
        """What would grow without people: forest of two kinds, shrubland, grassland, some bare soil."""
        seed, window, relief = self.world.root, self.window, self.relief
        surface = np.full(window.shape, NUMBER["grassland"], np.uint8)
        patch = noise(seed + 32, window, PATCH_CELL_M, 4)
        surface[patch > level(SHRUB_SHARE)] = NUMBER["shrubland"]
        surface[patch < -level(BARE_SHARE) + 0.3 * relief.moisture.clip(0)] = NUMBER["bare soil"]
        wood = noise(seed + 33, window, FOREST_CELL_M, 5) + 4 * self.steepness - 0.2
        forest = wood > level(FOREST_SHARE)
        evergreen = noise(seed + 34, window, FOREST_CELL_M, 3) + (relief.elevation_m - 200) / 150 > 0
        np.copyto(surface, NUMBER["deciduous forest"], where=forest)
        np.copyto(surface, NUMBER["evergreen forest"], where=forest & evergreen)
        return surface

    @cached_property
    def forest(self) -> Mask:
        """Where forest grows if nobody fells it and nothing burns."""
        return np.asarray((self.natural == NUMBER["deciduous forest"]) | (self.natural == NUMBER["evergreen forest"]))

    @cached_property
    def fields(self) -> Mask:
        """Where fields lie: even land without forest, whole parcels at a time where possible."""
        seed, relief = self.world.root, self.relief
        fertile = noise(seed + 35, self.window, FIELD_CELL_M, 2) > level(FIELD_SHARE)
        kept = self.parcels.each(uniform(hashed(seed + 36, self.parcels.table)) < np.float32(0.88))
        return np.asarray(fertile & (self.steepness < 0.14) & kept & ~self.forest & (relief.above_water_m > 0.3))

    @cached_property
    def cut_day(self) -> Field:
        """Day on which the forest stand of a pixel is felled; infinite where that never happens."""
        days = self.parcels.each(cut_days(self.world.root, self.parcels.table))
        return np.where(self.forest, days, np.float32(np.inf))

    @property
    def fires(self) -> list[tuple[Fire, Mask]]:
        """Every fire that burns something here, and where, the earliest first."""
        return self._burns(-np.inf, np.inf)

    def _burns(self, start: float, end: float) -> list[tuple[Fire, Mask]]:
        """Return the fires between two days that burn something here, and where, the earliest first."""
        fuel = self.relief.above_water_m > 0
        for fire in self._fires_near:
            if start <= fire.day <= end and fire not in self._burned:
                self._burned[fire] = burned_by(self.world.root, fire, self.window) & fuel
        near = (fire for fire in self._fires_near if start <= fire.day <= end)
        return [(fire, self._burned[fire]) for fire in near if self._burned[fire].any()]

    @cached_property
    def _fires_near(self) -> list[Fire]:
        """The fires whose reach touches the window."""
        return fires_near(self.world.root, self.window)

    @cached_property
    def crowns(self) -> Crowns:
        """Where crowns of trees would be."""
        return make_crowns(self.world.root + 37, self.window)

    def crop(self, day: float) -> Surfaces:
        """Return the crop that every parcel would bear in the year of a day."""
        draw = uniform(hashed(self.world.root + 38, self.parcels.table, year_of(day)))
        return self.parcels.each(
            np.array([NUMBER[name] for name in CROPS], np.uint8)[np.searchsorted(CROP_SHARES, draw)]
        )

    def surface(self, day: float) -> Surfaces:
        """Return what covers every pixel on a day: ``H W``, numbers in the order of ``spectra.SURFACES``; read only."""
        if day not in self._surfaces:
            surface = self.natural.copy()
            np.copyto(surface, self.crop(day), where=self.fields)
            self._disturb(surface, day)
            self._settle(surface, day)
            surface.flags.writeable = False
            self._surfaces[day] = surface
        return self._surfaces[day]

    def disturbed(self, day: float, since: float = -np.inf) -> tuple[Field, Mask]:
        """Return when each place was last felled or burned by a day (minus infinity: never), and whether it burned.

        Fires before ``since`` are left out.
        """
        latest = np.where(self.cut_day <= day, self.cut_day, -np.float32(np.inf))
        burned = np.zeros(self.window.shape, bool)
        for fire, mask in self._burns(since, day):
            later = mask & (fire.day > latest)
            latest[later], burned[later] = fire.day, True
        return latest, burned

    def _disturb(self, surface: Surfaces, day: float) -> None:
        """Lay burn scars, clearings and what grows back over the land."""
        # what burned longer ago does not show
        latest, burned = self.disturbed(day, day - (SHRUB_YEARS + 1) * YEAR_DAYS)
        age_years = (np.float32(day) - latest) / np.float32(YEAR_DAYS)
        if not (age_years < SHRUB_YEARS).any():
            return
        surface[self.forest & (age_years < SHRUB_YEARS)] = NUMBER["shrubland"]
        surface[self.forest & (age_years < GRASS_YEARS)] = NUMBER["grassland"]
        surface[self.forest & ~burned & (age_years < BARE_YEARS)] = NUMBER["bare soil"]
        fades = np.where(self.forest, np.float32(BURN_YEARS_FOREST), np.float32(BURN_YEARS_OTHER))
        surface[burned & (age_years < fades)] = NUMBER["burned area"]

    def _settle(self, surface: Surfaces, day: float) -> None:
        """Lay towns, waters, roads and buildings over the land."""
        town, relief, flooded = self.settlement, self.relief, self.flooded(day)
        settled = self.settled(day)
        paved = (town.zone == BLOCKS) & (town.lot < 0.5) | (town.zone == HALLS)
        np.copyto(surface, NUMBER["garden"], where=settled)
        np.copyto(surface, NUMBER["pavement"], where=settled & paved)
        trees = settled & (self.crowns.dome > 0) & (uniform(self.crowns.hashes, 3) < GARDEN_TREES)
        np.copyto(surface, NUMBER["deciduous forest"], where=trees)
        np.copyto(surface, NUMBER["water"], where=flooded)
        # a road over a river is a bridge; what is deeper it does not cross, and a flood covers it
        river = (relief.above_water_m < 0) & (relief.above_water_m > DEEPEST_BRIDGED_M)
        road = (town.road_from <= day) & (river | ~flooded)
        np.copyto(surface, NUMBER["asphalt"], where=road)
        free = settled & ~road
        np.copyto(surface, NUMBER["bare soil"], where=free & town.under_construction(day))
        for standing, roof in zip(town.buildings(day), town.roof, strict=True):
            np.copyto(surface, np.take(np.array(ROOFS, np.uint8), roof), where=standing & free)

    def settled(self, day: float) -> Mask:
        """Return what is town on a day and may be built on."""
        return np.asarray((self.settlement.town_from <= day) & (self.relief.above_water_m > BUILDABLE_M))

    def roofed(self, day: float) -> Mask:
        """Return where a building stands on a day; nothing else of the land is made for it."""
        if day not in self._roofed:
            # built is on dry ground only, where a flood may cover a road
            road = (self.settlement.road_from <= day) & ~self.flooded(day)
            self._roofed[day] = self.settled(day) & ~road & self.settlement.buildings(day).any(0)
        return self._roofed[day]

    def flooded(self, day: float) -> Mask:
        """Return what is under water on a day, at whatever level it stands."""
        stage_m = water_level_m(self.world.root, day, self.world.latitude)
        return np.asarray(self.relief.above_water_m < np.float32(stage_m))
