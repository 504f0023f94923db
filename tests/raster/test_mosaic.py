import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS
from rasterio.transform import from_origin

from stsun.errors import RasterError
from stsun.raster.grid import Grid
from stsun.raster.mosaic import GDAL_TYPES, Piece, joined, write_cog, write_piece
from stsun.raster.writer import Layer

DTYPES = ["uint8", "uint16", "float16", "float32"]
HEIGHT, WIDTH, BANDS, BLOCK = 600, 700, 3, 512
GRID = Grid(CRS.from_epsg(32633), from_origin(500_000, 5_000_000, 10, 10), HEIGHT, WIDTH)

WRITE = """
import sys
from pathlib import Path
from stsun.raster.mosaic import write_cog
write_cog(Path(sys.argv[1]), Path(sys.argv[2]), dtype=sys.argv[3], overviews=sys.argv[4])
"""


def nodata(dtype):
    return float("nan") if dtype.startswith("float") else float(np.iinfo(dtype).max)


def values(dtype):
    pixels = (np.random.default_rng(0).random((BANDS, HEIGHT, WIDTH)) * 200 + 1).astype(dtype)
    pixels[:, 100:130, 200:260] = nodata(dtype)
    return pixels.astype("float32") if dtype == "float16" else pixels


@pytest.fixture
def source(tmp_path, request):
    """A raster of two pieces, joined."""
    dtype, pixels = request.param, values(request.param)
    folder = tmp_path / "pieces"
    folder.mkdir()
    pieces = [Piece(folder / "a.tif", 0, 0, HEIGHT, 300), Piece(folder / "b.tif", 0, 300, HEIGHT, 400)]
    for piece in pieces:
        write_piece(piece.path, pixels[:, :, piece.column : piece.column + piece.width])
    layers = [Layer(f"band {number}", tags={"number": str(number)}) for number in range(BANDS)]
    with joined(folder, pieces, GRID, layers, dtype=dtype, nodata=nodata(dtype)) as path:
        yield path, dtype


def blocks(path, overview):
    """Return the blocks of a file as they are stored, and how many bands each holds."""
    content = path.read_bytes()
    with rasterio.open(path) as file:
        bands = 1 if file.interleaving.value == "BAND" else BANDS
        names = {}
        for band in range(1, BANDS // bands + 1):
            for place in ((0, 0), (1, 0), (0, 1), (1, 1)):
                start, size = (
                    file.get_tag_item(f"BLOCK_{what}_{place[0]}_{place[1]}", dm="TIFF", bidx=band, ovr=overview)
                    for what in ("OFFSET", "SIZE")
                )
                if start is not None:
                    names[band, *place] = zlib.decompress(content[int(start) : int(start) + int(size)])
        predictor = int(file.tags(ns="IMAGE_STRUCTURE").get("PREDICTOR", 1))
    return names, bands, predictor


def decoded(block, dtype, bands, predictor):
    """Return ``BLOCK BLOCK bands``, by the TIFF specification and its technical note 3."""
    kind = np.dtype(dtype)
    if predictor == 3:
        added = np.frombuffer(block, np.uint8).reshape(BLOCK, -1, bands).cumsum(axis=1, dtype=np.uint8)
        planes = added.reshape(BLOCK, kind.itemsize, BLOCK * bands).transpose(0, 2, 1)  # the highest byte first
        return np.ascontiguousarray(planes).view(kind.newbyteorder(">")).reshape(BLOCK, BLOCK, bands)
    pixels = np.frombuffer(block, kind.newbyteorder("<")).reshape(BLOCK, BLOCK, bands)
    return pixels.cumsum(axis=1, dtype=kind) if predictor == 2 else pixels


@pytest.mark.parametrize("source", DTYPES, indirect=True)
def test_what_was_in_memory_does_not_come_into_the_file(tmp_path, source):
    path, dtype = source
    made = []
    for dirt in ("17", "200"):  # glibc fills memory with it
        made.append(tmp_path / f"{dirt}.tif")
        command = [sys.executable, "-c", WRITE, str(path), str(made[-1]), dtype, "average"]
        subprocess.run(command, check=True, env={**os.environ, "MALLOC_PERTURB_": dirt})
    assert made[0].read_bytes() == made[1].read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["17.tif", "200.tif", "pieces"]

    for overview, height, width in ((None, HEIGHT, WIDTH), (0, HEIGHT // 2, WIDTH // 2)):
        stored, bands, predictor = blocks(made[0], overview)
        assert len(stored) == (4 if overview is None else 1) * BANDS // bands
        for (band, column, row), block in stored.items():
            pixels = decoded(block, dtype, bands, predictor)
            inside = pixels[: height - row * BLOCK, : width - column * BLOCK]
            if overview is None:
                rows, columns = slice(row * BLOCK, (row + 1) * BLOCK), slice(column * BLOCK, (column + 1) * BLOCK)
                expected = values(dtype)[band - 1 : band - 1 + bands, rows, columns]
                np.testing.assert_array_equal(inside.transpose(2, 0, 1), expected)
            padding = np.ones((BLOCK, BLOCK), bool)
            padding[: inside.shape[0], : inside.shape[1]] = False
            filled = pixels[padding].astype(float)
            assert ((filled == 0) | (filled == nodata(dtype)) | np.isnan(filled)).all()


@pytest.mark.parametrize("source", DTYPES, indirect=True)
def test_a_file_keeps_values_place_names_and_overviews(tmp_path, source):
    path, dtype = source
    write_cog(path, tmp_path / "out.tif", dtype=dtype, overviews="average")
    with rasterio.open(tmp_path / "out.tif") as file:
        np.testing.assert_array_equal(file.read(), values(dtype))
        assert (file.crs, file.transform) == (GRID.crs, GRID.transform)
        np.testing.assert_equal(file.nodata, nodata(dtype))
        assert file.descriptions == ("band 0", "band 1", "band 2")
        assert [file.tags(band)["number"] for band in file.indexes] == ["0", "1", "2"]
        assert file.dtypes[0] == GDAL_TYPES[dtype].lower().replace("byte", "uint8")
        assert [file.overviews(band) for band in file.indexes] == [[2]] * BANDS
        assert file.block_shapes == [(BLOCK, BLOCK)] * BANDS
    with rasterio.open(tmp_path / "out.tif", overview_level=0) as file:
        mean = values(dtype)[:, :2, :2].astype(float).mean(axis=(1, 2))
        # whole numbers are rounded, and half precision has 11 bits
        np.testing.assert_allclose(file.read()[:, 0, 0], mean, atol=0.5, rtol=2**-11)


@pytest.mark.parametrize("source", ["float16"], indirect=True)
def test_half_precision_is_laid_out_for_the_cloud(tmp_path, source):
    """All directories come first, then the overview's blocks, then the raster's: few requests for a small picture."""
    write_cog(source[0], tmp_path / "out.tif", dtype="float16", overviews="average")
    content = (tmp_path / "out.tif").read_bytes()
    directories, position = [], struct.unpack_from("<I", content, 4)[0]
    while position:
        directories.append(position)
        (entries,) = struct.unpack_from("<H", content, position)
        (position,) = struct.unpack_from("<I", content, position + 2 + 12 * entries)

    def starts(overview):
        with rasterio.open(tmp_path / "out.tif") as file:
            found = [
                file.get_tag_item(f"BLOCK_OFFSET_{column}_{row}", dm="TIFF", bidx=band, ovr=overview)
                for band in file.indexes
                for column in (0, 1)
                for row in (0, 1)
            ]
        return [int(start) for start in found if start is not None]

    assert len(directories) == 2
    assert max(directories) < min(starts(0)) and max(starts(0)) < min(starts(None))


@pytest.mark.parametrize("source", DTYPES, indirect=True)
def test_where_nothing_can_be_written_is_one_clear_error(tmp_path, source):
    path, dtype = source
    (tmp_path / "file").write_text("in the way")
    for target in (tmp_path / "file" / "out.tif", tmp_path / f"{'n' * 250}.tif", tmp_path / "none" / "out.tif"):
        with pytest.raises(RasterError, match="cannot be written"):
            write_cog(path, target, dtype=dtype, overviews="average")
    with pytest.raises(RasterError, match="cannot be written"):
        write_piece(tmp_path / "file" / "piece.tif", np.zeros((1, 8, 8), np.uint8))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["file", "pieces"]
