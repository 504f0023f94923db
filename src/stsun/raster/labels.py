"""Label files: class numbers, and what public data sets store in their place: colours, a band a class, polygons."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.features import rasterize

from stsun.errors import RasterError
from stsun.legend import COLORED
from stsun.raster.opening import opened
from stsun.raster.pixels import Pixels, PixelWindow, chosen, has_palette

POLYGONS = (".geojson", ".json")
"""Endings of files that hold polygons."""

NONE_SET = 255
"""The value of a pixel where no band of a raster with one band a class is set."""


def read_colors(path: Path, window: PixelWindow | None = None) -> NDArray[np.int64]:
    """Return the stored colours ``H W`` as label values (see `stsun.legend.COLORED`).

    Raises:
        RasterError: The file cannot be read, or has neither a colour table nor three bands of 8 bit.
    """
    with opened(path) as source:
        indexes = chosen(path, source, None)
        stored = Pixels(path, source, indexes, classes=True).on(None, window, "nearest", None)[0]
        if has_palette(source):
            table = source.colormap(1)
            colors = np.array([table.get(value, (0, 0, 0))[:3] for value in range(int(stored.max()) + 1)], np.int64)
            stored = np.moveaxis(colors[stored[0]], -1, 0)
        elif len(indexes) != 3 or stored.dtype != np.uint8:
            raise RasterError(
                f"{path}: has {len(indexes)} bands of {stored.dtype}, expected red, green and blue of 8 bit (or a "
                "colour table), as the classes are given by colour; give them by number if the file holds numbers"
            )
    red, green, blue = stored.astype(np.int64)
    return COLORED + (red << 16) + (green << 8) + blue


def read_one_hot(path: Path, window: PixelWindow | None = None) -> NDArray[np.int64]:
    """Return for each pixel ``H W`` which band holds the largest value, from 0; 255 where all are 0.

    Raises:
        RasterError: The file cannot be read.
    """
    with opened(path) as source:
        indexes = chosen(path, source, list(source.indexes))
        stored = Pixels(path, source, indexes, classes=True).on(None, window, "nearest", None)[0]
    values: NDArray[np.int64] = np.where(stored.any(axis=0), stored.argmax(axis=0), NONE_SET).astype(np.int64)
    return values


def read_polygons(path: Path, height: int, width: int) -> NDArray[np.int64]:
    """Return 1 inside the polygons of a GeoJSON file whose coordinates are pixels (column, row), else 0, ``H W``.

    A pixel is inside where its centre is.

    Raises:
        RasterError: The file is missing or no GeoJSON.
    """
    try:
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        shapes = [feature["geometry"] for feature in features if feature["geometry"] is not None]
        if not shapes:
            return np.zeros((height, width), np.int64)
        return rasterize(shapes, out_shape=(height, width), dtype=np.uint8).astype(np.int64)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise RasterError(f"{path}: is missing or no GeoJSON of polygons ({problem}); fetch it again") from problem
