"""What a scene is read from, window by window: files, arrays, cloud masks, and the dates that they make up."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import rasterio.windows
from numpy.typing import NDArray

from stsun.archives.acquisition import CloudMask
from stsun.archives.masks import clear
from stsun.bands import Band
from stsun.raster.grid import Grid, Window
from stsun.raster.reader import read, read_classes
from stsun.raster.storage import check_reflectance
from stsun.scene.scaling import FIX

Pixels = tuple[NDArray[np.float32], NDArray[np.bool_]]
"""Physical values ``C h w``, and where they are valid, ``h w``."""

OnMissing = Callable[[str], object] | None
"""Told of each block that cannot be read, which then counts as no data; None: it is an error."""


class Source(Protocol):
    """Some bands of one date."""

    @property
    def name(self) -> str:
        """What it is called in messages."""

    @property
    def grid(self) -> Grid:
        """The grid that its pixels lie on."""

    def read(self, window: Window, grid: Grid, on_missing: OnMissing) -> Pixels:
        """Return the pixels in a window of a grid.

        Raises:
            RasterError: They cannot be read.
        """


@dataclass(frozen=True)
class SceneFile:
    """One file of a date.

    Args:
        path: Where it is.
        grid: The grid that its pixels lie on.
        indexes: The numbers of its bands that are used, from 1.
        scales: Stored value * scale + offset = physical value, of each band.
        offsets: See ``scales``.
        doubtful: Its bands whose values must look like reflectances, by their place, as nobody says that they are.
        nodata: Stored value of each band that means 'no data', None = what the file says.
    """

    path: str | Path
    grid: Grid
    indexes: tuple[int, ...]
    scales: tuple[float, ...]
    offsets: tuple[float, ...]
    doubtful: tuple[int, ...] = ()
    nodata: tuple[float | None, ...] | None = None

    @property
    def name(self) -> str:
        """Its path."""
        return str(self.path)

    def read(self, window: Window, grid: Grid, on_missing: OnMissing) -> Pixels:
        """Return the pixels in a window of a grid.

        Raises:
            RasterError: The file cannot be read, or bands that should be reflectances hold something else.
        """
        values, valid = read(
            self.path, window=_part(window), bands=self.indexes, scale=self.scales, offset=self.offsets,
            nodata=self.nodata, grid=grid, allow_missing=on_missing is not None, on_missing=on_missing,
        )  # fmt: skip
        check_reflectance(self.path, self.doubtful, values, valid, FIX)
        return values, valid


@dataclass(frozen=True)
class SceneDate:
    """One acquisition.

    Args:
        files: What its bands are read from, stacked in this order.
        bands: All its bands.
        day: Days since 1970-01-01 UTC; None = unknown.
        clouds: Says which pixels are usable; None = all that hold data.
        beneath: Other images of the same day and bands, which show where those above them hold no data.
    """

    files: tuple[Source, ...]
    bands: tuple[Band, ...]
    day: float | None
    clouds: CloudMask | None = None
    beneath: tuple["SceneDate", ...] = ()

    @property
    def names(self) -> str:
        """Its files, joined by commas as on the command line."""
        return ",".join(file.name for file in self.files)

    @property
    def sources(self) -> tuple[Source, ...]:
        """Its own files and those of the images beneath."""
        return self.files + tuple(file for other in self.beneath for file in other.sources)

    @property
    def paths(self) -> tuple[str, ...]:
        """The names of all that it is read from, cloud masks included."""
        masks = [one.clouds.path for one in (self, *self.beneath) if one.clouds is not None]
        return *(file.name for file in self.sources), *masks

    def read(self, window: Window, grid: Grid, on_missing: OnMissing) -> Pixels:
        """Return all its bands in a window of a grid; values are 0 where they are not valid.

        Raises:
            RasterError: A file cannot be read.
        """
        read = [file.read(window, grid, on_missing) for file in self.files]
        values = np.concatenate([own for own, _ in read])
        valid = np.logical_and.reduce([own for _, own in read])
        if self.clouds is not None and valid.any():
            codes, inside = read_classes(
                self.clouds.path, window=_part(window), index=self.clouds.index, grid=grid,
                allow_missing=on_missing is not None, on_missing=on_missing,
            )  # fmt: skip
            valid &= inside & clear(codes, self.clouds.kind)
        for other in self.beneath:
            if valid.all():
                break
            more, there = other.read(window, grid, on_missing)
            fills = there & ~valid
            values[:, fills], valid = more[:, fills], valid | there
        return values, valid


def _part(window: Window) -> rasterio.windows.Window:
    return rasterio.windows.Window(window.column, window.row, window.width, window.height)
