import hashlib
import json

import numpy as np
import pystac
import pytest
import rasterio
import shapely
from pystac.extensions.classification import ClassificationExtension
from pystac.extensions.mlm import MLMExtension
from pystac.extensions.projection import ProjectionExtension
from pystac.validation.stac_validator import JsonSchemaSTACValidator
from rasterio.crs import CRS
from rasterio.transform import Affine, from_origin
from stac_model.schema import MLModelProperties

from stsun.bands import Band
from stsun.errors import ConfigurationError, RasterError
from stsun.maps.footprint import footprint
from stsun.maps.stac_item import ItemFacts, ModelFacts, Period, write_stac_item
from stsun.raster.grid import Grid

OPTICAL = (Band("red", 665, 30), Band("nir", 842, 115))
RADAR = (Band("vv"), Band("vh"))
UTM = Grid(CRS.from_epsg(32633), from_origin(400_000, 5_000_000, 10, 10), 30, 40)


def write_map(path, *, grid=UTM, count=1, dtype="uint8", nodata=255, tags=None):
    shape = {"height": grid.height, "width": grid.width, "count": count, "dtype": dtype, "nodata": nodata}
    place = {} if grid.crs is None else {"crs": grid.crs, "transform": grid.transform}
    with rasterio.open(path, "w", driver="GTiff", **shape, **place) as file:
        file.write(np.zeros((count, grid.height, grid.width), dtype))
        for band in range(1, count + 1):
            file.set_band_description(band, f"period {band}")
            file.update_tags(band, **(tags or {}))
    return path


def facts(tmp_path, **changes):
    told = {
        "id": "flood-2024",
        "task": "semantic_change",
        "categories": [("bare soil", "#a6761d"), ("forest", "#117733")],
        "periods": [Period("2018-05-01", "2018-05-01", "2018-05-01"), Period("2024", "2024-05-01", "2024-05-01")],
        "bands": [OPTICAL, OPTICAL],
        "gsd_m": 10.0,
        "model": ModelFacts("stsun-tiny", 1_234_567, "0.1", tmp_path / "model.safetensors"),
        "software": "0.1.0",
        "inputs": [tmp_path / "images" / "2018.tif", "/vsicurl/https://example.com/2024.tif"],
    }
    return ItemFacts(**(told | changes))


def written(tmp_path, *, assets=None, path=None, changes=None, **options):
    path = path or tmp_path / "item.json"
    assets = assets or {"map": write_map(tmp_path / "map.tif", count=2)}
    write_stac_item(path, assets=assets, facts=facts(tmp_path, **(changes or {})), **options)
    item = json.loads(path.read_text(encoding="utf-8"))
    JsonSchemaSTACValidator().validate_core(item, pystac.STACObjectType.ITEM, "1.1.0")  # pystac ships the core schema
    return item


def test_pystac_reads_the_item(tmp_path):
    item = pystac.Item.from_dict(written(tmp_path))
    assert item.id == "flood-2024"
    assert item.datetime is None
    assert item.common_metadata.gsd == 10
    assert ProjectionExtension.ext(item).code == "EPSG:32633"
    assert ProjectionExtension.ext(item).shape == [30, 40]
    assert Affine(*ProjectionExtension.ext(item).transform) == UTM.transform
    assert MLMExtension.ext(item).mlm_name == "stsun-tiny"


def test_model_fields_are_those_of_the_mlm_extension(tmp_path):
    properties = written(tmp_path)["properties"]
    model = MLModelProperties.model_validate(properties)
    assert (model.name, model.architecture, model.framework) == ("stsun-tiny", "STSUN", "pytorch")
    assert model.total_parameters == 1_234_567
    assert model.tasks == {"semantic-segmentation"}
    assert model.hyperparameters.task == "semantic_change"
    (images,) = model.input
    assert images.bands == ["red", "nir"]
    assert images.input.shape == [-1, 2, 2, -1, -1]  # two dates of two bands
    (maps,) = model.output
    assert maps.result.shape == [-1, 2, 1, -1, -1]
    assert [(entry.value, entry.description, entry.color_hint) for entry in maps.classes] == [
        (0, "bare soil", "A6761D"),
        (1, "forest", "117733"),
    ]


def test_dates_of_different_sensors_are_inputs_of_their_own(tmp_path):
    model = MLModelProperties.model_validate(
        written(tmp_path, changes={"bands": [OPTICAL, RADAR, OPTICAL]})["properties"]
    )
    assert [(one.bands, one.input.shape[1]) for one in model.input] == [(["red", "nir"], 2), (["vv", "vh"], 1)]
    assert len({one.name for one in model.input}) == 2


def test_the_model_tells_wavelengths_in_micrometres_and_none_for_radar(tmp_path):
    asset = written(tmp_path, changes={"bands": [OPTICAL, RADAR]})["assets"]["model"]
    assert asset["href"] == "model.safetensors"
    assert "mlm:model" in asset["roles"]
    assert asset["bands"] == [
        {"name": "red", "eo:center_wavelength": 0.665, "eo:full_width_half_max": 0.03},
        {"name": "nir", "eo:center_wavelength": 0.842, "eo:full_width_half_max": 0.115},
        {"name": "vv"},
        {"name": "vh"},
    ]


def test_a_model_that_lies_nowhere_is_no_asset(tmp_path):
    item = written(tmp_path, changes={"model": ModelFacts("stsun-tiny", 1, "0.1", None)})
    assert list(item["assets"]) == ["map"]
    assert not any("/eo/" in uri for uri in item["stac_extensions"])


def test_bands_of_a_map_tell_categories_nodata_and_type(tmp_path):
    item = written(tmp_path)
    first, second = item["assets"]["map"]["bands"]
    assert (first["name"], second["name"]) == ("period 1", "period 2")
    assert (first["data_type"], first["nodata"]) == ("uint8", 255)
    assert first["classification:classes"] == [
        {"value": 0, "name": "bare_soil", "description": "bare soil", "color_hint": "A6761D"},
        {"value": 1, "name": "forest", "description": "forest", "color_hint": "117733"},
    ]
    asset = pystac.Item.from_dict(item).assets["map"]
    assert asset.media_type == pystac.MediaType.GEOTIFF
    assert ClassificationExtension.has_extension(asset.owner)


def test_names_of_classes_are_plain_and_differ(tmp_path):
    names = [("水", ""), ("bare soil", ""), ("bare-soil", ""), ("bare_soil", "")]
    classes = written(tmp_path, changes={"categories": names})["assets"]["map"]["bands"][0]["classification:classes"]
    assert [entry["name"] for entry in classes] == ["category_0", "bare_soil", "bare-soil", "bare_soil_3"]
    assert [entry["description"] for entry in classes] == [name for name, _ in names]


def test_other_rasters_tell_their_own_tags_scale_and_grid(tmp_path):
    tags = {"category_0": "unchanged", "category_2": "forest to water", "color_2": "#0077bb"}
    changes = write_map(tmp_path / "changes.tif", dtype="uint16", nodata=65535, tags=tags)
    shares = write_map(
        tmp_path / "p.tif", dtype="float32", nodata=float("nan"), grid=Grid(UTM.crs, UTM.transform, 3, 4)
    )
    confidence = write_map(tmp_path / "sure.tif")
    with rasterio.open(confidence, "r+") as file:
        file.scales = [0.004]
    table = tmp_path / "table.csv"
    table.write_text("a,b\n")
    assets = {
        "map": write_map(tmp_path / "map.tif"), "changes": changes, "p": shares, "sure": confidence, "table": table,
    }  # fmt: skip
    told = written(tmp_path, assets=assets)["assets"]
    assert told["changes"]["bands"][0]["classification:classes"] == [
        {"value": 0, "name": "unchanged", "description": "unchanged"},
        {"value": 2, "name": "forest_to_water", "description": "forest to water", "color_hint": "0077BB"},
    ]
    assert told["changes"]["bands"][0]["nodata"] == 65535
    assert told["p"]["bands"] == [{"name": "period 1", "data_type": "float32", "nodata": "nan"}]
    assert told["p"]["proj:shape"] == [3, 4]
    assert told["sure"]["bands"][0]["raster:scale"] == 0.004
    assert "proj:shape" not in told["changes"]
    assert told["table"] == {"href": "table.csv", "type": "text/csv", "roles": ["data"], "file:size": 4}


def test_files_are_told_relative_to_the_item(tmp_path):
    item = written(tmp_path, path=tmp_path / "items" / "a.json")
    assert item["assets"]["map"]["href"] == "../map.tif"
    assert [link["href"] for link in item["links"]] == ["../images/2018.tif", "https://example.com/2024.tif"]
    assert {link["rel"] for link in item["links"]} == {"derived_from"}


def test_checksums_are_multihashes(tmp_path):
    asset = written(tmp_path, checksums=True)["assets"]["map"]
    content = (tmp_path / "map.tif").read_bytes()
    assert asset["file:checksum"] == "1220" + hashlib.sha256(content).hexdigest()
    assert asset["file:size"] == len(content)


@pytest.mark.parametrize(
    ("periods", "expected"),
    [
        ([("2018-05-01", "2018-05-01")], ["2018-05-01T00:00:00Z", None, None]),
        ([("2018-05-01", "2024-05-01")], [None, "2018-05-01T00:00:00Z", "2024-05-01T23:59:59Z"]),
        ([(None, None), ("2024-05-01T10:00:00+02:00", None)], ["2024-05-01T08:00:00Z", None, None]),
        ([("2019-01-01", "2020-01-01"), ("2018-01-01", "2019-01-01")], [None, "2018-01-01T00:00:00Z", "2020-01-01T23:59:59Z"]),
    ],
)  # fmt: skip
def test_periods_become_moments(tmp_path, periods, expected):
    properties = written(tmp_path, changes={"periods": [Period("a", *period) for period in periods]})["properties"]
    assert [properties.get(key) for key in ("datetime", "start_datetime", "end_datetime")] == expected


def test_an_item_without_any_date_or_with_a_wrong_one_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="needs a date"):
        facts(tmp_path, periods=[Period("date 1", None, None)])
    with pytest.raises(ConfigurationError, match="expected ISO 8601"):
        written(tmp_path, changes={"periods": [Period("a", "May 2018", None)]})
    with pytest.raises(ConfigurationError, match="no task"):
        facts(tmp_path, task="detection")


def test_the_same_prediction_gives_the_same_bytes(tmp_path):
    written(tmp_path)
    first = (tmp_path / "item.json").read_bytes()
    written(tmp_path, overwrite=True)
    assert (tmp_path / "item.json").read_bytes() == first
    assert b"created" not in first
    assert written(tmp_path, changes={"created": "2025-01-01T00:00:00Z"}, overwrite=True)["properties"]["created"]


def test_a_target_or_asset_that_cannot_be_is_refused(tmp_path):
    written(tmp_path)
    with pytest.raises(RasterError, match="already there"):
        written(tmp_path)
    with pytest.raises(RasterError, match="expected the GeoTIFF of maps"):
        written(tmp_path, assets={"table": tmp_path / "table.csv"}, overwrite=True)
    with pytest.raises(RasterError, match="no such file"):
        written(tmp_path, assets={"map": tmp_path / "map.tif", "p": tmp_path / "p.gpkg"}, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["item.json", "map.tif"]


def test_a_crs_without_a_code_is_told_in_full(tmp_path):
    crs = CRS.from_proj4("+proj=laea +lat_0=-12.3 +lon_0=45.6 +ellps=GRS80 +units=m +no_defs")
    grid = Grid(crs, UTM.transform, 3, 4)
    properties = written(tmp_path, assets={"map": write_map(tmp_path / "m.tif", grid=grid)})["properties"]
    assert properties["proj:code"] is None
    assert CRS.from_wkt(properties["proj:wkt2"]) == crs


@pytest.mark.parametrize("crs", [None, CRS.from_wkt('LOCAL_CS["building site",UNIT["metre",1]]')])
def test_a_map_without_a_crs_or_with_one_of_no_globe_has_no_geometry(tmp_path, crs):
    grid = Grid(crs, Affine.identity() if crs is None else from_origin(100, 200, 10, 10), 3, 4)
    item = written(tmp_path, assets={"map": write_map(tmp_path / "m.tif", grid=grid)})
    assert item["geometry"] is None
    assert "bbox" not in item


def test_a_grid_of_degrees_has_its_four_corners():
    geometry, box = footprint(Grid(CRS.from_epsg(4326), from_origin(10, 50, 0.1, 0.1), 20, 30))
    assert box == [10, 48, 13, 50]
    assert geometry["type"] == "Polygon"
    assert len(geometry["coordinates"][0]) == 5
    assert shapely.LinearRing(geometry["coordinates"][0]).is_ccw
    assert shapely.geometry.shape(geometry).equals(shapely.box(10, 48, 13, 50))


@pytest.mark.parametrize("transform", [UTM.transform, Affine(0, 10, 4e5, 10, 0, 5e6)])
def test_edges_of_a_projection_are_followed(transform):
    geometry, box = footprint(Grid(UTM.crs, transform, 10_000, 10_000))
    polygon = shapely.geometry.shape(geometry)
    assert polygon.is_valid
    assert polygon.exterior.is_ccw
    assert len(polygon.exterior.coords) > 40
    assert list(polygon.bounds) == box


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        (4326, from_origin(179, 10, 0.1, 0.1)),
        (4326, from_origin(-181, 10, 0.1, 0.1)),
        (3832, from_origin(29 * 111319.490793, 1_118_889.97, 11131.949, 11131.949)),  # a Mercator centred on 150 east
    ],
)
def test_a_footprint_across_the_antimeridian_is_cut_there(crs, transform):
    geometry, box = footprint(Grid(CRS.from_epsg(crs), transform, 20, 20))
    assert geometry["type"] == "MultiPolygon"
    west, east = sorted(shapely.geometry.shape(geometry).geoms, key=lambda part: -part.bounds[0])
    np.testing.assert_allclose(
        [west.bounds[0], west.bounds[2], east.bounds[0], east.bounds[2]], [179, 180, -180, -179], atol=1e-5
    )
    assert all(part.exterior.is_ccw for part in (west, east))
    np.testing.assert_allclose([box[0], box[2]], [179, -179], atol=1e-5)


@pytest.mark.parametrize(
    ("crs", "transform", "rows", "columns", "height"),
    [
        (4326, from_origin(-180, 90, 1, 1), 180, 360, 180),
        (4326, from_origin(0, 90, 1, 1), 180, 360, 180),
        (3857, from_origin(-20037508.34, 20037508.34, 40075016.68 / 256, 40075016.68 / 256), 256, 256, 2 * 85.0511287798),
    ],
)  # fmt: skip
def test_a_whole_world_is_a_whole_world(crs, transform, rows, columns, height):
    geometry, box = footprint(Grid(CRS.from_epsg(crs), transform, rows, columns))
    assert shapely.geometry.shape(geometry).area == pytest.approx(360 * height, rel=1e-6)
    assert (box[0], box[2]) == (-180, 180)


@pytest.mark.parametrize(("epsg", "pole"), [(3413, 90), (3031, -90)])
def test_a_grid_around_a_pole_reaches_it(epsg, pole):
    geometry, box = footprint(Grid(CRS.from_epsg(epsg), from_origin(-1e6, 1e6, 1e5, 1e5), 20, 20))
    polygon = shapely.geometry.shape(geometry)
    assert polygon.is_valid
    assert pole in (box[1], box[3])
    assert (box[0], box[2]) == (-180, 180)
    inside = [shapely.Point(longitude, pole * 0.98) for longitude in range(-170, 180, 20)]
    assert all(polygon.covers(point) for point in inside)
    assert polygon.area < 360 * 15
