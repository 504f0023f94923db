"""Landsat Collection 2 folders: bands, scales, times and masks as USGS publishes them."""

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_archives import LANDSAT, by_name, make_landsat, mtl_groups, mtl_text, write_tiff

from stsun.archives.acquisition import CloudMask
from stsun.archives.landsat import open_landsat
from stsun.bands import Band
from stsun.errors import ConfigurationError, RasterError, StsunError
from stsun.raster.metadata import moment_text
from stsun.sensors import sensor

LEVEL_1 = "LC08_L1TP_037034_20201226_20210310_02_T1"
LEVEL_1_ENDINGS = (*(f"B{band}" for band in range(1, 12)), "QA_PIXEL", "QA_RADSAT")


def scene(folder, only=None):
    (taken,) = open_landsat(folder, only)
    return taken


@pytest.mark.parametrize("mtl", ["txt", "json", "xml"])
def test_level_2_numbers_are_those_of_the_scenes_own_metadata(tmp_path, mtl):
    taken = scene(make_landsat(tmp_path, mtl=mtl))
    bands = by_name(taken)
    assert tuple(file.band for file in taken.bands) == (
        *sensor("landsat-8").bands, Band("B10", 10895.0, 590)
    )  # fmt: skip
    assert {(bands[f"B{n}"].scale, bands[f"B{n}"].offset) for n in range(1, 8)} == {(3e-5, -0.3)}
    assert (bands["B10"].scale, bands["B10"].offset, bands["B10"].nodata) == (0.004, 150.0, 0.0)
    assert moment_text(taken.day) == "2020-12-26T17:43:59Z"
    assert taken.cloud_mask == CloudMask(str(tmp_path / LANDSAT / f"{LANDSAT}_QA_PIXEL.TIF"), 1, "qa_pixel")
    assert (taken.name, taken.notes) == (LANDSAT, ())


def test_without_metadata_level_2_has_the_published_scale_and_says_so(tmp_path):
    taken = scene(make_landsat(tmp_path, mtl=None))
    bands = by_name(taken)
    assert (bands["B4"].scale, bands["B4"].offset) == (0.0000275, -0.2)
    assert (bands["B10"].scale, bands["B10"].offset) == (0.00341802, 149.0)
    assert moment_text(taken.day) == "2020-12-26"
    assert len(taken.notes) == 1 and "published ones of Collection 2, there is no MTL file" in taken.notes[0]


def test_a_scale_that_the_metadata_lacks_is_the_published_one_and_named(tmp_path):
    groups = mtl_groups()
    del groups["LEVEL2_SURFACE_REFLECTANCE_PARAMETERS"]["REFLECTANCE_ADD_BAND_4"]
    taken = scene(make_landsat(tmp_path, groups=groups))
    assert by_name(taken)["B4"].scale == 0.0000275 and by_name(taken)["B3"].scale == 3e-5
    assert "scale and offset of B4 are the published ones" in taken.notes[0]


def test_level_1_reflectance_is_divided_by_the_sine_of_the_suns_elevation(tmp_path):
    groups = mtl_groups(LEVEL_1, level="L1TP", elevation="30.0", bands=range(1, 10))
    taken = scene(make_landsat(tmp_path, name=LEVEL_1, endings=LEVEL_1_ENDINGS, groups=groups))
    # sin(30 degrees) = 1/2: twice (2e-5 * 10000 - 0.1) = 0.2
    file = by_name(taken)["B4"]
    assert 10_000 * file.scale + file.offset == pytest.approx(0.2)
    assert list(by_name(taken)) == [f"B{band}" for band in range(1, 10)]
    assert taken.notes == ("thermal bands are left out; take level 2 for temperatures",)


@pytest.mark.parametrize(
    "elevation, message",
    [("-12.0", "a scene taken at night"), ("0", "expected degrees above"), ("high", "expected a number")],
)
def test_level_1_without_a_sun_is_refused(tmp_path, elevation, message):
    groups = mtl_groups(LEVEL_1, level="L1TP", elevation=elevation, bands=range(1, 10))
    with pytest.raises(RasterError, match=message):
        scene(make_landsat(tmp_path, name=LEVEL_1, endings=LEVEL_1_ENDINGS, groups=groups))


def test_level_1_without_metadata_is_refused(tmp_path):
    with pytest.raises(RasterError, match=r"how high the sun stood; put LC08_L1TP.*_MTL.txt beside the bands"):
        scene(make_landsat(tmp_path, name=LEVEL_1, endings=LEVEL_1_ENDINGS, mtl=None))


@pytest.mark.parametrize(
    "start, bands, thermal, red_nm",
    [("LT05", "1 2 3 4 5 7", "B6", 660), ("LE07", "1 2 3 4 5 7", "B6", 662), ("LC09", "1 2 3 4 5 6 7", "B10", 654.5),
     ("LT04", "1 2 3 4 5 7", "B6", 660)],
)  # fmt: skip
def test_the_sensor_is_told_by_the_name(tmp_path, start, bands, thermal, red_nm):
    name = LANDSAT.replace("LC08", start)
    endings = [*(f"SR_B{band}" for band in bands.split()), f"ST_{thermal}", "QA_PIXEL"]
    taken = scene(make_landsat(tmp_path, name=name, endings=endings, mtl=None))
    assert list(by_name(taken)) == [*(f"B{band}" for band in bands.split()), thermal]
    (red,) = scene(tmp_path / name, ["red"]).bands
    assert red.band.wavelength_nm == red_nm
    assert any("Landsat 5" in note for note in taken.notes) == (start == "LT04")


def test_scenes_of_one_folder_come_in_the_order_of_time(tmp_path):
    later = LANDSAT.replace("20201226", "20210111")
    for name in (later, LANDSAT):
        write_tiff(tmp_path / f"{name}_SR_B4.TIF")
    assert [taken.name for taken in open_landsat(tmp_path)] == [LANDSAT, later]


def test_what_is_missing_is_noted_unless_it_was_not_asked_for(tmp_path):
    folder = make_landsat(tmp_path, endings=["SR_B4", "SR_B5"])
    assert list(scene(folder).notes) == [
        "SR_B1, SR_B2, SR_B3, SR_B6, SR_B7 left out, there are no such files",
        f"clouds are not masked, there is no {LANDSAT}_QA_PIXEL.TIF",
    ]
    assert list(by_name(scene(folder, ["nir08", "SR_B4"]))) == ["B5", "B4"]
    assert len(scene(folder, ["red"]).notes) == 1
    with pytest.raises(ConfigurationError, match=r"no band 'nir'; it has B4 \(red\), B5 \(nir08\)"):
        scene(folder, ["nir"])


@pytest.mark.parametrize(
    "name, message",
    [
        (LANDSAT.replace("_02_", "_01_"), "of Landsat Collection 01, expected 02"),
        (LANDSAT.replace("LC08", "LM05"), "no bands are known for LM05; expected one of LC09"),
        (LANDSAT.replace("20201226", "20201399"), "'20201399' is no day"),
    ],
)
def test_other_landsat_products_are_refused(tmp_path, name, message):
    with pytest.raises(RasterError, match=message):
        scene(make_landsat(tmp_path, name=name, mtl=None))


def test_a_folder_of_metadata_alone_is_refused(tmp_path):
    with pytest.raises(RasterError, match=r"no band that can be read, only QA_PIXEL, MTL.txt|only MTL.txt, QA_PIXEL"):
        scene(make_landsat(tmp_path, endings=["QA_PIXEL"]))


def test_metadata_of_another_collection_is_refused(tmp_path):
    folder = make_landsat(tmp_path, groups={"L1_METADATA_FILE": {}})
    with pytest.raises(RasterError, match="expected the groups PRODUCT_CONTENTS and IMAGE_ATTRIBUTES"):
        scene(folder)


@pytest.mark.parametrize("mtl", ["txt", "json", "xml"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_metadata_gives_an_error_for_people_or_a_whole_answer(tmp_path_factory, mtl, data):
    root = tmp_path_factory.getbasetemp() / mtl
    path = root / LANDSAT / f"{LANDSAT}_MTL.{mtl}"
    original = root / "original"
    if not original.exists():
        make_landsat(root, endings=["SR_B4", "QA_PIXEL"], mtl=mtl)
        original.write_bytes(path.read_bytes())
    content = bytearray(original.read_bytes())
    start = data.draw(st.integers(0, len(content)))
    stop = data.draw(st.integers(start, min(len(content), start + 100)))
    content[start:stop] = data.draw(
        st.binary(max_size=40) | st.sampled_from([b"1e400", b"[" * 5000, b"NaN", b"{}", b"9" * 5000])
    )
    path.write_bytes(content)
    try:
        taken = scene(root / LANDSAT)
        assert math.isfinite(taken.day) and math.isfinite(taken.bands[0].scale)
    except StsunError as problem:
        assert str(problem)


def test_text_metadata_is_read_as_usgs_writes_it():
    text = mtl_text(mtl_groups())
    assert '    SCENE_CENTER_TIME = "17:43:59.1234567Z"' in text and "    REFLECTANCE_ADD_BAND_1 = -0.3" in text
