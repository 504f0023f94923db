import math

import numpy as np
import pyproj
import pytest
from rasterio.crs import CRS
from rasterio.transform import Affine, from_origin

from stsun.maps.areas import counts_by_row, pixel_areas_m2

GLOBE_KM2 = 510_065_621.724
"""Surface of the WGS 84 ellipsoid (NIMA TR8350.2, table 3.3)."""


def geodesic_m2(crs, corners):
    """Area between corners, by another implementation (pyproj's Geod, from GeographicLib)."""
    to_lonlat = pyproj.Transformer.from_crs(crs.to_wkt(), "EPSG:4326", always_xy=True)
    area, _ = pyproj.Geod(ellps="WGS84").polygon_area_perimeter(*to_lonlat.transform(*np.transpose(corners)))
    return abs(area)


def pixel_corners(transform, row, column):
    x, y = transform.c + column * transform.a, transform.f + row * transform.e
    return [(x, y), (x, y + transform.e), (x + transform.a, y + transform.e), (x + transform.a, y)]


@pytest.mark.parametrize(
    ("transform", "rows", "columns"),
    [
        (from_origin(-180, 90, 1, 1), 180, 360),
        (from_origin(0, 90, 45, 30), 6, 8),
        (from_origin(-180, 90, 360, 180), 1, 1),
        (from_origin(-180, 90.5, 1, 1), 181, 360),  # half a row beyond either pole
        (Affine(1, 0, -180, 0, 1, -90), 180, 360),  # south up
    ],
)
def test_the_pixels_of_a_whole_globe_add_up_to_it(transform, rows, columns):
    areas = pixel_areas_m2(CRS.from_epsg(4326), transform, 0, rows, columns)
    assert areas.shape == (rows,)
    assert areas.sum() * columns / 1e6 == pytest.approx(GLOBE_KM2, rel=1e-11)


def test_on_a_sphere_half_of_the_earth_is_two_pi_times_its_radius_squared():
    crs = CRS.from_proj4("+proj=longlat +R=6371007.181 +no_defs")
    areas = pixel_areas_m2(crs, from_origin(-180, 90, 10, 10), 0, 9, 36)
    assert areas.sum() * 36 == pytest.approx(2 * math.pi * 6371007.181**2, rel=1e-12)


def test_rows_can_be_asked_for_in_parts():
    crs, transform = CRS.from_epsg(4326), from_origin(10, 60, 0.01, 0.01)
    whole = pixel_areas_m2(crs, transform, 0, 100, 50)
    np.testing.assert_array_equal(pixel_areas_m2(crs, transform, 40, 60, 50), whole[40:])


@pytest.mark.parametrize("epsg", [32633, 3035, 6933])
def test_projections_that_keep_areas_have_one_area(epsg):
    np.testing.assert_array_equal(
        pixel_areas_m2(CRS.from_epsg(epsg), from_origin(4e6, 3e6, 10, 20), 5, 7, 9), [200.0] * 7
    )


def test_feet_are_converted():
    areas = pixel_areas_m2(CRS.from_epsg(2227), from_origin(6e6, 2e6, 100, 100), 0, 1, 1)
    assert areas[0] == pytest.approx((100 * 1200 / 3937) ** 2, rel=1e-12)  # the US survey foot is 1200/3937 m


@pytest.mark.parametrize(
    ("epsg", "transform"),
    [
        (4326, from_origin(15, 60, 1e-4, 1e-4)),
        (3857, from_origin(1e6, 8.4e6, 10, 10)),  # 60 degrees north: a quarter of the nominal area
        (3857, from_origin(-20037508, -1e6, 10, 10)),
        (3395, from_origin(1e6, 8.4e6, 10, 10)),
        (4087, from_origin(1e6, 6e6, 10, 10)),
        (3035, from_origin(2.6e6, 1.5e6, 10, 10)),
    ],
)
def test_small_pixels_have_the_area_of_an_independent_implementation(epsg, transform):
    crs = CRS.from_epsg(epsg)
    areas = pixel_areas_m2(crs, transform, 0, 300, 1)
    for row in (0, 299):
        assert areas[row] == pytest.approx(geodesic_m2(crs, pixel_corners(transform, row, 0)), rel=1e-5)


def test_a_grid_turned_by_a_right_angle_has_the_same_area():
    turned = Affine(0, 0.001, 15, -0.001, 0, 60)  # rows go east, columns south
    areas = pixel_areas_m2(CRS.from_epsg(4326), turned, 0, 4, 2)
    straight = pixel_areas_m2(CRS.from_epsg(4326), from_origin(15, 60, 0.001, 0.001), 0, 2, 4)
    np.testing.assert_allclose(areas, straight.mean(), rtol=1e-9)


def test_without_a_crs_there_is_no_area():
    assert pixel_areas_m2(None, Affine.identity(), 0, 3, 3) is None


def test_a_local_system_counts_in_its_own_unit():
    crs = CRS.from_wkt('LOCAL_CS["site",UNIT["metre",1],AXIS["x",EAST],AXIS["y",NORTH]]')
    np.testing.assert_array_equal(pixel_areas_m2(crs, from_origin(0, 0, 2, 3), 0, 2, 2), [6, 6])


def test_values_are_counted_row_by_row():
    counts = counts_by_row(np.array([[0, 2, 2], [1, 1, 1]]), 4)
    assert counts.tolist() == [[1, 0, 2, 0], [0, 3, 0, 0]]
