"""Raster files opened: only formats that are known by their first bytes, and never quietly repaired."""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rasterio
from rasterio.crs import CRS
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader

from stsun.errors import RasterError
from stsun.raster.arrays import STARTS, ArraySource
from stsun.raster.handles import HANDLES, Handle, state_of
from stsun.raster.virtual import checked_vrt, is_vrt
from stsun.raster.whole import check_name

TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
DRIVERS = {
    **dict.fromkeys(TIFF, "GTiff"),
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"\0\0\0\x0cjP  ": "JP2OpenJPEG",
    b"\xff\x4f\xff\x51": "JP2OpenJPEG",
}
"""First bytes of a file -> format that is read."""

STRICT = {"GDAL_ERROR_ON_LIBJPEG_WARNING": "TRUE", "GDAL_PNG_WHOLE_IMAGE_OPTIM": "NO"}
"""Without these a JPEG or PNG that is cut off is filled up, with no error."""

REMOTE = "/vsicurl/http"
PATIENCE_S = 30
"""Seconds that a server may take to let one in, and that it may be silent."""

REMOTE_OPTIONS = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_CONNECTTIMEOUT": str(PATIENCE_S),
    "GDAL_HTTP_LOW_SPEED_TIME": str(PATIENCE_S),
    "GDAL_HTTP_LOW_SPEED_LIMIT": "1",
}
"""One request for the file instead of many for what may lie beside it; no endless wait for a server that is silent."""

LOCAL_OPTIONS = {"CPL_VSIL_CURL_ALLOWED_FILENAME": "none"}
"""A file on this machine leads to none on a server."""

BESIDE = (".msk", ".ovr")
"""Masks and overviews of a file, in files beside it."""

ELSEWHERE = "OVERVIEWS"
"""Domain of tags by which a file names another one, or an address, that GDAL then takes for its overviews."""

START = 1024
"""Bytes from which a format is known."""


_UNKNOWN = "is neither GeoTIFF, JPEG 2000, PNG, JPEG, VRT nor a bare array; expected one of these formats, convert it"
_EMPTY = "is empty; expected an image, fetch or convert it again"


class MissingError(RasterError):
    """A file that is not there, or not any more."""


@contextmanager
def opened(path: str | Path) -> Iterator[Any]:
    """Yield a raster opened to be read; what goes wrong while it is open is told as an error of that file.

    It stays open behind the block, so that its next window costs less (see `stsun.raster.handles`).

    Args:
        path: A file. Only a text that starts with ``/vsicurl/http`` is fetched from a server, never a ``Path``.

    Raises:
        RasterError: The file is missing, damaged, of no format that is read, or its geotransform places no pixel.
    """
    remote = is_remote(path)
    key = str(path) if remote else str(Path(path).absolute())
    try:
        with rasterio.Env(**STRICT, **(REMOTE_OPTIONS if remote else LOCAL_OPTIONS)):
            _forget_errors()
            handle = HANDLES.take(key) or (_remote(key) if remote else _local(Path(path)))
            try:
                yield handle.source
            except BaseException:
                handle.source.close()  # what failed once is opened anew
                raise
            HANDLES.keep(key, handle)
    except RasterioError as problem:
        what = "the address cannot be reached, or its file" if remote else "the file"
        raise RasterError(
            f"{path}: cannot be read: {what} is damaged or incomplete ({innermost(problem)}); fetch or convert it again"
        ) from problem


def is_remote(path: str | Path) -> bool:
    """Return whether a path is that of a file on a server."""
    return isinstance(path, str) and path.startswith(REMOTE)


def innermost(problem: BaseException) -> str:
    """Return, in one line, what an error was caused by."""
    while problem.__cause__ is not None:
        problem = problem.__cause__
    return " ".join(str(problem).split())


def _forget_errors() -> None:
    """Make GDAL forget an earlier failure: rasterio would take it for one of the next raster that is still open."""
    CRS.from_wkt('LOCAL_CS["forget"]')


def _remote(address: str) -> Handle:
    return Handle(_open(address, address, *sorted(set(DRIVERS.values()))), (), ())


def _local(path: Path) -> Handle:
    start = _start(path)
    array = next((format for first, format in STARTS.items() if start.startswith(first)), None)
    if array is not None:
        own = (path.absolute(), path.absolute().parent)
        return Handle(ArraySource(path, array), own, state_of(own))
    if is_vrt(start):
        name, shown = checked_vrt(path, tuple(DRIVERS))
        driver = "VRT"
    else:
        # GDAL and rasterio take some names for more than a path, such as zip: and GTIFF_DIR:
        name, shown = str(path) if path.is_absolute() else f"./{path}", ()
        driver = next((driver for first, driver in DRIVERS.items() if start.startswith(first)), "")
        if not driver:
            raise RasterError(f"{path}: the file {_UNKNOWN if start else _EMPTY}")
    for raster in shown or (path,):
        _check_beside(raster)
    for raster in shown:
        _open(raster, str(raster), *sorted(set(DRIVERS.values()))).close()
    source = _open(path, name, driver)
    files = tuple(dict.fromkeys([path.absolute(), path.absolute().parent, *shown, *map(Path, source.files)]))
    return Handle(source, files, state_of(files))


def _check_beside(path: Path) -> None:
    """Refuse a mask or overview file that is itself no plain raster: it would be opened as whatever it is."""
    for file in (Path(f"{path}{suffix}") for suffix in BESIDE):
        if _is_file(file) and not _start(file).startswith(TIFF):
            raise RasterError(f"{file}: lies beside a raster, but is no TIFF; take it away")


def _open(path: str | Path, name: str, *drivers: str) -> Any:
    check_name(path)
    with warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning):  # RasterInfo.crs tells
        source = DatasetReader(name, driver=list(drivers))
    _check_placed(path, source)
    if source.tags(ns=ELSEWHERE):  # nothing has been read yet, so nothing has been followed
        source.close()
        raise RasterError(
            f"{path}: names another file as its overviews, expected a raster by itself; write it anew (for example "
            "with gdal_translate)"
        )
    return source


def _check_placed(path: str | Path, source: DatasetReader) -> None:
    transform = source.transform
    if not all(map(math.isfinite, (*transform[:6], transform.determinant))) or transform.determinant == 0:
        source.close()
        told = ", ".join(f"{value:g}" for value in transform.to_gdal())
        raise RasterError(
            f"{path}: its geotransform ({told}) is not finite or gives pixels no area, so nobody knows where they lie; "
            "tell its corners (for example with gdal_edit.py -a_ullr LEFT TOP RIGHT BOTTOM)"
        )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # its name is too long for one
        return False


def _start(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise RasterError(f"{path}: is a folder, expected a file; check the path")
        if not path.is_file():
            raise MissingError(f"{path}: there is no such file; check the path")
        with path.open("rb") as file:
            return file.read(START)
    except OSError as problem:
        raise RasterError(f"{path}: cannot be opened ({problem.strerror}); check who may read it") from problem
