"""Label files: class numbers, and what public data sets store in their place: colours, a band a class, polygons."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.features import rasterize

from stsun.errors import RasterError
from stsun.legend import COLORED
from stsun.raster.opening import opened
from stsun.raster.pixels import Pixels, PixelWindow, chosen, has_palette

POLYGONS = (".geojson", ".json")
"""Endings of files that hold polygons."""

LARGEST_POLYGONS = 100_000_000
"""Bytes of the polygons of one sample."""

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


def read_one_hot(path: Path, classes: int, window: PixelWindow | None = None) -> NDArray[np.int64]:
    """Return for each pixel ``H W`` which band holds the largest value, from 0; 255 where all are 0.

    Args:
        path: The label.
        classes: How many bands it has at the least.
        window: The part to read; None = all.

    Raises:
        RasterError: The file cannot be read, or has fewer bands.
    """
    with opened(path) as source:
        if source.count < classes:
            raise RasterError(
                f"{path}: has {source.count} bands, expected {classes} or more, as one_hot gives each class a band of "
                "its own; leave one_hot out if the file holds class numbers"
            )
        indexes = chosen(path, source, list(source.indexes))
        stored = Pixels(path, source, indexes, classes=True).on(None, window, "nearest", None)[0]
    values: NDArray[np.int64] = np.where(stored.any(axis=0), stored.argmax(axis=0), NONE_SET).astype(np.int64)
    return values


def read_polygons(path: Path, height: int, width: int) -> NDArray[np.int64]:
    """Return 1 inside the polygons of a GeoJSON file whose coordinates are pixels (column, row), else 0, ``H W``.

    A pixel is inside where its centre is.

    Raises:
        RasterError: The file is missing or no GeoJSON of polygons, or these cannot be in pixels of the image.
    """
    try:
        if path.stat().st_size > LARGEST_POLYGONS:
            raise ValueError(f"more than {LARGEST_POLYGONS} bytes")
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        polygons = [rings for feature in features for rings in _polygons(feature["geometry"])]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise RasterError(f"{path}: is missing or no GeoJSON of polygons ({problem}); fetch it again") from problem
    if not polygons:
        return np.zeros((height, width), np.int64)
    _check_pixels(path, [rings[0] for rings in polygons], height, width)
    shapes = [{"type": "Polygon", "coordinates": [ring.tolist() for ring in rings]} for rings in polygons]
    return rasterize(shapes, out_shape=(height, width), dtype=np.uint8).astype(np.int64)


def _polygons(geometry: Any) -> Iterator[list[NDArray[np.float64]]]:
    """Yield the rings ``N 2`` of each polygon of a geometry, the outer one first; nothing where it is empty."""
    if geometry is None:
        return
    kind, found = geometry["type"], geometry["coordinates"]
    if kind not in ("Polygon", "MultiPolygon"):
        raise ValueError(f"a feature is a {kind}, expected Polygon or MultiPolygon")
    for polygon in [found] if kind == "Polygon" else found:
        rings = [np.array([position[:2] for position in ring], np.float64) for ring in polygon]
        if any(len(ring) < 4 or ring.shape[1:] != (2,) or not np.isfinite(ring).all() for ring in rings):
            raise ValueError("a ring is no list of four or more positions of finite numbers")
        if rings:
            yield rings


def _check_pixels(path: Path, outlines: Sequence[NDArray[np.float64]], height: int, width: int) -> None:
    """Refuse polygons that lie outside the image, or are too small to be in pixels, as degrees are."""
    points = np.concatenate(outlines)
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    area = sum(abs(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1])) / 2 for x, y in (ring.T for ring in outlines))
    if right <= 0 or bottom <= 0 or left >= width or top >= height or not area >= 1:
        raise RasterError(
            f"{path}: its polygons span columns {left:g} to {right:g} and rows {top:g} to {bottom:g}, {area:.3g} "
            f"pixels in all, of an image of {height} x {width}; coordinates are pixels of the image (column, row), so "
            "convert them, or take the file that holds them (of SpaceNet 7: labels_match_pix)"
        )
