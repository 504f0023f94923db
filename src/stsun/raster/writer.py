"""The only module that writes rasters: GeoTIFFs that appear whole or not at all."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile
from rasterio.windows import Window

from stsun.errors import RasterError
from stsun.raster.grid import Grid
from stsun.raster.whole import appearing, check_name, explained, whole_file

SUFFIXES = (".tif", ".tiff")
BLOCK = 512

WriteRows = Callable[[int, NDArray[Any]], None]


@dataclass(frozen=True)
class Layer:
    """One band of a raster to be written.

    Args:
        description: What the band shows, such as its period.
        categories: Name and colour (``#rrggbb``) of each value from 0 on; empty for a measured quantity.
        tags: More that the band should say of itself.
        scale: Stored value * scale = physical value.
    """

    description: str
    categories: tuple[tuple[str, str], ...] = ()
    tags: Mapping[str, str] | None = None
    scale: float = 1.0


def check_target(path: Path, *, overwrite: bool) -> None:
    """Refuse a path that cannot become a GeoTIFF, before any work is done.

    Raises:
        RasterError: The suffix is not a GeoTIFF's, the path is a folder, or a file is there and may not be replaced.
    """
    check_free(path, SUFFIXES, overwrite=overwrite)


def check_free(path: Path, suffixes: Sequence[str], *, overwrite: bool) -> None:
    """Refuse a path that does not end with one of the suffixes, or that is taken.

    Raises:
        RasterError: See `check_target`.
    """
    if path.suffix.lower() not in suffixes:
        raise RasterError(f"{path}: expected a name that ends with {' or '.join(suffixes)}")
    with explained(path):  # even to look fails where the name is too long
        folder, taken = path.is_dir(), path.exists()
    if folder:
        raise RasterError(f"{path} is a folder; give the name of a file")
    if taken and not overwrite:
        raise RasterError(f"{path} is already there; allow it to be replaced (--overwrite) or choose another name")


@contextmanager
def create(
    path: Path,
    grid: Grid,
    layers: Sequence[Layer],
    *,
    dtype: str,
    nodata: float | None,
    tags: Mapping[str, str] | None = None,
    overwrite: bool = False,
) -> Iterator[WriteRows]:
    """Yield a function that writes rows of a new GeoTIFF: first row, and an array ``bands h width``.

    The file is tiled and deflated. It gets its name only when the block ends without an error; until then, and after
    an error, whatever was there before is untouched. One band with categories gets a colour table, for a TIFF can
    hold no more than one; names and colours are in every band's tags as ``category_0``, ``color_0``, and so on.

    Raises:
        RasterError: The path cannot be written (see `check_target`).
    """
    check_target(path, overwrite=overwrite)
    with appearing(path) as unfinished:
        with explained(path):
            dataset = new_raster(unfinished, **_profile(grid, len(layers), dtype, nodata))
        with dataset:
            with explained(path):
                describe_layers(dataset, layers, tags or {})
            yield lambda row, array: _write_rows(dataset, path, row, array)
            with explained(path):
                dataset.close()


def encode_png(colors: NDArray[np.uint8]) -> bytes:
    """Return a picture ``H W 3`` (red, green, blue; 0..255) as the bytes of a PNG file."""
    height, width, _ = colors.shape
    shape = {"height": height, "width": width, "count": 3, "dtype": "uint8"}
    with MemoryFile() as memory:
        with (
            without_place(),
            memory.open(driver="PNG", zlevel=9, **shape) as dataset,
        ):
            dataset.write(np.moveaxis(colors, -1, 0))
        return bytes(memory.read())


def write_picture(path: Path, colors: NDArray[np.uint8]) -> Path:
    """Write a PNG picture ``H W 3`` (red, green, blue; 0..255), replacing what is there; return its path.

    Raises:
        RasterError: The path cannot be written.
    """
    with whole_file(path) as unfinished:
        unfinished.write_bytes(encode_png(colors))
    return path


def without_place() -> AbstractContextManager[object]:
    """Let rasters without a place be written: they lie as little anywhere as the images that they are made from."""
    return warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning)


def new_raster(path: Path, **profile: Any) -> Any:
    """Return a new raster opened to be written.

    Raises:
        RasterError: The path is no UTF-8.
    """
    check_name(path)
    with without_place():
        return rasterio.open(path, "w", **profile)


def _profile(grid: Grid, count: int, dtype: str, nodata: float | None) -> dict[str, Any]:
    return {
        "driver": "GTiff",
        "height": grid.height,
        "width": grid.width,
        "count": count,
        "dtype": dtype,
        "nodata": nodata,
        "crs": grid.crs,
        "transform": grid.transform,
        "tiled": True,
        "blockxsize": BLOCK,
        "blockysize": BLOCK,
        "compress": "deflate",
        "predictor": 3 if np.issubdtype(np.dtype(dtype), np.floating) else 1,
        "photometric": "MINISBLACK",
        "bigtiff": "IF_SAFER",
    }


def describe_layers(dataset: Any, layers: Sequence[Layer], tags: Mapping[str, str]) -> None:
    """Write what the bands of a raster are called and mean."""
    dataset.update_tags(**tags)
    if any(layer.scale != 1 for layer in layers):
        dataset.scales = [layer.scale for layer in layers]
    for band, layer in enumerate(layers, start=1):
        dataset.set_band_description(band, layer.description)
        labels = {f"category_{value}": name for value, (name, _) in enumerate(layer.categories)}
        colors = {f"color_{value}": color for value, (_, color) in enumerate(layer.categories)}
        dataset.update_tags(band, **labels, **colors, **(layer.tags or {}))
    if len(layers) == 1 and layers[0].categories:
        dataset.write_colormap(1, _colormap(layers[0]))
    else:
        dataset.colorinterp = [ColorInterp.gray, *[ColorInterp.undefined] * (len(layers) - 1)]


def _colormap(layer: Layer) -> dict[int, tuple[int, ...]]:
    colors = {value: (*bytes.fromhex(color.lstrip("#")), 255) for value, (_, color) in enumerate(layer.categories)}
    return colors | {255: (0, 0, 0, 0)}


def _write_rows(dataset: Any, path: Path, row: int, array: NDArray[Any]) -> None:
    with explained(path):
        dataset.write(array, window=Window(0, row, array.shape[2], array.shape[1]))
