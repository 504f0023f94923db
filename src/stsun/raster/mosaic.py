"""Rasters that are made piece by piece: small files that appear whole or not at all, and one cloud-optimised GeoTIFF.

The pieces are joined by a virtual raster, which GDAL's COG driver reads block by block: memory does not grow with the
size.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from rasterio.enums import Resampling

from stsun.raster.grid import Grid
from stsun.raster.whole import explained, whole_file
from stsun.raster.writer import BLOCK, Layer, describe_layers, new_raster, without_place

GDAL_TYPES = {"uint8": "Byte", "uint16": "UInt16", "float16": "Float32", "float32": "Float32"}
"""Half precision is 32 bit to GDAL, and stored as 16."""

_THREADS = str(min(4, os.cpu_count() or 1))


class Piece(NamedTuple):
    """A file that holds a rectangle of a raster, and where that lies."""

    path: Path
    row: int
    column: int
    height: int
    width: int


def write_piece(path: Path, pixels: NDArray[Any]) -> None:
    """Write pixels ``bands h w`` to a small file that appears whole or not at all.

    Raises:
        RasterError: The path cannot be written.
    """
    count, height, width = pixels.shape
    shape = {"count": count, "height": height, "width": width, "dtype": pixels.dtype.name}
    tiled = {"tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK} if min(height, width) >= BLOCK else {}
    with (
        whole_file(path) as unfinished,
        new_raster(unfinished, driver="GTiff", compress="deflate", zlevel=1, **shape, **tiled) as dataset,
    ):
        dataset.write(pixels)


@contextmanager
def joined(
    folder: Path, pieces: Sequence[Piece], grid: Grid, layers: Sequence[Layer], *, dtype: str, nodata: float
) -> Iterator[Path]:
    """Yield a virtual raster in ``folder`` that shows the pieces as one, with what its bands are called and mean.

    Raises:
        RasterError: The folder cannot be written.
    """
    path = folder / "joined.vrt"
    with explained(path):
        path.write_text(_virtual(pieces, grid, len(layers), dtype, nodata), encoding="utf-8")
        with without_place(), rasterio.open(path, "r+") as dataset:
            if grid.crs is not None:
                dataset.crs = grid.crs
            if not grid.transform.is_identity:
                dataset.transform = grid.transform
            describe_layers(dataset, layers, {})
    yield path


def write_cog(source: Path, path: Path, *, dtype: str, overviews: str) -> None:
    """Write a raster as a cloud-optimised GeoTIFF: tiled, deflated, with overviews.

    Args:
        source: The raster.
        path: What to write; a file that is there is replaced.
        dtype: How pixels are stored; ``float16`` for half precision.
        overviews: How an overview's pixel is made of four: ``mode``, ``average``, ``nearest``.

    Raises:
        RasterError: The file cannot be written whole.
    """
    options = {"compress": "deflate", "bigtiff": "if_safer", "num_threads": _THREADS}
    with explained(path), without_place():
        if dtype == "float16":
            _write_half(source, path, overviews, options)
        else:
            predictor = "yes" if dtype in ("float32", "uint16") else "no"
            options |= {"predictor": predictor, "blocksize": str(BLOCK), "overview_resampling": overviews}
            rasterio.shutil.copy(source, path, driver="COG", **options)
        _check_whole(path)


def _write_half(source: Path, path: Path, overviews: str, options: Mapping[str, str]) -> None:
    """Write half precision, band after band.

    GDAL's COG driver (3.10) interleaves the bands, and half precision that is interleaved gets what was in memory
    where a block reaches over the edge. So the overviews are made first, and the file is copied in the same layout.
    """
    seen = path.with_name(f"{path.name}.tmp")
    made = seen.with_name(f"{seen.name}.ovr")
    environment = {
        "COMPRESS_OVERVIEW": "DEFLATE",
        "BIGTIFF_OVERVIEW": "IF_SAFER",
        "GDAL_TIFF_OVR_BLOCKSIZE": str(BLOCK),
    }
    tiles = {"tiled": "yes", "blockxsize": str(BLOCK), "blockysize": str(BLOCK), "interleave": "band", "nbits": "16"}
    try:
        made.unlink(missing_ok=True)
        rasterio.shutil.copy(source, seen, driver="VRT")
        with (
            rasterio.Env(GDAL_NUM_THREADS=_THREADS, **environment),
            rasterio.open(seen, "r+", driver="VRT") as dataset,
        ):
            if factors := _factors(dataset.height, dataset.width):
                dataset.build_overviews(factors, Resampling[overviews])
        rasterio.shutil.copy(seen, path, driver="GTiff", copy_src_overviews="yes", **tiles, **options)
    finally:
        for left in (seen, made):
            with suppress(OSError):
                left.unlink(missing_ok=True)


def _factors(height: int, width: int) -> list[int]:
    """Return the factors of a raster's overviews, the last of which is one block."""
    factors: list[int] = []
    while max(height, width) // (factors or [1])[-1] > BLOCK:
        factors.append(2 ** (len(factors) + 1))
    return factors


def _check_whole(path: Path) -> None:
    """A full disk can end a file early without an error: its last block is read."""
    with rasterio.open(path) as dataset:
        dataset.read(dataset.count, window=((dataset.height - 1, dataset.height), (dataset.width - 1, dataset.width)))


def _virtual(pieces: Sequence[Piece], grid: Grid, bands: int, dtype: str, nodata: float) -> str:
    root = ElementTree.Element("VRTDataset", rasterXSize=str(grid.width), rasterYSize=str(grid.height))
    for band in range(1, bands + 1):
        element = ElementTree.SubElement(root, "VRTRasterBand", dataType=GDAL_TYPES[dtype], band=str(band))
        ElementTree.SubElement(element, "NoDataValue").text = repr(nodata)
        for piece in pieces:
            _add_source(element, piece, band)
    return ElementTree.tostring(root, encoding="unicode")


def _add_source(element: ElementTree.Element, piece: Piece, band: int) -> None:
    source = ElementTree.SubElement(element, "SimpleSource")
    ElementTree.SubElement(source, "SourceFilename", relativeToVRT="1").text = piece.path.name
    ElementTree.SubElement(source, "SourceBand").text = str(band)
    for name, column, row in (("SrcRect", 0, 0), ("DstRect", piece.column, piece.row)):
        place = {"xOff": column, "yOff": row, "xSize": piece.width, "ySize": piece.height}
        ElementTree.SubElement(source, name, {key: str(value) for key, value in place.items()})
