"""Rasters for the tests of this folder, and what must be read from them."""

import warnings

import numpy as np
import rasterio
from rasterio.crs import CRS
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import Affine
from rasterio.warp import transform as transform_points

UTM = CRS.from_epsg(32633)
DEGREES = CRS.from_epsg(4326)


def north_up(left, top, pixel):
    return Affine(pixel, 0, left, 0, -pixel, top)


def places(grid):
    """World coordinates of the pixel centres, ``2 H W``."""
    column, row = np.meshgrid(np.arange(grid.width) + 0.5, np.arange(grid.height) + 0.5)
    t = grid.transform
    return np.stack([t.a * column + t.b * row + t.c, t.d * column + t.e * row + t.f])


def places_in(grid, crs):
    """Coordinates of the pixel centres in another CRS, ``2 H W``, each computed by PROJ."""
    x, y = places(grid)
    if grid.crs == crs:
        return np.stack([x, y])
    return np.array(transform_points(grid.crs, crs, x.ravel(), y.ravel())).reshape(2, *x.shape)


def pixels_in(grid, source):
    """Columns and rows of the pixel centres in the pixels of another grid, ``2 H W``, by the inverse matrix."""
    x, y = places_in(grid, source.crs)
    t = source.transform
    matrix = np.array([[t.a, t.b, t.c], [t.d, t.e, t.f], [0, 0, 1]])
    flat = np.linalg.solve(matrix, np.stack([x.ravel(), y.ravel(), np.ones(x.size)]))
    return flat[:2].reshape(2, *x.shape)


def save(path, array, grid=None, *, driver="GTiff", mask=None, interp=None, setup=None, **profile):
    """Write an array ``C H W``; ``mask`` becomes a mask band, ``setup`` gets the dataset."""
    count, height, width = array.shape
    placed = {} if grid is None else {"crs": grid.crs, "transform": grid.transform}
    profile = {"dtype": array.dtype.name, "count": count, "height": height, "width": width, **placed, **profile}
    with warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning):
        with rasterio.open(path, "w", driver=driver, **profile) as target:
            target.write(array)
            if mask is not None:
                target.write_mask(mask)
            if interp is not None:
                target.colorinterp = interp
            if setup is not None:
                setup(target)
    return path
