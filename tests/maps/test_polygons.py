import hashlib
import json
import re

import geopandas
import numpy as np
import pyproj
import pytest
import rasterio
import shapely
from rasterio.crs import CRS
from rasterio.features import geometry_mask, rasterize
from rasterio.transform import from_origin

from stsun import extras
from stsun.errors import ConfigurationError, RasterError
from stsun.maps import regions, strips
from stsun.maps.areas import pixel_areas_m2
from stsun.maps.outlines import Outlines, polygons_of
from stsun.maps.polygons import PolygonLayer, write_polygons

UTM = {"crs": "EPSG:32633", "transform": from_origin(400_000, 5_000_000, 10, 10)}
CATEGORIES = {0: {"category": "water"}, 1: {"category": "forest"}, 2: {"category": "building"}}
SUFFIXES = [".gpkg", ".parquet", ".geojson"]


def write_raster(path, values, *, dtype="uint8", scale=1.0, place=UTM, nodata=255):
    array = np.atleast_3d(np.asarray(values, dtype)).transpose(2, 0, 1)
    shape = {"count": len(array), "height": array.shape[1], "width": array.shape[2], "dtype": dtype, "nodata": nodata}
    with rasterio.open(path, "w", driver="GTiff", tiled=True, blockxsize=16, blockysize=16, **shape, **place) as file:
        file.write(array)
        if scale != 1:
            file.scales = [scale] * len(array)
    return path


def read(path):
    return geopandas.read_parquet(path) if path.suffix == ".parquet" else geopandas.read_file(path)


def layer(raster, confidence=None, attributes=CATEGORIES, **more):
    return PolygonLayer(raster, 1, attributes, "2018-05-01", "2024-05-01", confidence, **more)


@pytest.fixture
def speckled(tmp_path):
    """A map of regions of all shapes, with holes in holes, larger than several blocks of the file."""
    values = np.random.default_rng(0).choice([0, 1, 2, 255], (70, 90), p=[0.3, 0.3, 0.3, 0.1])
    values[5:60, 7:80] = 1
    values[10:50, 20:70] = 2
    values[20:40, 30:60] = np.random.default_rng(1).choice([1, 2], (20, 30))
    return write_raster(tmp_path / "map.tif", values), values


@pytest.mark.parametrize("suffix", SUFFIXES[:2])
def test_polygons_hold_exactly_the_pixels_of_their_category(tmp_path, speckled, suffix):
    raster, values = speckled
    count = write_polygons(tmp_path / f"out{suffix}", [layer(raster)])
    found = read(tmp_path / f"out{suffix}")
    assert count == len(found)
    numbers = {entry["category"]: value for value, entry in CATEGORIES.items()}
    shapes = zip(found.geometry, found.category.map(numbers), strict=True)
    again = rasterize(shapes, out_shape=values.shape, transform=UTM["transform"], fill=255, dtype="uint8")
    np.testing.assert_array_equal(again, values)
    np.testing.assert_allclose(found.area_m2, found.area)
    assert found.is_valid.all()
    assert found.exterior.is_ccw.all()
    assert not any(ring.is_ccw for polygon in found.geometry for ring in polygon.interiors)


def test_regions_are_those_connected_over_sides_and_never_cut(tmp_path):
    values = np.full((64, 64), 255)
    values[2:60, 30:34] = 1  # over four rows and two columns of blocks
    values[60:62, 34:40] = 1  # touches it at a corner only
    raster = write_raster(tmp_path / "map.tif", values)
    assert write_polygons(tmp_path / "out.gpkg", [layer(raster)]) == 2
    assert sorted(read(tmp_path / "out.gpkg").area_m2) == [12 * 100, 58 * 4 * 100]


@pytest.mark.parametrize("strip", [90, 90 * 7, 90 * 16])
def test_polygons_are_the_same_whatever_the_strips(tmp_path, speckled, monkeypatch, strip):
    def made(name):
        write_polygons(tmp_path / name, [layer(speckled[0])])
        found = read(tmp_path / name)
        return sorted(zip(found.category, found.geometry.to_wkb(), found.area_m2.round(6), strict=True))

    whole = made("whole.parquet")
    monkeypatch.setattr(strips, "STRIP_PIXELS", strip)
    assert made("strips.parquet") == whole


def test_regions_are_handed_on_and_forgotten_as_soon_as_they_are_complete(tmp_path, monkeypatch):
    """Islands a row apart, and a wall along them that goes on to the end; the lower half of the file is damaged."""
    values = np.full((512, 600), 255)
    values[::2, ::2] = 1
    values[:, 599] = 2
    raster = write_raster(tmp_path / "map.tif", values)
    monkeypatch.setattr(strips, "STRIP_PIXELS", 600 * 16)
    parts = list(regions.regions(raster, 1, [1, 2], None, 1))
    assert [len(strip.values) for strip in parts] == [8 * 300] * 31 + [8 * 300 + 1]
    (wall,) = np.concatenate([strip.polygons for strip in parts])[np.concatenate([one.values for one in parts]) == 2]
    assert shapely.get_coordinates(wall).tolist() == [[599, 0], [599, 512], [600, 512], [600, 0], [599, 0]]
    content = raster.read_bytes()
    raster.write_bytes(content[: len(content) // 2])
    seen = regions.regions(raster, 1, [1, 2], None, 1)
    assert len(next(seen).values) == 8 * 300
    with pytest.raises(RasterError, match="damaged or incomplete"):
        list(seen)


@pytest.mark.parametrize("strip", [90, 90 * 16, 10**6])
def test_the_mean_confidence_is_that_of_the_pixels_inside(tmp_path, speckled, monkeypatch, strip):
    monkeypatch.setattr(strips, "STRIP_PIXELS", strip)
    raster, values = speckled
    stored = np.random.default_rng(2).integers(0, 251, values.shape)
    stored[np.random.default_rng(3).random(values.shape) < 0.3] = 255
    write_polygons(
        tmp_path / "out.parquet", [layer(raster, write_raster(tmp_path / "sure.tif", stored, scale=1 / 250))]
    )
    found = read(tmp_path / "out.parquet")
    for polygon, mean in zip(found.geometry, found.mean_confidence, strict=True):
        inside = stored[geometry_mask([polygon], values.shape, UTM["transform"], invert=True)]
        known = inside[inside != 255] / 250
        assert mean == pytest.approx(known.mean() if known.size else np.nan, nan_ok=True)
    assert found.mean_confidence.isna().any()
    assert found.mean_confidence.max() <= 1


def test_columns_tell_what_and_when(tmp_path):
    first = write_raster(tmp_path / "a.tif", [[1, 0, 255]])
    second = write_raster(tmp_path / "b.tif", [[300, 300, 7]], dtype="uint16")
    changes = {300: {"from": "forest", "to": "building"}}
    layers = [layer(first), PolygonLayer(second, 1, changes, None, None, None)]
    told = []
    write_polygons(tmp_path / "out.gpkg", layers, progress=lambda *done: told.append(done))
    found = read(tmp_path / "out.gpkg")
    columns = ["category", "from", "to", "start", "end", "area_m2", "mean_confidence", "geometry"]
    assert list(found.columns) == columns
    # a category, then a change; the value 7 is not listed
    assert found.category.fillna("").tolist() == ["forest", "water", ""]
    assert found["from"].fillna("").tolist() == ["", "", "forest"]
    assert found["to"].fillna("").tolist() == ["", "", "building"]
    assert [str(start)[:10] for start in found.start[:2]] == ["2018-05-01"] * 2
    assert found.end.isna().tolist() == [False, False, True]
    assert found.area_m2.tolist() == [100, 100, 200]
    assert found.mean_confidence.isna().all()
    assert told == [(1, 2), (2, 2)]


@pytest.mark.parametrize("epsg", [4326, 3857])
def test_areas_are_those_on_the_ground(tmp_path, epsg):
    side = 1e-3 if epsg == 4326 else 100
    transform = from_origin(*((15, 60.5) if epsg == 4326 else (1.6e6, 8.4e6)), side, side)
    values = np.full((300, 200), 255)
    values[40:290, 30:180] = 1
    values[100:150, 60:90] = 0
    raster = write_raster(tmp_path / "map.tif", values, place={"crs": f"EPSG:{epsg}", "transform": transform})
    write_polygons(tmp_path / "out.parquet", [layer(raster)])
    found = read(tmp_path / "out.parquet").set_index("category")
    per_row = pixel_areas_m2(CRS.from_epsg(epsg), transform, 0, 300, 200)
    assert found.area_m2["forest"] == pytest.approx(per_row @ (values == 1).sum(axis=1), rel=1e-9)
    geodesic = pyproj.Geod(ellps="WGS84")
    for category, polygon in found.geometry.to_crs(4326).items():
        # another implementation, whose straight lines are geodesics: points between make them follow the parallels
        area, _ = geodesic.geometry_area_perimeter(shapely.segmentize(polygon, 0.001))
        assert found.area_m2[category] == pytest.approx(area, rel=1e-6)


def test_smaller_polygons_are_left_out(tmp_path):
    raster = write_raster(tmp_path / "map.tif", [[1, 0, 0, 2, 2, 2]])
    assert write_polygons(tmp_path / "out.gpkg", [layer(raster)], min_area_m2=200) == 2
    assert read(tmp_path / "out.gpkg").category.tolist() == ["water", "building"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_map_gives_the_same_bytes(tmp_path, speckled, suffix):
    hashes = set()
    for folder in ("one", "two"):
        write_polygons(tmp_path / folder / f"out{suffix}", [layer(speckled[0], speckled[0])])
        hashes.add(hashlib.sha256((tmp_path / folder / f"out{suffix}").read_bytes()).hexdigest())
        assert [path.name for path in (tmp_path / folder).iterdir()] == [f"out{suffix}"]
    assert len(hashes) == 1


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_map_without_regions_gives_a_file_without_polygons(tmp_path, suffix):
    raster = write_raster(tmp_path / "map.tif", np.full((20, 20), 255))
    assert write_polygons(tmp_path / f"out{suffix}", [layer(raster)]) == 0
    found = read(tmp_path / f"out{suffix}")
    assert len(found) == 0
    if suffix != ".geojson":  # which tells columns by features only
        assert list(found.columns) == ["category", "start", "end", "area_m2", "mean_confidence", "geometry"]
        assert found.crs == CRS.from_epsg(32633).to_wkt()


@pytest.mark.parametrize("suffix", SUFFIXES[:2])
def test_a_crs_without_a_code_is_kept(tmp_path, suffix):
    crs = CRS.from_proj4("+proj=laea +lat_0=-12.3 +lon_0=45.6 +ellps=GRS80 +units=m +no_defs")
    raster = write_raster(tmp_path / "map.tif", [[1, 1]], place={"crs": crs, "transform": UTM["transform"]})
    write_polygons(tmp_path / f"out{suffix}", [layer(raster)])
    assert CRS.from_wkt(read(tmp_path / f"out{suffix}").crs.to_wkt()) == crs


@pytest.mark.parametrize("suffix", SUFFIXES[:2])
def test_without_a_crs_polygons_are_in_pixels_and_have_no_area(tmp_path, suffix):
    raster = write_raster(tmp_path / "map.tif", [[255, 1, 1], [255, 255, 255]], place={})
    assert write_polygons(tmp_path / f"out{suffix}", [layer(raster)]) == 1
    found = read(tmp_path / f"out{suffix}")
    assert found.crs is None or not found.crs.to_epsg()
    assert found.total_bounds.tolist() == [1, 0, 3, 1]
    assert found.area_m2.isna().all()
    with pytest.raises(RasterError, match="GeoJSON is in longitude and latitude"):
        write_polygons(tmp_path / "out.geojson", [layer(raster)])
    with pytest.raises(ConfigurationError, match="areas are unknown"):
        write_polygons(tmp_path / "other.gpkg", [layer(raster)], min_area_m2=1)


def test_geojson_is_as_rfc_7946_wants_it(tmp_path, speckled):
    write_polygons(tmp_path / "out.geojson", [layer(speckled[0])])
    collection = json.loads((tmp_path / "out.geojson").read_text(encoding="utf-8"))
    assert "crs" not in collection
    rings = [ring for feature in collection["features"] for ring in feature["geometry"]["coordinates"][:1]]
    assert all(shapely.LinearRing(ring).is_ccw for ring in rings)
    write_polygons(tmp_path / "out.parquet", [layer(speckled[0])])
    expected = read(tmp_path / "out.parquet").to_crs(4326).total_bounds
    np.testing.assert_allclose(read(tmp_path / "out.geojson").total_bounds, expected, atol=2e-7)


def test_geojson_follows_long_edges_that_are_not_straight_in_degrees(tmp_path):
    raster = write_raster(tmp_path / "map.tif", np.ones((2, 10_000), np.uint8))
    write_polygons(tmp_path / "out.geojson", [layer(raster)])
    (polygon,) = read(tmp_path / "out.geojson").geometry
    to_lonlat = pyproj.Transformer.from_crs(32633, 4326, always_xy=True)
    middle = shapely.Point(to_lonlat.transform(450_010, 5_000_000))
    assert polygon.exterior.distance(middle) * 111_000 < 0.5  # metres; a chord is off by 140


def test_geojson_is_cut_at_the_antimeridian(tmp_path):
    # at the equator the zone's western border, 180 degrees, is at 166 021 m
    place = {"crs": "EPSG:32601", "transform": from_origin(150_000, 100_000, 1000, 1000)}
    raster = write_raster(tmp_path / "map.tif", np.ones((5, 50)), place=place)
    write_polygons(tmp_path / "out.geojson", [layer(raster)])
    (crossing,) = read(tmp_path / "out.geojson").geometry
    assert crossing.geom_type == "MultiPolygon"
    assert all(part.bounds[2] - part.bounds[0] < 1 for part in crossing.geoms)


def test_geoparquet_says_what_it_holds(tmp_path, speckled):
    from pyarrow import parquet

    write_polygons(tmp_path / "out.parquet", [layer(speckled[0])])
    said = json.loads(parquet.read_metadata(tmp_path / "out.parquet").metadata[b"geo"])
    assert said["version"] == "1.1.0"
    column = said["columns"][said["primary_column"]]
    assert (column["encoding"], column["geometry_types"]) == ("WKB", ["Polygon"])
    assert column["bbox"] == read(tmp_path / "out.parquet").total_bounds.tolist()


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, speckled):
    raster, values = speckled
    wrong = write_raster(tmp_path / "wrong.tif", values, dtype="float32")
    for suffix in SUFFIXES:
        (tmp_path / f"out{suffix}").write_text("old")
        before = sorted(tmp_path.iterdir())
        # found out after the file was begun, so that the error goes through the writing library
        with pytest.raises(RasterError, match="a confidence is a band of uint8"):
            write_polygons(tmp_path / f"out{suffix}", [layer(raster), layer(raster, wrong)], overwrite=True)
        assert sorted(tmp_path.iterdir()) == before
        assert (tmp_path / f"out{suffix}").read_text() == "old"


def test_a_damaged_map_is_told_as_such(tmp_path):
    raster = write_raster(tmp_path / "map.tif", np.random.default_rng(0).integers(0, 3, (300, 300)))
    content = raster.read_bytes()
    raster.write_bytes(content[: len(content) // 2])
    with pytest.raises(RasterError, match="damaged or incomplete"):
        write_polygons(tmp_path / "out.gpkg", [layer(raster)])
    assert not (tmp_path / "out.gpkg").exists()


def test_targets_are_checked_before_any_work(tmp_path, speckled):
    target = tmp_path / "out.gpkg"
    with pytest.raises(RasterError, match=re.escape(".gpkg, .parquet, .geojson")):
        write_polygons(tmp_path / "out.shp", [layer(speckled[0])])
    target.write_text("old")
    with pytest.raises(RasterError, match="already there"):
        write_polygons(target, [layer(speckled[0])])
    (tmp_path / "out.gpkg-wal").write_text("changes that are not in the file yet")
    with pytest.raises(RasterError, match="close it first"):
        write_polygons(target, [layer(speckled[0])], overwrite=True)


def test_maps_must_fit_one_another(tmp_path, speckled):
    raster, values = speckled
    shifted = write_raster(tmp_path / "shifted.tif", values, place={**UTM, "transform": from_origin(0, 0, 10, 10)})
    with pytest.raises(RasterError, match="do not lie on one grid"):
        write_polygons(tmp_path / "out.gpkg", [layer(raster, shifted)])
    other = write_raster(tmp_path / "other.tif", values, place={**UTM, "crs": "EPSG:32634"})
    with pytest.raises(RasterError, match=r"EPSG:32633 and .* EPSG:32634"):
        write_polygons(tmp_path / "out.gpkg", [layer(raster), layer(other)])
    measured = write_raster(tmp_path / "measured.tif", values, dtype="float32")
    with pytest.raises(RasterError, match="uint8 or uint16"):
        write_polygons(tmp_path / "out.gpkg", [layer(measured)])
    with pytest.raises(ConfigurationError, match="at least one layer"):
        write_polygons(tmp_path / "out.gpkg", [])


@pytest.mark.parametrize("attributes", [{}, {1: {}}, {1: {"start": "now"}}, {1: {"FID": "1"}}])
def test_attributes_must_be_columns_of_their_own(tmp_path, speckled, attributes):
    with pytest.raises(ConfigurationError, match="attributes name the columns"):
        write_polygons(tmp_path / "out.gpkg", [layer(speckled[0], attributes=attributes)])


def test_a_missing_extra_says_how_to_install_it(tmp_path, speckled, monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(extras, "import_module", missing)
    with pytest.raises(ConfigurationError, match=re.escape("pip install 'stsun[vector]'")):
        write_polygons(tmp_path / "out.gpkg", [layer(speckled[0])])


def test_a_ring_that_touches_itself_becomes_a_hole():
    # around a pixel that touches the outside at the corner (2, 1): one ring through this corner twice
    ring = [(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (2, 2), (2, 1), (3, 1), (3, 3), (0, 3), (0, 0)]
    outlines = Outlines(np.array([1]), np.array(ring), np.array([0, len(ring)]), np.array([0, 1]))
    (polygon,) = polygons_of(outlines, 0)
    assert polygon.is_valid
    assert polygon.geom_type == "Polygon"
    assert (polygon.area, len(polygon.interiors)) == (7, 1)
