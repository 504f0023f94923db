import numpy as np
import pytest

from stsun.bands import Band
from stsun.errors import ConfigurationError, RasterError
from stsun.prediction.identify import Told, identify, parse_bands, scaling
from stsun.raster.reader import inspect
from stsun.sensors import sensor

VISIBLE = (Band("red", 665, 70),)
ZEROS = np.zeros((3, 4, 4), np.uint16)


@pytest.fixture
def info(write_image):
    """Facts of a three-band raster without tags, with these descriptions."""

    def make(*descriptions, values=ZEROS, tags=(), **profile):
        return inspect(
            write_image("image.tif", values[: len(descriptions) or 3], tags=tags, descriptions=descriptions, **profile)
        )

    return make


def test_wavelength_tags_come_first(info):
    bands, notes = identify([info("a", "b", tags=(("wavelength", "500"),))], Told())
    assert [band.wavelength_nm for band in bands] == [500, 600]
    assert not notes


def test_a_sensor_gives_its_bands_in_order_if_their_number_fits(info):
    assert identify([info()], Told(sensor("aerial-rgb")))[0] == sensor("aerial-rgb").bands


def test_a_sensors_bands_are_found_by_name_where_descriptions_name_them(info):
    bands, _ = identify([info("B08", "B04", "B03")], Told(sensor("sentinel-2-l2a")))
    assert [band.name for band in bands] == ["B08", "B04", "B03"]
    assert [round(band.wavelength_nm) for band in bands] == [833, 665, 560]


def test_a_sensor_with_another_number_of_bands_is_refused(info):
    with pytest.raises(RasterError, match=r"12 bands .*but the file has 3.*--bands"):
        identify([info()], Told(sensor("sentinel-2-l2a")))


def test_common_names_give_nominal_wavelengths_and_a_note_says_so(info):
    bands, notes = identify([info("nir", "Red", "vv")], Told())
    assert [band.name for band in bands] == ["nir", "red", "vv"]
    assert 800 < bands[0].wavelength_nm < 900 and bands[2].wavelength_nm is None
    assert len(notes) == 1 and "nominal" in notes[0] and "vv" not in notes[0]


def test_what_the_user_lists_is_taken_for_what_the_tags_leave_open(info, write_image):
    told = Told(bands=parse_bands(["red:665:70", "nir:842", "vv"]))
    assert identify([info()], told)[0] == (Band("red", 665, 70), Band("nir", 842), Band("vv"))
    tagged = inspect(write_image("tagged.tif", ZEROS[:1], tags=(("wavelength", "490"),), descriptions=["blue"]))
    assert [band.name for band in identify([tagged, info()], told)[0]] == ["blue", "red", "nir", "vv"]


def test_bands_are_never_known_by_their_number_alone(info):
    with pytest.raises(RasterError, match=r"band 1, 2, 3 .*--sensor.*--bands"):
        identify([info()], Told())
    with pytest.raises(RasterError, match=r"2 \(Fmask\)"):
        identify([info("red", "Fmask", "nir")], Told())


def test_tags_and_user_who_contradict_each_other_are_both_named(info):
    file = info("a", "b", tags=(("wavelength", "500"),))
    with pytest.raises(RasterError, match=r"red 665 nm .*as band 2.*600 nm"):
        identify([file], Told(bands=parse_bands(["x:500", "red:665"])))
    assert [b.wavelength_nm for b in identify([file], Told(bands=parse_bands(["x:503", "red:600"])))[0]] == [500, 600]


def test_bands_in_words():
    assert parse_bands(["red:665:70", "nir:842", "VV", Band("dem")]) == (
        Band("red", 665, 70), Band("nir", 842), Band("vv"), Band("dem"),
    )  # fmt: skip
    assert parse_bands(["red"])[0].wavelength_nm == pytest.approx(665, abs=20)
    for wrong in ("red:abc", "red:1:2:3", "red:0.665", ""):
        with pytest.raises(ConfigurationError):
            parse_bands([wrong])


@pytest.mark.parametrize(
    ("dtype", "told", "expected", "words"),
    [
        ("uint8", Told(), (1 / 255, 0.0), "8 bit"),
        ("float32", Told(), None, "as stored"),
        ("uint16", Told(sensor("sentinel-2-l1c")), (1e-4, 0.0), "sentinel-2-l1c"),
        ("uint16", Told(sensor("sentinel-2-l2a")), (1e-4, 0.0), "sentinel-2-l2a"),
        ("float32", Told(sensor("sentinel-2-l2a")), None, "as stored"),
        ("uint16", Told(sensor("sentinel-2-l2a"), scale=1e-4, offset=-0.1), (1e-4, -0.1), "as given"),
        ("uint8", Told(offset=3.0), (1.0, 3.0), "as given"),
    ],
)
def test_stored_values_become_physical_by_user_file_sensor_or_data_type(info, dtype, told, expected, words):
    values, note = scaling(info(values=ZEROS.astype(dtype)), told, VISIBLE)
    assert values == (pytest.approx(expected) if expected else None)
    assert words in note and "image.tif" in note


def test_a_scale_in_the_file_is_left_to_the_reader(tmp_path, write_image):
    import rasterio

    path = write_image("scaled.tif", ZEROS)
    with rasterio.open(path, "r+") as raster:
        raster.scales, raster.offsets = [1e-4] * 3, [-0.1] * 3
    assert scaling(inspect(path), Told(sensor("landsat-8")), VISIBLE)[0] is None


def test_whole_numbers_are_taken_for_reflectance_only_if_someone_says_how(info):
    with pytest.raises(RasterError, match=r"red 665 nm .*uint16.*--scale 1e-4.*--sensor"):
        scaling(info(), Told(), VISIBLE)
    with pytest.raises(RasterError, match="red 665 nm"):
        scaling(info(), Told(sensor("landsat-8-toa")), (Band("dem"), *VISIBLE))
    assert scaling(info(), Told(scale=1.0), VISIBLE)[0] == (1, 0)
    # metres, decibels and kelvin may well be stored as they are
    assert scaling(info(), Told(), (Band("dem"), Band("vv"), Band("heat", 10_900)))[0] is None


def test_tags_come_before_the_sensor_which_then_tells_the_scale_alone(info):
    two = info("a", "b", tags=(("wavelength", "560"),), values=ZEROS)  # 560 and 660 nm
    bands, _ = identify([two], Told(sensor("sentinel-2-l1c")))
    assert [band.wavelength_nm for band in bands] == [560, 660]
    with pytest.raises(RasterError, match=r"tags say .*760 nm.*sentinel-2-l1c has no such band"):
        identify([info("a", "b", tags=(("wavelength", "660"),))], Told(sensor("sentinel-2-l1c")))


def test_bands_may_be_listed_by_the_names_of_the_sensor(info):
    told = Told(sensor("sentinel-2-l2a"), parse_bands(["B08", "red", "vv"]))
    bands, _ = identify([info()], told)
    own = {band.name: band for band in sensor("sentinel-2-l2a").bands}
    assert bands == (own["B08"], own["B04"], Band("vv"))
    listed = parse_bands(["x:900", "red:650:20", "vv"])
    assert identify([info()], Told(sensor("sentinel-2-l2a"), listed))[0] == listed
