"""Tiles of the map: the pixels of a layer there, in colours, as a picture."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.transform import array_bounds
from rasterio.windows import Window

from stsun.raster.grid import Grid
from stsun.raster.opening import opened
from stsun.raster.values import is_nodata, physical
from stsun.scene.sources import Pixels, SceneDate, SceneFile, Source
from stsun.view.frames import TILE, mercator, on_map, reaches
from stsun.view.tiler import part, render

FAST = 1
"""Small files matter less than quick ones where both ends are one machine."""

Method: TypeAlias = Literal["bilinear", "nearest"]
Stored: TypeAlias = tuple[NDArray[Any], NDArray[np.bool_]]
"""Stored values ``C 256 256``, and where they are valid."""


def read_tile(image: SceneDate, bands: Sequence[int], tile: Grid, *, smooth: bool) -> Pixels | None:
    """Return physical values ``C 256 256`` of some bands of an image in a tile, and where they are valid.

    Clouds are shown. Of a file with overviews only what the tile's scale needs is read.

    Args:
        image: The image.
        bands: The places of its bands.
        tile: From `stsun.view.frames.tile_grid`.
        smooth: Where pixels are smaller than the tile's, take their mean; else one of them, as for class numbers.

    Returns:
        None where the image shows nothing of the tile.

    Raises:
        RasterError: A file cannot be read.
    """
    seen: Pixels | None = None
    for layer in (image, *image.beneath):
        if any(reaches(tile, file.grid) for file in layer.files):
            more = _read_layer(layer, bands, tile, smooth=smooth)
            seen = more if seen is None else _above(seen, more)
            if seen[1].all():
                break
    return seen if seen is not None and seen[1].any() else None


def _above(upper: Pixels, lower: Pixels) -> Pixels:
    return np.where(upper[1], upper[0], lower[0]), upper[1] | lower[1]


def encode(colors: NDArray[np.uint8], seen: NDArray[np.bool_]) -> bytes:
    """Return a picture ``3 H W`` as the bytes of a PNG file, transparent where it is not seen."""
    opacity = None if seen.all() else (seen * 255).astype(np.uint8)
    picture: bytes = render(colors, opacity, "PNG", zlevel=FAST)
    return picture


@cache
def nothing() -> bytes:
    """Return a picture of one pixel that is not seen."""
    return encode(np.zeros((3, 1, 1), np.uint8), np.zeros((1, 1), bool))


def _read_layer(image: SceneDate, bands: Sequence[int], tile: Grid, *, smooth: bool) -> Pixels:
    values = np.zeros((len(bands), TILE, TILE), np.float32)
    valid = np.ones((TILE, TILE), bool)
    first = 0
    for file in image.files:
        count = bands_in(file)
        wanted = [(place, band - first) for place, band in enumerate(bands) if first <= band < first + count]
        if wanted:
            places, own = map(list, zip(*wanted, strict=True))
            values[places], there = _read_file(file, own, tile, smooth=smooth)
            valid &= there
        first += count
    return values, valid


def bands_in(source: Source) -> int:
    """Return how many bands a source of an opened image gives."""
    assert isinstance(source, SceneFile)  # the viewer opens files only
    return len(source.indexes)


def _read_file(file: Source, bands: Sequence[int], tile: Grid, *, smooth: bool) -> Pixels:
    assert isinstance(file, SceneFile)
    placed = on_map(file.grid)
    method: Method = "bilinear" if smooth else "nearest"
    with opened(file.path) as source:
        read = _warped if placed is file.grid else _cut_out
        stored, valid = read(source, file, bands, placed, tile, method)
    for band in stored:
        valid &= ~is_nodata(band, None)
    return physical(stored, valid, [file.scales[band] for band in bands], [file.offsets[band] for band in bands])


def _warped(source: Any, file: SceneFile, bands: Sequence[int], _: Grid, tile: Grid, method: Method) -> Stored:
    """Return what GDAL's warper gives, pixel by pixel; what is larger than the tile's is made smaller by ``method``."""
    told = None if file.nodata is None else file.nodata[bands[0]]
    image = part(
        source, array_bounds(TILE, TILE, tile.transform), TILE, TILE, dst_crs=mercator(),
        indexes=[file.indexes[band] for band in bands],
        nodata=source.nodatavals[file.indexes[bands[0]] - 1] if told is None else told,
        resampling_method=method,
    )  # fmt: skip
    return image.array.data, _seen(image.array)


def _cut_out(source: Any, file: SceneFile, bands: Sequence[int], placed: Grid, tile: Grid, method: Method) -> Stored:
    """Return what a window holds: a raster without a place on the earth lies straight on the map."""
    scale = tile.transform.a / placed.transform.a  # pixels along one side of a tile's
    left = (tile.transform.c - placed.transform.c) / placed.transform.a
    top = (tile.transform.f - placed.transform.f) / placed.transform.e
    first = np.clip([left, top], 0, [placed.width, placed.height])
    last = np.clip([left + TILE * scale, top + TILE * scale], 0, [placed.width, placed.height])
    start = np.rint((first - [left, top]) / scale).astype(int)
    width, height = np.maximum(np.rint((last - first) / scale).astype(int), 1)
    image = source.read(
        [file.indexes[band] for band in bands], window=Window(*first, *(last - first)), masked=True,
        out_shape=(len(bands), height, width), resampling=Resampling[method if scale > 1 else "nearest"],
    )  # fmt: skip
    stored = np.zeros((len(bands), TILE, TILE), image.dtype)
    valid = np.zeros((TILE, TILE), bool)
    where = slice(start[1], start[1] + height), slice(start[0], start[0] + width)
    shape = valid[where].shape  # rounding may leave the tile by one
    stored[:, *where] = image.data[:, : shape[0], : shape[1]]
    valid[where] = _seen(image)[: shape[0], : shape[1]]
    return stored, valid


def _seen(image: Any) -> NDArray[np.bool_]:
    """Return where no band of a masked array is masked."""
    return np.asarray(~np.ma.getmaskarray(image).any(axis=0))
