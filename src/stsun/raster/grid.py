"""The grid of a raster: which place each pixel covers, and where that lies in another raster."""

import math
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from rasterio._err import CPLE_BaseError, CPLE_NotSupportedError
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.transform import Affine
from rasterio.warp import transform as transform_points

from stsun.errors import RasterError

SAME_PIXEL = 1e-3
"""Corners that differ by less than this share of a pixel are the same."""

OUTLINE = 33
"""Places along each axis that stand for a whole grid."""

Places: TypeAlias = NDArray[np.float64]
Number = TypeVar("Number", float, NDArray[np.float64])


class Window(NamedTuple):
    """A rectangle of pixels: its upper left corner and its size."""

    row: int
    column: int
    height: int
    width: int

    @property
    def slices(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """First row and last + 1, first column and last + 1: what the readers take."""
        return (self.row, self.row + self.height), (self.column, self.column + self.width)


@dataclass(frozen=True)
class Grid:
    """Coordinate system, affine transform and size.

    Args:
        crs: Coordinate reference system; None where the raster has none.
        transform: From pixel (column, row) to world coordinates.
        height: In pixels.
        width: In pixels.
    """

    crs: CRS | None
    transform: Affine
    height: int
    width: int


def difference(grid: Grid, other: Grid) -> str | None:
    """Return in words how two grids differ, such as ``CRS EPSG:32633 and EPSG:4326``; None if they are the same."""
    if (grid.height, grid.width) != (other.height, other.width):
        return f"size {grid.height} x {grid.width} and {other.height} x {other.width} pixels"
    if grid.crs != other.crs:
        return f"CRS {name(grid.crs)} and {name(other.crs)}"
    shift = _largest_shift(grid, other)
    if shift > SAME_PIXEL:
        return f"corners that lie up to {shift:.3g} pixels apart"
    return None


def name(crs: CRS | None) -> str:
    """Return a coordinate system's code, such as ``EPSG:32633``, or its name where it has no code."""
    if crs is None:
        return "none"
    epsg = crs.to_epsg()
    return f"EPSG:{epsg}" if epsg else crs.to_wkt()[:60]


def overlaps(grid: Grid, other: Grid) -> bool:
    """Return whether two grids share ground; edges that only touch do not count.

    Exact where both have one CRS; between two, the outline is followed at 33 places along each axis.

    Raises:
        RasterError: Nobody can know: one has a CRS and the other none, or no way leads from one to the other.
    """
    return _reaches(grid, other) and _reaches(other, grid)


def located(columns: Places, rows: Places, grid: Grid, other: Grid) -> tuple[Places, Places]:
    """Return where places of ``grid`` lie in ``other``, both in (fractional) pixels from the upper left corner.

    NaN where a place cannot be told in the other's CRS. Longitudes are taken on the side of the globe where the other
    lies, so that rasters may cross the antimeridian.

    Raises:
        RasterError: One has a CRS and the other none, or no way leads from one to the other.
    """
    x, y = _moved(grid.transform, (columns, rows))
    if grid.crs != other.crs:
        x, y = reproject(x, y, grid.crs, other.crs)
    if other.crs is not None and other.crs.is_geographic:
        turn = 2 * math.pi / float(other.crs.units_factor[1])
        middle = _moved(other.transform, (other.width / 2, other.height / 2))[0]
        x = x - turn * np.floor((x - middle) / turn + 0.5)
    return _moved(~other.transform, (x, y))


def reproject(x: Places, y: Places, source: CRS | None, target: CRS | None) -> tuple[Places, Places]:
    """Return coordinates in another CRS, NaN where it has none for a place.

    Raises:
        RasterError: One CRS is missing, or no way leads from one to the other.
    """
    if source is None or target is None:
        raise RasterError(
            f"one raster has the CRS {name(source or target)} and the other none, so nobody knows where they lie to "
            "each other; give the other its CRS (for example with gdal_edit.py -a_srs)"
        )
    there = _transformed(np.stack([x.ravel(), y.ravel()]), source, target)
    there[:, ~np.isfinite(there).all(axis=0)] = np.nan
    return there[0].reshape(x.shape), there[1].reshape(y.shape)


def _transformed(points: Places, source: CRS, target: CRS) -> Places:
    """Transform ``2 N`` coordinates; the library refuses all for one that it cannot, so halves are tried."""
    try:
        return np.asarray(transform_points(source, target, *points.tolist()), dtype=np.float64)
    except CPLE_NotSupportedError as problem:
        raise RasterError(
            f"no way is known from the CRS {name(source)} to {name(target)}; give both rasters a CRS on the globe"
        ) from problem
    except (CPLE_BaseError, RasterioError):
        count = points.shape[1]
        if count == 1:
            return np.full((2, 1), np.nan)
        halves = points[:, : count // 2], points[:, count // 2 :]
        return np.concatenate([_transformed(half, source, target) for half in halves], axis=1)


def _reaches(grid: Grid, other: Grid) -> bool:
    """Return whether the box around a grid, drawn along the other's axes, covers some of the other."""
    outline = np.meshgrid(np.linspace(0, grid.width, OUTLINE), np.linspace(0, grid.height, OUTLINE))
    columns, rows = located(outline[0], outline[1], grid, other)
    if np.isnan(columns).all():
        return False
    return all(
        np.nanmin(places) < size - SAME_PIXEL and np.nanmax(places) > SAME_PIXEL
        for places, size in ((columns, other.width), (rows, other.height))
    )


def _largest_shift(grid: Grid, other: Grid) -> float:
    to_pixels = ~grid.transform
    corners = [(0, 0), (grid.width, 0), (0, grid.height), (grid.width, grid.height)]
    moved = [_moved(to_pixels, _moved(other.transform, corner)) for corner in corners]
    return max(
        abs(a - b) for corner, there in zip(corners, moved, strict=True) for a, b in zip(corner, there, strict=True)
    )


def _moved(transform: Affine, point: tuple[Number, Number]) -> tuple[Number, Number]:
    # affine 2 has only *, which affine 3 warns of
    x, y = point
    return transform.a * x + transform.b * y + transform.c, transform.d * x + transform.e * y + transform.f
