"""Sentinel-2 products: what is read from a SAFE folder, and what is refused."""

import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_archives import L2A_FILES, S2_BANDS, SAFE, by_name, make_l1c, make_l2a, product_xml

from stsun.archives.acquisition import CloudMask
from stsun.archives.safe import open_safe
from stsun.errors import ConfigurationError, RasterError, StsunError
from stsun.raster.metadata import moment_text
from stsun.sensors import sensor

LATER = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_every_band_of_level_2a_is_taken_at_its_finest_resolution(tmp_path):
    folder = make_l2a(tmp_path)
    taken = open_safe(folder)
    assert taken.name == SAFE and moment_text(taken.day) == "2023-12-17T13:56:59Z"
    assert tuple(file.band for file in taken.bands) == sensor("sentinel-2-l2a").bands
    metres = {name: int(file.path.rsplit("_", 1)[1].removesuffix("m.tif")) for name, file in by_name(taken).items()}
    assert metres == {
        "B01": 20, "B02": 10, "B03": 10, "B04": 10, "B05": 20, "B06": 20, "B07": 20, "B08": 10, "B8A": 20, "B09": 60,
        "B11": 20, "B12": 20,
    }  # fmt: skip
    images = folder / "GRANULE" / "L2A_T21JUK_A035414_20231217T140918" / "IMG_DATA"
    assert taken.cloud_mask == CloudMask(str(images / "R20m" / "T21JUK_20231217T135659_SCL_20m.tif"), 1, "scl")
    assert taken.notes == ()


def test_stored_1500_is_a_reflectance_of_a_twentieth_since_baseline_0400(tmp_path):
    file = by_name(open_safe(make_l2a(tmp_path)))["B04"]
    assert (1500 * file.scale + file.offset, file.nodata, file.index) == (pytest.approx(0.05), 0.0, 1)
    with rasterio.open(file.path) as source:
        assert source.res == (10, 10)


def test_each_band_gets_its_own_offset_by_the_number_of_level_1c(tmp_path):
    xml = product_xml("2A", offsets=[-(100 + place) for place in range(13)])
    taken = by_name(open_safe(make_l2a(tmp_path, xml=xml)))
    for place, name in enumerate(S2_BANDS):
        if name != "B10":
            assert taken[name].offset == pytest.approx(-(100 + place) / 10_000)


def test_products_before_baseline_0400_have_no_offset(tmp_path):
    taken = open_safe(make_l2a(tmp_path, xml=product_xml("2A", baseline="02.14", offsets=None)))
    assert {file.offset for file in taken.bands} == {0.0} and taken.bands[0].scale == pytest.approx(1e-4)


def test_level_1c_has_thirteen_bands_and_no_cloud_mask(tmp_path):
    taken = open_safe(make_l1c(tmp_path))
    assert tuple(by_name(taken)) == S2_BANDS and taken.cloud_mask is None
    assert taken.bands[0].offset == pytest.approx(-0.1)
    assert list(taken.notes) == ["clouds are not masked, level 1C has no scene classification"]


def test_jpeg_2000_files_are_found_as_well(tmp_path):
    folder = make_l2a(tmp_path)
    for path in folder.rglob("*.tif"):
        path.rename(path.with_suffix(".jp2"))
    taken = open_safe(folder)
    assert len(taken.bands) == 12 and all(file.path.endswith(".jp2") for file in taken.bands)


def test_a_missing_band_is_left_out_with_a_note(tmp_path):
    files = {metres: tuple(b for b in bands if b not in ("B05", "SCL")) for metres, bands in L2A_FILES.items()}
    taken = open_safe(make_l2a(tmp_path, files=files))
    assert "B05" not in by_name(taken) and taken.cloud_mask is None
    assert "B05 is left out, its file is missing" in taken.notes[0]
    assert "clouds are not masked, its scene classification is missing" in taken.notes[1]


def test_a_missing_band_is_an_error_only_where_it_is_asked_for(tmp_path):
    files = {metres: tuple(b for b in bands if b != "B05") for metres, bands in L2A_FILES.items()}
    folder = make_l2a(tmp_path, files=files)
    assert open_safe(folder, ["red"]).notes == ()
    with pytest.raises(ConfigurationError, match=r"no band 'B05'; it has B01 \(coastal\), B02 \(blue\)"):
        open_safe(folder, ["B04", "B05"])


@pytest.mark.parametrize(
    "only, expected",
    [(["nir", "B4"], ["B08", "B04"]), (["b8a"], ["B8A"]), (["red", "B04", "B4"], ["B04"]), (["SWIR16"], ["B11"])],
)
def test_bands_are_asked_for_by_name_or_common_name(tmp_path, only, expected):
    assert list(by_name(open_safe(make_l2a(tmp_path), only))) == expected


def test_asking_for_no_band_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="no band is asked for; name at least one of B01"):
        open_safe(make_l2a(tmp_path), [])


def test_a_folder_without_metadata_says_so(tmp_path):
    folder = make_l2a(tmp_path)
    (folder / "MTD_MSIL2A.xml").unlink()
    with pytest.raises(RasterError, match=r"neither MTD_MSIL1C.xml nor MTD_MSIL2A.xml in it; unpack the whole product"):
        open_safe(folder)


def test_a_folder_without_images_says_so(tmp_path):
    with pytest.raises(RasterError, match=r"no band under GRANULE/\*/IMG_DATA"):
        open_safe(make_l2a(tmp_path, files={10: ("SCL",)}))


def test_two_granules_are_refused(tmp_path):
    folder = make_l2a(tmp_path)
    (folder / "GRANULE" / "L2A_T21JVK" / "IMG_DATA").mkdir(parents=True)
    with pytest.raises(RasterError, match="holds 2 granules, expected one"):
        open_safe(folder)


@pytest.mark.parametrize(
    "xml, message",
    [
        (product_xml(offsets=None), r"baseline 05.10 must tell a BOA_ADD_OFFSET for every band.*0.1 too high"),
        (product_xml(offsets=[-1000] * 12), r"does not for B12"),
        (product_xml(quantification="0"), r"BOA_QUANTIFICATION_VALUE is 0, expected a number such as 10000"),
        (product_xml(quantification="ten"), r"BOA_QUANTIFICATION_VALUE is 'ten', expected a number"),
        (product_xml(quantification="nan"), r"expected a number"),
        (product_xml(baseline=""), r"PROCESSING_BASELINE is 'None'"),
        (product_xml(start="yesterday"), r"PRODUCT_START_TIME is 'yesterday'"),
        (product_xml(start="0001-01-01T00:00:00Z"), r"outside the years 1850"),
        (product_xml()[:-20], r"is no XML that can be read"),
        ("", r"is no XML"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', r"declares a document type or entities"),
        ('<?xml version="1.0"?><!doctype a SYSTEM "file:///etc/passwd"><a/>', r"declares a document type"),
    ],
)
def test_metadata_that_cannot_be_is_refused(tmp_path, xml, message):
    folder = make_l2a(tmp_path)
    (folder / "MTD_MSIL2A.xml").write_text(xml)
    with pytest.raises(StsunError, match=message):
        open_safe(folder)


def test_entities_are_refused_in_any_encoding(tmp_path):
    folder = make_l2a(tmp_path)
    bomb = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'
    for content in (bomb.encode("utf-16"), bomb.encode("utf-7")):
        (folder / "MTD_MSIL2A.xml").write_bytes(content)
        with pytest.raises(RasterError):
            open_safe(folder)


def test_elements_nested_deeply_do_no_harm(tmp_path):
    folder = make_l2a(tmp_path)
    (folder / "MTD_MSIL2A.xml").write_text("<a>" * 200_000 + "</a>" * 200_000)
    with pytest.raises(RasterError, match="BOA_QUANTIFICATION_VALUE is 'None'"):
        open_safe(folder)


@LATER
@given(st.data())
def test_damaged_metadata_gives_an_error_for_people_or_a_whole_answer(tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp() / f"{SAFE}.SAFE"
    if not folder.exists():
        make_l2a(tmp_path_factory.getbasetemp(), files={10: ("B04",)})
    content = bytearray(product_xml().encode())
    start = data.draw(st.integers(0, len(content)))
    stop = data.draw(st.integers(start, min(len(content), start + 200)))
    content[start:stop] = data.draw(
        st.binary(max_size=40) | st.sampled_from([b"-1e999", b"1e400", b"<a>", b"\xff", b"&lt;"])
    )
    (folder / "MTD_MSIL2A.xml").write_bytes(content)
    try:
        assert [file.band.name for file in open_safe(folder).bands] == ["B04"]
    except StsunError as problem:
        assert str(problem)
