import numpy as np
import pytest
import rasterio

from stsun.bands import Band
from stsun.errors import ConfigurationError, RasterError
from stsun.raster.reader import inspect
from stsun.scene.scaling import StoredFile, meanings, notes
from stsun.sensors import sensor

RED, NIR, VV, HEAT = Band("red", 665, 70), Band("nir", 842, 115), Band("vv"), Band("heat", 10_900)


@pytest.fixture
def stored(write_image):
    """A file without tags that holds these bands, with its own scale and offset where they are given."""

    def make(dtype, *bands, scales=None, sensor=None):
        path = write_image(f"{dtype}-{len(bands)}-{bands[0].name}.tif", np.zeros((len(bands), 4, 4), dtype), tags=())
        if scales is not None:
            with rasterio.open(path, "r+") as raster:
                raster.scales, raster.offsets = [scales[0]] * len(bands), [scales[1]] * len(bands)
        return StoredFile(inspect(path), bands, sensor)

    return make


def scaled(files, scale=None, offset=None):
    return [[(one.scale, one.offset) for one in own] for own in meanings(files, scale, offset)]


@pytest.mark.parametrize(
    ("dtype", "sensor_name", "given", "expected", "words"),
    [
        ("uint8", None, {}, (1 / 255, 0), "8 bit"),
        ("float32", None, {}, (1, 0), "as stored"),
        ("uint16", "sentinel-2-l1c", {}, (1e-4, 0), "of sentinel-2-l1c"),
        ("uint16", "landsat-8", {}, (2.75e-5, -0.2), "of landsat-8"),
        ("float32", "sentinel-2-l2a", {}, (1, 0), "as stored"),
        ("uint16", "sentinel-2-l2a", {"scale": 1e-3, "offset": -0.1}, (1e-3, -0.1), "as given"),
        ("uint16", "sentinel-2-l2a", {"offset": -0.1}, (1e-4, -0.1), "as given"),
        ("uint8", None, {"offset": 3.0}, (1, 3), "as given"),
    ],
)
def test_stored_values_become_physical_by_user_sensor_or_data_type(stored, dtype, sensor_name, given, expected, words):
    file = stored(dtype, RED, sensor=sensor_name and sensor(sensor_name))
    assert scaled([file], **given) == [[expected]]
    (note,) = notes(file, meanings([file], given.get("scale"), given.get("offset"))[0])
    assert words in note and f"{dtype}-1-red.tif" in note


def test_a_scale_given_is_for_the_bands_that_need_one_and_no_others(stored):
    optical, own = stored("uint16", RED, NIR), stored("int16", RED, scales=(2e-4, 0.1))
    picture, ready = stored("uint8", RED), stored("float32", NIR)
    radar, decibels = stored("int16", VV), stored("float32", VV, HEAT)
    found = scaled([optical, radar, decibels, picture, ready, own], 1e-4, -0.1)
    assert found == [
        [(1e-4, -0.1)] * 2, [(1, 0)], [(1, 0)] * 2, [(1 / 255, 0)], [(1, 0)], [(pytest.approx(2e-4), pytest.approx(0.1))],
    ]  # fmt: skip
    # where no band needs it more, the next kind takes it
    assert scaled([picture, ready, radar], 1e-3) == [[(1e-3, 0)], [(1, 0)], [(1, 0)]]
    assert scaled([ready, radar, decibels], 1e-3) == [[(1e-3, 0)], [(1, 0)], [(1, 0)] * 2]
    assert scaled([radar, decibels], 0.01) == [[(0.01, 0)], [(1, 0)] * 2]


def test_one_file_may_hold_bands_of_both_kinds(stored):
    mixed = stored("int16", RED, VV)
    means = meanings([mixed], 1e-4, None)[0]
    assert [one.scale for one in means] == [1e-4, 1]
    assert ["(red)" in note or "(vv)" in note for note in notes(mixed, means)] == [True, True]


def test_a_scale_that_contradicts_every_file_is_refused(stored):
    own, radar = stored("uint16", RED, scales=(1e-4, 0)), stored("float32", VV)
    with pytest.raises(ConfigurationError, match=r"scale given is 0.001 .*uint16-1-red.tif itself says 0.0001 and 0"):
        meanings([own, radar], 1e-3, None)
    assert scaled([own, radar], 1e-4) == [[(pytest.approx(1e-4), 0)], [(1, 0)]]


def test_a_sensors_scale_is_for_its_own_bands(stored):
    sentinel = sensor("sentinel-2-l2a")
    assert scaled([stored("uint16", RED, VV, sensor=sentinel), stored("int16", VV)]) == [[(1e-4, 0), (1, 0)], [(1, 0)]]


def test_whole_numbers_are_taken_for_reflectance_only_if_someone_says_how(stored):
    with pytest.raises(RasterError, match=r"red 665 nm .*uint16.*--scale 1e-4.*--sensor"):
        meanings([stored("uint16", RED)], None, None)
    with pytest.raises(RasterError, match="red 665 nm"):
        meanings([stored("int16", VV, RED, sensor=sensor("landsat-8-toa"))], None, None)
    assert scaled([stored("uint16", RED)], 1.0) == [[(1, 0)]]
    # metres, decibels and kelvin may well be stored as they are
    assert scaled([stored("uint16", Band("dem"), VV, HEAT)]) == [[(1, 0)] * 3]


@pytest.mark.parametrize(
    ("dtype", "band", "doubtful"), [("float32", RED, True), ("float32", VV, False), ("uint8", RED, False)]
)
def test_only_reflectances_that_nobody_speaks_for_are_doubtful(stored, dtype, band, doubtful):
    assert meanings([stored(dtype, band)], None, None)[0][0].doubtful is doubtful
    assert not meanings([stored(dtype, band)], 1.0, None)[0][0].doubtful
