"""Towns and roads: quarters that are developed one after the other, streets, and buildings with a life of their own."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stsun.simulation.days import YEAR_DAYS, day_of
from stsun.simulation.field import Field, Hashes, Ints, Mask, hashed, noise, uniform
from stsun.simulation.regions import Bricks, Regions, lay_bricks

Roofs = NDArray[np.uint8]
NEVER = np.float32(np.inf)
ALWAYS = np.float32(-np.inf)
FIRST_DAY, LAST_DAY = day_of(1985), day_of(2031)
"""Between these days the simulated worlds change; what is older was always there."""

TOWN_CELL_M = 2600.0
SHARE_BEFORE, SHARE_AFTER = 0.12, 0.2
"""Share of the plane that is town on the first and on the last day."""
COUNTRY_ROAD, COUNTRY_ROAD_M, STREET_M = 0.45, 3.2, 3.0
ZONES = ((0.62, 24.0, 30.0), (0.22, 34.0, 40.0), (0.16, 62.0, 78.0))
"""Share of the quarters, and depth and length of a lot in metres: houses, blocks, halls."""
BLOCKS, HALLS = 1, 2
ROOF_SHARES = ((0.55, 0.9, 1.0), (0.2, 0.85, 1.0), (0.05, 0.4, 1.0))
"""For each zone the cumulated shares of tile, grey and metal roofs."""
HEIGHTS_M = ((5, 9), (9, 24), (6, 13))
WORKS_DAYS = 450.0
"""How long the ground of a building lies open before it stands, and after it is gone."""


@dataclass(frozen=True)
class Settlement:
    """What people built in a window; days are days since 1970-01-01, all arrays ``H W``.

    Args:
        road_from: When the pixel became road; infinite where it never did.
        town_from: When the pixel's quarter was developed.
        zone: 0 houses, 1 blocks, 2 halls.
        building_from: When the building of the pixel was finished, for each of two buildings in turn, ``2 H W``.
        building_until: When it was demolished, ``2 H W``.
        roof: 0 tile, 1 grey, 2 metal, for each of the two, ``2 H W``.
        height_m: Height of either building.
        lot: A number of each lot's own, 0..1.
        turn: Angle of the pixel's quarter in radians, 0 to pi / 2.
    """

    road_from: Field
    town_from: Field
    zone: Ints
    building_from: Field
    building_until: Field
    roof: Roofs
    height_m: Field
    lot: Field
    turn: Field

    def buildings(self, day: float) -> Mask:
        """Return ``2 H W``: which of the two buildings stands on a day."""
        return np.asarray((self.building_from <= day) & (day < self.building_until))

    def under_construction(self, day: float) -> Mask:
        """Return ``H W``: where a building is about to stand, or has just been demolished."""
        soon = (self.building_from > day) & (self.building_from < day + WORKS_DAYS)
        gone = (self.building_until <= day) & (self.building_until > day - WORKS_DAYS)
        return np.asarray((soon | gone).any(0))


def make_settlement(seed: int, regions: Regions) -> Settlement:
    """Return what stands in a window, and from when until when."""
    developed = _developed(seed, regions)
    zone = np.searchsorted(np.cumsum([share for share, _, _ in ZONES])[:-1], regions.draw(seed + 21))
    depth, length = (np.array([sizes[axis] for sizes in ZONES], np.float32)[zone] for axis in (1, 2))
    grown = 1 + 0.3 * (regions.draw(seed + 21, 1) - np.float32(0.5))
    lots = lay_bricks(seed + 22, regions, depth * grown, length * grown)
    sizes = depth * grown, length * grown
    start, end, roof, height = _buildings(seed, lots, developed, zone, sizes)
    return Settlement(
        _roads(seed, regions, lots, developed, sizes[0]),
        np.take(developed, regions.index), np.take(zone, regions.index), start, end, roof, height,
        lots.each(uniform(lots.table, 3)), np.take(regions.angle, regions.index),
    )  # fmt: skip


def _developed(seed: int, regions: Regions) -> Field:
    """Return the table of days on which the quarters became town; a town grows from its middle."""
    height: Field = noise(seed + 20, regions.grid, TOWN_CELL_M, 3).ravel() + 0.5 * (regions.draw(seed + 23) - 0.5)
    rank: NDArray[np.float64] = np.array([0.5 * math.erfc(value / math.sqrt(2)) for value in height])
    share = (rank - SHARE_BEFORE) / (SHARE_AFTER - SHARE_BEFORE)
    day = FIRST_DAY + share * (LAST_DAY - FIRST_DAY)
    return np.where(share < 0, ALWAYS, np.where(share > 1, NEVER, day)).astype(np.float32)


def _roads(seed: int, regions: Regions, lots: Bricks, developed: Field, depth: Field) -> Field:
    """Return from when each pixel is road: streets between every second row of lots, roads between regions."""
    deep = np.take(depth, regions.index)
    rows = np.floor(regions.u_m / deep)
    street = (rows % 2 == 0) & (lots.u_m < -deep / 2 + np.float32(2 * STREET_M))
    own, other = np.take(developed, regions.index), np.take(developed, regions.neighbour)
    pair = hashed(seed + 24, np.take(regions.hashes, regions.index) ^ np.take(regions.hashes, regions.neighbour))
    age = uniform(pair, 1)
    country = np.where(age < 0.85, ALWAYS, np.float32(FIRST_DAY) + (age - np.float32(0.85)) * np.float32(1.1e5))
    country = np.where(uniform(pair, 0) < COUNTRY_ROAD, country, NEVER)
    border = np.minimum(country, np.minimum(own, other))
    on_border = regions.edge_m < np.float32(COUNTRY_ROAD_M)
    return np.minimum(np.where(street, own, NEVER), np.where(on_border, border, NEVER)).astype(np.float32)


def _buildings(
    seed: int, lots: Bricks, developed: Field, zone: Ints, sizes: tuple[Field, Field]
) -> tuple[Field, Field, Roofs, Field]:
    """Return from when until when each of two buildings covers a pixel, their roofs, and their height."""
    life, looks = hashed(seed + 25, lots.table), hashed(seed + 26, lots.table)
    late = uniform(life, 0)
    wait = np.where(late < 0.72, 2.5 * late, np.where(late < 0.9, 140 * (late - np.float32(0.71)), NEVER))
    first = np.maximum(developed[lots.region], np.where(late < 0.72, ALWAYS, np.float32(FIRST_DAY - 8000)))
    start: Field = (first + wait * np.float32(YEAR_DAYS)).astype(np.float32)
    gone = np.float32(FIRST_DAY) + uniform(life, 1) * np.float32(4 * (LAST_DAY - FIRST_DAY))
    until = np.where(gone > np.maximum(start, FIRST_DAY), gone, NEVER).astype(np.float32)
    rebuilt = np.where(uniform(life, 2) < 0.6, until + np.float32(500), NEVER).astype(np.float32)
    covers = [_footprint(looks, lots, sizes, grown) for grown in (1.0, 1.35)]
    days = lots.each(start), lots.each(rebuilt)
    starts = [np.where(cover, day, NEVER) for cover, day in zip(covers, days, strict=True)]
    ends = [np.where(covers[0], lots.each(until), NEVER), np.full_like(days[0], NEVER)]
    zones = zone[lots.region]
    tops = np.array(HEIGHTS_M, np.float32)[zones]
    height = tops[..., 0] + uniform(life, 3) * (tops[..., 1] - tops[..., 0])
    shares = np.array(ROOF_SHARES, np.float32)[zones]
    roofs = [(uniform(looks, draw)[..., None] > shares[..., :2]).sum(-1, dtype=np.uint8) for draw in (2, 3)]
    return np.stack(starts), np.stack(ends), np.stack([*map(lots.each, roofs)]), lots.each(height.astype(np.float32))


def _footprint(looks: Hashes, lots: Bricks, sizes: tuple[Field, Field], grown: float) -> Mask:
    """Return where a building of each lot would stand: a rectangle, of every third lot an angle."""
    depth, length = sizes[0][lots.region], sizes[1][lots.region]
    half_u = depth * (np.float32(0.19) + np.float32(0.11) * uniform(looks, 0)) * np.float32(grown)
    half_v = length * (np.float32(0.17) + np.float32(0.16) * uniform(looks, 1)) * np.float32(grown)
    off = length * np.float32(0.1) * (uniform(looks, 2) - np.float32(0.5))
    u, v = lots.u_m - np.float32(2.0), lots.v_m - lots.each(off)
    inside = (np.abs(u) < lots.each(half_u)) & (np.abs(v) < lots.each(half_v))
    angled = np.where(uniform(looks, 3) < np.float32(0.35), half_v * np.float32(0.1), NEVER)
    return np.asarray(inside & ~((u > 0) & (v > lots.each(angled))))
