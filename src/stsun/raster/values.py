"""Stored pixels to physical values: nodata, scale and offset. Pure functions of arrays."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def physical(
    stored: NDArray[Any], valid: NDArray[np.bool_], scales: Sequence[float], offsets: Sequence[float]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return stored values ``C H W`` times scale plus offset, float32, and where they are valid, ``H W``.

    A pixel whose value is too large for float32 is not valid. Values are 0 where they are not valid.
    """
    values = stored.astype(working_type(stored.dtype))
    values[:, ~valid] = 0
    with np.errstate(over="ignore", invalid="ignore"):
        for band, factor, shift in zip(values, scales, offsets, strict=True):
            if factor != 1:
                band *= factor
            if shift != 0:
                band += shift
        result = values.astype(np.float32, copy=False)
    finite: NDArray[np.bool_] = valid & np.isfinite(result).all(axis=0)
    result[:, ~finite] = 0
    return result, finite


def working_type(stored: np.dtype[Any]) -> type[np.float32] | type[np.float64]:
    """Return the type to compute in: wider ones than 16 bit hold numbers that float32 would round before scaling."""
    wide = stored.kind in "iuf" and stored.itemsize > (4 if stored.kind == "f" else 2)
    return np.float64 if wide else np.float32


def is_nodata(stored: NDArray[Any], nodata: float | None) -> NDArray[np.bool_]:
    """Return where stored values equal ``nodata``, compared in their own data type; NaN and infinity always count."""
    if stored.dtype.kind == "b":
        stored = stored.view(np.uint8)
    missing: NDArray[np.bool_] = ~np.isfinite(stored)
    if nodata is None or np.isnan(nodata):
        return missing
    if stored.dtype.kind == "f":
        with np.errstate(over="ignore"):
            missing |= stored == stored.dtype.type(nodata)
    elif float(nodata).is_integer() and np.iinfo(stored.dtype).min <= nodata <= np.iinfo(stored.dtype).max:
        missing |= stored == int(nodata)
    return missing
