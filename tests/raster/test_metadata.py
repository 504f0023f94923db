"""What tags say: bands, days and pixel sizes; pure functions of text and numbers."""

import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from rasterio.transform import Affine

from stsun.bands import Band
from stsun.errors import ConfigurationError
from stsun.raster.metadata import band_of, day_of, moment_text, parse_day, pixel_size_m


def from_origin(west, north, width, height):
    return Affine(width, 0, west, 0, -height, north)


@pytest.mark.parametrize(
    "tags, imagery, expected",
    [
        ({"wavelength": "0.665", "fwhm": "0.03", "wavelength_units": "Micrometers"}, {}, Band("x", 665, 30)),
        ({"wavelength": "0.665"}, {}, Band("x", 665)),
        ({"Wavelength": "665", "fwhm": "30"}, {}, Band("x", 665, 30)),
        ({}, {"CENTRAL_WAVELENGTH_UM": "10.9", "FWHM_UM": "0.6"}, Band("x", 10_900, 600)),
        ({"wavelength": "665", "fwhm": "unknown"}, {}, Band("x", 665)),
        ({"wavelength": "nan"}, {"CENTRAL_WAVELENGTH_UM": "0.665"}, Band("x", 665)),
        ({"wavelength": "5.405", "wavelength_units": "GHz"}, {}, None),
        ({"wavelength": "red"}, {}, None),
        ({}, {}, None),
    ],
)
def test_wavelength_tags_are_read_in_their_unit_and_never_made_up(tags, imagery, expected):
    assert band_of(tags, imagery, "x") == expected


@pytest.mark.parametrize(
    "tags, imagery, message",
    [
        (
            {"wavelength": "0.665", "wavelength_units": "nm"},
            {},
            r"0.665 nm is outside .*looks like micrometres: write 665",
        ),
        (
            {"wavelength": "665", "wavelength_units": "um"},
            {},
            r"wavelength 665 \(um\): .*correct the tags or their unit",
        ),
        ({"wavelength": "55465763", "wavelength_units": "nm"}, {}, "a named token such as"),
        ({"wavelength": "0"}, {}, "0 nm is outside"),
        ({"wavelength": "inf"}, {}, "must be a finite number"),
        ({}, {"CENTRAL_WAVELENGTH_UM": "842"}, "842000 nm is outside"),
        ({"wavelength": "665", "fwhm": "0"}, {}, r"width 0 .*bandwidth of 0 nm .*leave it out"),
        ({"wavelength": "665", "fwhm": "0.03", "wavelength_units": "nm"}, {}, r"bandwidth of 0.03 nm .*write 30"),
        ({"wavelength": "665", "fwhm": "5000"}, {}, "bandwidth of 5000 nm at 665 nm is implausible"),
    ],
)
def test_tags_that_cannot_be_are_refused_with_the_fix(tags, imagery, message):
    with pytest.raises(ConfigurationError, match=message):
        band_of(tags, imagery, "x")


def test_the_wavelength_of_a_radar_leaves_its_token_alone():
    assert band_of({"wavelength": "55465763", "wavelength_units": "nm"}, {}, "VV") == Band("vv")
    with pytest.raises(ConfigurationError, match="665000 nm"):
        band_of({"wavelength": "665", "wavelength_units": "um"}, {}, "NDVI")


@pytest.mark.parametrize(
    "description, token", [("VV", "vv"), ("cloud probability", "cloud_probability"), ("NDVI", "ndvi")]
)
def test_a_description_that_is_a_token_names_the_band(description, token):
    assert band_of({}, {}, description) == Band(token)


@pytest.mark.parametrize(
    "text, day",
    [
        ("1970-01-02", 1.0),
        ("19700102", 1.0),
        ("1970-01-02T12:00:00Z", 1.5),
        ("1970-01-02T12:00:00", 1.5),
        ("1970-01-02T12:00:00+06:00", 1.25),
        ("19700102T120000", 1.5),
        ("1985", None),
        ("2000 (day not stated)", None),
        ("2019-13-01", None),
        ("2020-W01-1", None),
        ("", None),
    ],
)
def test_only_whole_iso_days_are_days(text, day):
    assert parse_day(text) == day


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "18491231", "2201-01-01"])
def test_days_of_implausible_years_are_refused(text):
    with pytest.raises(ConfigurationError, match="outside the years 1850 to 2200; correct it, or leave it out"):
        parse_day(text)
    with pytest.raises(ConfigurationError, match="outside the years"):
        day_of({"ACQUISITION_DATE": text}, {})


@given(st.floats(-43_829, 84_370))
def test_a_moment_in_words_is_the_same_day_again(day):
    assert parse_day(moment_text(day)) == pytest.approx(day, abs=1 / 86_400)


def test_a_moment_tells_its_time_only_where_it_has_one():
    assert [moment_text(day) for day in (1, 1.5, -0.25)] == [
        "1970-01-02",
        "1970-01-02T12:00:00Z",
        "1969-12-31T18:00:00Z",
    ]


def test_the_day_a_file_was_written_is_not_the_day_of_acquisition():
    assert day_of({"TIFFTAG_DATETIME": "2024:01:01 00:00:00"}, {}) is None
    assert day_of({}, {"ACQUISITIONDATETIME": "1970-01-03"}) == 2
    assert day_of({"ACQUISITION_DATE": "1985", "DATE_ACQUIRED": "1970-01-03"}, {}) == 2


def test_pixel_sizes_are_metres_on_the_ground():
    # WGS 84 at 60 degrees north: one degree of latitude is 111.412 km, one of longitude 55.800 km (published tables)
    degrees = pixel_size_m(rasterio.CRS.from_epsg(4326), from_origin(10, 60.5, 1, 1), 1, 1)
    assert degrees == pytest.approx((55_800, 111_412), rel=1e-4)
    # 100 US survey feet are 30.48006 m
    feet = pixel_size_m(rasterio.CRS.from_epsg(2264), from_origin(0, 0, 100, 100), 1, 1)
    assert feet == pytest.approx((30.48006, 30.48006), rel=1e-6)
    # web Mercator stretches by 1 / cos(latitude): at 60 degrees north (y = 8 399 737.9 m) to the double
    mercator = pixel_size_m(rasterio.CRS.from_epsg(3857), from_origin(0, 8_399_742.9, 10, 10), 1, 1)
    assert mercator == pytest.approx((5, 5), rel=1e-3)
    assert pixel_size_m(None, from_origin(0, 0, 1, 1), 1, 1) is None
