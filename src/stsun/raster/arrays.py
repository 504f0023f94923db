"""Bare arrays as rasters: NumPy's ``.npy`` and MATLAB's ``.mat``, which many public data sets are stored as."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.transform import Affine
from rasterio.windows import Window

from stsun.errors import RasterError
from stsun.extras import extra_package

STARTS = {b"\x93NUMPY": "NumPy", b"MATLAB 5.0": "MATLAB", b"MATLAB 7.3": "MATLAB 7.3"}
"""First bytes of a file -> format."""

KINDS = "iufb"
"""Kinds of data types that hold real numbers."""


class ArraySource:
    """A bare array that is read as an opened raster is: what `stsun.raster` asks of a rasterio dataset, and no more.

    An ``.npy`` holds ``H W`` or ``... H W``: all leading axes are bands, so that of a series ``T C H W`` the bands of
    the first date come first; it is mapped, not loaded. A ``.mat`` holds one array of numbers, ``H W`` or ``H W C``.

    Args:
        path: The file.
        driver: The format, one of the values of ``STARTS``.

    Raises:
        RasterError: The file is damaged, or holds something else than one array of real numbers.
        ConfigurationError: The package that reads it is not installed.
    """

    crs = None
    transform = Affine.identity()
    gcps: tuple[Sequence[Any], None] = ((), None)
    rpcs = None

    def __init__(self, path: Path, driver: str) -> None:
        array = {"NumPy": _from_npy, "MATLAB": _from_mat, "MATLAB 7.3": _from_newer_mat}[driver](path)
        if array.dtype.kind not in KINDS or array.ndim < 2 or 0 in array.shape:
            raise RasterError(f"{path}: holds {array.dtype} of shape {array.shape}, expected real numbers of an image")
        self._array = array.reshape(-1, *array.shape[-2:])
        self.driver, self.files = driver, [str(path)]
        self.count, self.height, self.width = self._array.shape
        self.indexes = tuple(range(1, self.count + 1))
        self.dtypes = (array.dtype.name,) * self.count
        self.nodatavals = self.descriptions = (None,) * self.count
        self.scales, self.offsets = (1.0,) * self.count, (0.0,) * self.count
        self.colorinterp = (ColorInterp.undefined,) * self.count
        self.mask_flag_enums: tuple[Sequence[Any], ...] = ((),) * self.count
        self.block_shapes = ((self.height, self.width),) * self.count

    def read(self, indexes: int | Sequence[int], window: Window) -> NDArray[Any]:
        """Return stored values: of one band ``h w``, of several ``C h w``."""
        rows, columns = window.toslices()
        if isinstance(indexes, int):
            return np.array(self._array[indexes - 1, rows, columns])
        return self._array[np.asarray(indexes) - 1, rows, columns]

    def tags(self, index: int = 0, ns: str | None = None) -> dict[str, str]:
        """Return nothing: a bare array says nothing of itself."""
        return {}

    def close(self) -> None:
        """Let go of the array."""
        del self._array


def _from_npy(path: Path) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as problem:
        reason = "it holds Python objects" if "allow_pickle" in str(problem) else "it is damaged"
        raise RasterError(f"{path}: cannot be read: {reason} ({problem}); save one plain number array") from problem
    return array


def _from_mat(path: Path) -> NDArray[Any]:
    try:
        content = extra_package("scipy.io", "mat", "MATLAB files").loadmat(path)
    except (ValueError, TypeError, OSError, NotImplementedError) as problem:
        raise RasterError(f"{path}: is damaged ({problem}); fetch it again") from problem
    return _image(path, {name: array for name, array in content.items() if isinstance(array, np.ndarray)})


def _from_newer_mat(path: Path) -> NDArray[Any]:
    h5py = extra_package("h5py", "mat", "MATLAB files of version 7.3")
    try:
        with h5py.File(path) as file:  # arrays are stored with their axes in reverse
            return _image(path, {name: item[()].T for name, item in file.items() if isinstance(item, h5py.Dataset)})
    except OSError as problem:
        raise RasterError(f"{path}: is damaged ({problem}); fetch it again") from problem


def _image(path: Path, arrays: dict[str, NDArray[Any]]) -> NDArray[Any]:
    """Return the one array of a MATLAB file that can be an image, its bands first."""
    images = [
        array for array in arrays.values() if array.dtype.kind in KINDS and array.ndim in (2, 3) and array.size > 1
    ]
    if len(images) != 1:
        held = ", ".join(f"{name} {array.shape}" for name, array in arrays.items()) or "none"
        raise RasterError(f"{path}: expected one array of numbers, height x width (x bands), it holds {held}")
    return images[0] if images[0].ndim == 2 else np.moveaxis(images[0], -1, 0)
