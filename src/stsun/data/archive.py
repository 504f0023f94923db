"""Samples in ``.npz`` files: arrays checked, never unpickled."""

import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stsun.errors import ConfigurationError, DataError
from stsun.raster.arrays import LARGEST, check_header
from stsun.raster.metadata import check_year, parse_day

ARRAYS = ("images", "labels", "dates", "valid")
"""What is read of a file; the first two it must hold."""


@dataclass(frozen=True)
class Archive:
    """One sample as stored.

    Args:
        images: ``T C H W``, stored values.
        labels: ``T2 H W`` int64, stored values.
        days: ``T`` float64, days since 1970-01-01 UTC, NaN = unknown.
        valid: ``T H W`` bool.
    """

    images: NDArray[Any]
    labels: NDArray[np.int64]
    days: NDArray[np.float64]
    valid: NDArray[np.bool_]


def read_archive(path: Path) -> Archive:
    """Return the sample in an ``.npz`` file.

    Raises:
        DataError: The file is missing or damaged, lacks an array, or an array has another type or shape than it should.
    """
    arrays = _arrays(path)
    images = _array(path, arrays, "images", "iuf", "(dates, bands, height, width)", 4)
    labels = _array(path, arrays, "labels", "iub", "(maps, height, width)", 3)
    count, size = images.shape[0], images.shape[2:]
    if 0 in images.shape:
        raise DataError(f"{path}: images has the shape {images.shape}, expected at least one of everything")
    if labels.shape[1:] != size:
        raise DataError(f"{path}: labels has {labels.shape[1:]} pixels, images {size}; they must cover the same pixels")
    valid = np.ones((count, *size), bool)
    if "valid" in arrays:
        valid = _array(path, arrays, "valid", "iub", "(dates, height, width)", 3) != 0
        if valid.shape != (count, *size):
            raise DataError(f"{path}: valid has the shape {valid.shape}, expected {(count, *size)} as images")
    days = _days(path, arrays["dates"]) if "dates" in arrays else np.full(count, np.nan)
    if days.shape != (count,):
        raise DataError(f"{path}: dates has the shape {days.shape}, expected one date for each of {count} images")
    return Archive(images, labels.astype(np.int64), days, valid)


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    if not path.is_file():
        raise DataError(f"{path}: there is no such file; check the path")
    try:
        with path.open("rb") as start:
            if start.read(6) == b"\x93NUMPY":
                raise DataError(f"{path}: holds one bare array, expected an .npz with images and labels")
        with np.load(path, allow_pickle=False) as file:
            lacking = next((name for name in ARRAYS[:2] if name not in file.files), None)
            if lacking is not None:
                held = ", ".join(file.files) or "none"
                raise DataError(f"{path}: has no array {lacking!r}, only {held}; add it, as docs/datasets.md tells")
            names = [name for name in ARRAYS if name in file.files]
            _check_sizes(path, file.zip, names)
            return {name: file[name] for name in names}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, RuntimeError) as problem:
        reason = "it holds Python objects" if "Python objects" in str(problem) else "it is damaged or no .npz"
        raise DataError(
            f"{path}: cannot be read: {reason} ({problem}); save plain number arrays with numpy.savez"
        ) from problem


def _check_sizes(path: Path, packed: zipfile.ZipFile, names: Sequence[str]) -> None:
    """Refuse arrays that are not as long as they say, or larger than a sample can be, before they are unpacked."""
    members = [packed.getinfo(f"{name}.npy") for name in names]
    whole = sum(member.file_size for member in members)
    if whole > LARGEST:
        raise DataError(f"{path}: unpacked it has {whole} bytes, expected at most {LARGEST}; cut it into samples")
    for member in members:
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{member.filename} is packed in a way that NumPy does not use")
        with packed.open(member) as file:
            check_header(file, member.file_size)


def _array(
    path: Path, arrays: dict[str, NDArray[Any]], name: str, kinds: str, layout: str, dimensions: int
) -> NDArray[Any]:
    array = arrays[name]
    if array.dtype.kind not in kinds or array.ndim != dimensions:
        what = "real numbers" if "f" in kinds else "whole numbers"
        raise DataError(f"{path}: {name} is {array.dtype} of shape {array.shape}, expected {what} as {layout}")
    return array


def _days(path: Path, dates: NDArray[Any]) -> NDArray[np.float64]:
    try:
        if dates.dtype.kind == "M":
            for moment in dates[~np.isnat(dates)].ravel():
                check_year(1970 + int(moment.astype("datetime64[Y]").astype(np.int64)), str(moment))
            seconds = dates.astype("datetime64[s]")
            return np.where(np.isnat(seconds), np.nan, seconds.astype(np.int64) / 86_400.0)
        if dates.dtype.kind != "U":
            raise DataError(f"{path}: dates is {dates.dtype}, expected datetime64[D] or ISO days as text")
        days = [parse_day(text) if text else np.nan for text in dates.ravel().tolist()]
    except ConfigurationError as problem:
        raise DataError(f"{path}: in dates, {problem}") from problem
    if None in days:
        raise DataError(f"{path}: dates holds {dates.ravel()[days.index(None)]!r}, expected an ISO day like 2019-09-18")
    return np.array(days, np.float64).reshape(dates.shape)
