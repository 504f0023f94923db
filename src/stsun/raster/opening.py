"""Raster files opened: only formats that are known by their first bytes, and never quietly repaired."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from stsun.errors import RasterError

DRIVERS = {
    b"II*\0": "GTiff",
    b"MM\0*": "GTiff",
    b"II+\0": "GTiff",
    b"MM\0+": "GTiff",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
}
"""First bytes of a file -> format that is read. No virtual formats: they would open files that nobody named."""

STRICT = {"GDAL_ERROR_ON_LIBJPEG_WARNING": "TRUE", "GDAL_PNG_WHOLE_IMAGE_OPTIM": "NO"}
"""Without these a JPEG or PNG that is cut off is filled up, with no error."""


@contextmanager
def opened(path: str | Path) -> Iterator[Any]:
    """Yield a raster opened to be read; what goes wrong while it is open is told as an error of that file.

    Raises:
        RasterError: The file is missing, damaged or of no format that is read.
    """
    path = Path(path)
    driver = _driver(path)
    try:
        with rasterio.Env(**STRICT):
            with warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning):  # RasterInfo.crs tells
                source = rasterio.open(path, driver=driver)
            with source:
                yield source
    except RasterioError as problem:
        raise RasterError(
            f"{path}: cannot be read: the {driver} file is damaged or incomplete ({_innermost(problem)}); "
            "fetch or convert it again"
        ) from problem


def _driver(path: Path) -> str:
    if not path.is_file():
        found = "is a folder, expected a file" if path.is_dir() else "there is no such file"
        raise RasterError(f"{path}: {found}; check the path")
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as problem:
        raise RasterError(f"{path}: cannot be opened ({problem.strerror}); check who may read it") from problem
    driver = next((driver for first, driver in DRIVERS.items() if start.startswith(first)), None)
    if driver is None:
        found = "is empty" if not start else "is neither GeoTIFF, PNG nor JPEG"
        raise RasterError(f"{path}: the file {found}; expected one of these formats, convert it")
    return driver


def _innermost(problem: BaseException) -> str:
    while problem.__cause__ is not None:
        problem = problem.__cause__
    return " ".join(str(problem).split())
