"""Rasters in: files to physical values with a valid mask, and what a file says about itself."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.transform import Affine

from stsun.bands import Band
from stsun.errors import ConfigurationError, RasterError
from stsun.raster.grid import Grid
from stsun.raster.metadata import day_of, pixel_size_m
from stsun.raster.opening import MissingError, is_remote, opened
from stsun.raster.pixels import (
    OnMissing,
    Pixels,
    PixelWindow,
    alpha_of,
    band_at,
    check_measured,
    check_scales,
    chosen,
    has_palette,
    masked,
    within,
)
from stsun.raster.values import physical

Override: TypeAlias = float | Sequence[float | None] | None
"""One value for all bands, one per band, or None (also for single bands): what the file says."""


@dataclass(frozen=True)
class RasterInfo:
    """What one raster says about itself; everything per band is of the bands ``indexes``.

    Args:
        path: The file.
        driver: GDAL's name of its format.
        count: Number of bands that hold data: all but alpha, unless others were asked for.
        indexes: Their numbers in the file, from 1.
        alpha: Number of the band that only says how opaque a pixel is, or None.
        height: Rows.
        width: Columns.
        dtypes: Stored data type of each band.
        crs: Coordinate reference system, or None.
        transform: Pixel to world coordinates; the identity where there is none.
        pixel_size_m: Pixel's width and height on the ground in metres, or None without CRS.
        nodata: Stored value that means 'no data', of each band, or None.
        scales: Stored value * scale + offset = physical value, of each band.
        offsets: See ``scales``.
        bands: What each band measures, or None where the tags do not say.
        descriptions: Description of each band, or None.
        day: Acquisition in days since 1970-01-01 UTC, or None.
        palette: True where the pixels are numbers in a colour table.
        masked: True where a mask says which pixels hold data, inside the file or beside it.
    """

    path: str | Path
    driver: str
    count: int
    indexes: tuple[int, ...]
    alpha: int | None
    height: int
    width: int
    dtypes: tuple[str, ...]
    crs: CRS | None
    transform: Affine
    pixel_size_m: tuple[float, float] | None
    nodata: tuple[float | None, ...]
    scales: tuple[float, ...]
    offsets: tuple[float, ...]
    bands: tuple[Band | None, ...]
    descriptions: tuple[str | None, ...]
    day: float | None
    palette: bool
    masked: bool

    @property
    def gsd_m(self) -> float | None:
        """Ground sample distance in metres (the geometric mean of both axes), or None without CRS."""
        return None if self.pixel_size_m is None else float(np.sqrt(self.pixel_size_m[0] * self.pixel_size_m[1]))


def inspect(path: str | Path, *, bands: Sequence[int] | None = None) -> RasterInfo:
    """Return what a raster says about itself, without reading its pixels.

    Args:
        path: A GeoTIFF, JPEG 2000, PNG, JPEG or VRT.
        bands: The bands to describe, by their numbers in the file, from 1; left out = all but alpha.

    Raises:
        RasterError: The file is missing, damaged or not a raster, has no such band, or its tags are implausible.
    """
    with opened(path) as source:
        return _info(path if is_remote(path) else Path(path), source, bands)


def files_of(path: str | Path) -> list[str]:
    """Return all files that a raster is made of: itself, masks and metadata beside it, a virtual raster's sources.

    Raises:
        RasterError: The file cannot be opened.
    """
    with opened(path) as source:
        return sorted({str(path), *(file.removeprefix("./") for file in source.files)})


def read(
    path: str | Path,
    *,
    window: PixelWindow | None = None,
    bands: Sequence[int] | None = None,
    scale: Override = None,
    offset: Override = None,
    nodata: Override = None,
    grid: Grid | None = None,
    resampling: str = "bilinear",
    allow_missing: bool = False,
    on_missing: OnMissing | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return physical values ``C H W`` (float32) and the valid mask ``H W`` (bool).

    A pixel is valid where every band holds a finite value that is not its nodata, and no mask or alpha band of the
    file says otherwise; a value that float32 cannot hold is not finite. Values of invalid pixels are 0.

    On another grid than the file's own, a pixel is the mean of the four pixels around its centre, weighted by their
    nearness (``bilinear``), of all within it (``average``, and ``bilinear`` where more than two of the file lie along
    one side of a pixel of the grid), or the ``nearest``. Invalid pixels have no weight. It is valid where the nearest
    pixel of the file is; for a mean of more than four, where at least half of its area is. Outside the file none is.

    Args:
        path: A GeoTIFF, JPEG 2000, PNG, JPEG or VRT.
        window: The part to read, in pixels of ``grid`` if there is one, else of the file; left out = all.
        bands: Band numbers in the file, from 1; left out = all but alpha.
        scale: Stored value * scale + offset = physical value; left out = the file's.
        offset: See ``scale``.
        nodata: Stored value that means 'no data'; left out = the file's.
        grid: Where the pixels shall lie; left out = where they do.
        resampling: ``bilinear``, ``nearest`` or ``average``, for another grid than the file's.
        allow_missing: Take blocks that cannot be read as invalid instead of stopping. If the whole file is gone, all
            is invalid, provided that ``bands`` and ``window`` or ``grid`` tell how much that is.
        on_missing: Is told which blocks of the file could not be read, in its own pixels, such as ``image.tif: rows
            512-1023, columns 0-511``; a block is told each time a window needs it.

    Raises:
        RasterError: The file cannot be read, its pixels are colour numbers or complex, its own scale is none, or it
            cannot be brought onto the grid.
    """
    tell = (on_missing or _keep_quiet) if allow_missing else None
    try:
        with opened(path) as source:
            indexes = chosen(path, source, bands)
            check_measured(path, source, indexes)
            own = [[values[i - 1] for i in indexes] for values in (source.nodatavals, source.scales, source.offsets)]
            pixels = Pixels(path, source, indexes, _per_band(path, "nodata", nodata, own[0]))
            stored, valid = pixels.on(grid, window, resampling, tell)
    except MissingError:
        if tell is None or bands is None or (window is None and grid is None):
            raise
        return _nothing(path, len(bands), window, grid, tell)
    scales = [1.0 if value is None else value for value in _per_band(path, "scale", scale, own[1])]
    offsets = [0.0 if value is None else value for value in _per_band(path, "offset", offset, own[2])]
    return physical(stored, valid, scales, offsets)


def read_classes(
    path: str | Path,
    *,
    index: int = 1,
    window: PixelWindow | None = None,
    grid: Grid | None = None,
    allow_missing: bool = False,
    on_missing: OnMissing | None = None,
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return stored values ``H W`` of one band of class numbers (such as a cloud mask), and where the file has some.

    On another grid than the file's own each pixel gets the nearest of the file; outside it, and where it cannot be
    read, values are 0 and the second array is False. Nodata values are left as they are.

    Args:
        path: A raster as for `read`, also with a colour table.
        index: The band's number in the file, from 1.
        window: See `read`.
        grid: See `read`.
        allow_missing: See `read`.
        on_missing: See `read`.

    Raises:
        RasterError: The file cannot be read, has no such band, or cannot be brought onto the grid.
    """
    tell = (on_missing or _keep_quiet) if allow_missing else None
    with opened(path) as source:
        pixels = Pixels(path, source, chosen(path, source, [index]), classes=True)
        stored, inside = pixels.on(grid, window, "nearest", tell)
    return stored[0], inside


def read_labels(path: str | Path, *, window: PixelWindow | None = None, band: int | None = None) -> NDArray[np.int64]:
    """Return the stored values ``H W`` (int64) of a raster of class numbers; a colour table is left aside.

    Args:
        path: A raster as for `read`, also with a colour table.
        window: See `read`.
        band: The band's number in the file, from 1; left out = the file must have one band only.

    Raises:
        RasterError: The file cannot be read, has several bands or not this one, or holds fractions.
    """
    with opened(path) as source:
        indexes = chosen(path, source, None if band is None else [band])
        if len(indexes) != 1:
            raise RasterError(
                f"{path}: has {len(indexes)} bands, expected one band of class numbers; "
                "if they are colours, list the classes by colour ('#rrggbb')"
            )
        stored = Pixels(path, source, indexes, classes=True).on(None, window, "nearest", None)[0][0]
    if stored.dtype.kind == "f" and not (np.isfinite(stored) & (stored == np.round(stored))).all():
        raise RasterError(f"{path}: holds fractions or NaN, expected whole class numbers; store integers")
    labels: NDArray[np.int64] = stored.astype(np.int64)
    return labels


def _info(path: str | Path, source: Any, bands: Sequence[int] | None) -> RasterInfo:
    indexes = chosen(path, source, bands)
    check_scales(path, source, indexes)
    places = [i - 1 for i in indexes]
    dtypes, nodata, scales, offsets = source.dtypes, source.nodatavals, source.scales, source.offsets
    descriptions = source.descriptions
    return RasterInfo(
        path=path,
        driver=source.driver,
        count=len(indexes),
        indexes=tuple(indexes),
        alpha=alpha_of(path, source),
        height=source.height,
        width=source.width,
        dtypes=tuple(dtypes[i] for i in places),
        crs=source.crs,
        transform=source.transform,
        pixel_size_m=pixel_size_m(source.crs, source.transform, source.height, source.width),
        nodata=tuple(nodata[i] for i in places),
        scales=tuple(float(scales[i]) for i in places),
        offsets=tuple(float(offsets[i]) for i in places),
        bands=tuple(band_at(path, source, i + 1) for i in places),
        descriptions=tuple(descriptions[i] for i in places),
        day=_day(path, source),
        palette=has_palette(source),
        masked=masked(source, indexes[0]),
    )


def _day(path: str | Path, source: Any) -> float | None:
    try:
        return day_of(source.tags(), source.tags(ns="IMAGERY"))
    except ConfigurationError as problem:
        raise RasterError(f"{path}: its tags say: {problem}") from problem


def _per_band(path: str | Path, what: str, override: Override, own: Sequence[float | None]) -> list[float | None]:
    if override is None:
        return list(own)
    if isinstance(override, int | float):
        return [float(override)] * len(own)
    if len(override) != len(own):
        raise RasterError(f"{path}: got {len(override)} values of {what} for {len(own)} bands; give one for each band")
    return [mine if theirs is None else theirs for theirs, mine in zip(override, own, strict=True)]


def _nothing(
    path: str | Path, bands: int, window: PixelWindow | None, grid: Grid | None, tell: OnMissing
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return that nothing is valid, for a file that is gone; a window of it is believed."""
    limit = (sys.maxsize, sys.maxsize) if grid is None else (grid.height, grid.width)
    part = within(path, window, *limit)
    tell(f"{path}: the whole file, which is not there any more")
    return np.zeros((bands, part.height, part.width), np.float32), np.zeros((part.height, part.width), bool)


def _keep_quiet(place: str) -> None:
    """Do nothing with a place that could not be read: the mask says it."""
