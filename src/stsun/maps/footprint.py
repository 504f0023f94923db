"""The footprint of a raster in longitude and latitude, as GeoJSON wants it (RFC 7946)."""

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from stsun.errors import RasterError
from stsun.raster.covering import LONGITUDE_LATITUDE
from stsun.raster.grid import Grid, reproject

_STEPS = 20
"""Points per edge: a straight edge of a projection is not straight in longitude and latitude."""

_DECIMALS = 7
"""About a centimetre."""

Points: TypeAlias = list[tuple[float, float]]


def footprint(grid: Grid) -> tuple[dict[str, Any], list[float]] | None:
    """Return the geometry and the bounding box of a grid in longitude and latitude (WGS 84).

    None without a CRS, or with one that is not of the globe, such as a building site's own.

    The geometry is a Polygon, or, where it crosses the antimeridian, a MultiPolygon cut there; outer rings go
    counter-clockwise. The box is west, south, east, north; west is larger than east where it crosses the antimeridian.
    A grid around a pole reaches to the pole.
    """
    if grid.crs is None:
        return None
    try:
        points = _unwrapped(_outline(grid))
    except RasterError:
        return None
    if len(points) < 4:  # the grid lies where its projection has no earth
        return None
    around = abs(points[-1][0] - points[0][0]) > 180
    ring = _over_pole(points) if around else points[:-1]
    west, east = min(x for x, _ in ring), max(x for x, _ in ring)
    south, north = min(y for _, y in ring), max(y for _, y in ring)
    sides = [_wrapped(west), -_wrapped(-east)]
    turns = range(math.floor((west + 180) / 360), math.ceil((east + 180) / 360))
    if around:
        turns, sides = range(math.ceil((west + 180) / 360), math.ceil((west + 180) / 360) + 1), [-180.0, 180.0]
    elif east - west > 360 - 1e-6:  # all meridians: only cylindrical projections have such grids
        ring = [(-180.0, south), (180.0, south), (180.0, north), (-180.0, north)]
        turns, sides = range(1), [-180.0, 180.0]
    parts = [part for turn in turns if (part := _part(ring, turn))]
    box = [round(side, _DECIMALS) for side in (sides[0], south, sides[1], north)]
    if len(parts) == 1:
        return {"type": "Polygon", "coordinates": parts[0]}, box
    return {"type": "MultiPolygon", "coordinates": parts}, box


def _outline(grid: Grid) -> NDArray[np.float64]:
    """Return points along a grid's edges, longitude and latitude, ``N 2``; those that lie nowhere are left out.

    Raises:
        RasterError: No way leads from the grid's CRS to longitude and latitude.
    """
    share = np.arange(_STEPS) / _STEPS
    zeros, ones = np.zeros(_STEPS), np.ones(_STEPS)
    column = grid.width * np.concatenate([share, ones, 1 - share, zeros])
    row = grid.height * np.concatenate([zeros, share, ones, 1 - share])
    affine = grid.transform
    x = affine.a * column + affine.b * row + affine.c
    y = affine.d * column + affine.e * row + affine.f
    points = np.transpose(reproject(x, y, grid.crs, LONGITUDE_LATITUDE))
    return points[np.isfinite(points).all(axis=1)]


def _unwrapped(points: NDArray[np.float64]) -> Points:
    """Return points whose longitudes run on where they would jump from 180 to -180, first point repeated at the end."""
    if not len(points):
        return []
    closed = np.concatenate([points, points[:1]])
    longitude = np.unwrap(closed[:, 0], period=360)
    return list(zip(longitude.tolist(), np.clip(closed[:, 1], -90, 90).tolist(), strict=True))


def _over_pole(points: Points) -> Points:
    """Return a closed line once around a pole as a ring over the pole, twice around, so that a whole turn is in it."""
    span = points[-1][0] - points[0][0]
    pole = math.copysign(90, sum(y for _, y in points))
    twice = [*points, *((x + span, y) for x, y in points[1:])]
    return [*twice, (twice[-1][0], pole), (twice[0][0], pole)]


def _part(ring: Points, turn: int) -> list[Points] | None:
    """Return what of a ring lies in one turn around the earth, as a GeoJSON polygon; None where that has no area."""
    west, east = 360.0 * turn - 180, 360.0 * turn + 180
    inside = _cut(_cut(ring, west, 1), east, -1)
    corners = _corners([(round(x - 360.0 * turn, _DECIMALS), round(y, _DECIMALS)) for x, y in inside])
    area = sum(_turn((0.0, 0.0), corner, corners[i - 1]) for i, corner in enumerate(corners))
    if area == 0:
        return None
    if area > 0:  # seen backwards: clockwise
        corners.reverse()
    return [[*corners, corners[0]]]


def _cut(ring: Points, longitude: float, side: int) -> Points:
    """Return what of a ring lies east (1) or west (-1) of a meridian (Sutherland and Hodgman 1974)."""
    kept: Points = []
    for i, (x, y) in enumerate(ring):
        before_x, before_y = ring[i - 1]
        if (x - longitude) * (before_x - longitude) < 0:
            share = (longitude - before_x) / (x - before_x)
            kept.append((longitude, before_y + share * (y - before_y)))
        if (x - longitude) * side >= 0:
            kept.append((x, y))
    return kept


def _corners(ring: Points) -> Points:
    """Return a ring without repeated points and those on a straight line between their neighbours."""
    apart = [point for i, point in enumerate(ring) if point != ring[i - 1]]
    after = [*apart[1:], *apart[:1]]
    return [
        point for i, point in enumerate(apart) if abs(_turn(apart[i - 1], point, after[i])) > 10.0 ** -(_DECIMALS + 2)
    ]


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    """Return twice the area of a triangle: positive where its corners go counter-clockwise."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _wrapped(longitude: float) -> float:
    """Return a longitude from -180 (included) to 180 (not)."""
    return (longitude + 180) % 360 - 180
