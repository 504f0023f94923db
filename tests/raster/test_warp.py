"""Rasters brought onto another grid: values, places and validity, against fields that are known everywhere."""

import math

import numpy as np
import pytest
import rasterio
from raster_files import DEGREES, UTM, north_up, pixels_in, places, places_in, save
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.transform import Affine
from rasterio.windows import Window

from stsun.errors import RasterError
from stsun.raster.grid import Grid
from stsun.raster.reader import read, read_classes

SOURCE = Grid(UTM, north_up(500_000, 5_000_000, 10), 60, 80)


def field(x, y):
    """Linear in map coordinates, so that interpolation between pixel centres is exact."""
    return ((x - 500_000) * 0.01 - (y - 5_000_000) * 0.02).astype("float32")


def middle_of(grid, crs):
    x, y = places_in(grid, crs)
    return x.mean(), y.mean()


def around(crs, pixel, height=50, width=50, of=SOURCE):
    x, y = middle_of(of, crs)
    return Grid(crs, north_up(x - width * pixel / 2, y + height * pixel / 2, pixel), height, width)


def inside(grid, source, margin=0.0):
    columns, rows = pixels_in(grid, source)
    return (columns > margin) & (columns < source.width - margin) & (rows > margin) & (rows < source.height - margin)


ROTATED = Affine(7 * math.cos(0.5), 7 * math.sin(0.5), 500_250, 7 * math.sin(0.5), -7 * math.cos(0.5), 4_999_700)
TARGETS = {
    "shifted by half a pixel": Grid(UTM, north_up(500_105, 4_999_895, 10), 40, 50),
    "finer": Grid(UTM, north_up(500_100, 4_999_900, 3), 90, 120),
    "coarser, less than twice": Grid(UTM, north_up(500_100, 4_999_900, 19), 20, 25),
    "rotated": Grid(UTM, ROTATED, 40, 50),
    "south-up": Grid(UTM, Affine(10, 0, 500_103, 0, 10, 4_999_420), 40, 50),
    "next zone": around(CRS.from_epsg(32632), 10),
    "degrees": around(DEGREES, 1e-4),
    "web mercator": around(CRS.from_epsg(3857), 14),
    "feet": around(CRS.from_proj4("+proj=tmerc +lon_0=15 +k=0.9996 +x_0=500000 +units=us-ft +datum=WGS84"), 30),
    "no code": around(CRS.from_proj4("+proj=laea +lat_0=45 +lon_0=15.01 +datum=WGS84"), 9),
    "far larger than the file": around(CRS.from_epsg(32634), 19, 200, 220),
}


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_a_linear_field_arrives_at_its_places(tmp_path, target):
    path = save(tmp_path / "a.tif", field(*places(SOURCE))[None], SOURCE)
    values, valid = read(path, grid=target)
    np.testing.assert_array_equal(valid, inside(target, SOURCE))
    assert valid.any() and values.dtype == np.float32 and values.shape == (1, target.height, target.width)
    here = inside(target, SOURCE, margin=2)
    # a hundredth of a pixel of 10 m changes the field by 0.002
    np.testing.assert_allclose(values[0][here], field(*places_in(target, UTM))[here], atol=0.003)
    assert (values[:, ~valid] == 0).all()


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_a_window_is_the_same_part_of_the_whole_grid(tmp_path, target):
    noise = np.random.default_rng(0).random((2, 60, 80)).astype("float32")
    path = save(tmp_path / "a.tif", noise, SOURCE)
    values, valid = read(path, grid=target)
    for top, left in ((0, 0), (3, 7), (19, 5)):
        height, width = min(17, target.height - top), min(18, target.width - left)
        part, holds = read(path, grid=target, window=Window(left, top, width, height))
        np.testing.assert_array_equal(part, values[:, top : top + height, left : left + width])
        np.testing.assert_array_equal(holds, valid[top : top + height, left : left + width])


def test_classes_are_those_of_the_nearest_pixel(tmp_path):
    numbers = np.arange(60 * 80, dtype="uint16").reshape(1, 60, 80)
    path = save(tmp_path / "a.tif", numbers, SOURCE, nodata=7)
    for target in TARGETS.values():
        values, there = read_classes(path, grid=target)
        columns, rows = pixels_in(target, SOURCE)
        clear = np.minimum(abs(columns - np.round(columns)), abs(rows - np.round(rows))) > 0.02
        here = inside(target, SOURCE)
        np.testing.assert_array_equal(there[clear], here[clear])
        expected = np.floor(rows[here & clear]) * 80 + np.floor(columns[here & clear])
        assert values.dtype == np.uint16
        np.testing.assert_array_equal(values[here & clear], expected)
        assert (values[~there] == 0).all()


def test_the_own_grid_needs_no_warp(tmp_path):
    numbers = np.random.default_rng(0).random((2, 60, 80)).astype("float32")
    path = save(tmp_path / "a.tif", numbers, SOURCE)
    np.testing.assert_array_equal(read(path, grid=SOURCE)[0], numbers)
    values, there = read_classes(path, grid=SOURCE, index=2, window=Window(3, 4, 5, 6))
    np.testing.assert_array_equal(values, numbers[1, 4:10, 3:8])
    assert there.all()


def shifted(columns, rows):
    return Grid(UTM, north_up(500_000 + 10 * columns, 5_000_000 - 10 * rows, 10), 60, 80)


@pytest.mark.parametrize("hole", ["nodata", "mixed nodata", "nan", "infinity", "mask", "outer mask", "alpha"])
def test_no_invalid_pixel_reaches_its_neighbours(tmp_path, hole):
    values = np.full((2, 60, 80), 5.0, "float32")
    values[1] = 9
    mask, profile, interp = None, {}, None
    if hole == "nodata":
        values[:, 20:30, 40:50], profile = -9999, {"nodata": -9999}
    elif hole == "mixed nodata":
        values[0, 20:30, 40:45], values[1, 20:30, 45:50] = 1e6, -1e6
    elif hole in ("nan", "infinity"):
        values[0, 20:30, 40:50] = np.nan if hole == "nan" else np.inf
    elif hole == "alpha":
        values = np.concatenate([values, np.full((1, 60, 80), 255, "float32")])
        values[:, 20:30, 40:50] = 0
        values, interp = values.astype("uint8"), [ColorInterp.gray, ColorInterp.undefined, ColorInterp.alpha]
    else:
        values[:, 20:30, 40:50] = 1e5
        mask = np.ones((60, 80), bool)
        mask[20:30, 40:50] = False
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=hole == "mask"):
        path = save(tmp_path / "a.tif", values, SOURCE, mask=mask, interp=interp, **profile)
    own = [1e6, -1e6] if hole == "mixed nodata" else None
    data, valid = read(path, grid=shifted(0.4, 0.3), nodata=own)
    np.testing.assert_allclose(data[0][valid], 5, rtol=1e-6)
    np.testing.assert_allclose(data[1][valid], 9, rtol=1e-6)
    expected = np.ones((60, 80), bool)  # the nearest pixel of each place is that of the same number
    expected[20:30, 40:50] = False
    np.testing.assert_array_equal(valid, expected)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint32", "float32", "float64"])
def test_a_coarse_pixel_is_the_mean_of_what_lies_in_it(tmp_path, dtype):
    numbers = np.random.default_rng(1).integers(0, 200, (2, 60, 80)).astype(dtype)
    path = save(tmp_path / "a.tif", numbers, SOURCE)
    offset = 3  # pixels, no multiple of the 5 that one coarse pixel spans
    target = Grid(UTM, north_up(500_000 + 10 * offset, 5_000_000 - 10 * offset, 50), 11, 15)
    expected = numbers[:, 3:58, 3:78].reshape(2, 11, 5, 15, 5).astype(float).mean(axis=(2, 4))
    for resampling in ("bilinear", "average"):
        values, valid = read(path, grid=target, resampling=resampling)
        assert valid.all()
        np.testing.assert_allclose(values, expected, rtol=1e-5)
    nearest, _ = read(path, grid=target, resampling="nearest")
    np.testing.assert_array_equal(nearest, numbers[:, 5:58:5, 5:78:5])


def test_a_coarse_pixel_is_valid_where_half_of_it_is_and_leaves_the_rest_out(tmp_path):
    numbers = np.full((1, 60, 80), 4, "int16")
    numbers[0, 0:4, 0:2] = -1  # 8 of 16: half
    numbers[0, 0:4, 4:8] = -1
    numbers[0, 3, 7] = 4  # 15 of 16
    path = save(tmp_path / "a.tif", numbers, SOURCE, nodata=-1)
    values, valid = read(path, grid=Grid(UTM, north_up(499_960, 5_000_000, 40), 15, 23))
    assert not valid[:, 0].any() and valid[0, 1] and not valid[0, 2] and valid[:, 3:-2].all()
    assert not valid[:, 21:].any()
    np.testing.assert_array_equal(values[0][valid], 4)


def test_a_coarse_linear_field_keeps_its_places_in_another_crs(tmp_path):
    source = Grid(UTM, north_up(500_000, 5_000_000, 10), 400, 400)
    path = save(tmp_path / "a.tif", field(*places(source))[None], source)
    target = around(DEGREES, 1e-3, 20, 20, of=source)
    values, valid = read(path, grid=target)
    here = inside(target, source, margin=15)
    assert valid[here].all() and here.sum() > 100
    np.testing.assert_allclose(values[0][here], field(*places_in(target, UTM))[here], atol=0.02)


def test_large_sources_are_taken_in_parts(tmp_path, monkeypatch):
    numbers = np.random.default_rng(1).random((2, 60, 80)).astype("float32")
    path = save(tmp_path / "a.tif", numbers, SOURCE)
    target = TARGETS["next zone"]
    whole = read(path, grid=target)
    monkeypatch.setattr("stsun.raster.warp.AT_ONCE", 300)
    for parts, at_once in zip(read(path, grid=target), whole, strict=True):
        np.testing.assert_array_equal(parts, at_once)


def test_scale_and_offset_apply_after_the_warp(tmp_path):
    def scaled(target):
        target.scales, target.offsets = (0.5,), (-3.0,)

    path = save(tmp_path / "a.tif", field(*places(SOURCE))[None], SOURCE, setup=scaled)
    target = TARGETS["finer"]
    values, _ = read(path, grid=target)
    plain, _ = read(path, grid=target, scale=1, offset=0)
    np.testing.assert_allclose(values, plain * 0.5 - 3, rtol=1e-6)


WORLD = Grid(DEGREES, north_up(-180, 90, 0.5), 360, 720)
BEYOND = Grid(DEGREES, north_up(170, 10, 0.25), 80, 80)
"""170 to 190 degrees east."""


def waves(longitude, latitude):
    """Smooth around the globe: both sides of the antimeridian meet."""
    return (np.cos(np.radians(longitude)) * 10 + latitude).astype("float32")


@pytest.mark.parametrize("source", [WORLD, BEYOND], ids=["the whole world", "a file across"])
@pytest.mark.parametrize(
    "target",
    [
        Grid(CRS.from_epsg(32601), north_up(160_000, 400_000, 10_000), 30, 40),
        Grid(CRS.from_epsg(32660), north_up(600_000, 400_000, 10_000), 30, 40),
        Grid(DEGREES, north_up(178, 3, 0.1), 40, 40),
        Grid(DEGREES, north_up(-182, 3, 0.1), 40, 40),
    ],
    ids=["zone 1", "zone 60", "east of 180", "west of -180"],
)
def test_a_grid_across_the_antimeridian_has_no_gap(tmp_path, source, target):
    path = save(tmp_path / "a.tif", waves(*places(source))[None], source)
    values, valid = read(path, grid=target)
    assert valid.all()
    # at the edge of the world file only one side is there to interpolate: up to half a pixel of 0.5 degrees off
    np.testing.assert_allclose(values[0], waves(*places_in(target, DEGREES)), atol=0.02)


def test_the_pole_is_filled_from_all_sides(tmp_path):
    path = save(tmp_path / "a.tif", places(WORLD)[1].astype("float32")[None], WORLD)
    target = Grid(CRS.from_epsg(3413), north_up(-1_000_000, 1_000_000, 20_000), 100, 100)
    values, valid = read(path, grid=target)
    assert (~valid).sum() <= 1  # the corner of the file, where pole and antimeridian meet
    # a pixel's mean is half a pixel of 0.5 degrees off where the file ends, at the pole
    np.testing.assert_allclose(values[0][valid], places_in(target, DEGREES)[1][valid], atol=0.26)


def test_places_that_a_projection_does_not_know_are_invalid(tmp_path):
    path = save(tmp_path / "a.tif", field(*places(SOURCE))[None], SOURCE)
    for beyond in (Grid(DEGREES, north_up(15, 90.01, 1e-3), 60, 30), Grid(DEGREES, north_up(100, 1, 1e-3), 40, 50)):
        values, valid = read(path, grid=beyond)
        assert not valid.any() and values.shape == (1, beyond.height, beyond.width)


def test_a_grid_that_shares_no_ground_is_all_invalid(tmp_path):
    path = save(tmp_path / "a.tif", field(*places(SOURCE))[None], SOURCE)
    for target in (Grid(UTM, north_up(0, 0, 10), 5, 6), Grid(DEGREES, north_up(-170, 10, 1e-3), 5, 6)):
        values, valid = read(path, grid=target)
        assert not valid.any() and not values.any() and values.shape == (1, 5, 6)


def test_what_cannot_be_brought_together_is_refused_by_name(tmp_path):
    numbers = np.ones((1, 60, 80), "uint8")
    bare = save(tmp_path / "bare.tif", numbers)
    placed = save(tmp_path / "placed.tif", numbers, SOURCE)
    local = CRS.from_wkt('LOCAL_CS["site",UNIT["metre",1]]')
    with pytest.raises(RasterError, match=r"bare\.tif: has no CRS .* gdal_edit"):
        read(bare, grid=TARGETS["finer"])
    with pytest.raises(RasterError, match=r"placed\.tif: lies on another grid .* no CRS"):
        read(placed, grid=Grid(None, Affine.identity(), 60, 80))
    with pytest.raises(RasterError, match=r"placed\.tif: no way is known"):
        read(placed, grid=Grid(local, north_up(0, 0, 1), 5, 5))
    with pytest.raises(RasterError, match=r"placed\.tif: unknown resampling 'cubic'; expected one of bilinear"):
        read(placed, resampling="cubic")
    with pytest.raises(RasterError, match=r"placed\.tif: one pixel of the grid spans 1000 pixels"):
        read(placed, grid=Grid(UTM, north_up(500_000, 5_000_000, 10_000), 5, 5))
    with pytest.raises(RasterError, match="not inside its 90 x 120 pixels"):
        read(placed, grid=TARGETS["finer"], window=Window(100, 0, 30, 10))
    np.testing.assert_array_equal(read(bare, grid=Grid(None, Affine.identity(), 60, 80))[0], numbers)
