import numpy as np
import pytest

from stsun.bands import Band
from stsun.errors import ConfigurationError, RasterError
from stsun.raster.reader import inspect
from stsun.scene.identify import Told, identify, made_by, parse_bands
from stsun.sensors import sensor

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


def test_a_sensor_speaks_of_the_files_whose_tags_leave_bands_open(info, write_image):
    sentinel = sensor("sentinel-2-l1c")
    own = inspect(write_image("own.tif", ZEROS[:2], tags=(("wavelength", "560"),)))  # 560 and 660 nm
    foreign = inspect(write_image("foreign.tif", ZEROS[:2], tags=(("wavelength", "660"),)))  # 660 and 760 nm
    radar = inspect(write_image("radar.tif", ZEROS[:2], tags=(), descriptions=["VV", "VH"]))
    plain = info("B02", "B03", "B04")
    assert made_by(sentinel, [own, plain, foreign, radar]) == [False, True, False, False]
    assert made_by(sentinel, [own, foreign, radar]) == [True, False, False]
    with pytest.raises(RasterError, match=r"tags say .*760 nm.*sentinel-2-l1c has no such band"):
        made_by(sentinel, [foreign, radar])
    for file in (own, foreign, radar):
        assert identify([file], Told(sentinel))[0] == file.bands


def test_a_sensor_tells_the_bands_of_its_own_files_of_a_date(info, write_image):
    radar = inspect(write_image("radar.tif", ZEROS[:2], tags=(), descriptions=["VV", "VH"]))
    for files in ([radar, info()], [info(), radar]):
        bands, _ = identify(files, Told(sensor("aerial-rgb")))
        assert set(bands) == {*sensor("aerial-rgb").bands, Band("vv"), Band("vh")}


def test_names_in_the_file_must_not_contradict_what_is_told(info):
    colours = info("red", "green", "blue")
    for told in (
        Told(bands=parse_bands(["blue:490", "green:560", "red:665"])),
        Told(bands=parse_bands(["vv", "vh", "hv"])),
    ):
        with pytest.raises(
            RasterError, match=r"the list of bands gives .* as band 1, but the file calls that band 'red'"
        ):
            identify([colours], told)
    listed = parse_bands(["r:650:60", "g:545", "b:480:20"])
    assert identify([colours], Told(bands=listed)) == (listed, [])
    with pytest.raises(RasterError, match=r"the sensor aerial-rgb gives red .*the file calls that band 'blue'"):
        identify([info("blue", "x", "y")], Told(sensor("aerial-rgb")))
    with pytest.raises(RasterError, match=r"gives B04 .*the file calls that band 'B08'"):
        identify([info("B08", "B03", "B02")], Told(sensor("sentinel-2-l2a"), parse_bands(["B04", "B03", "B02"])))


def test_bands_that_are_tagged_alike_are_refused_by_the_files_name(write_image):
    twice = inspect(write_image("twice.tif", ZEROS, tags=(), descriptions=["VV", "VV", "VH"]))
    with pytest.raises(RasterError, match=r"twice\.tif: bands 'vv' and 'vv' are the same band"):
        identify([twice], Told())


def test_bands_may_be_listed_by_the_names_of_the_sensor(info):
    told = Told(sensor("sentinel-2-l2a"), parse_bands(["B08", "red", "vv"]))
    bands, _ = identify([info()], told)
    own = {band.name: band for band in sensor("sentinel-2-l2a").bands}
    assert bands == (own["B08"], own["B04"], Band("vv"))
    listed = parse_bands(["x:900", "red:650:20", "vv"])
    assert identify([info()], Told(sensor("sentinel-2-l2a"), listed))[0] == listed
