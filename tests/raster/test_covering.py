"""Grids for a box on the map, zones, and which grids share ground."""

import math

import numpy as np
import pytest
from raster_files import DEGREES, UTM, north_up
from rasterio.crs import CRS
from rasterio.transform import Affine
from rasterio.warp import transform as transform_points

from stsun.errors import RasterError
from stsun.raster.covering import covering, utm
from stsun.raster.grid import Grid, overlaps


@pytest.mark.parametrize(
    "bounds, code",
    [
        ((14.9, 44.9, 15.1, 45.1), 32633),  # Croatia
        ((-76.6, -12.2, -76.4, -12.0), 32718),  # Lima
        ((11.9, 50, 12.05, 50.1), 32632),  # the zones meet at 12 degrees
        ((11.9, 50, 12.15, 50.1), 32633),
        ((177, -18, -179, -17), 32760),  # Fiji: the middle is at 179
        ((179, -18, -177, -17), 32701),  # and here at 181 = -179
        ((-180, 0, -179, 1), 32601),
        ((179, 0, 180, 1), 32660),
        ((5, 60, 5.5, 61), 32631),  # Bergen: the plain zone, not Norway's
        ((30, -1, 31, 1), 32636),  # the equator goes north
    ],
)
def test_the_zone_is_that_of_the_middle(bounds, code):
    assert utm(bounds) == CRS.from_epsg(code)


@pytest.mark.parametrize(
    "bounds, message",
    [
        ((0, 83, 1, 85), "reaches beyond UTM .* EPSG:3413"),
        ((0, -81, 1, -79), "reaches beyond UTM"),
        ((0, 0, 20, 1), "20 degrees wide, expected at most 12"),
        ((0, 1, 1, 1), "no box"),
        ((1, 0, 1, 1), "no box"),
        ((0, 2, 1, 1), "no box"),
        ((0, 0, 500_000, 1), "no box"),
        ((0, 0, math.nan, 1), "no box"),
    ],
)
def test_boxes_without_a_zone_are_refused(bounds, message):
    with pytest.raises(RasterError, match=message):
        utm(bounds)


@pytest.mark.parametrize("crs, pixel", [(UTM, 10), (CRS.from_epsg(3857), 20), (CRS.from_epsg(3035), 100)])
def test_a_grid_holds_its_box_and_little_more(crs, pixel):
    west, south, east, north = bounds = (14.9, 44.9, 15.3, 45.1)
    grid = covering(bounds, crs, pixel)
    edge = np.linspace(0, 1, 200)
    longitude = np.concatenate([west + (east - west) * edge] * 2 + [np.full(200, west), np.full(200, east)])
    latitude = np.concatenate([np.full(200, south), np.full(200, north)] + [south + (north - south) * edge] * 2)
    x, y = np.array(transform_points(DEGREES, crs, longitude, latitude))
    columns, rows = (x - grid.transform.c) / pixel, (grid.transform.f - y) / pixel
    for places, size in ((columns, grid.width), (rows, grid.height)):
        assert -0.01 <= places.min() <= 1.01 and size - 1.01 <= places.max() <= size + 0.01
    assert grid.crs == crs and (grid.transform.a, grid.transform.e) == (pixel, -pixel)
    assert grid.transform.c % pixel == 0 and grid.transform.f % pixel == 0


def test_a_box_in_degrees_is_its_own_grid():
    grid = covering((10, 40, 10.3, 40.2), DEGREES, 0.1)
    assert (grid.width, grid.height) == (3, 2)
    assert grid.transform.c == pytest.approx(10) and grid.transform.f == pytest.approx(40.2)
    assert covering((-180, -90, 180, 90), DEGREES, 1).width == 360


def test_a_box_across_the_antimeridian_is_as_wide_as_it_is():
    bounds = (179.5, -18, -179.5, -17)
    grid = covering(bounds, DEGREES, 0.01)
    assert (grid.width, grid.height) == (100, 100) and grid.transform.c == pytest.approx(179.5)
    datum = covering(bounds, CRS.from_epsg(4269), 0.01)
    assert abs(datum.width - 100) <= 1
    zone = covering(bounds, utm(bounds), 1000)
    assert 100 < zone.width < 120  # 106 km at 17.5 degrees south
    with pytest.raises(RasterError, match="not in one piece within EPSG:3857"):
        covering(bounds, CRS.from_epsg(3857), 1000)


@pytest.mark.parametrize(
    "bounds, crs, pixel, message",
    [
        ((0, 0, 10, 10), DEGREES, 1e-5, r"1000000 x 1000000 pixels, expected at most 250000"),
        ((0, 0, 1, 1), UTM, 0, "the pixel size is 0"),
        ((0, 0, 1, 1), UTM, math.nan, "the pixel size is nan"),
        ((100, 0, 101, 1), CRS.from_epsg(32633), 10, "not in one piece within EPSG:32633"),
    ],
)
def test_grids_that_nobody_can_mean_are_refused(bounds, crs, pixel, message):
    with pytest.raises(RasterError, match=message):
        covering(bounds, crs, pixel)


BASE = Grid(UTM, north_up(500_000, 5_000_000, 10), 100, 100)


def test_grids_that_share_ground():
    diamond = Affine(10, 10, 500_850, 10, -10, 5_000_100)
    assert overlaps(BASE, BASE)
    assert overlaps(BASE, Grid(UTM, north_up(500_990, 4_999_010, 10), 5, 5))
    assert overlaps(BASE, Grid(UTM, Affine(10, 0, 500_100, 0, 10, 4_999_500), 5, 5))
    assert not overlaps(BASE, Grid(UTM, north_up(501_000, 5_000_000, 10), 5, 5))  # they only touch
    # a rotated square whose box covers the corner, and who does not
    assert overlaps(BASE, Grid(UTM, diamond, 20, 20))
    assert not overlaps(BASE, Grid(UTM, Affine(10, 10, 500_970, 10, -10, 5_000_050), 8, 3))


def test_grids_in_other_systems_share_ground():
    assert overlaps(BASE, Grid(DEGREES, north_up(14.999, 45.2, 0.001), 100, 10))
    assert not overlaps(BASE, Grid(DEGREES, north_up(-165, 45.2, 0.001), 100, 10))
    fiji = Grid(DEGREES, north_up(178, -16, 0.01), 300, 400)
    assert overlaps(fiji, Grid(DEGREES, north_up(-181, -17, 0.01), 10, 250))
    assert overlaps(fiji, Grid(CRS.from_epsg(32701), north_up(200_000, 8_100_000, 100), 100, 100))
    assert not overlaps(fiji, Grid(DEGREES, north_up(-177, -17, 0.01), 10, 250))
    with pytest.raises(RasterError, match="has the CRS EPSG:32633 and the other none"):
        overlaps(BASE, Grid(None, BASE.transform, 10, 10))
