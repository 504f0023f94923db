"""From a place to a map: a catalogue on this machine, images of it on disk."""

import csv
import json

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin
from rasterio.warp import transform_bounds

from stac_api import PROXIES, serving
from stsun.errors import ConfigurationError, RasterError
from stsun.prediction.predict import predict_scene
from stsun.prediction.run import Settings
from stsun.prediction.targets import Targets
from stsun.raster.grid import Grid, Window
from stsun.scene.area import Request, find_scene
from stsun.scene.scene import open_scene, read_scene

WEST, NORTH, SIDE = 500_000, 5_000_000, 60
FIELD = np.random.default_rng(0).integers(0, 3, (SIDE, 2 * SIDE)).astype(np.uint16)
SPRING, AUTUMN = ("2020-03-01", "2020-05-31"), ("2020-09-01", "2020-11-30")


def write(path, values, **profile):
    shape = {"count": 1, "height": values.shape[0], "width": values.shape[1], "dtype": values.dtype.name}
    with rasterio.open(path, "w", driver="GTiff", crs="EPSG:32633", **shape, **profile) as raster:
        raster.write(values[None])
    return str(path)


def item(folder, day, tile, values, clouds):
    """One tile of one day: red at 10 m, a scene classification at 20 m that calls some rows cloud."""
    place = {"transform": from_origin(WEST + 10 * SIDE * tile, NORTH, 10, 10)}
    coarse = {"transform": from_origin(WEST + 10 * SIDE * tile, NORTH, 20, 20)}
    classes = np.full((SIDE // 2, SIDE // 2), 4, np.uint8)
    classes[:clouds] = 9
    name = f"{day}-{tile}"
    red = write(folder / f"{name}.tif", values[:, SIDE * tile : SIDE * (tile + 1)], nodata=999, **place)
    scl = write(folder / f"{name}-scl.tif", classes, **coarse)
    band = {
        "name": "red",
        "eo:common_name": "red",
        "eo:center_wavelength": 0.665,
        "raster:scale": 1,
        "raster:offset": 0,
    }
    return {
        "type": "Feature", "stac_version": "1.1.0", "stac_extensions": [], "id": name, "collection": "small",
        "geometry": None, "links": [], "properties": {"datetime": f"{day}T10:00:00Z"},
        "assets": {
            "red": {"href": red, "roles": ["data"], "bands": [band]},
            "scl": {"href": scl, "roles": ["data"]},
        },
    }  # fmt: skip


@pytest.fixture
def catalog(tmp_path, monkeypatch):
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    later = (FIELD + 1) % 3
    items = [
        item(tmp_path, day, tile, values.astype(np.uint16), clouds)
        for day, values, clouds in (("2020-04-01", FIELD, 0), ("2020-04-11", later, 12), ("2020-10-01", later, 3))
        for tile in (0, 1)
    ]
    with serving(items) as server:
        yield server


def request(catalog, times, **change):
    box = transform_bounds("EPSG:32633", "EPSG:4326", WEST + 205, NORTH - 395, WEST + 995, NORTH - 105)
    return Request(**{"catalog": catalog.url, "collections": ["small"], "bbox": box, "times": times, **change})


def test_a_place_and_two_times_become_a_change_of_the_clearest_days(catalog, model, tmp_path):
    scene = find_scene(request(catalog, [SPRING, AUTUMN]))
    assert [str(np.datetime64(int(day), "D")) for day in scene.days] == ["2020-04-01", "2020-10-01"]
    assert scene.gsd_m == pytest.approx(10) and scene.grid.crs.to_epsg() == 32633
    targets = Targets(tmp_path / "m.tif", transitions=tmp_path / "t.csv")
    options = {"task": "semantic_change", "categories": ["a", "b", "c"], "per_date": False}
    predict_scene(model, scene, targets=targets, settings=Settings(), **options)
    with rasterio.open(tmp_path / "m.tif") as raster:
        maps = raster.read()
        column, row = round((raster.transform.c - WEST) / 10), round((NORTH - raster.transform.f) / 10)
        assert raster.transform.a == 10 and column % 1 == 0
    part = FIELD[row : row + maps.shape[1], column : column + maps.shape[2]]
    inside = maps.shape[1], maps.shape[2]
    assert inside[0] >= 29 and inside[1] >= 79
    np.testing.assert_array_equal(maps[0], part)  # both tiles, seamlessly
    np.testing.assert_array_equal(maps[1], (part + 1) % 3)
    with (tmp_path / "t.csv").open() as file:
        table = list(csv.reader(file))
    assert float(table[1][2]) == 0 and float(table[1][3]) > 0


def test_one_time_means_all_its_days(catalog):
    scene = find_scene(request(catalog, [("2020-01-01", "2020-12-31")], gsd_m=20.0))
    assert len(scene.dates) == 3 and scene.gsd_m == pytest.approx(20)
    assert not any("there may be more" in note for note in scene.notes)


def test_a_search_that_was_cut_off_says_so(catalog):
    scene = find_scene(request(catalog, [("2020-01-01", "2020-12-31")], limit=4))
    assert len(scene.dates) == 2 and any("4 items" in note and "--limit" in note for note in scene.notes)


def test_the_pixel_size_is_that_of_the_finest_band_of_all_days(catalog, tmp_path):
    coarse = write(tmp_path / "coarse.tif", FIELD[::3, ::3], transform=from_origin(WEST, NORTH, 30, 30))
    first = item(tmp_path, "2020-03-05", 0, FIELD, 0)
    first["assets"]["red"]["href"] = coarse
    catalog.items.append(first)
    scene = find_scene(request(catalog, [SPRING, AUTUMN]))
    assert scene.gsd_m == pytest.approx(10)


def test_neighbours_of_one_day_beyond_the_grid_are_told(catalog, tmp_path):
    items = tmp_path / "items.json"
    items.write_text(json.dumps({"type": "FeatureCollection", "features": catalog.items[:2]}))
    scene = open_scene([items])
    assert len(scene.dates) == 1 and scene.grid.width == SIDE
    assert any("beyond it is not mapped" in note for note in scene.notes)
    like = Grid(scene.grid.crs, scene.grid.transform, SIDE, 2 * SIDE)
    wide = open_scene([items], like=like)
    assert not any("beyond it is not mapped" in note for note in wide.notes)
    values, valid = read_scene(wide, Window(0, 0, SIDE, 2 * SIDE))
    assert valid.all()
    np.testing.assert_array_equal(values[0][0], FIELD)


def test_clouds_are_not_valid(catalog):
    scene = find_scene(request(catalog, [("2020-04-11", "2020-04-11")]))
    _, valid = read_scene(scene, Window(0, 0, scene.grid.height, scene.grid.width))
    first = round((NORTH - scene.grid.transform.f) / 10)
    rows = np.arange(first, first + scene.grid.height)
    np.testing.assert_array_equal(valid[0].any(axis=1), rows >= 24)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"times": [("2019-01-01", "2019-02-01")]}, RasterError, "has nothing of small"),
        ({"bbox": (10.0, 50.0, 9.0, 51.0), "gsd_m": 1000.0}, RasterError, "expected at most 12 for one UTM zone"),
        ({"bands": ["nir"]}, ConfigurationError, "has no band 'nir'"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(catalog, change, error, words):
    with pytest.raises(error, match=words):
        find_scene(request(catalog, **{"times": [SPRING], **change}))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"times": []}, "no time is asked for"),
        ({"crs": "EPSG:1"}, "no coordinate system 'EPSG:1'"),
        ({"gsd_m": 0.0}, "pixel size is 0"),
        ({"gsd_m": float("nan")}, "pixel size is nan"),
    ],
)
def test_what_no_catalogue_could_answer_is_refused_before_it_is_asked(change, words):
    nobody = {"catalog": "https://nobody.invalid", "collections": ["small"], "bbox": (8.0, 47.0, 8.1, 47.1)}
    with pytest.raises(ConfigurationError, match=words):
        Request(**{**nobody, "times": [SPRING], **change})
