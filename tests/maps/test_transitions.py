import csv
import json

import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS
from rasterio.transform import from_origin

from stsun.errors import RasterError
from stsun.maps import strips, transitions
from stsun.maps.areas import pixel_areas_m2

NAMES = ["water", "forest", "building"]
UTM_TRANSFORM = from_origin(400_000, 5_000_000, 10, 10)
BEFORE = [[0, 1, 1, 2], [1, 1, 255, 0], [1, 0, 2, 255]]
AFTER = [[0, 1, 2, 2], [2, 2, 0, 255], [1, 1, 2, 255]]
PIXELS = [[1, 1, 0], [0, 2, 3], [0, 0, 2]]  # counted by hand


def write_maps(path, maps, *, crs="EPSG:32633", transform=UTM_TRANSFORM, names=("2018", "2024")):
    array = np.asarray(maps, np.uint8)
    shape = {"count": len(array), "height": array.shape[1], "width": array.shape[2], "dtype": "uint8", "nodata": 255}
    place = {} if crs is None else {"crs": crs, "transform": transform}
    with rasterio.open(path, "w", driver="GTiff", tiled=True, blockxsize=16, blockysize=16, **shape, **place) as file:
        file.write(array)
        for band, name in enumerate(names, start=1):
            file.set_band_description(band, name)
    return path


@pytest.fixture
def table(tmp_path):
    return transitions.transitions(write_maps(tmp_path / "maps.tif", [BEFORE, AFTER]), 1, 2, NAMES)


def test_pixels_and_hectares_go_from_rows_to_columns(table):
    assert table.pixels.dtype == np.int64
    assert table.pixels.tolist() == PIXELS
    np.testing.assert_allclose(table.hectares, np.array(PIXELS) * 0.01)
    assert (table.first_period, table.second_period) == ("2018", "2024")


def test_pixels_without_data_at_either_date_are_counted_apart(table):
    assert table.excluded_pixels == 3
    assert table.excluded_hectares == pytest.approx(0.03)
    assert table.pixels.sum() + table.excluded_pixels == 12


def test_the_order_of_the_bands_is_the_direction(tmp_path, table):
    back = transitions.transitions(tmp_path / "maps.tif", 2, 1, NAMES)
    assert back.pixels.tolist() == table.pixels.T.tolist()
    assert back.first_period == "2024"


def test_csv_holds_the_table_with_totals(tmp_path, table):
    transitions.write_csv(tmp_path / "new" / "table.csv", [table])
    with (tmp_path / "new" / "table.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["period", "from, ha", "water", "forest", "building", "total"]
    assert rows[2] == ["2018 to 2024", "forest", "0.0000", "0.0200", "0.0300", "0.0500"]
    assert rows[4] == ["2018 to 2024", "total", "0.0100", "0.0300", "0.0500", "0.0900"]
    assert rows[5] == ["2018 to 2024", "no data at either date", "", "", "", "0.0300"]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["table.csv"]


def test_a_csv_that_is_there_is_replaced_only_if_allowed(tmp_path, table):
    (tmp_path / "table.csv").write_text("mine")
    with pytest.raises(RasterError, match="already there"):
        transitions.write_csv(tmp_path / "table.csv", [table])
    assert (tmp_path / "table.csv").read_text() == "mine"
    transitions.write_csv(tmp_path / "table.csv", [table], overwrite=True)
    assert (tmp_path / "table.csv").read_text().startswith("period,")


def test_json_has_the_pairs_that_occur(table):
    rows = json.loads(json.dumps(table.rows()))
    assert len(rows) == np.count_nonzero(PIXELS)
    assert rows[2] == {"from": "forest", "to": "forest", "pixels": 2, "hectares": pytest.approx(0.02)}


@pytest.mark.parametrize(("strip", "cells"), [(100, 40), (10**6, 100), (1, 1)])
def test_strips_do_not_change_the_result(tmp_path, monkeypatch, strip, cells):
    maps = np.random.default_rng(0).choice([0, 1, 2, 255], (2, 50, 33))
    place = {"crs": "EPSG:4326", "transform": from_origin(10, 80, 0.5, 0.5)}
    write_maps(tmp_path / "maps.tif", maps, **place)
    monkeypatch.setattr(strips, "STRIP_PIXELS", strip)
    monkeypatch.setattr(transitions, "_CELLS", cells)
    table = transitions.transitions(tmp_path / "maps.tif", 1, 2, NAMES)

    areas = pixel_areas_m2(CRS.from_epsg(4326), place["transform"], 0, 50, 33)[:, None] * np.ones(33)
    for before in range(3):
        for after in range(3):
            where = (maps[0] == before) & (maps[1] == after)
            assert table.pixels[before, after] == where.sum()
            assert table.hectares[before, after] == pytest.approx(areas[where].sum() / 1e4, rel=1e-12)
    assert table.hectares.sum() + table.excluded_hectares == pytest.approx(areas.sum() / 1e4, rel=1e-12)


def test_without_a_crs_pixels_are_told_instead_of_hectares(tmp_path):
    table = transitions.transitions(write_maps(tmp_path / "maps.tif", [BEFORE, AFTER], crs=None), 1, 2, NAMES)
    assert (table.hectares, table.excluded_hectares) == (None, None)
    assert (table.unit, table.cells()[1]) == ("pixels", ["forest", "0", "2", "3", "5"])
    assert table.rows()[0]["hectares"] is None


def test_as_many_categories_as_a_map_can_hold(tmp_path):
    maps = np.stack([np.arange(255).repeat(2).reshape(51, 10), np.full((51, 10), 254)])
    table = transitions.transitions(write_maps(tmp_path / "maps.tif", maps), 1, 2, [f"c{i}" for i in range(255)])
    assert table.pixels[:, 254].tolist() == [2] * 255
    assert table.pixels.sum() == 510


def test_values_and_bands_that_are_not_there_are_refused(tmp_path):
    path = write_maps(tmp_path / "maps.tif", [BEFORE, AFTER])
    with pytest.raises(RasterError, match="value 2, expected 0 to 1 for water, forest"):
        transitions.transitions(path, 1, 2, ["water", "forest"])
    with pytest.raises(RasterError, match="no band 3; expected 1 to 2"):
        transitions.transitions(path, 1, 3, NAMES)
