"""Rasters in: physical values, valid masks, and what the tags of a file say."""

import warnings

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import Affine
from rasterio.windows import Window

from stsun.bands import Band
from stsun.errors import RasterError
from stsun.raster.reader import inspect, read, read_labels


def from_origin(west, north, width, height):
    return Affine(width, 0, west, 0, -height, north)


def position(bands=2, height=5, width=7, dtype="int16"):
    """Stored values that tell their place: 100 * band + 10 * row + column."""
    band, row, column = np.ogrid[:bands, :height, :width]
    return (100 * band + 10 * row + column).astype(dtype)


def write(
    path, array, *, driver="GTiff", band_tags=(), tags=None, descriptions=(), interp=None, scales=None, **profile
):
    count, height, width = array.shape
    profile = {"dtype": array.dtype.name, "count": count, "height": height, "width": width, **profile}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", driver=driver, **profile) as target:
            target.write(array)
            target.update_tags(**(tags or {}))
            for index, values in enumerate(band_tags, start=1):
                target.update_tags(index, **values)
            for index, text in enumerate(descriptions, start=1):
                target.set_band_description(index, text)
            if interp:
                target.colorinterp = interp
            if scales:
                target.scales, target.offsets = scales
    return path


def test_every_pixel_arrives_at_its_place(tmp_path):
    values, valid = read(write(tmp_path / "a.tif", position()))
    assert values.dtype == np.float32 and valid.dtype == bool and valid.all()
    np.testing.assert_array_equal(values, position())


@pytest.mark.parametrize("window", [Window(2, 1, 3, 4), ((1, 5), (2, 5))])
def test_a_window_is_the_same_part_of_the_whole(tmp_path, window):
    path = write(tmp_path / "a.tif", position())
    np.testing.assert_array_equal(read(path, window=window)[0], position()[:, 1:5, 2:5])
    assert read(path, window=window)[1].shape == (4, 3)


@pytest.mark.parametrize("window", [Window(5, 0, 3, 2), Window(-1, 0, 2, 2), Window(0, 0, 0, 2), ((0, 6), (0, 2))])
def test_a_window_that_leaves_the_raster_is_refused(tmp_path, window):
    with pytest.raises(RasterError, match="not inside its 5 x 7 pixels"):
        read(write(tmp_path / "a.tif", position()), window=window)


def test_chosen_bands_come_in_the_chosen_order(tmp_path):
    path = write(tmp_path / "a.tif", position(3))
    np.testing.assert_array_equal(read(path, bands=[3, 1])[0], position(3)[[2, 0]])
    with pytest.raises(RasterError, match=r"no band 4; its bands are 1 to 3"):
        read(path, bands=[4])


def test_scale_and_offset_of_the_file_apply_once_and_can_be_overridden_for_each_band(tmp_path):
    path = write(tmp_path / "a.tif", position(), scales=((0.5, 2.0), (1.0, -3.0)))
    own = read(path)[0]
    np.testing.assert_allclose(own[0], position()[0] * 0.5 + 1)
    np.testing.assert_allclose(own[1], position()[1] * 2.0 - 3)
    mixed = read(path, scale=[None, 10.0], offset=0.0)[0]
    np.testing.assert_allclose(mixed[0], position()[0] * 0.5)
    np.testing.assert_allclose(mixed[1], position()[1] * 10.0)
    with pytest.raises(RasterError, match="got 3 values of scale for 2 bands"):
        read(path, scale=[1.0, 1.0, 1.0])


def test_a_pixel_without_data_in_one_band_is_invalid_in_all_and_becomes_zero(tmp_path):
    values, valid = read(write(tmp_path / "a.tif", position(), nodata=123), offset=7.0)
    assert not valid[2, 3] and valid.sum() == 34
    assert (values[:, 2, 3] == 0).all()


def test_nodata_can_be_told_for_each_band(tmp_path):
    path = write(tmp_path / "a.tif", position(), nodata=0)
    _, valid = read(path, nodata=[None, 134])
    assert not valid[0, 0] and not valid[3, 4] and valid.sum() == 33
    assert read(path, nodata=[0.5, 70_000.0])[1].all()  # no stored integer can equal these


@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_invalid(tmp_path, hole):
    array = position(dtype="float32")
    array[1, 4, 6] = hole
    values, valid = read(write(tmp_path / "a.tif", array))
    assert not valid[4, 6] and valid.sum() == 34
    assert np.isfinite(values).all()


def test_nodata_of_a_float_raster_is_compared_in_its_own_precision(tmp_path):
    array = position(dtype="float32")
    array[0, 0, 1] = np.float32(-3.4e38)
    assert not read(write(tmp_path / "a.tif", array), nodata=-3.4e38)[1][0, 1]


def test_large_numbers_are_scaled_before_they_are_rounded(tmp_path):
    array = np.full((1, 2, 2), 16_777_217, "uint32")  # 2**24 + 1 is no float32
    values, _ = read(write(tmp_path / "a.tif", array), offset=-16_777_216.0)
    assert (values == 1).all()


def test_an_internal_mask_is_honoured(tmp_path):
    path = write(tmp_path / "a.tif", position())
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as target:
        mask = np.ones((5, 7), bool)
        mask[1, 2] = False
        target.write_mask(mask)
    assert inspect(path).masked
    np.testing.assert_array_equal(read(path)[1], mask)
    assert not read(path, window=((1, 2), (2, 3)))[1].any()


def test_an_alpha_band_says_what_is_valid_and_is_no_band_of_data(tmp_path):
    array = position(4, dtype="uint8")
    array[3] = 255
    array[3, 0, 0] = 0
    path = write(tmp_path / "a.png", array, driver="PNG")
    info = inspect(path)
    assert (info.count, info.indexes, info.alpha) == (3, (1, 2, 3), 4)
    values, valid = read(path)
    assert values.shape[0] == 3 and not valid[0, 0] and valid.sum() == 34


def test_a_named_band_is_data_even_where_the_file_calls_it_alpha(tmp_path):
    rgba = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
    array = position(4, dtype="uint8")
    array[3, 0, 0] = 0
    path = write(tmp_path / "a.tif", array, descriptions=["red", "green", "blue", "NIR"], interp=rgba)
    assert inspect(path).count == 4
    assert read(path)[1].all()
    unnamed = write(tmp_path / "b.tif", array, interp=rgba)
    assert inspect(unnamed).count == 3 and not read(unnamed)[1][0, 0]
    assert read(unnamed, bands=[1, 2, 3, 4])[0].shape[0] == 4 and read(unnamed, bands=[1, 2, 3, 4])[1].all()


def test_labels_keep_the_index_of_a_colour_table(tmp_path):
    path = write(tmp_path / "a.png", position(1, dtype="uint8"), driver="PNG", interp=[ColorInterp.palette])
    with rasterio.open(tmp_path / "p.tif", "w", driver="GTiff", dtype="uint8", count=1, height=5, width=7) as target:
        target.write(position(1, dtype="uint8"))
        target.write_colormap(1, {value: (value, 0, 255 - value, 255) for value in range(256)})
    labels = read_labels(tmp_path / "p.tif")
    assert labels.dtype == np.int64
    np.testing.assert_array_equal(labels, position(1)[0])
    np.testing.assert_array_equal(read_labels(path, window=((1, 3), (0, 7))), position(1)[0, 1:3])
    with pytest.raises(RasterError, match="colour table"):
        read(tmp_path / "p.tif")


def test_labels_in_colours_or_fractions_are_refused(tmp_path):
    with pytest.raises(RasterError, match="has 3 bands, expected one band of class numbers"):
        read_labels(write(tmp_path / "rgb.png", position(3, dtype="uint8"), driver="PNG"))
    with pytest.raises(RasterError, match="fractions or NaN"):
        read_labels(write(tmp_path / "f.tif", position(1, dtype="float32") + 0.5))
    whole = read_labels(write(tmp_path / "w.tif", position(1, dtype="float32")))
    np.testing.assert_array_equal(whole, position(1)[0])


def test_complex_pixels_are_refused(tmp_path):
    with pytest.raises(RasterError, match="complex numbers"):
        read(write(tmp_path / "slc.tif", position(dtype="complex64")))


@pytest.mark.parametrize("suffix, driver", [("tif", "GTiff"), ("png", "PNG"), ("jpg", "JPEG")])
def test_a_truncated_file_is_refused_by_name(tmp_path, suffix, driver):
    noise = np.random.default_rng(0).integers(0, 255, (3, 64, 64), dtype=np.uint8)
    path = write(tmp_path / f"a.{suffix}", noise, driver=driver)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(RasterError, match=rf"a\.{suffix}.*damaged or incomplete"):
        read(path)


@pytest.mark.parametrize(
    "content, message",
    [
        (None, "there is no such file"),
        (b"", "is empty"),
        (b"<html>", "neither GeoTIFF, JPEG 2000, PNG, JPEG, VRT nor"),
        (b"II*\0", "damaged"),
    ],
)
def test_what_is_no_raster_is_refused_by_name(tmp_path, content, message):
    path = tmp_path / "a.tif"
    if content is not None:
        path.write_bytes(content)
    for function in (inspect, read, read_labels):
        with pytest.raises(RasterError, match=rf"a\.tif.*{message}"):
            function(path)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(RasterError, match="is a folder"):
        inspect(tmp_path)


def test_a_file_tells_bands_day_and_pixel_size(tmp_path):
    path = write(
        tmp_path / "a.tif",
        position(),
        band_tags=[{"wavelength": "664.6", "fwhm": "31", "wavelength_units": "Nanometers"}, {}],
        tags={"ACQUISITION_DATE": "2019-09-18", "TIFFTAG_DATETIME": "2024:01:01 00:00:00"},
        descriptions=["B4 red", "VV"],
        crs="EPSG:32633",
        transform=from_origin(500_000, 5_000_000, 10, 20),
        nodata=-1,
    )
    info = inspect(path)
    assert info.bands == (Band("B4 red", 664.6, 31), Band("vv"))
    assert info.day == 18_157  # 2019-09-18: 49 years of 365 days, 12 leap days (1972 to 2016), and 260 days
    assert info.pixel_size_m == (10, 20) and info.gsd_m == pytest.approx(200**0.5)
    assert info.nodata == (-1, -1) and (info.height, info.width, info.count) == (5, 7, 2)


@pytest.mark.parametrize("scale, offset", [(0, 0), (np.nan, 0), (np.inf, 0), (0.1, np.nan), (0.1, -np.inf)])
def test_a_scale_that_leaves_nothing_is_refused_by_file_and_band(tmp_path, scale, offset):
    path = write(tmp_path / "a.tif", position(), scales=((0.5, scale), (0, offset)))
    for function in (inspect, read):
        with pytest.raises(RasterError, match=r"a\.tif: band 2 has the scale .* expected finite numbers"):
            function(path)
        function(path, bands=[1])


def test_values_that_scaling_makes_too_large_are_not_valid(tmp_path):
    path = write(tmp_path / "a.tif", position(1, dtype="int32"), scales=((1e37,), (0,)))
    values, valid = read(path)
    np.testing.assert_array_equal(valid, position(1)[0] <= 34)  # 3.4e38 is the largest that float32 holds
    assert np.isfinite(values).all() and (values[:, ~valid] == 0).all()
    huge = position().astype("float64")
    huge[0, 2, 3], huge[1, 4, 5] = 1e300, -1e39
    values, valid = read(write(tmp_path / "b.tif", huge))
    assert np.isfinite(values).all() and (~valid).sum() == 2 and not valid[2, 3] and not valid[4, 5]


@pytest.mark.parametrize(
    "band_tags, tags, message",
    [
        (
            [{}, {"wavelength": "0.665", "wavelength_units": "nm"}],
            {},
            r"a\.tif: band 2: the tags say wavelength 0.665 \(nm\)",
        ),
        ([], {"ACQUISITION_DATE": "0001-01-01T00:00:00+14:00"}, r"a\.tif: its tags say: the date '0001"),
    ],
)
def test_implausible_tags_are_refused_by_file(tmp_path, band_tags, tags, message):
    path = write(tmp_path / "a.tif", position(), band_tags=band_tags, tags=tags)
    with pytest.raises(RasterError, match=message):
        inspect(path)


def test_real_rasters_tell_what_their_readme_says(shared_data):
    pucallpa = inspect(shared_data / "geo_io/landsat_pucallpa/1985.tif")
    assert [band.wavelength_nm for band in pucallpa.bands] == [1650, 835, 660, 560]
    assert pucallpa.day is None and pucallpa.gsd_m == pytest.approx(90, rel=0.02)
    scaled, _ = read(shared_data / "geo_io/edge_cases/cog_scale.tif")
    with rasterio.open(shared_data / "geo_io/edge_cases/cog_scale.tif") as source:
        stored = source.read(masked=True)
    expected = stored[1] * 0.001 + 2000
    np.testing.assert_allclose(scaled[1][~expected.mask], expected.compressed(), rtol=1e-6)
    assert inspect(shared_data / "geo_io/sentinel2_l1c_native/T33UUU_20170216_20m.tif").gsd_m == 20
