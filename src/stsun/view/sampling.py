"""Pixels of an opened raster at the pixels of a tile, quickly: as many as the tile's scale needs, the nearest of them.

GDAL reads the part that a tile shows, made smaller through the raster's overviews; where a tile's pixels lie in it is
computed at every 16th and interpolated in between. The earth is so round that this errs by less than half a pixel.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.windows import Window

from stsun.raster.grid import Grid, Places, located
from stsun.view.frames import TILE

STEP = 16
NODES = np.arange(0, TILE + 1, STEP, dtype=float)
LARGEST = 4 * TILE
"""Rows or columns that are read for a tile, at the most."""

Stored: TypeAlias = tuple[NDArray[Any], NDArray[np.bool_]]
"""Stored values ``C 256 256``, and where they are valid."""


class Part(NamedTuple):
    """What of a raster is read, and how many columns and rows it becomes."""

    window: Window
    columns: int
    rows: int
    shrunk: bool


def sampled(source: Any, indexes: Sequence[int], grid: Grid, tile: Grid, *, smooth: bool) -> Stored:
    """Return stored values of an opened raster at the pixels of a tile.

    Args:
        source: The raster.
        indexes: The numbers of its bands, from 1.
        grid: Where it lies.
        tile: From `stsun.view.frames.tile_grid`.
        smooth: Where pixels are smaller than the tile's, take their mean; else one of them, as for class numbers.
    """
    across, down = np.meshgrid(NODES, NODES)
    columns, rows = located(across, down, tile, grid)
    part = _part(columns, rows, grid)
    if part is None:
        return np.zeros((len(indexes), TILE, TILE), np.uint8), np.zeros((TILE, TILE), bool)
    method = Resampling.bilinear if smooth and part.shrunk else Resampling.nearest
    shape = (len(indexes), part.rows, part.columns)
    image = source.read(list(indexes), window=part.window, out_shape=shape, resampling=method, masked=True)
    x = (_between(columns) - part.window.col_off) * (part.columns / part.window.width)
    y = (_between(rows) - part.window.row_off) * (part.rows / part.window.height)
    inside = (x >= 0) & (x < part.columns) & (y >= 0) & (y < part.rows)
    pixel = np.where(inside, y, 0).astype(np.intp) * part.columns + np.where(inside, x, 0).astype(np.intp)
    seen = ~np.ma.getmaskarray(image).any(axis=0)
    return image.data.reshape(len(indexes), -1).take(pixel, axis=1), seen.take(pixel) & inside


def _part(columns: Places, rows: Places, grid: Grid) -> Part | None:
    """Return what is to be read for a tile whose nodes lie there; None where it shows nothing of the raster."""
    known = np.isfinite(columns) & np.isfinite(rows)
    if not known.any():
        return None
    pace = max(1.0, float(np.nanmedian(np.hypot(np.diff(columns, axis=1), np.diff(rows, axis=1)))) / STEP)
    first = [max(0, int(np.floor(side[known].min() - pace))) for side in (columns, rows)]
    most = (grid.width, grid.height)
    last = [min(size, int(np.ceil(side[known].max() + pace))) for side, size in zip((columns, rows), most, strict=True)]
    width, height = last[0] - first[0], last[1] - first[1]
    if width <= 0 or height <= 0:
        return None
    shown = [min(LARGEST, max(1, round(size / pace))) for size in (width, height)]
    return Part(Window(first[0], first[1], width, height), shown[0], shown[1], pace > 1)


def _between(nodes: Places) -> Places:
    """Return the values at the middles of a tile's pixels, interpolated from those at its nodes."""
    middles = (np.arange(TILE) + 0.5) / STEP
    node = middles.astype(np.intp)
    share = middles - node
    rows = nodes[node] * (1 - share)[:, None] + nodes[node + 1] * share[:, None]
    return np.asarray(rows[:, node] * (1 - share) + rows[:, node + 1] * share)
