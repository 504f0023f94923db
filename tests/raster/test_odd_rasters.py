"""Rasters as users have them: each is read right, compared with the array that was written, or refused with one error."""

import math
import os
import sys

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from raster_files import DEGREES, UTM, north_up, places, places_in, save
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.transform import Affine
from rasterio.windows import Window

from stsun.errors import RasterError
from stsun.raster.grid import Grid
from stsun.raster.reader import inspect, read, read_classes
from stsun.raster.whole import check_writable
from stsun.raster.writer import new_raster

GRID = Grid(UTM, north_up(500_000, 5_000_000, 10), 40, 70)
NOISE = np.random.default_rng(0).integers(1, 200, (3, 40, 70))


def drivers():
    with rasterio.Env() as environment:
        return environment.drivers()


def exactly(path, expected, valid=None, **options):
    """What is read whole, in windows and on the file's own grid are the array that was written."""
    valid = np.ones(expected.shape[1:], bool) if valid is None else valid
    expected = np.where(valid, expected, 0)
    for window in (None, Window(3, 5, 20, 11)):
        part = (slice(None), slice(None)) if window is None else window.toslices()
        values, holds = read(path, window=window, **options)
        np.testing.assert_array_equal(holds, valid[part])
        np.testing.assert_array_equal(values, expected[:, *part].astype("float32"))


# --- how pixels are stored


LARGEST = {
    "uint8": (0, 255), "int16": (-32768, 32767), "uint16": (0, 65535), "int32": (-(2**24), 2**24), "uint32": (0, 2**24),
    "float32": (-1e30, 3.3333333), "float64": (-1e30, 0.1), "int8": (-128, 127), "int64": (-(2**24), 2**24),
}  # fmt: skip


@pytest.mark.parametrize("dtype", LARGEST)
def test_every_data_type_keeps_its_values(tmp_path, dtype):
    numbers = NOISE[:2].astype("float64") % 100
    numbers[0, 0, 0], numbers[1, 6, 7] = LARGEST[dtype]
    path = save(tmp_path / "a.tif", numbers.astype(dtype), GRID)
    exactly(path, numbers.astype(dtype))
    classes, _ = read_classes(path, index=2)
    assert classes.dtype == dtype and classes[6, 7] == np.dtype(dtype).type(LARGEST[dtype][1])


@pytest.mark.parametrize(
    "profile",
    [
        {"interleave": "pixel"},
        {"interleave": "band", "tiled": True, "blockxsize": 16, "blockysize": 32},
        {"blockysize": 1},
        {"blockysize": 7},
        {"compress": "lzw", "predictor": 2},
        {"compress": "deflate", "predictor": 2},
        {"compress": "packbits"},
        {"compress": "zstd"},
        {"compress": "lerc"},
        {"BIGTIFF": "YES"},
        {"ENDIANNESS": "BIG"},
        {"photometric": "rgb"},
    ],
    ids=lambda profile: ",".join(f"{k}={v}" for k, v in profile.items()),
)
def test_every_layout_keeps_its_values(tmp_path, profile):
    numbers = NOISE.astype("uint16")
    try:
        path = save(tmp_path / "a.tif", numbers, GRID, **profile)
    except rasterio.errors.RasterioError as problem:
        pytest.skip(f"this build writes no such file: {problem}")
    exactly(path, numbers)
    exactly(path, numbers[[2, 0]], bands=[3, 1])


@pytest.mark.parametrize("driver, suffix", [("PNG", "png"), ("JP2OpenJPEG", "jp2"), ("COG", "tif"), ("VRT", "vrt")])
def test_every_lossless_format_keeps_its_values(tmp_path, driver, suffix):
    if driver not in drivers():
        pytest.skip(f"this build has no {driver}")
    numbers = NOISE.astype("uint8")
    first = save(tmp_path / "first.tif", numbers, GRID)
    lossless = {"REVERSIBLE": "YES", "QUALITY": "100"} if driver == "JP2OpenJPEG" else {}
    path = tmp_path / f"a.{suffix}"
    rasterio.shutil.copy(first, path, driver=driver, **lossless)
    exactly(path, numbers)
    assert driver == "PNG" or inspect(path).transform.almost_equals(GRID.transform)


def test_jpeg_and_jpeg_in_tiff_are_close(tmp_path):
    row, column = np.mgrid[:40, :70]
    smooth = np.stack([row * 2, column, row + column]).astype("uint8")
    for name, options in (("a.jpg", {"driver": "JPEG"}), ("b.tif", {"compress": "jpeg", "photometric": "ycbcr"})):
        path = save(tmp_path / name, smooth, GRID, quality=95, **options)
        assert abs(read(path)[0] - smooth).mean() < 3


def test_overviews_of_a_cog_are_not_what_is_read(tmp_path):
    numbers = np.random.default_rng(0).integers(0, 255, (1, 700, 700), dtype="uint8")
    path = save(tmp_path / "a.tif", numbers, driver="COG", overview_resampling="average", blocksize=128)
    with rasterio.open(path) as source:
        assert source.overviews(1)
    exactly(path, numbers)


@pytest.mark.parametrize("height, width", [(1, 1), (1, 70), (70, 1), (513, 1)])
def test_the_smallest_rasters(tmp_path, height, width):
    numbers = np.arange(height * width, dtype="uint16").reshape(1, height, width)
    grid = Grid(UTM, north_up(500_000, 5_000_000, 10), height, width)
    path = save(tmp_path / "a.tif", numbers, grid)
    np.testing.assert_array_equal(read(path)[0], numbers)
    half = Grid(UTM, north_up(500_000, 5_000_000, 5), height * 2, width * 2)
    values, valid = read(path, grid=half)
    assert valid.all() and values[0, 0, 0] == 0 and values[0, -1, -1] == height * width - 1
    with pytest.raises(RasterError, match=rf"not inside its {height} x {width} pixels; clip it"):
        read(path, window=Window(0, 0, 512, 512))


def test_a_window_within_pixels_is_refused(tmp_path):
    path = save(tmp_path / "a.tif", NOISE.astype("uint8"), GRID)
    with pytest.raises(RasterError, match="cuts through pixels, expected whole numbers"):
        read(path, window=Window(0.5, 0, 4, 4))


def test_bands_of_several_types_are_read_together(tmp_path):
    save(tmp_path / "a.tif", NOISE[:1].astype("uint8"), GRID)
    save(tmp_path / "b.tif", NOISE[1:2].astype("float32") + 0.5, GRID)
    bands = "".join(
        f'<VRTRasterBand dataType="{kind}" band="{i}"><SimpleSource><SourceFilename relativeToVRT="1">{name}'
        f"</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand>"
        for i, (name, kind) in enumerate((("a.tif", "Byte"), ("b.tif", "Float32")), start=1)
    )
    (tmp_path / "a.vrt").write_text(f'<VRTDataset rasterXSize="70" rasterYSize="40">{bands}</VRTDataset>')
    exactly(tmp_path / "a.vrt", np.stack([NOISE[0], NOISE[1] + 0.5]))


# --- what is no data


def test_nodata_of_each_band(tmp_path):
    """GeoTIFF has one nodata value for all bands, VRT one for each."""
    numbers = NOISE[:2].astype("int16")
    numbers[0, 3, 4], numbers[1, 5, 6], numbers[0, 7, 8] = -1, -2, -2
    save(tmp_path / "a.tif", numbers, GRID)
    rasterio.shutil.copy(tmp_path / "a.tif", tmp_path / "a.vrt", driver="VRT")
    text = (tmp_path / "a.vrt").read_text()
    for band in (1, 2):
        start = f'<VRTRasterBand dataType="Int16" band="{band}"'
        place = text.index(">", text.index(start)) + 1
        text = f"{text[:place]}<NoDataValue>{-band}</NoDataValue>{text[place:]}"
    (tmp_path / "a.vrt").write_text(text)
    assert inspect(tmp_path / "a.vrt").nodata == (-1, -2)
    valid = np.ones((40, 70), bool)
    valid[3, 4] = valid[5, 6] = False
    exactly(tmp_path / "a.vrt", numbers, valid)


@pytest.mark.parametrize("nodata", [None, math.nan, -9999.0])
def test_nan_and_infinity_are_no_data_whatever_the_file_says(tmp_path, nodata):
    numbers = NOISE.astype("float32")
    numbers[0, 1, 2], numbers[1, 3, 4], numbers[2, 5, 6] = np.nan, np.inf, -np.inf
    path = save(tmp_path / "a.tif", numbers, GRID, nodata=nodata)
    exactly(path, numbers, np.isfinite(numbers).all(axis=0))


def test_nodata_that_the_data_type_cannot_hold_marks_nothing(tmp_path):
    numbers = NOISE.astype("uint8")
    path = save(tmp_path / "a.tif", numbers, GRID)
    exactly(path, numbers, nodata=-9999)
    exactly(path, numbers, nodata=1e300)


@pytest.mark.parametrize("internal", [True, False], ids=["inside the file", "beside it"])
def test_masks(tmp_path, internal):
    mask = NOISE[0] > 50
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=internal):
        path = save(tmp_path / "a.tif", NOISE.astype("uint8"), GRID, mask=mask)
    assert (tmp_path / "a.tif.msk").exists() != internal
    exactly(path, NOISE, mask)


def test_alpha_bands(tmp_path):
    numbers = np.concatenate([NOISE, (NOISE[:1] > 50) * 255]).astype("uint8")
    interp = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
    path = save(tmp_path / "a.tif", numbers, GRID, interp=interp)
    exactly(path, numbers[:3], numbers[3] > 0)


def test_missing_blocks_of_a_sparse_file(tmp_path):
    layout = {"tiled": True, "blockxsize": 16, "blockysize": 16, "SPARSE_OK": "TRUE"}
    for name, nodata in (("a.tif", 5), ("b.tif", None)):
        shape = {"height": 40, "width": 70, "count": 1, "dtype": "uint8", "nodata": nodata, "crs": UTM}
        with rasterio.open(tmp_path / name, "w", driver="GTiff", transform=GRID.transform, **shape, **layout) as target:
            target.write(np.full((1, 16, 16), 9, "uint8"), window=Window(16, 0, 16, 16))
        written = np.zeros((40, 70), bool)
        written[:16, 16:32] = True
        # blocks that were never written hold nodata, or zeros where there is none
        exactly(tmp_path / name, np.where(written, 9, 0)[None], written if nodata else None)


# --- where a raster lies


PLACED = {
    "south-up": Grid(UTM, Affine(10, 0, 500_000, 0, 10, 4_999_600), 40, 70),
    "mirrored": Grid(UTM, Affine(-10, 0, 500_700, 0, -10, 5_000_000), 40, 70),
    "rotated": Grid(UTM, Affine(8, 6, 500_000, 6, -8, 5_000_000), 40, 70),
    "sheared, not square": Grid(UTM, Affine(10, 2, 500_000, 1, -7, 5_000_000), 40, 70),
    "degrees": Grid(DEGREES, north_up(15, 45.15, 1e-4), 40, 70),
    "across 180": Grid(DEGREES, north_up(179.997, 45.15, 1e-4), 40, 70),
    "west of -180": Grid(DEGREES, north_up(-180.003, 45.15, 1e-4), 40, 70),
    "custom laea": Grid(CRS.from_proj4("+proj=laea +lat_0=45 +lon_0=15 +ellps=GRS80"), north_up(0, 300, 10), 40, 70),
    "feet": Grid(CRS.from_epsg(2263), north_up(1_000_000, 200_000, 30), 40, 70),
    "web mercator": Grid(CRS.from_epsg(3857), north_up(1_670_000, 5_640_000, 14), 40, 70),
    "polar": Grid(CRS.from_epsg(3031), north_up(-300, 200, 10), 40, 70),
}


@pytest.mark.parametrize("own", PLACED.values(), ids=PLACED)
def test_every_placement_can_be_brought_onto_a_metric_grid(tmp_path, own):
    """A field that is linear in the file's coordinates is interpolated exactly, wherever the grid's pixels lie."""
    column, row = np.meshgrid(np.arange(70) + 0.5, np.arange(40) + 0.5)
    path = save(tmp_path / "a.tif", np.stack([column, row]).astype("float32"), own)
    info = inspect(path)
    assert info.transform.almost_equals(own.transform) and info.pixel_size_m is not None
    x, _ = places(own)
    longitude, latitude = places_in(own, DEGREES)
    middle = CRS.from_proj4(f"+proj=laea +lat_0={latitude[20, 35]} +lon_0={longitude[20, 35]} +datum=WGS84")
    target = Grid(middle, north_up(-250, 200, 9), 50, 50)
    values, valid = read(path, grid=target)
    tx, ty = places_in(target, own.crs)
    if own.crs == DEGREES:
        tx = np.where(tx - x.mean() > 180, tx - 360, np.where(tx - x.mean() < -180, tx + 360, tx))
    inverse = np.linalg.inv(np.array([*own.transform]).reshape(3, 3))
    there = inverse[:2, :2] @ np.stack([tx.ravel(), ty.ravel()]) + inverse[:2, 2:]
    column, row = there.reshape(2, 50, 50)
    inside = (column > 0) & (column < 70) & (row > 0) & (row < 40)
    deep = (column > 1) & (column < 69) & (row > 1) & (row < 39)
    assert deep.sum() > 150
    np.testing.assert_array_equal(valid, inside)
    np.testing.assert_allclose(values[0][deep], column[deep], atol=0.02)
    np.testing.assert_allclose(values[1][deep], row[deep], atol=0.02)


def test_files_of_different_extents_meet_on_one_grid(tmp_path):
    large = Grid(UTM, north_up(499_900, 5_000_100, 10), 80, 90)
    numbers = np.arange(80 * 90, dtype="float32").reshape(1, 80, 90)
    path = save(tmp_path / "a.tif", numbers, large)
    values, valid = read(path, grid=GRID)
    assert valid.all()
    np.testing.assert_allclose(values, numbers[:, 10:50, 10:80], rtol=1e-6)
    small = save(tmp_path / "b.tif", NOISE.astype("uint8"), GRID)
    values, valid = read(small, grid=large)
    expected = np.zeros((80, 90), bool)
    expected[10:50, 10:80] = True
    np.testing.assert_array_equal(valid, expected)
    np.testing.assert_allclose(values[:, expected], NOISE.reshape(3, -1), rtol=1e-6)


def points():
    return [GroundControlPoint(r, c, 500_000 + 10 * c, 5_000_000 - 10 * r) for r in (0, 40) for c in (0, 70)]


def test_control_points_are_no_grid(tmp_path):
    path = save(tmp_path / "a.tif", NOISE.astype("uint8"), gcps=points(), crs=UTM)
    exactly(path, NOISE)
    with pytest.raises(RasterError, match=r"a\.tif: has control points .* gdalwarp -t_srs EPSG:32633"):
        read(path, grid=GRID)


def test_a_picture_without_a_place(tmp_path):
    path = save(tmp_path / "a.tif", NOISE.astype("uint8"))
    exactly(path, NOISE)
    assert inspect(path).crs is None and inspect(path).gsd_m is None
    with pytest.raises(RasterError, match=r"a\.tif: has no CRS .* gdal_edit\.py -a_srs"):
        read(path, grid=GRID)


# --- what cannot be read


@pytest.mark.parametrize("broken", [(0, 0, 500_000, 0, 0, 0), (math.nan, 0, 0, 0, -10, 0), (10, 10, 0, 5, 5, 0)])
def test_a_geotransform_that_places_no_pixel_is_refused(tmp_path, broken):
    path = save(tmp_path / "a.tif", NOISE.astype("uint8"), crs=UTM, transform=Affine(*broken))
    with pytest.raises(RasterError, match=r"a\.tif: its geotransform .* gdal_edit\.py -a_ullr"):
        inspect(path)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are text")
def test_a_name_that_is_no_utf8_is_refused(tmp_path):
    path = save(tmp_path / "a.tif", NOISE.astype("uint8")).rename(tmp_path / os.fsdecode(b"\x80.tif"))
    for act in (inspect, check_writable, new_raster):
        with pytest.raises(RasterError, match="no UTF-8; rename it"):
            act(path)


def test_what_holds_no_measured_values_is_refused(tmp_path):
    waves = save(tmp_path / "waves.tif", NOISE.astype("complex64"), GRID)
    for function in (read, read_classes):
        with pytest.raises(RasterError, match=r"waves\.tif: holds complex numbers.*convert"):
            function(waves)
    table = {i: (i, i, i, 255) for i in range(256)}
    colours = save(
        tmp_path / "colours.tif", NOISE[:1].astype("uint8"), GRID, setup=lambda t: t.write_colormap(1, table)
    )
    with pytest.raises(RasterError, match=r"colours\.tif: the pixels are numbers in a colour table.*convert"):
        read(colours, grid=GRID)
    np.testing.assert_array_equal(read_classes(colours)[0], NOISE[0])

    def flat(target):
        target.scales = (0.0,) * 3

    nothing = save(tmp_path / "nothing.tif", NOISE.astype("uint8"), GRID, setup=flat)
    with pytest.raises(RasterError, match=r"nothing\.tif: band 1 has the scale 0 .*gdal_edit"):
        read(nothing)


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "a.tif").write_bytes(b"")
    with pytest.raises(RasterError, match=r"a\.tif: the file is empty"):
        read(tmp_path / "a.tif")


TILES = {"tiled": True, "blockxsize": 16, "blockysize": 16}


@pytest.fixture
def damaged(tmp_path):
    """A tiled file whose tile at rows 16-31, columns 32-47 is noise."""
    path = save(tmp_path / "a.tif", NOISE.astype("uint16"), GRID, compress="deflate", interleave="pixel", **TILES)
    with rasterio.open(path) as source:
        offset = int(source.get_tag_item("BLOCK_OFFSET_2_1", "TIFF", bidx=1))
        size = int(source.get_tag_item("BLOCK_SIZE_2_1", "TIFF", bidx=1))
    content = bytearray(path.read_bytes())
    content[offset : offset + size] = b"\xff" * size
    path.write_bytes(content)
    return path


PLACE = "rows 16-31, columns 32-47"


def test_a_damaged_block_is_told_by_its_place(damaged):
    with pytest.raises(RasterError, match=rf"a\.tif: {PLACE} cannot be read: the GTiff file is damaged.*fetch"):
        read(damaged)
    np.testing.assert_array_equal(read(damaged, window=Window(0, 0, 32, 40))[0], NOISE[:, :, :32])


def test_a_damaged_block_can_be_left_out(damaged):
    told = []
    values, valid = read(damaged, allow_missing=True, on_missing=told.append)
    expected = np.ones((40, 70), bool)
    expected[16:32, 32:48] = False
    assert told == [f"{damaged}: {PLACE}"]
    np.testing.assert_array_equal(valid, expected)
    np.testing.assert_array_equal(values, np.where(expected, NOISE, 0))
    window = Window(30, 20, 10, 10)
    _, valid = read(damaged, window=window, allow_missing=True, on_missing=told.append)
    np.testing.assert_array_equal(valid, expected[20:30, 30:40])
    assert told == [f"{damaged}: {PLACE}"] * 2  # the whole block, whatever of it is needed
    classes, inside = read_classes(damaged, allow_missing=True)
    np.testing.assert_array_equal(inside, expected)
    np.testing.assert_array_equal(classes, np.where(expected, NOISE[0], 0))


def test_a_damaged_block_can_be_left_out_of_another_grid(damaged):
    told = set()
    grid = Grid(UTM, north_up(500_000, 5_000_000, 5), 80, 140)
    _, valid = read(damaged, grid=grid, allow_missing=True, on_missing=told.add)
    expected = np.ones((80, 140), bool)
    expected[32:64, 64:96] = False
    np.testing.assert_array_equal(valid, expected)
    assert told == {f"{damaged}: {PLACE}"}
    with pytest.raises(RasterError, match=PLACE):
        read(damaged, grid=grid)


def test_a_damaged_file_spoils_no_other(tmp_path, damaged):
    good = save(tmp_path / "good.tif", NOISE.astype("uint16"), GRID)
    exactly(good, NOISE)
    for _ in range(2):
        read(damaged, allow_missing=True)
        exactly(good, NOISE)
        with pytest.raises(RasterError, match=PLACE):
            read(damaged)
        assert inspect(good).count == 3


@pytest.mark.parametrize("driver, suffix", [("GTiff", "tif"), ("PNG", "png"), ("JPEG", "jpg"), ("JP2OpenJPEG", "jp2")])
def test_a_file_that_was_cut_off(tmp_path, driver, suffix):
    if driver not in drivers():
        pytest.skip(f"this build has no {driver}")
    noise = np.random.default_rng(0).integers(0, 255, (3, 300, 200), dtype="uint8")
    whole = save(tmp_path / f"a.{suffix}", noise, driver=driver)
    noise = read(whole)[0]
    cut = tmp_path / f"b.{suffix}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(RasterError, match=rf"b\.{suffix}: .*cannot be read: .*damaged or incomplete.*fetch"):
        read(cut)
    told = []
    try:
        values, valid = read(cut, allow_missing=True, on_missing=told.append)
    except RasterError as problem:  # where not even the start tells what the file holds
        assert driver in ("JP2OpenJPEG",) and f"b.{suffix}" in str(problem) and not told
        return
    assert told and all(place.startswith(f"{cut}: rows ") for place in told) and not valid.all()
    np.testing.assert_array_equal(values[:, valid], noise[:, valid])


def test_a_file_that_vanished(tmp_path):
    path = save(tmp_path / "a.tif", NOISE.astype("uint8"), GRID)
    info = inspect(path)
    path.unlink()
    with pytest.raises(RasterError, match=r"a\.tif: there is no such file"):
        read(path, window=Window(0, 0, 5, 4), allow_missing=False)
    with pytest.raises(RasterError, match=r"a\.tif: there is no such file"):
        read(path, allow_missing=True)  # how much would be missing?
    told = []
    options = {"bands": info.indexes, "allow_missing": True, "on_missing": told.append}
    values, valid = read(path, window=Window(2, 3, 5, 4), **options)
    assert values.shape == (3, 4, 5) and valid.shape == (4, 5) and not valid.any()
    assert read(path, grid=GRID, **options)[0].shape == (3, 40, 70)
    assert told == [f"{path}: the whole file, which is not there any more"] * 2
