"""STAC items as the large catalogues write them: bands, scales, offsets, twins, masks and addresses."""

import pytest
from small_archives import EO, S2, by_name, item_json, reflectance, taken_from, write_json, write_tiff

from stsun.archives.acquisition import CloudMask
from stsun.archives.hrefs import located
from stsun.archives.stac import open_stac
from stsun.bands import Band
from stsun.errors import ConfigurationError, RasterError
from stsun.raster.metadata import moment_text, parse_day


def test_an_item_of_earth_search(tmp_path):
    """Layout of earth-search v1, sentinel-2-l2a: twins in JPEG 2000, a picture, auxiliary layers, a mask."""
    nir = {"name": "nir", "common_name": "nir", "center_wavelength": 0.842, "full_width_half_max": 0.145}
    picture = [{"name": name, "common_name": name} for name in ("red", "green", "blue")]
    raster = {"nodata": 0, "data_type": "uint16", "spatial_resolution": 10, "scale": 0.0001, "offset": -0.1}
    assets = {
        "red-jp2": reflectance("s3://sentinel-s2-l2a/tiles/21/J/UK/2023/12/17/0/R10m/B04.jp2", raster=raster),
        "aot": {"href": "AOT.tif", "type": "image/tiff", "roles": ["data", "reflectance"]},
        "nir": reflectance("B08.tif", nir, raster),
        "red": reflectance("B04.tif", EO, raster),
        "visual": {"href": "TCI.tif", "type": "image/tiff", "roles": ["visual"], "eo:bands": picture},
        "scl": {"href": "SCL.tif", "type": "image/tiff", "roles": ["data", "reflectance"]},
        "thumbnail": {"href": "thumbnail.jpg", "type": "image/jpeg", "roles": ["thumbnail"]},
        "granule_metadata": {"href": "metadata.xml", "type": "application/xml", "roles": ["metadata"]},
    }
    taken = taken_from(tmp_path, assets, **S2, **{"earthsearch:boa_offset_applied": False})
    bands = by_name(taken)
    assert {name: file.path for name, file in bands.items()} == {
        "red": str(tmp_path / "B04.tif"), "nir": str(tmp_path / "B08.tif")
    }  # fmt: skip
    assert bands["red"].band == Band("red", 665, 38)
    assert {(file.scale, file.offset, file.nodata, file.index) for file in bands.values()} == {(1e-4, -0.1, 0, 1)}
    assert taken.cloud_mask == CloudMask(str(tmp_path / "SCL.tif"), 1, "scl")
    assert taken.notes == ("left out, nobody says what it measures: aot",)
    assert moment_text(taken.day) == "2023-12-17T12:00:00Z"


def test_an_item_of_the_copernicus_data_space(tmp_path):
    """STAC 1.1: one list of bands, numbers on the asset, every band at three resolutions."""

    def asset(band, metres):
        band = {"name": band, "eo:common_name": "red", "eo:center_wavelength": 0.665, "eo:full_width_half_max": 0.038}
        return {
            "href": f"{band['name']}_{metres}m.tif", "roles": ["data", f"gsd:{metres}m"], "type": "image/jp2", "gsd": metres,
            "bands": [band], "data_type": "uint16", "nodata": 0, "raster:scale": 0.0001, "raster:offset": -0.1,
        }  # fmt: skip

    assets = {
        "SCL_60m": {"href": "SCL_60m.tif", "gsd": 60, "roles": ["data"]}, "B04_60m": asset("B04", 60),
        "B04_20m": asset("B04", 20), "B04_10m": asset("B04", 10), "SCL_20m": {"href": "SCL_20m.tif", "gsd": 20},
        "TCI_10m": {**asset("B04", 10), "href": "TCI_10m.tif", "roles": ["visual"]},
    }  # fmt: skip
    taken = taken_from(tmp_path, assets, constellation="sentinel-2", **{"processing:version": "05.10"})
    (file,) = taken.bands
    assert (file.path, file.scale, file.offset) == (str(tmp_path / "B04_10m.tif"), 1e-4, -0.1)
    assert file.band == Band("B04", 665, 38) and taken.notes == ()
    assert taken.cloud_mask == CloudMask(str(tmp_path / "SCL_20m.tif"), 1, "scl")


@pytest.mark.parametrize(
    "told, properties, offset, scale, note",
    [
        ({"scale": 1e-4, "offset": -0.1}, S2, -0.1, 1e-4, None),
        ({"scale": 1e-4}, S2, -0.1, 1e-4, "offset -0.1 of processing baseline 05.10, the item tells none"),
        ({"scale": 1e-4}, {**S2, "s2:processing_baseline": "04.00"}, -0.1, 1e-4, "baseline 04.00"),
        ({"scale": 1e-4}, {**S2, "s2:processing_baseline": "03.01"}, 0, 1e-4, None),
        ({"scale": 1e-4}, {**S2, "earthsearch:boa_offset_applied": True}, 0, 1e-4, None),
        ({"scale": 1e-4, "offset": -0.1}, {**S2, "earthsearch:boa_offset_applied": True}, 0, 1e-4, "already applied"),
        ({"scale": 1e-4}, {**S2, "earthsearch:boa_offset_applied": False}, -0.1, 1e-4, "offset -0.1"),
        ({}, S2, -0.1, 1e-4, "scale 0.0001, the item tells none; offset -0.1 of processing baseline 05.10"),
        ({"scale": 1e-4}, {"platform": "Sentinel-2A"}, 0, 1e-4, "tells neither offset nor processing baseline"),
        ({"scale": 1e-4, "offset": 0}, S2, 0, 1e-4, None),
        ({"scale": 2e-4, "offset": -0.2}, {"platform": "other"}, -0.2, 2e-4, None),
        ({"scale": 2e-4}, {"platform": "other"}, 0, 2e-4, None),
        ({}, {"landsat:correction": "L2SP"}, -0.2, 2.75e-5, "those of Landsat Collection 2 level 2"),
    ],
)  # fmt: skip
def test_scale_and_offset_are_told_or_follow_from_the_product_with_a_note(
    tmp_path, told, properties, offset, scale, note
):
    taken = taken_from(tmp_path, {"red": reflectance("a.tif", raster=told), "scl": {"href": "scl.tif"}}, **properties)
    assert (taken.bands[0].scale, taken.bands[0].offset) == (scale, offset)
    assert (not taken.notes) if note is None else (len(taken.notes) == 1 and note in taken.notes[0])


@pytest.mark.parametrize(
    "fields, expected",
    [
        ({"stored": "float32"}, (1.0, 0.0)),
        ({"file_scale": (0.002, -1.0)}, (0.002, -1.0)),
        ({"stored": "uint8"}, (1 / 255, 0.0)),
    ],
)
def test_where_the_item_is_silent_the_file_speaks(tmp_path, fields, expected):
    file = taken_from(tmp_path, {"red": reflectance("a.tif", raster={}, **fields)}).bands[0]
    assert (file.scale, file.offset) == expected


def test_whole_numbers_that_nobody_explains_are_refused(tmp_path):
    with pytest.raises(RasterError, match=r"asset 'red'.*stored as uint16.*add raster:scale and raster:offset"):
        taken_from(tmp_path, {"red": reflectance("a.tif", raster={})})
    with pytest.raises(RasterError, match=r"the item tells neither scale nor data type of 'red'"):
        taken_from(tmp_path, {"red": reflectance("https://example.org/a.tif", raster={})}, remote=True)
    with pytest.raises(RasterError, match="the scale is 0"):
        taken_from(tmp_path, {"red": reflectance("a.tif", raster={"scale": 0})})


def test_temperature_keeps_its_own_scale_on_a_sentinel_2_item_or_not(tmp_path):
    lwir = {"name": "lwir11", "common_name": "lwir11", "center_wavelength": 10.9, "full_width_half_max": 0.59}
    taken = taken_from(tmp_path, {"lwir11": reflectance("a.tif", lwir, {})}, collection="landsat", platform="landsat-8",
                       **{"landsat:correction": "L2SP"})  # fmt: skip
    assert (taken.bands[0].scale, taken.bands[0].offset) == (0.00341802, 149.0)
    assert taken.bands[0].band == Band("lwir11", 10_900, 590)


def test_common_names_alone_give_nominal_wavelengths_with_a_note(tmp_path):
    assets = {"B4": reflectance("a.tif", {"name": "B4", "common_name": "red"}), "nir": reflectance("b.tif", {})}
    taken = taken_from(tmp_path, assets)
    assert [file.band for file in taken.bands] == [Band("B4", 660, 60), Band("nir", 835, 120)]
    assert "nominal wavelengths of common names: B4, nir" in taken.notes


def test_radar_bands_are_tokens_and_keep_their_values(tmp_path):
    radar = {"type": "image/tiff", "roles": ["data"], "raster:bands": [{"data_type": "float32", "nodata": -32768}]}
    taken = taken_from(tmp_path, {key: {"href": f"{key}.tif", "stored": "float32", **radar} for key in ("vv", "vh")})
    assert [(file.band, file.scale, file.offset, file.nodata) for file in taken.bands] == [
        (Band("vv"), 1, 0, -32768), (Band("vh"), 1, 0, -32768)
    ]  # fmt: skip


def test_bands_of_one_asset_are_numbered_in_its_order(tmp_path):
    names = ("red", "green", "blue", "nir")
    assets = {"image": {"href": "naip.tif", "roles": ["data"], "stored": "uint8",
                        "eo:bands": [{"name": name, "common_name": name} for name in names]}}  # fmt: skip
    taken = taken_from(tmp_path, assets)
    assert [(file.band.name, file.index) for file in taken.bands] == list(zip(names, (1, 2, 3, 4), strict=True))
    assert [file.index for file in taken_from(tmp_path, assets, ["nir"]).bands] == [4]


def test_bands_are_asked_for_by_name_common_name_or_asset(tmp_path):
    edge = [{"name": f"e{n}", "common_name": "rededge", "center_wavelength": w} for n, w in ((1, 0.705), (2, 0.74))]
    assets = {"red": reflectance("a.tif")} | {f"edge{n}": reflectance(f"e{n}.tif", eo) for n, eo in enumerate(edge)}
    assert list(by_name(taken_from(tmp_path, assets, ["edge1", "red"]))) == ["e2", "red"]
    assert list(by_name(taken_from(tmp_path, assets, ["rededge"]))) == ["e1", "e2"]
    with pytest.raises(ConfigurationError, match=r"no band 'nir'; it has red \(red\), e1 \(rededge\), e2"):
        taken_from(tmp_path, assets, ["nir"])


def test_bands_that_the_item_cannot_tell_apart_are_taken_once(tmp_path):
    assets = {name: reflectance(f"{name}.tif", {"name": name, "common_name": "rededge"}) for name in ("B05", "B06")}
    taken = taken_from(tmp_path, assets)
    assert list(by_name(taken)) == ["B05"]
    assert "left out, by what the item tells the same as B05: B06" in taken.notes


def test_files_that_were_not_fetched_are_left_out_with_a_note(tmp_path):
    nir = {"name": "nir", "common_name": "nir", "center_wavelength": 0.842}
    assets = {"red": reflectance("a.tif"), "nir": reflectance("missing.tif", nir), "scl": {"href": "missing_scl.tif"}}
    taken = taken_from(tmp_path, assets)
    assert list(by_name(taken)) == ["red"] and taken.cloud_mask is None
    assert taken.notes == (
        "left out, there is no such file: nir", "clouds are not masked, there is no such file: scl"
    )  # fmt: skip
    del assets["red"]
    with pytest.raises(RasterError, match=r"no band can be used: nir \(there is no such file\); fetch the files"):
        taken_from(tmp_path, assets)


def test_unknown_bands_are_named(tmp_path):
    assets = {"data": reflectance("a.tif", {"name": "band 7"})}
    with pytest.raises(RasterError, match=r"band 7 \(nobody says what it measures\).*add eo:center_wavelength"):
        taken_from(tmp_path, assets)


def test_no_network_by_surprise(tmp_path):
    assets = {"red": reflectance("https://example.org/a.tif")}
    with pytest.raises(ConfigurationError, match=r"https://example.org/a.tif lies on a server.*remote=True"):
        taken_from(tmp_path, assets)
    assert taken_from(tmp_path, assets, remote=True).bands[0].path == "/vsicurl/https://example.org/a.tif"
    assets = {"red": reflectance("a.tif"), "scl": {"href": "http://example.org/scl.tif"}}
    with pytest.raises(ConfigurationError, match=r"scl.tif lies on a server"):
        taken_from(tmp_path, assets)
    mask = taken_from(tmp_path, assets, remote=True).cloud_mask
    assert mask == CloudMask("/vsicurl/http://example.org/scl.tif", 1, "scl")


def test_a_local_twin_is_taken_before_a_remote_one(tmp_path):
    assets = {"red-cog": reflectance("https://example.org/a.tif", gsd=10), "red": reflectance("a.tif", gsd=20)}
    assert taken_from(tmp_path, assets).bands[0].path == str(tmp_path / "a.tif")


@pytest.mark.parametrize(
    "href",
    ["/vsicurl/http://example.org/a.tif", "/vsizip/a.zip/a.tif", "s3://bucket/a.tif", "GTIFF_DIR:1:a.tif", "", "a\0.tif",
     "ftp://example.org/a.tif", "http://", "https://a b/c.tif", "x" * 5000],
)  # fmt: skip
def test_only_files_that_are_there_and_http_are_within_reach(tmp_path, href):
    assert located(str(tmp_path / "item.json"), href) is None


def test_addresses_are_relative_to_the_item(tmp_path):
    path = write_tiff(tmp_path / "data" / "a b.tif")
    assert located(str(tmp_path / "items" / "item.json"), "../data/a b.tif") is None  # there is no folder items
    assert located(str(tmp_path / "item.json"), "./data/a b.tif") == str(path)
    assert located(str(tmp_path / "item.json"), path.as_uri()) == str(path)
    assert located("https://example.org/items/item.json", "../a.tif") == "https://example.org/a.tif"


def test_items_of_a_collection_come_in_the_order_of_time(tmp_path):
    write_tiff(tmp_path / "a.tif")
    items = [
        item_json({"red": reflectance("a.tif")}, name=name, datetime=f"{name}-06-01T10:00:00+02:00")
        for name in ("2021", "2019")
    ]
    path = write_json(tmp_path / "items.json", {"type": "FeatureCollection", "features": items})
    assert [taken.name for taken in open_stac(path)] == ["2019", "2021"]
    assert open_stac(path)[0].day == parse_day("2019-06-01T08:00:00Z")


def test_an_item_of_a_period_stands_for_its_middle(tmp_path):
    period = {"datetime": None, "start_datetime": "2020-01-01T00:00:00Z", "end_datetime": "2020-01-31T00:00:00Z"}
    taken = taken_from(tmp_path, {"red": reflectance("a.tif")}, **period)
    assert moment_text(taken.day) == "2020-01-16" and "taken as of the middle of its period" in " ".join(taken.notes)
