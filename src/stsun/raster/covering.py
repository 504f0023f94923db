"""A grid for a place on the map: from a box in longitude and latitude to pixels."""

import math
from collections.abc import Sequence

import numpy as np
from rasterio.crs import CRS
from rasterio.transform import Affine

from stsun.errors import RasterError
from stsun.raster.grid import OUTLINE, Grid, name, reproject

LARGEST_SIDE = 250_000
"""Pixels along one side of a grid: 2 500 km at 10 m."""

LONGITUDE_LATITUDE = CRS.from_epsg(4326)
TORN = 8
"""Where one step along the box is so many times the usual one, the CRS ends in between."""

UTM_LATITUDES = (-80.0, 84.0)
UTM_WIDEST = 12.0
"""Degrees, twice a zone: farther from its middle a zone's scale is off by more than a hundredth."""


def covering(bounds: Sequence[float], crs: CRS, pixel: float) -> Grid:
    """Return the smallest north-up grid that holds a box, with corners at multiples of the pixel.

    Args:
        bounds: West, south, east, north in degrees. A west greater than the east means that the box crosses the
            antimeridian.
        crs: The grid's coordinate system.
        pixel: A pixel's side in the units of ``crs``: metres for most, degrees for longitude and latitude.

    Raises:
        RasterError: The box is none, ``crs`` does not reach all of it, or the grid would have too many pixels.
    """
    west, south, east, north = _box(bounds)
    if not (math.isfinite(pixel) and pixel > 0):
        raise RasterError(f"the pixel size is {pixel:g}, expected a number above 0 in the units of {name(crs)}")
    x, y = np.meshgrid(np.linspace(west, east, OUTLINE), np.linspace(south, north, OUTLINE))
    if crs != LONGITUDE_LATITUDE:
        x, y = reproject(x, y, LONGITUDE_LATITUDE, crs)
    if crs.is_geographic:  # what lies behind the antimeridian came back as far west
        x = np.unwrap(x, axis=1, period=2 * math.pi / float(crs.units_factor[1]))
    steps = np.abs(np.diff(x, axis=1))
    if not np.isfinite(x).all() or steps.max() > TORN * np.median(steps):
        raise RasterError(f"{_said(bounds)} is not in one piece within {name(crs)}; choose a CRS made for that place")
    left, top = _whole(x.min() / pixel, down=True), _whole(y.max() / pixel, down=False)
    width, height = _whole(x.max() / pixel, down=False) - left, top - _whole(y.min() / pixel, down=True)
    if max(width, height) > LARGEST_SIDE:
        raise RasterError(
            f"{_said(bounds)} in pixels of {pixel:g} ({name(crs)}) is {height} x {width} pixels, expected at most "
            f"{LARGEST_SIDE} along a side; take a smaller box or larger pixels"
        )
    return Grid(crs, Affine(pixel, 0, left * pixel, 0, -pixel, top * pixel), height, width)


def utm(bounds: Sequence[float]) -> CRS:
    """Return the UTM zone in whose longitudes the middle of a box lies, on the middle's side of the equator.

    Zone n reaches from 6 n - 186 to 6 n - 180 degrees east; it is EPSG:32600 + n in the north and EPSG:32700 + n in the
    south. The wider zones of Norway and Svalbard are left aside: the plain zones serve there as well.

    Args:
        bounds: West, south, east, north in degrees, see `covering`.

    Raises:
        RasterError: The box is none, too wide for one zone, or reaches farther to a pole than UTM does.
    """
    west, south, east, north = _box(bounds)
    if south < UTM_LATITUDES[0] or north > UTM_LATITUDES[1]:
        raise RasterError(
            f"{_said(bounds)} reaches beyond UTM ({UTM_LATITUDES[0]:g} to {UTM_LATITUDES[1]:g} degrees north); choose "
            "a polar CRS such as EPSG:3413 (north) or EPSG:3031 (south)"
        )
    if east - west > UTM_WIDEST:
        raise RasterError(
            f"{_said(bounds)} is {east - west:g} degrees wide, expected at most {UTM_WIDEST:g} for one UTM zone; "
            "choose a CRS made for that region, or map parts of it"
        )
    zone = math.floor((west + east) / 2 / 6 + 30) % 60 + 1
    return CRS.from_epsg((32600 if south + north >= 0 else 32700) + zone)


def _box(bounds: Sequence[float]) -> tuple[float, float, float, float]:
    """Return a box whose east is greater than its west, beyond 180 where it crosses the antimeridian."""
    west, south, east, north = map(float, bounds)
    inside = all(abs(x) <= 180 for x in (west, east)) and all(abs(y) <= 90 for y in (south, north))
    if not inside or south >= north or west == east:
        raise RasterError(
            f"{_said(bounds)} is no box, expected west, south, east, north in degrees (-180 to 180, -90 to 90); only "
            "across the antimeridian may west be greater than east"
        )
    return west, south, east + 360 if east < west else east, north


def _said(bounds: Sequence[float]) -> str:
    return "the box " + ",".join(f"{side:g}" for side in bounds)


def _whole(value: float, *, down: bool) -> int:
    """Round outwards, but not for what is only a rounding error."""
    near = round(value)
    if abs(value - near) < 1e-6:
        return near
    return math.floor(value) if down else math.ceil(value)
