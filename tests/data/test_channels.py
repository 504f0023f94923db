"""What the YAML says of the bands and what the files say: completed where one is silent, refused where both disagree."""

import numpy as np
import pytest
from small_sets import NIR, RED, TAGS, only, position, refused

from stsun.bands import Band
from stsun.data.validate import validate
from stsun.errors import RasterError
from stsun.sensors import common_band


def test_bands_scale_nodata_date_and_pixel_size_come_from_the_file_where_the_yaml_is_silent(world):
    world.image(
        "images/a.tif", band_tags=TAGS, descriptions=["B4", "B8"], scales=((0.5, 0.5), (1, 1)), nodata=0, metres=20,
        tags={"ACQUISITION_DATE": "1970-01-11T06:00:00Z"},
    )  # fmt: skip
    sample = only(world.yaml("bands"))
    assert sample.configuration.bands == (Band("B4", 665, 30), Band("B8", 842)) and sample.configuration.gsd_m == 20
    np.testing.assert_allclose(sample.images[0][:, 1:], position()[:, 1:] * 0.5 + 1)
    assert not sample.valid[0, 0, 0] and sample.days.tolist() == [10.25]


def test_a_band_without_wavelength_in_the_yaml_takes_that_of_the_file(world):
    world.image("images/a.tif", band_tags=TAGS)
    assert only(world.yaml(bands=[{"name": "rouge"}, {"name": "pir"}])).configuration.bands == (
        Band("rouge", 665, 30),
        Band("pir", 842),
    )


def test_files_without_band_tags_need_bands_in_the_yaml(world):
    refused(world.yaml("bands"), "tags do not say what band 1, 2 measures.*list them under bands")


@pytest.mark.parametrize(
    "keys, message",
    [
        ({"bands": [NIR, RED]}, r"a\.tif.*nir 842 nm.*file's tags say.*665 nm"),
        ({"bands": [RED | {"bandwidth_nm": 60}, NIR]}, "60 nm wide.*30 nm wide"),
        ({"bands": [{"name": "vv"}, NIR]}, r"vv \(named token\).*665 nm"),
        ({"scale": 0.1}, "scale is 0.1 in the data set's description, but 0.5 in the file"),
        ({"offset": 3.0}, "offset is 3 .*but 1 in the file"),
        ({"nodata": -1}, "nodata is -1 .*but 0 in the file"),
        ({"dates": ["1970-01-12"]}, "date is 1970-01-12 .*tag says 1970-01-11"),
        ({"gsd_m": 30}, "gsd_m is 30 .*pixels are 20 x 20 m"),
    ],
)
def test_yaml_and_tags_that_disagree_are_both_named(world, keys, message):
    world.image(
        "images/a.tif", band_tags=TAGS, scales=((0.5, 0.5), (1, 1)), nodata=0, metres=20,
        tags={"ACQUISITION_DATE": "1970-01-11"},
    )  # fmt: skip
    refused(world.yaml(**keys), message)


def test_yaml_and_tags_may_say_the_same_within_rounding(world):
    world.image(
        "images/a.tif", band_tags=TAGS, scales=((0.5, 0.5), (0, 0)), nodata=0, metres=20,
        tags={"ACQUISITION_DATE": "1970-01-11T10:00:00"},
    )  # fmt: skip
    bands = [RED | {"wavelength_nm": 664.6}, NIR]
    sample = only(world.yaml(bands=bands, scale=0.5, nodata=0, gsd_m=20.3, dates=["1970-01-11"]))
    assert sample.configuration.gsd_m == 20.3 and sample.days.tolist() == [10.0]
    assert sample.configuration.bands[0] == Band("red", 664.6, 30)


def test_scale_one_pixel_size_without_crs_and_a_tag_that_is_no_day_are_silent(world):
    world.image("images/a.tif", scales=((1, 1), (0, 0)), tags={"ACQUISITION_DATE": "2000 (day not stated)"})
    sample = only(world.yaml(scale=0.5, offset=1, gsd_m=30, dates=["2000-05-05"]))
    assert sample.configuration.gsd_m == 30 and sample.days.tolist() == [11_082.0]
    np.testing.assert_allclose(sample.images[0], position() * 0.5 + 1)


def test_a_date_of_several_files_equals_that_of_one_of_them(world):
    world.image("images/a.tif", tags={"ACQUISITION_DATE": "1970-01-11"})
    world.image("more/a.tif", bands=1, tags={"ACQUISITION_DATE": "1970-01-10"})
    keys = {"images": [["images/{id}.tif", "more/{id}.tif"]], "bands": [RED, NIR, {"name": "vv"}]}
    assert only(world.yaml(dates=["1970-01-10"], **keys)).days.tolist() == [9.0]
    assert only(world.yaml(**keys)).days.tolist() == [10.0]
    refused(world.yaml(dates=["1970-01-12"], **keys), "tag says 1970-01-11 and 1970-01-10")


def test_a_catalogue_sensor_gives_bands_and_the_scale_of_its_integers(world):
    world.image("images/a.tif", bands=12)
    sample = only(world.yaml("scale", bands="sentinel-2-l2a"))
    assert len(sample.configuration.bands) == 12 and sample.configuration.gsd_m is None
    np.testing.assert_allclose(sample.images[0], position(12) * 1e-4, rtol=1e-6)
    np.testing.assert_allclose(only(world.yaml(bands="sentinel-2-l2a", scale=1)).images[0], position(12))
    world.raster("images/a.tif", position(12).astype("float32"))
    np.testing.assert_allclose(only(world.yaml(bands="sentinel-2-l2a")).images[0], position(12))
    world.image("images/a.tif", bands=12)
    shifted = only(world.yaml("scale", bands="sentinel-2-l2a", offset=-0.1)).images[0]
    np.testing.assert_allclose(shifted, position(12) * 1e-4 - 0.1, rtol=1e-5, atol=1e-8)


def test_names_in_the_files_give_nominal_bands_where_neither_yaml_nor_tags_do(world):
    world.image("images/a.tif", bands=4, band_tags=TAGS[:1], descriptions=["blue", "nir", "Swir16", "VV"])
    bands = only(world.yaml("bands")).configuration.bands
    assert bands == (Band("blue", 665, 30), common_band("nir"), common_band("swir16"), Band("vv"))
    world.image("images/a.tif", descriptions=["nir", "Fmask"])
    refused(world.yaml("bands"), "what band 2 measures.*no known name")


def test_whole_numbers_are_reflectance_only_if_someone_says_how(world):
    path = world.yaml("scale")
    refused(
        path, r"a\.tif: red 665 nm .*stored as int16, and nobody says .*scale: 0.0001 .*scale: 1", error=RasterError
    )
    found = [str(problem) for problem in validate(path)]
    assert len(found) == 3 and all("nobody says what the numbers mean" in problem for problem in found)
    np.testing.assert_array_equal(only(world.yaml(scale=1)).images[0], position())
    world.image("images/a.tif", scales=((0.5, 0.5), (0, 0)))
    np.testing.assert_allclose(only(world.yaml("scale")).images[0], position() * 0.5)
    world.image("images/a.tif")
    tokens = only(world.yaml("scale", bands=[{"name": "vv"}, {"name": "dem"}]))  # decibels and metres may be whole
    np.testing.assert_array_equal(tokens.images[0], position())
    one_each = [RED | {"scale": 0.1}, {"name": "vv"}]
    np.testing.assert_allclose(only(world.yaml("scale", bands=one_each)).images[0][0], position()[0] * 0.1)


def test_eight_bit_without_a_scale_of_its_own_is_a_stretch_from_0_to_1(world):
    world.raster("images/a.tif", position().astype("uint8"))
    np.testing.assert_allclose(only(world.yaml("scale")).images[0], position().astype("uint8") / 255, rtol=1e-6)


def test_floats_that_nobody_speaks_for_must_look_like_reflectance(world):
    world.raster("images/a.tif", (position() / 1000).astype("float32"))
    np.testing.assert_allclose(only(world.yaml("scale")).images[0], position() / 1000, rtol=1e-6)
    world.raster("images/a.tif", position().astype("float32"))
    refused(world.yaml("scale"), r"a\.tif: band 1 holds values around 17.5, expected reflectance", error=RasterError)
    np.testing.assert_array_equal(only(world.yaml(scale=1)).images[0], position())


def test_another_number_of_bands_is_refused(world):
    refused(world.yaml(bands=[RED, NIR, {"name": "vv"}]), r"a\.tif has 2 bands, but .* lists 3 \(red, nir, vv\)")
    world.image("images/a.tif", bands=10)
    refused(world.yaml(bands="aerial-rgb"), r"a\.tif has 10 bands, but .* lists 3")


def test_a_fourth_band_that_the_yaml_lists_is_data_even_if_the_file_calls_it_alpha(world):
    world.raster("images/a.tif", position(4).astype("uint8"), photometric="RGB", alpha="yes")
    bands = [{"name": n, "wavelength_nm": w} for n, w in (("red", 665), ("green", 560), ("blue", 490), ("nir", 842))]
    assert only(world.yaml(bands=bands)).images[0].shape[0] == 4
    assert only(world.yaml(bands=bands[:3])).images[0].shape[0] == 3
