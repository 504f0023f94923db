"""Pixels of one opened raster: which bands hold data, and stored values with a valid mask, also from damaged files."""

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import RasterioError
from rasterio.windows import Window

from stsun.bands import Band
from stsun.errors import ConfigurationError, RasterError
from stsun.raster.grid import Grid, difference, name
from stsun.raster.metadata import band_of
from stsun.raster.opening import innermost
from stsun.raster.values import is_nodata
from stsun.raster.warp import RESAMPLINGS, onto

PixelWindow: TypeAlias = Window | tuple[tuple[int, int], tuple[int, int]]
"""A rasterio window, or ``((first row, last row + 1), (first column, last column + 1))``."""

OnMissing: TypeAlias = Callable[[str], object]
"""Gets the places that could not be read, such as ``image.tif: rows 512-1023, columns 0-511``."""

READ_FROM_THE_TOP = ("PNG", "JPEG")
"""Formats without blocks: behind a damaged row nothing can be read."""


class Pixels(NamedTuple):
    """How the pixels of an opened raster are read.

    Args:
        path: The file, for messages.
        source: The raster.
        indexes: The bands to read, from 1.
        nodata: Stored value of each band that means 'no data', or None.
        classes: The pixels are class numbers: all that can be read are valid.
    """

    path: str | Path
    source: Any
    indexes: Sequence[int]
    nodata: Sequence[float | None] = ()
    classes: bool = False

    @property
    def dtype(self) -> np.dtype[Any]:
        """The data type that holds the values of all bands."""
        return np.result_type(*(self.source.dtypes[i - 1] for i in self.indexes))

    def on(
        self, grid: Grid | None, window: PixelWindow | None, resampling: str, on_missing: OnMissing | None
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return stored values ``C h w`` and where they are valid, of the raster itself or brought onto another grid.

        Raises:
            RasterError: They cannot be read or brought there, or are complex.
        """
        path, source = self.path, self.source
        check_real(path, source, self.indexes)
        if resampling not in RESAMPLINGS:
            raise RasterError(f"{path}: unknown resampling {resampling!r}; expected one of {', '.join(RESAMPLINGS)}")
        own = Grid(source.crs, source.transform, source.height, source.width)
        if grid is None or difference(own, grid) is None:
            return self.read_or_explain(within(path, window, own.height, own.width), on_missing)
        if own.crs is None or grid.crs is None or own.transform.is_degenerate:
            raise RasterError(f"{path}: {_unplaced(source, grid)}")
        part = within(path, window, grid.height, grid.width)
        like = np.empty((len(self.indexes), 0, 0), self.dtype)
        return onto(path, grid, own, part, lambda needed: self.read_or_explain(needed, on_missing), like, resampling)

    def read(self, window: Window) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return stored values ``C h w`` and where they are valid, ``h w``.

        Raises:
            RasterioError: Some of the window cannot be read.
        """
        types = {self.source.dtypes[i - 1] for i in self.indexes}
        if len(types) == 1:
            stored: NDArray[Any] = self.source.read(list(self.indexes), window=window)
        else:
            stored = np.stack([self.source.read(i, window=window).astype(self.dtype) for i in self.indexes])
        return stored, np.ones(stored.shape[1:], bool) if self.classes else self._valid(stored, window)

    def read_or_explain(self, window: Window, on_missing: OnMissing | None) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return the same; what cannot be read is told to ``on_missing`` and invalid.

        Raises:
            RasterError: Some of the window cannot be read, and ``on_missing`` is None.
        """
        try:
            return self.read(window)
        except RasterioError:
            stored = np.zeros((len(self.indexes), window.height, window.width), self.dtype)
            valid = np.zeros(stored.shape[1:], bool)
        for block in self._blocks(window):
            part = block.intersection(window)
            down = slice(part.row_off - window.row_off, part.row_off - window.row_off + part.height)
            across = slice(part.col_off - window.col_off, part.col_off - window.col_off + part.width)
            try:
                stored[:, down, across], valid[down, across] = self.read(part)
            except RasterioError as problem:
                rest = self.source.driver in READ_FROM_THE_TOP
                last = self.source.height if rest else block.row_off + block.height
                place = f"rows {block.row_off}-{last - 1}, columns {block.col_off}-{block.col_off + block.width - 1}"
                if on_missing is None:
                    raise RasterError(
                        f"{self.path}: {place} cannot be read: the {self.source.driver} file is damaged or incomplete "
                        f"({innermost(problem)}); fetch or convert it again"
                    ) from problem
                on_missing(f"{self.path}: {place}")
                if rest:
                    break
        return stored, valid

    def _valid(self, stored: NDArray[Any], window: Window) -> NDArray[np.bool_]:
        missing = np.zeros(stored.shape[1:], bool)
        for band, value in zip(stored, self.nodata, strict=True):
            missing |= is_nodata(band, value)
        alpha = alpha_of(self.path, self.source)
        if masked(self.source, self.indexes[0]):
            missing |= self.source.read_masks(self.indexes[0], window=window) == 0
        if alpha is not None and alpha not in self.indexes:
            missing |= self.source.read(alpha, window=window) == 0
        return ~missing

    def _blocks(self, window: Window) -> Iterator[Window]:
        """Yield the file's own blocks that a window touches."""
        height, width = self.source.block_shapes[self.indexes[0] - 1]
        for top in range(window.row_off // height * height, window.row_off + window.height, height):
            for left in range(window.col_off // width * width, window.col_off + window.width, width):
                yield Window(left, top, min(width, self.source.width - left), min(height, self.source.height - top))


def chosen(path: str | Path, source: Any, bands: Sequence[int] | None) -> list[int]:
    """Return the bands asked for, or all but alpha.

    Raises:
        RasterError: There is no such band, or none that holds data.
    """
    if bands is None:
        alpha = alpha_of(path, source)
        bands = [i for i in source.indexes if i != alpha]
    wrong = [band for band in bands if band not in source.indexes]
    if wrong or not bands:
        found = f"no band {', '.join(map(str, wrong))}" if wrong else "no band that holds data"
        raise RasterError(f"{path}: has {found}; its bands are 1 to {source.count}, choose among them")
    return list(bands)


def check_measured(path: str | Path, source: Any, indexes: Sequence[int]) -> None:
    """Refuse bands that hold no real, measured values.

    Raises:
        RasterError: They are colour numbers, or the file's own scale or offset leaves nothing of them.
    """
    if has_palette(source):
        raise RasterError(
            f"{path}: the pixels are numbers in a colour table, expected measured values; convert it to RGB"
        )
    check_scales(path, source, indexes)


def check_real(path: str | Path, source: Any, indexes: Sequence[int]) -> None:
    """Refuse complex numbers.

    Raises:
        RasterError: A band holds some.
    """
    if any("complex" in source.dtypes[i - 1] for i in indexes):
        raise RasterError(f"{path}: holds complex numbers, expected real values; convert it to amplitude or decibels")


def check_scales(path: str | Path, source: Any, indexes: Sequence[int]) -> None:
    """Refuse a scale or offset in the file that leaves nothing of the values.

    Raises:
        RasterError: A scale is 0, or one of both is not finite.
    """
    for index in indexes:
        scale, offset = source.scales[index - 1], source.offsets[index - 1]
        if scale == 0 or not (math.isfinite(scale) and math.isfinite(offset)):
            raise RasterError(
                f"{path}: band {index} has the scale {scale:g} and the offset {offset:g} in the file, expected "
                "finite numbers and a scale other than 0; correct them in the file (for example with gdal_edit.py)"
            )


def within(path: str | Path, window: PixelWindow | None, height: int, width: int) -> Window:
    """Return a window in whole pixels; None stands for all.

    Raises:
        RasterError: It leaves the raster, or starts or ends within a pixel.
    """
    if window is None:
        return Window(0, 0, width, height)
    part = window if isinstance(window, Window) else Window.from_slices(*window)
    sides = (part.col_off, part.row_off, part.width, part.height)
    inside = part.col_off >= 0 and part.row_off >= 0 and part.width > 0 and part.height > 0
    if not (inside and part.col_off + part.width <= width and part.row_off + part.height <= height):
        raise RasterError(f"{path}: {part} is not inside its {height} x {width} pixels; clip it first")
    if any(side != int(side) for side in sides):
        raise RasterError(f"{path}: {part} cuts through pixels, expected whole numbers; round it first")
    return Window(*map(int, sides))


def band_at(path: str | Path, source: Any, index: int) -> Band | None:
    """Return what a band measures, as its tags tell, or None.

    Raises:
        RasterError: The tags tell what cannot be.
    """
    try:
        return band_of(source.tags(index), source.tags(index, ns="IMAGERY"), source.descriptions[index - 1])
    except ConfigurationError as problem:
        raise RasterError(f"{path}: band {index}: {problem}") from problem


def alpha_of(path: str | Path, source: Any) -> int | None:
    """Return the alpha band's number. A fourth band often is marked so by mistake: its name or wavelength tells."""
    for index, kind in zip(source.indexes, source.colorinterp, strict=True):
        named = (source.descriptions[index - 1] or "alpha").strip().lower() != "alpha"
        if kind == ColorInterp.alpha and not named and band_at(path, source, index) is None:
            return int(index)
    return None


def has_palette(source: Any) -> bool:
    """Return whether the pixels are numbers in a colour table."""
    return bool(source.colorinterp[0] == ColorInterp.palette)


def masked(source: Any, index: int) -> bool:
    """Return whether a mask inside the file or beside it says where a band holds data."""
    flags = source.mask_flag_enums[index - 1]
    return MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags


def _unplaced(source: Any, grid: Grid) -> str:
    """Return why a raster cannot be brought onto a grid: one of them has no CRS."""
    if source.crs is not None:
        return "lies on another grid than is asked for, which has no CRS; give the first image a CRS or take it out"
    if source.gcps[0] or source.rpcs is not None:
        return (
            "has control points (or RPCs) instead of a grid, expected a rectified image; rectify it first (for example "
            f"with gdalwarp -t_srs {name(grid.crs)})"
        )
    return (
        "has no CRS and not the size and corners of the grid asked for, so nobody knows where it lies; give it its CRS "
        "(for example with gdal_edit.py -a_srs)"
    )
