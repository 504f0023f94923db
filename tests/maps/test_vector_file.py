import importlib
import math
import re
import sqlite3

import numpy as np
import pyogrio
import pytest
import rasterio
from rasterio.transform import from_origin

from stsun import extras
from stsun.errors import ConfigurationError, RasterError
from stsun.maps import vector_file
from stsun.maps.polygons import PolygonLayer, write_polygons
from stsun.maps.vector_file import check_vector_target


@pytest.fixture
def layers(tmp_path):
    shape = {"count": 1, "height": 20, "width": 20, "dtype": "uint8", "nodata": 255}
    place = {"crs": "EPSG:32633", "transform": from_origin(400_000, 5_000_000, 10, 10)}
    with rasterio.open(tmp_path / "map.tif", "w", driver="GTiff", **shape, **place) as file:
        file.write(np.random.default_rng(0).integers(0, 2, (1, 20, 20)).astype(np.uint8))
    return [PolygonLayer(tmp_path / "map.tif", 1, {1: {"category": "forest"}}, None, None, None)]


def test_a_missing_extra_is_told_when_the_target_is_checked(tmp_path, monkeypatch):
    def missing(name):
        if name == "pyproj":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return importlib.import_module(name)

    monkeypatch.setattr(extras, "import_module", missing)
    with pytest.raises(ConfigurationError, match=r"pyproj.*pip install 'stsun\[vector\]'"):
        check_vector_target(tmp_path / "out.gpkg", overwrite=False)


@pytest.mark.parametrize("least", [-1.0, math.nan, math.inf, "400", None, True])
def test_a_least_area_that_is_none_is_refused(tmp_path, layers, least):
    with pytest.raises(ConfigurationError, match=re.escape(f"{least!r}; expected square metres")):
        write_polygons(tmp_path / "out.gpkg", layers, min_area_m2=least)
    assert not (tmp_path / "out.gpkg").exists()


@pytest.mark.parametrize("suffix", vector_file.DRIVERS)
def test_a_file_renamed_is_the_same_when_its_layer_was_named(tmp_path, layers, suffix):
    write_polygons(tmp_path / f"out{suffix}", layers)
    write_polygons(tmp_path / f"other{suffix}", layers, layer="out")
    assert (tmp_path / f"other{suffix}").read_bytes() == (tmp_path / f"out{suffix}").read_bytes()
    if suffix == ".gpkg":
        with sqlite3.connect(tmp_path / "other.gpkg") as file:
            assert file.execute("select table_name from gpkg_contents").fetchall() == [("out",)]


@pytest.mark.parametrize(("name", "layer"), [("(1) after", "1) after"), ("-", "polygons"), ("a-[b]", "a-[b]")])
def test_a_layer_is_called_what_gdal_takes_for_a_name(tmp_path, layers, name, layer):
    write_polygons(tmp_path / f"{name}.gpkg", layers)
    assert pyogrio.list_layers(tmp_path / f"{name}.gpkg")[:, 0].tolist() == [layer]


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson"])
def test_what_a_killed_run_left_does_not_come_into_the_file(tmp_path, layers, suffix):
    write_polygons(tmp_path / f"out{suffix}", layers)
    expected = (tmp_path / f"out{suffix}").read_bytes()
    left = tmp_path / f".out{suffix}.unfinished{suffix}"
    write_polygons(left, layers, layer="another")
    left.with_name(f"{left.name}-journal").write_bytes(b"half of a change")
    write_polygons(tmp_path / f"out{suffix}", layers, overwrite=True)
    assert (tmp_path / f"out{suffix}").read_bytes() == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == ["map.tif", f"out{suffix}"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "sqlite3_exec(CREATE TABLE a (b TEXT);\nINSERT INTO a VALUES ('(x) y')) failed: disk I/O error",
            "the database failed: disk I/O error",
        ),
        ("Cannot write feature. Try again.\nMore of it", "Cannot write feature"),
        ("x" * 300, "x" * 197 + "..."),
    ],
)
def test_errors_of_other_libraries_are_short(tmp_path, layers, monkeypatch, text, told):
    def fail(*args, **options):
        raise pyogrio.errors.DataSourceError(text)

    monkeypatch.setattr(pyogrio, "write_arrow", fail)
    with pytest.raises(RasterError) as caught:
        write_polygons(tmp_path / "out.gpkg", layers)
    assert str(caught.value) == (
        f"{tmp_path / 'out.gpkg'} cannot be written: {told}; check the folder, its rights and the free space"
    )
