"""What the labels of an xarray object say: its dates, its bands, its grid. Pixels are not touched."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from rasterio.errors import CRSError
from rasterio.transform import Affine

from stsun.bands import Band
from stsun.errors import ConfigurationError, RasterError
from stsun.raster.grid import Grid
from stsun.raster.metadata import band_of, day_of, parse_day

TIME, BAND = "time", "band"

WAVELENGTHS = ("wavelength", "center_wavelength")
WIDTHS = ("fwhm", "full_width_half_max")
"""Coordinates along the bands; an attribute of that name is not believed, as it stays when a band is taken out."""

IRREGULAR = 0.05
"""Share of a pixel by which a coordinate may lie beside its place on the grid: float32 tells degrees no better."""

_NUMBERED = re.compile(r"(band_?\d+)?", re.IGNORECASE)


def days_of_labels(labelled: Any, where: str) -> list[float | None]:
    """Return the day of each time step, in days since 1970-01-01 UTC; None = unknown.

    Args:
        labelled: A DataArray or Dataset. Without ``time`` it is one step, of the day that its attributes tell.
        where: What it is, for messages.

    Raises:
        RasterError: ``time`` holds something else than dates, or nothing.
    """
    if TIME not in labelled.coords and TIME not in labelled.dims:
        try:
            return [day_of({key: str(value) for key, value in labelled.attrs.items() if isinstance(key, str)}, {})]
        except ConfigurationError as problem:
            raise RasterError(f"{where}: its attributes say: {problem}") from problem
    if labelled.sizes.get(TIME, 1) == 0:
        raise RasterError(f"{where}: holds no time step, expected at least one; check how it was selected")
    if TIME not in labelled.coords:
        return [None] * int(labelled.sizes[TIME])
    return [_day(value, where) for value in np.atleast_1d(labelled.coords[TIME].values)]


def names_of_bands(array: Any, count: int) -> list[str | None]:
    """Return what the bands of an array are called, as far as can be told.

    Texts along ``band`` come first, then ``long_name`` by the band numbers; an array without bands has its own name.
    """
    labels, long_name = array.coords.get(BAND), array.attrs.get("long_name")
    if labels is None and BAND not in array.dims:
        name = str(array.name or "")
        return [long_name if isinstance(long_name, str) and _NUMBERED.fullmatch(name) else name or None]
    if labels is not None and labels.dtype.kind in "OUT":
        return [str(value) for value in np.atleast_1d(labels.values)]
    if isinstance(long_name, str):
        return [long_name] if count == 1 else [None] * count
    told = by_number(long_name, array, count)
    return [None] * count if told is None else [str(name) if name else None for name in told]


def by_number(values: Any, array: Any, count: int) -> list[Any] | None:
    """Return the values of the bands that an array holds, out of a list for all bands of its file; None if unclear."""
    if isinstance(values, str) or not isinstance(values, Sequence | np.ndarray):
        return None
    labels = array.coords.get(BAND)
    if labels is None:
        return list(values) if len(values) == count else None
    numbers = np.atleast_1d(labels.values)
    known = numbers.dtype.kind in "iu" and ((numbers >= 1) & (numbers <= len(values))).all()
    return [values[number - 1] for number in numbers] if known else None


def bands_of_labels(array: Any, names: Sequence[str | None], where: str) -> list[Band | None]:
    """Return what each band measures, as coordinates along ``band`` or a name that is a token tell; None = unknown.

    Raises:
        RasterError: The coordinates tell what cannot be.
    """
    centres, unit = _along(array, WAVELENGTHS, len(names))
    widths, other = _along(array, WIDTHS, len(names))
    if other and other != unit:
        raise RasterError(
            f"{where}: its wavelengths are in {unit or 'no unit'} and their widths in {other}; give both the same "
            "attribute units, such as nm"
        )
    bands = []
    for number, (name, centre, width) in enumerate(zip(names, centres, widths, strict=True), start=1):
        try:
            tags = {"wavelength": str(centre), "fwhm": str(width), "wavelength_units": unit}
            bands.append(band_of(tags, {}, name))
        except ConfigurationError as problem:
            raise RasterError(f"{where}: band {number}: {problem}") from problem
    return bands


def spatial_dims(labelled: Any, where: str) -> tuple[str, str]:
    """Return the dimensions that are rows and columns.

    Raises:
        RasterError: Nobody knows which they are.
    """
    from rioxarray.exceptions import RioXarrayError

    try:
        return str(labelled.rio.y_dim), str(labelled.rio.x_dim)
    except RioXarrayError as problem:
        raise RasterError(
            f"{where}: has the dimensions {', '.join(map(str, labelled.dims))}, expected y and x among them; rename "
            "them, or tell them with .rio.set_spatial_dims"
        ) from problem


def grid_of_labels(labelled: Any, dims: tuple[str, str], where: str) -> tuple[Grid, tuple[bool, bool]]:
    """Return the grid with north up, and whether rows and columns have to be turned round for it.

    Raises:
        RasterError: The coordinates are no regular grid, or the CRS cannot be read.
    """
    from rioxarray.exceptions import RioXarrayError

    height, width = (int(labelled.sizes[dim]) for dim in dims)
    try:
        crs = labelled.rio.crs
        # the one that was written down is exact, but stays as it was when pixels are left out
        fitting = [
            one for one in (_transform(labelled, again) for again in (False, True)) if _fits(labelled, dims, one)
        ]
    except (RioXarrayError, CRSError, ValueError, TypeError) as problem:
        raise RasterError(
            f"{where}: nobody knows where its pixels lie ({problem}); give it a CRS and a transform (.rio.write_crs, "
            ".rio.write_transform)"
        ) from problem
    if not fitting:
        raise RasterError(
            f"{where}: its coordinates {dims[1]} and {dims[0]} are not evenly spaced, expected the centres of the "
            "pixels of a regular grid; bring it onto one first (for example with .rio.reproject)"
        )
    down, across = (dim in labelled.coords for dim in dims)
    turned = down and fitting[0].e > 0, across and fitting[0].a < 0
    return Grid(crs, _turned(fitting[0], height if turned[0] else 0, width if turned[1] else 0), height, width), turned


def _day(value: Any, where: str) -> float | None:
    if isinstance(value, np.datetime64):
        if np.isnat(value):
            return None
        value = value.astype("datetime64[s]")
    try:
        day = parse_day(str(value))
    except ConfigurationError as problem:
        raise RasterError(f"{where}: its times say: {problem}") from problem
    if day is None:
        raise RasterError(f"{where}: its time holds {value!r}, expected dates; convert them with pandas.to_datetime")
    return day


def _along(array: Any, keys: Sequence[str], count: int) -> tuple[list[Any], str]:
    """Return the values of the first of some coordinates that is there, one per band, and their unit."""
    for key in keys:
        if key in array.coords and set(array.coords[key].dims) <= {BAND}:
            found = array.coords[key]
            return np.broadcast_to(found.values, (count,)).tolist(), str(found.attrs.get("units", "")).strip()
    return [None] * count, ""


def _transform(labelled: Any, again: bool) -> Affine:
    transform: Affine = labelled.rio.transform(recalc=again)
    return transform


def _fits(labelled: Any, dims: tuple[str, str], transform: Affine) -> bool:
    """Return whether the coordinates, where there are some, are the centres of the transform's pixels."""
    if transform.b or transform.d:
        return not any(dim in labelled.coords for dim in dims)
    for dim, first, step in zip(dims, (transform.f, transform.c), (transform.e, transform.a), strict=True):
        if dim in labelled.coords:
            found = labelled.coords[dim].values.astype(np.float64)
            places = first + (np.arange(len(found)) + 0.5) * step
            if not (np.abs(found - places) <= IRREGULAR * abs(step)).all():
                return False
    return True


def _turned(transform: Affine, height: int, width: int) -> Affine:
    """Return the transform from the other end of rows and columns; 0 leaves an axis as it is."""
    a, e = (-transform.a if width else transform.a), (-transform.e if height else transform.e)
    left, top = transform.c + transform.a * width, transform.f + transform.e * height
    return Affine(a, transform.b, left, transform.d, e, top)
