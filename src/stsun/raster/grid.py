"""The grid of a raster: which place each pixel covers."""

from dataclasses import dataclass

from rasterio.crs import CRS
from rasterio.transform import Affine

SAME_PIXEL = 1e-3
"""Corners that differ by less than this share of a pixel are the same."""


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


def _largest_shift(grid: Grid, other: Grid) -> float:
    to_pixels = ~grid.transform
    corners = [(0, 0), (grid.width, 0), (0, grid.height), (grid.width, grid.height)]
    moved = [_moved(to_pixels, _moved(other.transform, corner)) for corner in corners]
    return max(
        abs(a - b) for corner, there in zip(corners, moved, strict=True) for a, b in zip(corner, there, strict=True)
    )


def _moved(transform: Affine, point: tuple[float, float]) -> tuple[float, float]:
    # affine 2 has only *, which affine 3 warns of
    x, y = point
    return transform.a * x + transform.b * y + transform.c, transform.d * x + transform.e * y + transform.f
