"""Whether the files of one sample cover the same pixels: as many, and at the same place."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stsun.errors import DataError, RasterError
from stsun.raster.grid import Grid, located, name
from stsun.raster.opening import opened

APART = 0.51
"""Share of a pixel by which places may differ: files disagree on whether coordinates are of corners or of centres."""


@dataclass(frozen=True)
class Cover:
    """What one file covers.

    Args:
        file: Its name, for messages.
        size: Height and width in pixels of the part that is read.
        grid: Where the whole file lies; None where it does not say.
    """

    file: str
    size: tuple[int, int]
    grid: Grid | None = None


def grid_of(source: Any) -> Grid | None:
    """Return where a raster (opened, or as inspected) lies; None where it lacks a CRS or a transform of its own."""
    crs, transform = source.crs, source.transform
    if crs is None or transform.is_identity or transform.is_degenerate:
        return None
    return Grid(crs, transform, source.height, source.width)


def cover_of(path: Path, pixels: NDArray[Any]) -> Cover:
    """Return what a raster covers whose pixels ``H W``, or a part of them, were just read.

    Raises:
        RasterError: It cannot be opened.
    """
    with opened(path) as source:
        return Cover(str(path), (pixels.shape[0], pixels.shape[1]), grid_of(source))


def check_aligned(what: str, covers: Sequence[Cover]) -> None:
    """Refuse files of different size, and those that say that they lie at different places.

    Raises:
        DataError: Names two files, and how they differ.
    """
    for problem in misaligned(what, covers):
        raise DataError(problem)


def misaligned(what: str, covers: Sequence[Cover]) -> Iterator[str]:
    """Yield how files differ in size or place from the first that tells it; only georeferenced files are compared."""
    placed = None
    for cover in covers:
        if cover.size != covers[0].size:
            sizes = [f"{one.size[0]} x {one.size[1]}" for one in (cover, covers[0])]
            yield (
                f"{cover.file} has {sizes[0]} pixels, but {covers[0].file} has {sizes[1]}; {what} must cover the same "
                "pixels, crop or resample them to one grid"
            )
        elif cover.grid is not None:
            placed = placed or (cover.file, cover.grid)
            apart = _apart(cover.grid, placed[1])
            if apart is not None:
                yield (
                    f"{cover.file} {apart} {placed[0]}; {what} must lie at the same place, warp them onto one grid, "
                    "or correct the CRS or transform that is wrong (for example with gdal_edit.py)"
                )


def _apart(grid: Grid, other: Grid) -> str | None:
    """Return in words that the same pixels of two grids lie apart, to be followed by the other's name; else None."""
    if grid == other:
        return None
    # centres, as the outer edge of a map of the globe is both its first and its last longitude
    columns, rows = np.meshgrid(np.linspace(0.5, grid.width - 0.5, 3), np.linspace(0.5, grid.height - 0.5, 3))
    try:
        there = located(columns, rows, grid, other)
    except RasterError:  # no way leads from one CRS to the other
        shift = np.nan
    else:
        shift = max(float(np.abs(there[0] - columns).max()), float(np.abs(there[1] - rows).max()))
    if shift <= APART:  # also where one CRS is written in two ways
        return None
    crs = "" if grid.crs == other.crs else f" with its CRS {name(grid.crs)} instead of {name(other.crs)}"
    return f"lies{crs} {'elsewhere than' if np.isnan(shift) else f'up to {shift:.3g} pixels from'}"
