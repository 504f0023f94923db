"""Bare arrays as rasters: NumPy's ``.npy`` and MATLAB's ``.mat``, which many public data sets are stored as."""

import math
import tokenize
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

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

MATLAB_BYTES = {
    "double": 8, "single": 4, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4, "int64": 8,
    "uint64": 8, "logical": 1,
}  # fmt: skip
"""MATLAB's classes of numbers, and the bytes of each."""

LARGEST = 2**32
"""Bytes of an array that is read whole, as those of MATLAB are."""


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
        with path.open("rb") as file:
            check_header(file, path.stat().st_size)
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, TypeError, OSError, EOFError) as problem:
        reason = "it holds Python objects" if "Python objects" in str(problem) else "it is damaged"
        raise RasterError(f"{path}: cannot be read: {reason} ({problem}); save one plain number array") from problem
    return array


def check_header(file: IO[bytes], size: int) -> None:
    """Refuse a ``.npy`` file that is not as long as its header says, before anything is allocated for it.

    Args:
        file: The file, at its start.
        size: Its bytes.

    Raises:
        ValueError: It is longer or shorter, no ``.npy`` file, or holds Python objects.
    """
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"version {version} of the format, expected 1.0 or 2.0")
    try:
        shape, _, dtype = _HEADERS[version](file)
    except (SyntaxError, tokenize.TokenError, RecursionError, MemoryError) as problem:  # it is read as Python is
        raise ValueError(f"its header is none, {type(problem).__name__}") from problem
    if dtype.hasobject:
        raise ValueError("Python objects are never read")
    expected = file.tell() + math.prod(shape) * dtype.itemsize
    if expected != size or min(shape, default=0) < 0:
        raise ValueError(f"{size} bytes, {expected} expected for {dtype} of shape {shape}")


_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


_DAMAGED = (ValueError, TypeError, LookupError, OSError, NotImplementedError, OverflowError, zlib.error)


def _from_mat(path: Path) -> NDArray[Any]:
    matlab = extra_package("scipy.io", "mat", "MATLAB files")
    try:
        # what there is, without reading it: cells and structures of a stranger are left alone
        held = {name: (tuple(shape), MATLAB_BYTES.get(kind, 0)) for name, shape, kind in matlab.whosmat(path)}
        name = _image(path, held)
        array = matlab.loadmat(path, variable_names=[name])[name]
    except (*_DAMAGED, matlab.matlab.MatReadError) as problem:
        raise RasterError(f"{path}: is damaged ({problem}); fetch it again") from problem
    return _bands_first(array)


def _from_newer_mat(path: Path) -> NDArray[Any]:
    h5py = extra_package("h5py", "mat", "MATLAB files of version 7.3")
    try:
        with h5py.File(path) as file:
            own = [name for name in file if isinstance(file.get(name, getlink=True), h5py.HardLink)]
            arrays = {name: file[name] for name in own if isinstance(file[name], h5py.Dataset)}
            # data in other files is left alone
            arrays = {name: one for name, one in arrays.items() if not one.external and not one.is_virtual}
            held = {
                name: (one.shape[::-1], one.dtype.itemsize if one.dtype.kind in KINDS else 0)
                for name, one in arrays.items()
                if one.shape is not None
            }
            return _bands_first(arrays[_image(path, held)][()].T)  # arrays are stored with their axes in reverse
    except (OSError, KeyError, RuntimeError, TypeError, ValueError) as problem:
        raise RasterError(f"{path}: is damaged ({problem}); fetch it again") from problem


def _image(path: Path, held: Mapping[str, tuple[tuple[int, ...], int]]) -> str:
    """Return the name of the one array of a MATLAB file that can be an image.

    Args:
        path: The file, for messages.
        held: Shape of each array, and bytes of a number in it, 0 where it holds something else.
    """
    images = [name for name, (shape, size) in held.items() if size and len(shape) in (2, 3) and math.prod(shape) > 1]
    if len(images) != 1:
        told = ", ".join(f"{name} {shape}" for name, (shape, _) in held.items()) or "none"
        raise RasterError(f"{path}: expected one array of numbers, height x width (x bands), it holds {told}")
    shape, size = held[images[0]]
    if math.prod(shape) * size > LARGEST:
        raise RasterError(f"{path}: {images[0]} has {shape} numbers, more than {LARGEST} bytes; convert it to GeoTIFF")
    return images[0]


def _bands_first(array: NDArray[Any]) -> NDArray[Any]:
    return array if array.ndim == 2 else np.moveaxis(array, -1, 0)
