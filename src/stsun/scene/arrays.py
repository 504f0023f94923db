"""xarray objects as images of a scene (extra ``xarray``): in memory, or lazy and computed window by window."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window as Part

from stsun.errors import RasterError
from stsun.extras import extra_package
from stsun.raster.grid import Grid, Window, difference
from stsun.raster.metadata import moment_text, pixel_size_m
from stsun.raster.reader import RasterInfo
from stsun.raster.storage import Meaning, check_reflectance
from stsun.raster.values import is_nodata, physical
from stsun.raster.warp import onto
from stsun.scene.array_labels import (
    BAND,
    TIME,
    bands_of_labels,
    by_number,
    days_of_labels,
    grid_of_labels,
    names_of_bands,
    spatial_dims,
)
from stsun.scene.scaling import FIX
from stsun.scene.sources import OnMissing, Pixels

LAZY = "lazy, not checked"

NODATA = ("_FillValue", "missing_value", "fill_value", "nodata")
"""Attributes that tell the stored value of pixels without data; they hold only as long as it is stored."""


@dataclass(frozen=True)
class ArraySource:
    """One time step of an xarray object.

    Two are the same if their labels are and, where the pixels are in memory, these. Of a lazy array the pixels are not
    looked at: who goes on with an unfinished prediction vouches that they have not changed.

    Args:
        name: What it is called in messages.
        grid: The grid that its pixels lie on, north up.
        scales: Stored value * scale + offset = physical value, of each band.
        offsets: See ``scales``.
        nodata: Stored value of each band that means 'no data', or None.
        doubtful: Its bands whose values must look like reflectances, by their place, as nobody says that they are.
        content: The data types, and the digest of the pixels or that they are lazy.
        blocks: Its pixels, ``xarray.Variable`` of ``bands rows columns``.
    """

    name: str
    grid: Grid
    scales: tuple[float, ...]
    offsets: tuple[float, ...]
    nodata: tuple[float | None, ...]
    doubtful: tuple[int, ...]
    content: str
    blocks: tuple[Any, ...] = field(repr=False, compare=False)

    def read(self, window: Window, grid: Grid, on_missing: OnMissing) -> Pixels:
        """Return the pixels in a window of a grid; of a lazy array no more is computed than they need.

        Raises:
            RasterError: They cannot be computed or brought onto the grid, or bands that should be reflectances hold
                something else.
        """
        part = Part(window.column, window.row, window.width, window.height)
        if difference(self.grid, grid) is None:
            stored, valid = self._stored(part, on_missing)
        elif self.grid.crs is None or grid.crs is None:
            raise RasterError(
                f"{self.name}: lies on another grid than is asked for, and one of both has no CRS, so nobody knows "
                "where they lie to each other; give it its CRS (.rio.write_crs)"
            )
        else:
            like = np.empty((len(self.scales), 0, 0), self._dtype)
            stored, valid = onto(
                self.name, grid, self.grid, part, lambda needed: self._stored(needed, on_missing), like, "bilinear"
            )
        values, valid = physical(stored, valid, self.scales, self.offsets)
        check_reflectance(self.name, self.doubtful, values, valid, FIX)
        return values, valid

    @property
    def _dtype(self) -> np.dtype[Any]:
        return np.result_type(*(block.dtype for block in self.blocks))

    def _stored(self, part: Part, on_missing: OnMissing) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return stored values ``C h w`` of a part of its own grid, and where they are valid."""
        down, across = part.toslices()
        try:
            stored = np.concatenate([np.asarray(block[:, down, across].values) for block in self.blocks])
        except Exception as problem:  # what is lazy may fail in any way
            place = f"rows {down.start}-{down.stop - 1}, columns {across.start}-{across.stop - 1}"
            if on_missing is None:
                why = " ".join(str(problem).split()) or type(problem).__name__
                raise RasterError(
                    f"{self.name}: {place} cannot be computed ({why:.300}); check what the array is read from"
                ) from problem
            on_missing(f"{self.name}: {place}")
            shape = len(self.scales), part.height, part.width
            return np.zeros(shape, self._dtype), np.zeros(shape[1:], bool)
        missing = [is_nodata(band, value) for band, value in zip(stored, self.nodata, strict=True)]
        return stored, ~np.logical_or.reduce(missing)


@dataclass(frozen=True)
class ArrayInfo(RasterInfo):
    """What one time step of an xarray object says about itself.

    Args:
        blocks: See `ArraySource`.
    """

    blocks: tuple[Any, ...] = field(repr=False, compare=False)

    def source(self, means: Sequence[Meaning]) -> ArraySource:
        """Return the source of its pixels, once it is known what they mean."""
        return ArraySource(
            str(self.path),
            Grid(self.crs, self.transform, self.height, self.width),
            tuple(meaning.scale for meaning in means),
            tuple(meaning.offset for meaning in means),
            self.nodata,
            tuple(place for place, meaning in enumerate(means) if meaning.doubtful),
            f"{'/'.join(dict.fromkeys(self.dtypes))}, {_digest(self.blocks)}",
            self.blocks,
        )


def array_infos(labelled: Any, number: int) -> list[ArrayInfo]:
    """Return what an xarray object says about itself, for each of its time steps.

    Args:
        labelled: A DataArray with the dimensions y and x and, if it likes, time and band, in any order; or a Dataset
            with a variable for each band. The grid is that of its coordinates and ``spatial_ref``, dates are those of
            ``time``. Bands are told by the coordinates ``wavelength`` and ``fwhm`` along ``band``, or by their names:
            texts along ``band``, ``long_name``, or those of the variables. ``scale_factor`` and ``add_offset`` among
            the attributes have not been applied yet.
        number: Which of the images it is, from 1, for messages.

    Raises:
        ConfigurationError: The extra ``xarray`` is not installed.
        RasterError: Dimensions, coordinates or values are not such.
    """
    extra_package("rioxarray", "xarray", "xarray objects")
    name = getattr(labelled, "name", None)
    where = f"image {number}" + (f" ({name})" if name else "")
    dims = spatial_dims(labelled, where)
    arrays = _arrays(labelled, dims, where)
    grid, turned = grid_of_labels(labelled, dims, where)
    days = days_of_labels(labelled, where)
    layers = [_Layers(array, dims, turned, where) for array in arrays]
    return [
        _info(layers, grid, day, step, where if len(days) == 1 else f"{where}, {_moment(day, step)}")
        for step, day in enumerate(days)
    ]


class _Layers:
    """One DataArray: what its bands are, and the pixels of each time step."""

    def __init__(self, array: Any, dims: tuple[str, str], turned: tuple[bool, bool], where: str) -> None:
        self.array = array if BAND in array.dims else array.expand_dims(BAND)
        self.count = int(self.array.sizes[BAND])
        self.names = names_of_bands(array, self.count)
        self.bands = bands_of_labels(array, self.names, where)
        self.scales = _factors(array, self.count, ("scale_factor", "scales"), 1.0, where)
        self.offsets = _factors(array, self.count, ("add_offset", "offsets"), 0.0, where)
        self.nodata = _nodata(array, where)
        if array.dtype.kind not in "iuf":
            raise RasterError(f"{where}: holds values of the type {array.dtype}, expected real numbers; convert them")
        ends = {dim: slice(None, None, -1) for dim, turn in zip(dims, turned, strict=True) if turn}
        self.array = self.array.transpose(..., BAND, *dims).isel(ends)

    def pixels(self, step: int) -> Any:
        array = self.array.isel({TIME: step}) if TIME in self.array.dims else self.array
        return array.variable


def _arrays(labelled: Any, dims: tuple[str, str], where: str) -> list[Any]:
    """Return the DataArrays that an object consists of, one for all bands or one for each."""
    arrays = [labelled]
    if hasattr(labelled, "data_vars"):
        arrays = [array for array in labelled.data_vars.values() if array.ndim]  # spatial_ref has no dimension
    for array in arrays:
        allowed = {*dims, TIME} if hasattr(labelled, "data_vars") else {*dims, TIME, BAND}
        if not set(dims) <= set(array.dims) <= allowed:
            raise RasterError(
                f"{where}: {'it' if array is labelled else array.name} has the dimensions "
                f"{', '.join(map(str, array.dims))}, expected {dims[0]} and {dims[1]}, and at most "
                f"{' and '.join(sorted(allowed - set(dims)))} besides; select or rename what is other"
            )
    if not arrays or not all(array.size for array in arrays):
        raise RasterError(f"{where}: is empty, expected pixels; check how it was selected")
    return arrays


def _info(layers: Sequence[_Layers], grid: Grid, day: float | None, step: int, where: str) -> ArrayInfo:
    counts = [layer.count for layer in layers]
    return ArrayInfo(
        path=where,
        driver="xarray",
        count=sum(counts),
        indexes=tuple(range(1, sum(counts) + 1)),
        alpha=None,
        height=grid.height,
        width=grid.width,
        dtypes=tuple(layer.array.dtype.name for layer in layers for _ in range(layer.count)),
        crs=grid.crs,
        transform=grid.transform,
        pixel_size_m=pixel_size_m(grid.crs, grid.transform, grid.height, grid.width),
        nodata=tuple(layer.nodata for layer in layers for _ in range(layer.count)),
        scales=tuple(scale for layer in layers for scale in layer.scales),
        offsets=tuple(offset for layer in layers for offset in layer.offsets),
        bands=tuple(band for layer in layers for band in layer.bands),
        descriptions=tuple(name for layer in layers for name in layer.names),
        day=day,
        palette=False,
        masked=False,
        blocks=tuple(layer.pixels(step) for layer in layers),
    )


def _factors(array: Any, count: int, keys: tuple[str, str], neutral: float, where: str) -> list[float]:
    """Return the scale or offset of each band that the attributes tell; a list there is one for all bands of a file."""
    told = array.attrs.get(keys[1], array.attrs.get(keys[0], neutral))
    values = [told] * count if np.ndim(told) == 0 else by_number(told, array, count)
    try:
        factors = [float(value) for value in values or ()]
    except (TypeError, ValueError):
        factors = []
    if len(factors) != count or not all(map(math.isfinite, factors)) or (neutral == 1 and 0 in factors):
        raise RasterError(
            f"{where}: its attributes say {keys[0]} {told!r} of {count} band(s), expected a finite number"
            f"{' other than 0' if neutral == 1 else ''}, or one for each band; correct them"
        )
    return factors


def _nodata(array: Any, where: str) -> float | None:
    told = next((array.attrs[key] for key in NODATA if array.attrs.get(key) is not None), None)
    try:
        nodata = array.rio.nodata if told is None else told
        return None if nodata is None else float(nodata)
    except OverflowError:  # what its type cannot hold marks no pixel
        return None
    except (TypeError, ValueError) as problem:
        raise RasterError(
            f"{where}: its attributes say {told!r} of pixels without data, expected a number; correct them"
        ) from problem


def _moment(day: float | None, step: int) -> str:
    return f"step {step + 1}" if day is None else moment_text(day)


def _digest(blocks: Sequence[Any]) -> str:
    if not all(block._in_memory for block in blocks):  # .data would load those that are lazy without dask
        return LAZY
    digest = hashlib.sha256()
    for block in blocks:
        digest.update(np.ascontiguousarray(block.data).data)
    return digest.hexdigest()
