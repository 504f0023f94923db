"""Tiles of the map: the pixels of a layer there, in colours, as a picture."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from rasterio.io import MemoryFile

from stsun.raster.grid import Grid
from stsun.raster.opening import opened
from stsun.raster.values import is_nodata, physical
from stsun.raster.writer import without_place
from stsun.scene.sources import Pixels, SceneDate, SceneFile, Source
from stsun.view.frames import TILE, on_map, reaches
from stsun.view.sampling import sampled

FAST = 1
"""Small files matter less than quick ones where both ends are one machine."""


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
    bands = colors if seen.all() else np.concatenate([colors, (seen * 255).astype(np.uint8)[None]])
    count, height, width = bands.shape
    shape = {"count": count, "height": height, "width": width, "dtype": "uint8"}
    with without_place(), MemoryFile() as memory:
        with memory.open(driver="PNG", zlevel=FAST, **shape) as picture:
            picture.write(bands)
        return bytes(memory.read())


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
    with opened(file.path) as source:
        indexes = [file.indexes[band] for band in bands]
        stored, valid = sampled(source, indexes, on_map(file.grid), tile, smooth=smooth)
    for band, values in zip(bands, stored, strict=True):
        valid &= ~is_nodata(values, None if file.nodata is None else file.nodata[band])
    return physical(stored, valid, [file.scales[band] for band in bands], [file.offsets[band] for band in bands])
