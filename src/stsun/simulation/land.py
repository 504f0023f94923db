"""The ground truth: what covers every place of an endless world on any day."""

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

    @cached_property
    def relief(self) -> Relief:
        """Shape of the ground and waters."""
        return make_relief(self.world.root, self.window)

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
    def natural(self) -> Surfaces:
        """What would grow without people: forest of two kinds, shrubland, grassland, some bare soil."""
        seed, window, relief = self.world.root, self.window, self.relief
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
        seed, relief = self.world.root, self.relief
        fertile = noise(seed + 35, self.window, FIELD_CELL_M, 2) > level(FIELD_SHARE)
        even = np.hypot(relief.slope_x, relief.slope_y) < 0.14
        kept = uniform(hashed(seed + 36, self.parcels.hashes.astype(np.int64))) < np.float32(0.88)
        return np.asarray(fertile & even & kept & ~self.forest & (relief.above_water_m > 0.3))

    @cached_property
    def cut_day(self) -> Field:
        """Day on which the forest stand of a pixel is felled; infinite where that never happens."""
        days = cut_days(self.world.root, self.parcels.hashes)
        return np.where(self.forest, days, np.float32(np.inf))

    @cached_property
    def fires(self) -> list[tuple[Fire, Mask]]:
        """Every fire that burns something here, and where, the earliest first."""
        fuel = self.relief.above_water_m > 0
        burns = [
            (fire, burned_by(self.world.root, fire, self.window) & fuel)
            for fire in fires_near(self.world.root, self.window)
        ]
        return [(fire, mask) for fire, mask in burns if mask.any()]

    @cached_property
    def crowns(self) -> Crowns:
        """Where crowns of trees would be."""
        return make_crowns(self.world.root + 37, self.window)

    def crop(self, day: float) -> Surfaces:
        """Return the crop that every parcel would bear in the year of a day."""
        draw = uniform(hashed(self.world.root + 38, self.parcels.hashes.astype(np.int64), year_of(day)))
        return np.array([NUMBER[name] for name in CROPS], np.uint8)[np.searchsorted(CROP_SHARES, draw)]

    def surface(self, day: float) -> Surfaces:
        """Return what covers every pixel on a day: ``H W``, numbers in the order of ``spectra.SURFACES``."""
        surface = self.natural.copy()
        surface[self.fields] = self.crop(day)[self.fields]
        latest, burned = self.disturbed(day)
        age_years = (np.float32(day) - latest) / np.float32(YEAR_DAYS)
        surface[self.forest & (age_years < SHRUB_YEARS)] = NUMBER["shrubland"]
        surface[self.forest & (age_years < GRASS_YEARS)] = NUMBER["grassland"]
        surface[self.forest & ~burned & (age_years < BARE_YEARS)] = NUMBER["bare soil"]
        fades = np.where(self.forest, np.float32(BURN_YEARS_FOREST), np.float32(BURN_YEARS_OTHER))
        surface[burned & (age_years < fades)] = NUMBER["burned area"]
        self._settle(surface, day)
        return surface

    def disturbed(self, day: float) -> tuple[Field, Mask]:
        """Return when each place was last felled or burned by a day (minus infinity: never), and whether it burned."""
        latest = np.where(self.cut_day <= day, self.cut_day, -np.float32(np.inf))
        burned = np.zeros(self.window.shape, bool)
        for fire, mask in self.fires:
            if fire.day <= day:
                later = mask & (fire.day > latest)
                latest[later], burned[later] = fire.day, True
        return latest, burned

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
        # a road over a river is a bridge; what is deeper it does not cross, and a flood covers it
        river = (relief.above_water_m < 0) & (relief.above_water_m > DEEPEST_BRIDGED_M)
        road = (town.road_from <= day) & (river | ~self.flooded(day))
        surface[road] = NUMBER["asphalt"]
        building_site = settled & ~road & town.under_construction(day)
        surface[building_site] = NUMBER["bare soil"]
        for standing, roof in zip(town.buildings(day), town.roof, strict=True):
            built = standing & settled & ~road
            surface[built] = np.array(ROOFS, np.uint8)[roof][built]

    def flooded(self, day: float) -> Mask:
        """Return what is under water on a day, at whatever level it stands."""
        stage_m = water_level_m(self.world.root, day, self.world.latitude)
        return np.asarray(self.relief.above_water_m < np.float32(stage_m))
