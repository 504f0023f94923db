import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS
from rasterio.transform import Affine, from_origin

from stsun.errors import RasterError
from stsun.raster.grid import Grid, difference
from stsun.raster.reader import inspect, read
from stsun.raster.writer import Layer, check_target, create, write_picture

GRID = Grid(CRS.from_epsg(32633), from_origin(500_000, 5_000_000, 10, 10), 40, 30)
CATEGORIES = (("water", "#0000ff"), ("forest", "#00a000"))


ONE_MAP = (Layer("2020", CATEGORIES),)


def write(path, *, layers=ONE_MAP, **options):
    maps = np.add.outer(np.arange(40), np.arange(30))[None].repeat(len(layers), 0).astype(np.uint8)
    with create(path, GRID, layers, dtype="uint8", nodata=255, **options) as write_rows:
        for first in (0, 16, 32):
            write_rows(first, maps[:, first : first + 16])
    return maps


def test_rows_written_one_after_the_other_make_the_whole_raster_on_its_grid(tmp_path):
    maps = write(tmp_path / "deep" / "map.tif")
    with rasterio.open(tmp_path / "deep" / "map.tif") as raster:
        np.testing.assert_array_equal(raster.read(), maps)
        assert (raster.crs, raster.transform, raster.nodata) == (GRID.crs, GRID.transform, 255)
        assert raster.compression.value == "DEFLATE"
        assert raster.block_shapes == [(512, 512)]


def test_names_and_colours_of_categories_are_in_the_file(tmp_path):
    write(tmp_path / "map.tif", layers=[Layer("2020-05-01", CATEGORIES, {"task": "segmentation"})])
    with rasterio.open(tmp_path / "map.tif") as raster:
        tags = raster.tags(1)
        assert raster.descriptions == ("2020-05-01",)
        assert (tags["category_0"], tags["category_1"], tags["color_1"]) == ("water", "forest", "#00a000")
        assert tags["task"] == "segmentation"
        colors = raster.colormap(1)
    assert (colors[0], colors[1], colors[255]) == ((0, 0, 255, 255), (0, 160, 0, 255), (0, 0, 0, 0))


def test_several_maps_keep_names_and_colours_each(tmp_path):
    write(tmp_path / "map.tif", layers=[Layer("2020", CATEGORIES), Layer("2021", CATEGORIES)])
    with rasterio.open(tmp_path / "map.tif") as raster:
        assert raster.descriptions == ("2020", "2021")
        assert [raster.tags(band)["category_1"] for band in (1, 2)] == ["forest", "forest"]
        assert "alpha" not in {kind.name for kind in raster.colorinterp}


def test_an_error_halfway_leaves_what_was_there_and_nothing_else(tmp_path):
    path = tmp_path / "map.tif"
    path.write_bytes(b"before")
    with (
        pytest.raises(ZeroDivisionError),
        create(path, GRID, [Layer("x")], dtype="uint8", nodata=255, overwrite=True) as write_rows,
    ):
        write_rows(0, np.zeros((1, 8, 30), np.uint8))
        raise ZeroDivisionError
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_there_is_replaced_only_if_allowed(tmp_path):
    path = tmp_path / "map.tif"
    write(path)
    with pytest.raises(RasterError, match="--overwrite"):
        write(path)
    write(path, overwrite=True)


@pytest.mark.parametrize("name", ["map.png", "map", "map.tif.gz"])
def test_only_geotiff_names_are_accepted(tmp_path, name):
    with pytest.raises(RasterError, match=r"\.tif"):
        check_target(tmp_path / name, overwrite=True)


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RasterError, match="cannot be written"):
        write(tmp_path / "file" / "map.tif")


def test_grids_differ_by_size_crs_or_place():
    def moved(**change):
        return difference(GRID, Grid(**{**GRID.__dict__, **change}))

    assert moved() is None
    assert moved(transform=from_origin(500_000.005, 5_000_000, 10, 10)) is None
    assert "0.5 pixels" in moved(transform=from_origin(500_005, 5_000_000, 10, 10))
    assert "40 x 30 and 40 x 31" in moved(width=31)
    assert "EPSG:32633 and EPSG:32634" in moved(crs=CRS.from_epsg(32634))
    assert "EPSG:32633 and none" in moved(crs=None)


def test_turned_and_stretched_grids_are_compared_by_their_corners():
    turned = Grid(None, Affine(2, 1, 7, -1, 2, 9), 40, 30)
    assert difference(turned, turned) is None
    # one unit to the right is (0.4, 0.2) pixels, for [[2, 1], [-1, 2]] has the inverse [[2, -1], [1, 2]] / 5
    assert "0.4 pixels" in difference(turned, Grid(None, Affine(2, 1, 8, -1, 2, 9), 40, 30))


@pytest.mark.filterwarnings("error")
def test_what_lies_nowhere_is_written_and_read_without_a_warning(tmp_path):
    nowhere = Grid(None, Affine(1, 0, 0, 0, 1, 0), 40, 30)
    with create(tmp_path / "map.tif", nowhere, [Layer("x")], dtype="uint8", nodata=255) as write_rows:
        write_rows(0, np.zeros((1, 40, 30), np.uint8))
    picture = write_picture(tmp_path / "picture.png", np.zeros((4, 5, 3), np.uint8))
    for path in (tmp_path / "map.tif", picture):
        info = inspect(path)
        read(path)
        assert info.crs is None and difference(nowhere, Grid(None, info.transform, 40, 30)) is None
