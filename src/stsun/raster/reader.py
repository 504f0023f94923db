"""Rasters in: files to physical values with a valid mask, and what a file says about itself."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.transform import Affine
from rasterio.windows import Window

from stsun.bands import Band
from stsun.errors import ConfigurationError, RasterError
from stsun.raster.metadata import band_of, day_of, pixel_size_m
from stsun.raster.opening import opened
from stsun.raster.values import is_nodata, physical

Override: TypeAlias = float | Sequence[float | None] | None
"""One value for all bands, one per band, or None (also for single bands): what the file says."""

PixelWindow: TypeAlias = Window | tuple[tuple[int, int], tuple[int, int]]
"""A rasterio window, or ``((first row, last row + 1), (first column, last column + 1))``."""


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

    path: Path
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
        path: A GeoTIFF, PNG or JPEG.
        bands: The bands to describe, by their numbers in the file, from 1; left out = all but alpha.

    Raises:
        RasterError: The file is missing, damaged or not a raster, has no such band, or its tags are implausible.
    """
    with opened(path) as source:
        return _info(Path(path), source, bands)


def read(
    path: str | Path,
    *,
    window: PixelWindow | None = None,
    bands: Sequence[int] | None = None,
    scale: Override = None,
    offset: Override = None,
    nodata: Override = None,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return physical values ``C H W`` (float32) and the valid mask ``H W`` (bool).

    A pixel is valid where every band holds a finite value that is not its nodata, and no mask or alpha band of the
    file says otherwise; a value that float32 cannot hold is not finite. Values of invalid pixels are 0.

    Args:
        path: A GeoTIFF, PNG or JPEG.
        window: The part to read; left out = all.
        bands: Band numbers in the file, from 1; left out = all but alpha.
        scale: Stored value * scale + offset = physical value; left out = the file's.
        offset: See ``scale``.
        nodata: Stored value that means 'no data'; left out = the file's.

    Raises:
        RasterError: The file cannot be read, its pixels are colour numbers or complex, or its own scale is none.
    """
    with opened(path) as source:
        if _has_palette(source):
            raise RasterError(
                f"{path}: the pixels are numbers in a colour table, expected measured values; convert it to RGB"
            )
        chosen = _chosen(path, source, bands)
        _check_scales(source, chosen)
        own = [[values[i - 1] for i in chosen] for values in (source.nodatavals, source.scales, source.offsets)]
        stored = _pixels(source, path, chosen, window)
        valid = _holds_data(source, chosen, stored, _per_band(path, "nodata", nodata, own[0]), window)
    scales = [1.0 if value is None else value for value in _per_band(path, "scale", scale, own[1])]
    offsets = [0.0 if value is None else value for value in _per_band(path, "offset", offset, own[2])]
    return physical(stored, valid, scales, offsets)


def read_labels(path: str | Path, *, window: PixelWindow | None = None) -> NDArray[np.int64]:
    """Return the stored values ``H W`` (int64) of a raster of class numbers; a colour table is left aside.

    Raises:
        RasterError: The file cannot be read, has several bands, or holds fractions.
    """
    with opened(path) as source:
        chosen = _chosen(path, source, None)
        if len(chosen) != 1:
            raise RasterError(
                f"{path}: has {len(chosen)} bands, expected one band of class numbers; "
                "convert colours to class numbers first"
            )
        stored = _pixels(source, path, chosen, window)[0]
    if stored.dtype.kind == "f" and not (np.isfinite(stored) & (stored == np.round(stored))).all():
        raise RasterError(f"{path}: holds fractions or NaN, expected whole class numbers; store integers")
    labels: NDArray[np.int64] = stored.astype(np.int64)
    return labels


def _info(path: Path, source: Any, bands: Sequence[int] | None) -> RasterInfo:
    indexes = _chosen(path, source, bands)
    _check_scales(source, indexes)
    places = [i - 1 for i in indexes]
    dtypes, nodata, scales, offsets = source.dtypes, source.nodatavals, source.scales, source.offsets
    descriptions, flags = source.descriptions, source.mask_flag_enums[places[0]]
    return RasterInfo(
        path=path,
        driver=source.driver,
        count=len(indexes),
        indexes=tuple(indexes),
        alpha=_alpha(source),
        height=source.height,
        width=source.width,
        dtypes=tuple(dtypes[i] for i in places),
        crs=source.crs,
        transform=source.transform,
        pixel_size_m=pixel_size_m(source.crs, source.transform, source.height, source.width),
        nodata=tuple(nodata[i] for i in places),
        scales=tuple(float(scales[i]) for i in places),
        offsets=tuple(float(offsets[i]) for i in places),
        bands=tuple(_band(source, i + 1) for i in places),
        descriptions=tuple(descriptions[i] for i in places),
        day=_day(source),
        palette=_has_palette(source),
        masked=MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags,
    )


def _day(source: Any) -> float | None:
    try:
        return day_of(source.tags(), source.tags(ns="IMAGERY"))
    except ConfigurationError as problem:
        raise RasterError(f"{source.name}: its tags say: {problem}") from problem


def _band(source: Any, index: int) -> Band | None:
    try:
        return band_of(source.tags(index), source.tags(index, ns="IMAGERY"), source.descriptions[index - 1])
    except ConfigurationError as problem:
        raise RasterError(f"{source.name}: band {index}: {problem}") from problem


def _check_scales(source: Any, indexes: Sequence[int]) -> None:
    """Refuse a scale or offset in the file that leaves nothing of the values."""
    for index in indexes:
        scale, offset = source.scales[index - 1], source.offsets[index - 1]
        if scale == 0 or not (math.isfinite(scale) and math.isfinite(offset)):
            raise RasterError(
                f"{source.name}: band {index} has the scale {scale:g} and the offset {offset:g} in the file, expected "
                "finite numbers and a scale other than 0; correct them in the file (for example with gdal_edit.py)"
            )


def _alpha(source: Any) -> int | None:
    """Return the alpha band's number. A fourth band often is marked so by mistake: its name or wavelength tells."""
    for index, kind in zip(source.indexes, source.colorinterp, strict=True):
        named = (source.descriptions[index - 1] or "alpha").strip().lower() != "alpha"
        if kind == ColorInterp.alpha and not named and _band(source, index) is None:
            return int(index)
    return None


def _has_palette(source: Any) -> bool:
    return bool(source.colorinterp[0] == ColorInterp.palette)


def _chosen(path: str | Path, source: Any, bands: Sequence[int] | None) -> list[int]:
    if bands is None:
        alpha = _alpha(source)
        bands = [i for i in source.indexes if i != alpha]
    wrong = [band for band in bands if band not in source.indexes]
    if wrong or not bands:
        found = f"no band {', '.join(map(str, wrong))}" if wrong else "no band that holds data"
        raise RasterError(f"{path}: has {found}; its bands are 1 to {source.count}, choose among them")
    return list(bands)


def _pixels(source: Any, path: str | Path, indexes: list[int], window: PixelWindow | None) -> NDArray[Any]:
    if any(np.dtype(source.dtypes[i - 1]).kind == "c" for i in indexes):
        raise RasterError(f"{path}: holds complex numbers, expected real values; convert it to amplitude or decibels")
    if window is not None:
        part = window if isinstance(window, Window) else Window.from_slices(*window)
        inside = part.col_off >= 0 and part.row_off >= 0 and part.width > 0 and part.height > 0
        if not (inside and part.col_off + part.width <= source.width and part.row_off + part.height <= source.height):
            raise RasterError(
                f"{path}: {part} is not inside its {source.height} x {source.width} pixels; clip it first"
            )
    stored: NDArray[Any] = source.read(indexes, window=window)
    return stored


def _per_band(path: str | Path, what: str, override: Override, own: Sequence[float | None]) -> list[float | None]:
    if override is None:
        return list(own)
    if isinstance(override, int | float):
        return [float(override)] * len(own)
    if len(override) != len(own):
        raise RasterError(f"{path}: got {len(override)} values of {what} for {len(own)} bands; give one for each band")
    return [mine if theirs is None else theirs for theirs, mine in zip(override, own, strict=True)]


def _holds_data(
    source: Any, indexes: list[int], stored: NDArray[Any], nodata: Sequence[float | None], window: PixelWindow | None
) -> NDArray[np.bool_]:
    missing = np.zeros(stored.shape[1:], bool)
    for band, value in zip(stored, nodata, strict=True):
        missing |= is_nodata(band, value)
    alpha, flags = _alpha(source), source.mask_flag_enums[indexes[0] - 1]
    if MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags:
        missing |= source.read_masks(indexes[0], window=window) == 0
    if alpha is not None and alpha not in indexes:
        missing |= source.read(alpha, window=window) == 0
    return ~missing
