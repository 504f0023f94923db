"""A scene asked by slices of x, y and t."""

import sys
from datetime import datetime

import geopandas
import numpy as np
import pandas
import pytest
import shapely
import torch
from rasterio.crs import CRS
from rasterio.transform import from_origin

from stsun.configuration import Configuration
from stsun.errors import ConfigurationError, RasterError
from stsun.interop.geodataset import GeoScene
from stsun.interop.torchgeo import sample_of

HEIGHT, WIDTH = 40, 60
PLACES = (np.arange(HEIGHT)[:, None] * 0.01 + np.arange(WIDTH) * 0.0001).astype(np.float32)


@pytest.fixture
def geo(write_image):
    """Two dates on 10 m pixels, with the upper left corner at (500 000, 5 000 000)."""
    both = np.stack([PLACES, PLACES])
    images = [write_image("a.tif", both, day="2020-05-01"), write_image("b.tif", both + 0.2, day="2021-05-01")]
    return GeoScene(*images)


def test_it_tells_its_extent_as_slices(geo):
    x, y, t = geo.bounds
    assert (x.start, x.stop, x.step) == (500_000, 500_600, 10) and (y.start, y.stop, y.step) == (
        4_999_600,
        5_000_000,
        10,
    )
    assert (t.start.date().isoformat(), t.stop.date().isoformat()) == ("2020-05-01", "2021-05-01")
    assert geo.crs == CRS.from_epsg(32633) and geo.res == (10, 10)


def test_a_query_gives_the_pixels_of_that_place_and_time(geo):
    item = geo[500_100:500_200, 4_999_800:4_999_950]
    assert item["image"].shape == (2, 2, 15, 10)
    np.testing.assert_allclose(item["image"][0, 0], PLACES[5:20, 10:20], atol=1e-6)
    later = geo[500_100:500_200, 4_999_800:4_999_950, datetime(2021, 1, 1) : datetime(2021, 12, 31)]
    np.testing.assert_allclose(later["image"][1], PLACES[5:20, 10:20] + 0.2, atol=1e-6)
    assert later["bounds"][:6].tolist() == [500_100, 500_200, 10, 4_999_800, 4_999_950, 10]
    assert geo[500_100:500_200]["image"].shape == (2, 2, HEIGHT, 10)


def test_its_items_are_samples(geo):
    item = geo[:]
    sample = sample_of(item, Configuration(geo.scene.bands[0], geo.scene.gsd_m, "segmentation", ["water", "land"]))
    assert sample.valid.all() and sample.size == (HEIGHT, WIDTH)
    np.testing.assert_array_equal(sample.days, geo.scene.days)


def test_beyond_the_images_nothing_is_valid_and_a_coarser_step_shows_fewer_pixels(geo):
    item = geo[500_500:500_700, 4_999_900:5_000_000]
    assert (
        item["valid"][0, :, :10].all() and not item["valid"][0, :, 10:].any() and (item["image"][..., 10:] == 0).all()
    )
    coarse = geo[500_000:500_600:20, 4_999_600:5_000_000:20]
    assert coarse["image"].shape[-2:] == (20, 30)
    inner = PLACES[4:36, 4:56].reshape(16, 2, 26, 2).mean((1, 3))
    np.testing.assert_allclose(coarse["image"][0, 0, 2:18, 2:28], inner, atol=2e-3)


def test_windows_cover_every_pixel_once(geo):
    counts = torch.zeros(HEIGHT, WIDTH, dtype=torch.int64)
    for query in geo.windows(16):
        image = geo[query]["image"][0, 0]
        rows, columns = (image * 100 + 1e-3).long(), (image * 10_000 + 0.5).long() % 100
        counts[rows, columns] += 1
    assert (counts == 1).all()


@pytest.mark.parametrize("given", [(0,), (-16,), (16, 0)])
def test_windows_without_pixels_are_refused(geo, given):
    with pytest.raises(ConfigurationError, match="expected at least 1"):
        list(geo.windows(*given))


def test_nothing_within_a_query_and_images_without_a_place_are_refused(geo, write_image):
    with pytest.raises(IndexError, match="nothing within"):
        geo[500_100:500_200, 4_999_800:4_999_950, datetime(2030, 1, 1) : datetime(2031, 1, 1)]
    with pytest.raises(RasterError, match="no CRS"):
        GeoScene(write_image("n.tif", np.stack([PLACES, PLACES]), crs=None, transform=from_origin(0, 0, 1, 1)))


def test_its_index_is_what_the_samplers_of_torchgeo_read(geo):
    index = geo.index
    assert isinstance(index, geopandas.GeoDataFrame) and isinstance(index.index, pandas.IntervalIndex)
    assert len(index) == len(geo) == 1 and index.crs.to_epsg() == 32633 and index.index.closed == "both"
    assert index.geometry.iloc[0].bounds == tuple(index.total_bounds) == (500_000, 4_999_600, 500_600, 5_000_000)
    assert pandas.Interval(geo.bounds[2].start, geo.bounds[2].stop, "both") == index.index[0]
    west, south, east, north = index.clip(shapely.box(0, 4_999_800, 500_200, 5_000_000)).geometry.iloc[0].bounds
    assert geo[west:east, south:north, index.index[0].left : index.index[0].right]["image"].shape == (2, 2, 20, 20)


def test_a_time_of_interest_leaves_the_dates_within(geo):
    wanted = pandas.Interval(pandas.Timestamp("2021-01-01"), pandas.Timestamp("2021-12-31"), "both")
    assert geo.index.index.overlaps(wanted).tolist() == [True]
    start = np.maximum(geo.index.index.left, np.datetime64(wanted.left))[0]  # as a sampler cuts it, without a time zone
    item = geo[500_000:500_600, 4_999_600:5_000_000, start : geo.bounds[2].stop]
    np.testing.assert_allclose(item["image"][0], PLACES + 0.2, atol=1e-6)
    assert item["image"].ndim == 3


def test_images_without_a_date_are_of_any_time(write_image):
    undated = GeoScene(write_image("u.tif", np.stack([PLACES, PLACES])))
    always = undated.index.index[0]
    assert always.left.year < 1700 and always.right.year > 2200
    assert undated[:, :, always.left : always.right]["days"].isnan().all()


def test_pixels_are_read_where_neither_pandas_nor_geopandas_is_installed(geo, monkeypatch):
    for package in ("pandas", "geopandas", "shapely"):
        monkeypatch.setitem(sys.modules, package, None)
    assert geo[500_100:500_200]["image"].shape == (2, 2, HEIGHT, 10) and len(list(geo.windows(16))) == 12
    with pytest.raises(ImportError, match="pandas"):
        geo.index  # noqa: B018
