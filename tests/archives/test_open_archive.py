"""Archives are opened by what they are; ordinary rasters are left to others."""

import pytest
from small_archives import LANDSAT, SAFE, by_name, item_json, make_l2a, make_landsat, write_json, write_tiff

from stsun.archives.opening import open_archive
from stsun.errors import ConfigurationError, RasterError


def test_ordinary_files_and_missing_ones_are_none_of_ours(tmp_path):
    assert open_archive(write_tiff(tmp_path / "a.tif")) is None
    assert open_archive(tmp_path / "missing.tif") is None
    assert open_archive(str(tmp_path / "a\0.tif")) is None


def test_each_kind_is_known_by_its_files(tmp_path):
    granule = tmp_path / "granule"
    write_tiff(granule / "HLS.S30.T15TVM.2019001T170719.v2.0.B04.tif")
    write_tiff(tmp_path / "vv.tif", dtype="float32")
    item = write_json(tmp_path / "item.json", item_json({"vv": {"href": "vv.tif", "roles": ["data"]}}))
    archives = [make_l2a(tmp_path), make_landsat(tmp_path), granule, item]
    assert [open_archive(path)[0].name for path in archives] == [
        SAFE,
        LANDSAT,
        "HLS.S30.T15TVM.2019001T170719.v2.0",
        "item",
    ]


def test_the_metadata_file_stands_for_its_product(tmp_path):
    safe, landsat = make_l2a(tmp_path), make_landsat(tmp_path)
    other = LANDSAT.replace("20201226", "20210111")
    write_tiff(landsat / f"{other}_SR_B4.TIF")
    assert open_archive(safe / "MTD_MSIL2A.xml", ["red"])[0].bands[0].band.name == "B04"
    assert [taken.name for taken in open_archive(landsat / f"{LANDSAT}_MTL.txt")] == [LANDSAT]
    assert [taken.name for taken in open_archive(landsat)] == [LANDSAT, other]


def test_a_renamed_product_is_still_known_by_its_metadata(tmp_path):
    folder = make_l2a(tmp_path).rename(tmp_path / "mine")
    assert open_archive(folder)[0].name == "mine"


@pytest.mark.parametrize("only, expected", [(["B04"], ["B04"]), (["b4", "nir"], ["B04", "B08"])])
def test_bands_can_be_asked_for(tmp_path, only, expected):
    assert list(by_name(open_archive(make_l2a(tmp_path), only)[0])) == expected
    with pytest.raises(ConfigurationError, match=r"no band 'B10'; it has B01"):
        open_archive(tmp_path / f"{SAFE}.SAFE", ["B10"])


def test_other_folders_are_refused_with_what_is_known(tmp_path):
    write_tiff(tmp_path / "a.tif")
    with pytest.raises(RasterError, match=r"a folder with a.tif; expected a Sentinel-2 product .*Landsat.*HLS.*STAC"):
        open_archive(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(RasterError, match="a folder with nothing"):
        open_archive(tmp_path / "empty")
    (tmp_path / "half.SAFE").mkdir()
    with pytest.raises(RasterError, match="no complete Sentinel-2 product"):
        open_archive(tmp_path / "half.SAFE")


@pytest.mark.parametrize("name", ["a.SAFE.zip", "LC08.tar", "a.tar.gz"])
def test_packed_products_are_to_be_unpacked(tmp_path, name):
    (tmp_path / name).write_bytes(b"PK")
    with pytest.raises(RasterError, match="is packed; unpack it, and give the folder"):
        open_archive(tmp_path / name)
