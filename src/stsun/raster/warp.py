"""Pixels of one raster brought onto the grid of another: where each lies, and what it holds there.

Pixels are taken by plain arithmetic instead of by GDAL's warper, for three promises that the warper does not keep:
what is invalid in one band (by its own nodata value, a mask, or as NaN) reaches no neighbour in any band; places are
exact to a hundredth of a pixel; and a window holds the same values as that part of the whole, so tiles show no seams.
"""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from stsun.errors import RasterError
from stsun.raster.grid import Grid, Places, located
from stsun.raster.values import working_type

RESAMPLINGS = ("bilinear", "nearest", "average")

STEP = 16
"""Pixels between places that are computed in full; those between are interpolated where the map is straight enough."""

STRAIGHT = 0.01
"""Pixels by which an interpolated place may be wrong."""

SAMPLED = 9
"""Pixels along each side of a grid that tell how coarse it is."""

COARSEST = 256
"""Source pixels along one side of a grid pixel, at the most."""

AT_ONCE = 2**23
"""Source values held in memory at a time."""

Load: TypeAlias = Callable[[Window], tuple[NDArray[Any], NDArray[np.bool_]]]
"""Reads a window of the source: stored values ``C h w``, and where they are valid, ``h w``."""


class Size(NamedTuple):
    """How much of the source one grid pixel takes: columns and rows, 1 = interpolation between neighbours."""

    columns: float
    rows: float


def onto(
    where: str | Path, grid: Grid, source: Grid, part: Window, load: Load, like: NDArray[Any], resampling: str
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the values ``C h w`` of a part of a grid, taken from a source on another grid, and where they are valid.

    Args:
        where: The file, for messages.
        grid: The grid to be filled.
        source: The grid of the source.
        part: The window of ``grid``, in whole pixels.
        load: Reads windows of the source.
        like: An array ``C 0 0`` of the source's data type.
        resampling: ``nearest``, ``bilinear`` or ``average``, see `stsun.raster.reader.read`.

    Raises:
        RasterError: The grids cannot be brought together, or the source is finer than anyone can mean.
    """
    try:
        columns, rows = _places(grid, source, part)
        size = None if resampling == "nearest" else _size(grid, source, resampling)
    except RasterError as problem:
        raise RasterError(f"{where}: {problem}") from problem
    reach = Size(0.0, 0.0) if size is None else size
    values = np.zeros((len(like), *columns.shape), like.dtype if size is None else working_type(like.dtype))
    valid = np.zeros(columns.shape, bool)
    waiting = [(slice(0, columns.shape[0]), slice(0, columns.shape[1]))]
    while waiting:
        area = waiting.pop()
        window = _needed(columns[area], rows[area], reach, source)
        if window is None:
            continue
        if window.height * window.width * len(like) > AT_ONCE and columns[area].size > 1:
            waiting += _halves(area)
            continue
        stored, there = load(window)
        at = columns[area] - window.col_off, rows[area] - window.row_off
        taken = _nearest(stored, there, *at) if size is None else _mean(stored, there, *at, size)
        values[:, *area], valid[area] = taken
    return values, valid


def _places(grid: Grid, source: Grid, part: Window) -> tuple[Places, Places]:
    """Return where the centres of the part's pixels lie in the source, in its columns and rows; NaN for nowhere."""
    down = np.arange(part.row_off, part.row_off + part.height)
    across = np.arange(part.col_off, part.col_off + part.width)
    centres = np.meshgrid(across + 0.5, down + 0.5)
    if grid.crs == source.crs:
        return located(centres[0], centres[1], grid, source)
    nodes, bent = _nodes(grid, source, part)
    row, y = np.divmod(down - down[0] // STEP * STEP, STEP)
    column, x = np.divmod(across - across[0] // STEP * STEP, STEP)
    sides = nodes[:, row] + (nodes[:, row + 1] - nodes[:, row]) * (y / STEP)[:, None]
    places = sides[:, :, column] + (sides[:, :, column + 1] - sides[:, :, column]) * (x / STEP)
    exact = bent[row[:, None], column]
    if exact.any():
        places[:, exact] = located(centres[0][exact], centres[1][exact], grid, source)
    return places[0], places[1]


def _nodes(grid: Grid, source: Grid, part: Window) -> tuple[Places, NDArray[np.bool_]]:
    """Return every STEP-th place, ``2 m n``, and between which of them the map is not straight, ``m-1 n-1``.

    They are counted from the corner of the whole grid: a pixel's place must not depend on the window.
    """
    down = np.arange(part.row_off // STEP, (part.row_off + part.height - 1) // STEP + 2) * STEP + 0.5
    across = np.arange(part.col_off // STEP, (part.col_off + part.width - 1) // STEP + 2) * STEP + 0.5
    nodes, on_rows, on_columns = (
        np.stack(located(*np.meshgrid(columns, rows), grid, source))
        for columns, rows in ((across, down), (across[:-1] + STEP / 2, down), (across, down[:-1] + STEP / 2))
    )
    row_error = np.abs((nodes[:, :, :-1] + nodes[:, :, 1:]) / 2 - on_rows).max(axis=0)
    column_error = np.abs((nodes[:, :-1] + nodes[:, 1:]) / 2 - on_columns).max(axis=0)
    worst = np.maximum.reduce([row_error[:-1], row_error[1:], column_error[:, :-1], column_error[:, 1:]])
    known = ~np.isnan(nodes[0])
    somewhere = known[:-1, :-1] | known[:-1, 1:] | known[1:, :-1] | known[1:, 1:]
    return nodes, ~(worst <= STRAIGHT) & somewhere


def _size(grid: Grid, source: Grid, resampling: str) -> Size:
    """Return how much of the source a grid pixel takes, the same for all windows of the grid."""
    spans = _spans(grid, source)
    if not np.isfinite(spans).all() or (max(spans) <= 2 and resampling != "average"):
        return Size(1.0, 1.0)
    if max(spans) > COARSEST:
        raise RasterError(
            f"one pixel of the grid spans {max(spans):.0f} pixels, expected at most {COARSEST}; take a finer grid, or "
            "make a coarser copy of the file first (for example with gdalwarp -r average)"
        )
    return Size(*(max(1.0, float(span)) for span in spans))


def _spans(grid: Grid, source: Grid) -> Places:
    """Return how many columns and rows of the source a grid pixel spans, as most of them do that lie in it.

    Where only corners of the two meet, as the source's middle says.
    """
    across, down = (np.linspace(0.5, side - 0.5, SAMPLED) for side in (grid.width, grid.height))
    columns, rows = np.meshgrid(across, down)
    places, steps = _steps(columns.ravel(), rows.ravel(), grid, source)
    inside = (places >= 0).all(axis=0) & (places[0] <= source.width) & (places[1] <= source.height)
    if inside.any():
        return np.asarray(np.median(np.hypot(*steps)[:, inside], axis=1))
    back = _steps(np.array([source.width / 2]), np.array([source.height / 2]), source, grid)[1][:, :, 0]
    return np.hypot(*np.linalg.inv(back)) if abs(np.linalg.det(back)) > 0 else np.full(2, np.nan)


def _steps(columns: Places, rows: Places, grid: Grid, source: Grid) -> tuple[Places, Places]:
    """Return where places lie in the source, ``2 N``, and how far one step across and one down lead, ``2 2 N``."""
    here, right, below = (
        np.stack(located(columns + across, rows + down, grid, source)) for across, down in ((0, 0), (1, 0), (0, 1))
    )
    return here, np.stack([right - here, below - here])


def _needed(columns: Places, rows: Places, reach: Size, source: Grid) -> Window | None:
    """Return the window of the source that these places need, or None where none of them lies in it."""
    x, y = reach.columns / 2, reach.rows / 2
    inside = (columns >= -x) & (columns <= source.width + x) & (rows >= -y) & (rows <= source.height + y)
    if not inside.any():
        return None
    left, right = columns[inside].min() - x, columns[inside].max() + x
    top, bottom = rows[inside].min() - y, rows[inside].max() + y
    first = min(max(math.floor(left), 0), source.width - 1), min(max(math.floor(top), 0), source.height - 1)
    last = min(math.floor(right), source.width - 1), min(math.floor(bottom), source.height - 1)
    return Window(*first, last[0] - first[0] + 1, last[1] - first[1] + 1)


def _halves(area: tuple[slice, slice]) -> list[tuple[slice, slice]]:
    down, across = area
    if down.stop - down.start >= across.stop - across.start:
        middle = (down.start + down.stop) // 2
        return [(slice(down.start, middle), across), (slice(middle, down.stop), across)]
    middle = (across.start + across.stop) // 2
    return [(down, slice(across.start, middle)), (down, slice(middle, across.stop))]


def _nearest(
    stored: NDArray[Any], there: NDArray[np.bool_], columns: Places, rows: Places
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    inside = (columns >= 0) & (columns < there.shape[1]) & (rows >= 0) & (rows < there.shape[0])
    pixel = np.where(inside, np.floor(rows) * there.shape[1] + np.floor(columns), 0).astype(np.intp)
    return stored.reshape(len(stored), -1).take(pixel, axis=1), there.take(pixel) & inside


def _mean(
    stored: NDArray[Any], there: NDArray[np.bool_], columns: Places, rows: Places, size: Size
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the mean of the valid values within a box around each place, weighted by the share of each in the box.

    A box of one pixel is bilinear interpolation.
    """
    flat = stored.reshape(len(stored), -1).astype(working_type(stored.dtype))
    holds = there.ravel().astype(flat.dtype)
    flat[:, holds == 0] = 0
    total = np.zeros(columns.shape, flat.dtype)
    result = np.zeros((len(flat), *columns.shape), flat.dtype)
    across = list(_shares(columns, size.columns, there.shape[1], flat.dtype))
    for row, height in _shares(rows, size.rows, there.shape[0], flat.dtype):
        for column, width in across:
            pixel = row * there.shape[1] + column
            weight = height * width * holds.take(pixel)
            total += weight
            for band, sum_of_band in zip(flat, result, strict=True):
                sum_of_band += weight * band.take(pixel)  # many times faster than indexing
    if size == (1, 1):
        valid = _nearest(there[None], there, columns, rows)[1]
    else:
        valid = total >= size.columns * size.rows * (0.5 - 1e-6)
    return np.divide(result, total, out=result, where=valid), valid


def _shares(
    places: Places, size: float, count: int, dtype: np.dtype[Any]
) -> Iterator[tuple[NDArray[np.intp], NDArray[Any]]]:
    """Yield each pixel that a stretch around the places can reach, along one axis, and its share of the stretch."""
    start = np.clip(np.nan_to_num(places, nan=-math.inf), -size - 1, count + size + 1) - size / 2
    first = np.floor(start).astype(np.intp)
    before = (start - first).astype(dtype)
    for step in range(math.ceil(size) + 1):
        share = np.clip(np.minimum(step + 1, before + size) - np.maximum(step, before), 0, 1)
        pixel = first + step
        share[(pixel < 0) | (pixel >= count)] = 0
        yield np.clip(pixel, 0, count - 1), share
