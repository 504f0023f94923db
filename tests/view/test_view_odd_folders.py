"""Folders with things in them that nobody expects: the rest is shown, and what they lead to elsewhere is not."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from viewed_world import DAYS, GRID, SIZE, write_images, write_maps

from stsun.errors import RasterError
from stsun.raster.writer import Layer, create

ITEM = {
    "type": "Feature", "stac_version": "1.1.0", "id": "one", "geometry": None, "links": [], "stac_extensions": [],
    "properties": {"datetime": "2018-05-01T10:00:00Z"},
}  # fmt: skip
PREDICTION = {**ITEM, "properties": {"datetime": "2018-05-01T10:00:00Z", "mlm:architecture": "STSUN"}}
SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}


def titles(place):
    return [layer["title"] for layer in place["layers"]]


def write_item(folder, href):
    bands = [{"name": name, "eo:common_name": name} for name in ("blue", "green", "red", "nir")]
    asset = {"href": str(href), "roles": ["data"], "bands": bands}
    folder.mkdir(exist_ok=True)
    (folder / "item.json").write_text(json.dumps({**ITEM, "assets": {"image": asset}}))
    return folder / "item.json"


@pytest.mark.parametrize("written", [lambda path: path, lambda path: f"../../{path.name}"])
def test_an_item_in_a_folder_leads_to_nothing_outside_of_it(view, tmp_path, written):
    (secret,) = write_images(tmp_path, DAYS[:1])
    given = tmp_path / "given"
    given.mkdir()
    write_images(given, DAYS[1:2])
    item = write_item(given / "inner", written(secret))
    viewer = view(given)
    assert viewer.get("/api/places")["total"] == 1 and titles(viewer.place()) == ["image_1"]
    assert "outside the folder" in viewer.place()["notes"][0]
    assert titles(view(item).place()) == ["item"]  # given by its own name


def test_an_item_in_a_folder_leads_to_other_files_of_that_folder(view, tmp_path):
    (image,) = write_images(tmp_path, DAYS[:1])
    write_item(tmp_path / "inner", f"../{image.name}")
    assert [one["title"] for one in view(tmp_path).get("/api/places")["places"]] == [
        tmp_path.name, f"{tmp_path.name}/inner",
    ]  # fmt: skip


def test_an_archive_in_a_folder_leads_to_nothing_outside_of_it(view, tmp_path):
    (secret,) = write_images(tmp_path, DAYS[:1])
    scene = tmp_path / "given" / "scene"
    scene.mkdir(parents=True)
    write_images(tmp_path / "given", DAYS[1:2])
    (scene / "HLS.S30.T15TVM.2019001T170719.v2.0.B04.tif").symlink_to(secret)
    viewer = view(tmp_path / "given")
    assert titles(viewer.place()) == ["image_1"] and "outside the folder" in viewer.place()["notes"][0]


@pytest.mark.parametrize("features", [[1], [None], {"a": 1}, []])
def test_a_collection_of_what_are_no_features_is_left_alone(view, tmp_path, features):
    write_images(tmp_path, DAYS[:1])
    (tmp_path / "odd.json").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    assert titles(view(tmp_path).place()) == ["image_1"]


@pytest.mark.parametrize("change", [{"links": None}, {"links": [1]}, {"assets": {"a": "b"}}, {"assets": [1]}])
def test_a_predictions_item_that_is_damaged_is_told(view, tmp_path, change):
    (tmp_path / "item.json").write_text(json.dumps({**PREDICTION, "assets": {}, **change}))
    with pytest.raises(RasterError, match="none of its files can be shown"):
        view(tmp_path / "item.json")


def test_a_circle_of_links_is_left_alone(view, tmp_path):
    write_images(tmp_path, DAYS[:1])
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    assert titles(view(tmp_path).place()) == ["image_1"]


def test_a_folder_that_may_not_be_read_is_told(view, tmp_path, monkeypatch):
    write_images(tmp_path, DAYS[:1])
    (tmp_path / "private").mkdir()
    entries = Path.iterdir

    def refuse(folder):
        if folder.name == "private":
            raise PermissionError(13, "Permission denied")
        return entries(folder)

    monkeypatch.setattr(Path, "iterdir", refuse)
    place = view(tmp_path).place()
    assert titles(place) == ["image_1"]
    assert len(place["notes"]) == 1 and "private: cannot be read (Permission denied)" in place["notes"][0]


def test_what_has_no_categories_has_no_areas(town):
    for kind in ("imagery", "probability", "polygons"):
        answer = town.client.get(f"/api/areas/{town.layer(kind)['id']}/0")
        assert answer.status_code == 404 and "no categories" in answer.json()["error"]


def test_a_colour_table_that_shows_nothing_has_no_areas(view, tmp_path):
    shape = {"driver": "PNG", "count": 1, "height": 8, "width": 8, "dtype": "uint8"}
    with rasterio.open(tmp_path / "clear.png", "w", **shape) as raster:
        raster.write(np.ones((1, 8, 8), np.uint8))
        raster.write_colormap(1, dict.fromkeys(range(256), (0, 0, 0, 0)))
    viewer = view(tmp_path)
    assert viewer.client.get(f"/api/areas/{viewer.layer('labels')['id']}/0").status_code == 404


@pytest.mark.parametrize(
    "odd",
    [
        None,
        {"type": "Point", "coordinates": [0, 0]},
        {"type": "Polygon", "coordinates": [[[float("nan"), 0], [1, 0], [1, 1], [0, 0]]]},
        {"type": "MultiPolygon", "coordinates": [[[[0, 0], [1, 0], [float("inf"), 1], [0, 0]]]]},
    ],
)
def test_what_is_no_polygon_on_the_map_is_left_out_of_it(view, tmp_path, odd):
    write_maps(tmp_path)
    whole = {"type": "Feature", "geometry": {**SQUARE, "bbox": [float("nan")]}, "properties": {"cover": float("nan")}}
    features = [{"type": "Feature", "geometry": odd, "properties": None}, whole]
    (tmp_path / "odd.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    viewer = view(tmp_path)
    found = viewer.get(f"/api/polygons/{viewer.layer('polygons')['id']}")
    assert found["total"] == 1 and [feature["geometry"] for feature in found["features"]] == [SQUARE]


@pytest.mark.parametrize(
    ("told", "names"),
    [
        ('["grass, tall", "water"]', ["grass, tall to water", "water to grass, tall"]),
        ("grass, water", []),
        ('{"grass": 1}', []),
        ("[" * 100_000, []),
    ],
)
def test_changes_of_many_categories_have_the_legend_that_their_tag_lists(view, tmp_path, told, names):
    layer = Layer("a to b", (), {"categories": told})
    with create(tmp_path / "c.tif", GRID, [layer], dtype="uint16", nodata=65535) as rows:
        rows(0, np.ones((1, SIZE, SIZE), np.uint16))
    legend = [entry["name"] for entry in view(tmp_path).layer("categories")["legend"]]
    assert legend[0] == "unchanged" and legend[2:4] == names
