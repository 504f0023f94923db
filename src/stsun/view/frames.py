"""Where rasters lie on the page's map, which is in web Mercator; rasters without a place on the earth, too.

One pixel of a raster without a CRS is one pixel of the map at zoom `NATIVE_ZOOM`, the first one south-east of where the
equator meets Greenwich. So both kinds are shown by the same code.
"""

import math
from functools import cache, lru_cache

import numpy as np
from rasterio.crs import CRS
from rasterio.transform import Affine, array_bounds, from_bounds

from stsun.errors import RasterError
from stsun.maps.footprint import footprint
from stsun.raster.grid import Grid, located

TILE = 256
HALF_M = 20_037_508.342789244
"""Half of the map's side in metres of web Mercator."""

NATIVE_ZOOM = 16
PIXEL_M = 2 * HALF_M / (TILE * 2**NATIVE_ZOOM)
DEEPEST = 24


@cache
def mercator() -> CRS:
    """Return the coordinate system of the map."""
    return CRS.from_epsg(3857)


@lru_cache(512)
def is_flat(grid: Grid) -> bool:
    """Return whether a raster has no place on the earth."""
    if grid.crs is None:
        return True
    try:
        return footprint(grid) is None
    except RasterError:
        return True


def on_map(grid: Grid) -> Grid:
    """Return where a raster lies on the map: itself, or where its pixels are drawn if it has no place on the earth."""
    if not is_flat(grid):
        return grid
    column, row = corner(grid)
    scale = Affine(PIXEL_M, 0.0, column * PIXEL_M, 0.0, -PIXEL_M, -row * PIXEL_M)
    return Grid(mercator(), scale, grid.height, grid.width)


def corner(grid: Grid) -> tuple[int, int]:
    """Return column and row of the first pixel of a raster without CRS that was cut out of another."""
    shift = grid.transform
    plain = (shift.a, shift.b, shift.d, shift.e) == (1, 0, 0, 1) and shift.c == int(shift.c) and shift.f == int(shift.f)
    return (int(shift.c), int(shift.f)) if plain else (0, 0)


def bounds_of(grid: Grid) -> list[float]:
    """Return west, south, east, north in degrees, on the page's map."""
    place = footprint(on_map(grid))
    assert place is not None  # on_map gives a raster with a place
    west, south, east, north = place[1]
    return [west, south, east + 360 if east < west else east, north]


def pixel_at(grid: Grid, longitude: float, latitude: float) -> tuple[int, int] | None:
    """Return row and column of the pixel at a point of the page's map; None outside."""
    degrees = Grid(CRS.from_epsg(4326), Affine.identity(), 1, 1)
    columns, rows = located(np.array([longitude]), np.array([latitude]), degrees, on_map(grid))
    if not (0 <= columns[0] < grid.width and 0 <= rows[0] < grid.height):
        return None
    return int(rows[0]), int(columns[0])


def tile_grid(z: int, x: int, y: int) -> Grid | None:
    """Return the grid of a tile of the map; None where there is no such tile."""
    if not (0 <= z <= DEEPEST and 0 <= x < 2**z and 0 <= y < 2**z):
        return None
    side = 2 * HALF_M / 2**z
    left, top = x * side - HALF_M, HALF_M - y * side
    return Grid(mercator(), from_bounds(left, top - side, left + side, top, TILE, TILE), TILE, TILE)


def reaches(tile: Grid, grid: Grid) -> bool:
    """Return whether the box around a raster reaches into a tile."""
    left, bottom, right, top = array_bounds(TILE, TILE, whole(grid).transform)
    west, south, east, north = array_bounds(TILE, TILE, tile.transform)
    turns = (0.0, 2 * HALF_M)  # a raster across the antimeridian ends beyond it
    return bottom < north and south < top and any(left < east + turn and west + turn < right for turn in turns)


@lru_cache(512)
def whole(grid: Grid) -> Grid:
    """Return the grid of a tile that shows all of a raster, wherever the map's own tiles lie."""
    west, south, east, north = bounds_of(grid)
    x, y = np.array([west, east]), np.array([south, north]).clip(-85, 85)
    left, right = np.radians(x) * HALF_M / np.pi
    bottom, top = np.arctanh(np.sin(np.radians(y))) * HALF_M / np.pi
    return Grid(mercator(), from_bounds(left, bottom, right, top, TILE, TILE), TILE, TILE)


def zoom_of(grid: Grid) -> int:
    """Return the first zoom of the map at which a tile's pixels are smaller than half of a raster's."""
    west, _, east, _ = bounds_of(grid)
    pixel = (east - west) / 360 / grid.width  # the map is stretched equally in both directions
    return min(DEEPEST - 2, max(0, math.ceil(math.log2(1 / (TILE * max(pixel, 1e-12)))) + 1))
