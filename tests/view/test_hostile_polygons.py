"""Polygons of strangers in the viewer: no address is asked for them, no other database is opened as one, none unpacks without bound."""

import json
import socket
import sqlite3

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
import rasterio
import shapely

from stsun.errors import RasterError
from stsun.view import polygons as module
from stsun.view.polygons import polygons

SQUARE = shapely.box(15, 52, 16, 53)


def write(path, crs, count=1):
    column = {"encoding": "WKB", "geometry_types": ["Polygon"], **({} if crs is None else {"crs": crs})}
    geo = {"version": "1.0.0", "primary_column": "geometry", "columns": {"geometry": column}}
    table = pa.table({"geometry": [shapely.to_wkb(SQUARE)] * count})
    table = table.replace_schema_metadata({"geo": json.dumps(geo)})
    parquet.write_table(table, path, compression="zstd", use_dictionary=False)
    return path


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.3)
        yield server


def test_a_crs_is_a_code_or_a_text_and_never_an_address_or_a_file(tmp_path, listener):
    (tmp_path / "crs.prj").write_text(rasterio.crs.CRS.from_epsg(4326).to_wkt())
    for crs in (f"http://127.0.0.1:{listener.getsockname()[1]}/crs", str(tmp_path / "crs.prj"), 4326, ["EPSG:4326"]):
        with rasterio.Env(GDAL_HTTP_TIMEOUT=2):
            found = polygons(write(tmp_path / "a.parquet", crs), flat=False)
        corner = found["features"][0]["geometry"]["coordinates"][0][0]
        assert abs(corner[0]) < 0.01  # taken for pixels, as if nothing was told
    with pytest.raises(TimeoutError):
        listener.accept()


@pytest.mark.parametrize("crs", ["EPSG:4326", "OGC:CRS84", None, rasterio.crs.CRS.from_epsg(4326).to_wkt()])
def test_a_crs_that_is_told_as_it_should_be_counts(tmp_path, crs):
    found = polygons(write(tmp_path / "a.parquet", crs), flat=False)
    assert shapely.from_geojson(json.dumps(found["features"][0]["geometry"])).equals(SQUARE)


def test_a_table_that_unpacks_to_more_than_is_shown_is_not_unpacked(tmp_path, monkeypatch):
    path = write(tmp_path / "a.parquet", None, count=100_000)
    monkeypatch.setattr(module, "LARGEST_FILE", 1_000_000)
    assert path.stat().st_size < 1_000_000
    with pytest.raises(RasterError, match="bytes unpacked, expected at most 1000000"):
        polygons(path, flat=False)


def test_a_database_that_is_no_geopackage_is_not_opened(tmp_path):
    with sqlite3.connect(tmp_path / "a.gpkg") as database:
        database.execute("CREATE TABLE a (b)")
    with pytest.raises(RasterError, match="is no gpkg file"):
        polygons(tmp_path / "a.gpkg", flat=False)
