"""What can be opened, and how it is described to the page."""

import json
import math

import numpy as np
import pytest
import rasterio
from viewed_world import CATEGORIES, DAYS, GRID, SIZE, write_dataset, write_images, write_maps, write_pictures

from stsun.errors import ConfigurationError, RasterError
from stsun.maps.polygons import PolygonLayer, write_polygons
from stsun.maps.stac_item import ItemFacts, ModelFacts, Period, write_stac_item
from stsun.view.opening import sights_of


def kinds(place):
    return [(layer["kind"], layer["title"]) for layer in place["layers"]]


def test_a_folder_of_images_and_predictions_is_one_place_with_images_below_and_polygons_above(town):
    place = town.place()
    assert place["title"] == "town" and not place["flat"] and not place["notes"]
    assert kinds(place) == [
        ("imagery", "image"), ("categories", "changes"), ("categories", "map"), ("probability", "probabilities"),
        ("polygons", "regions"),
    ]  # fmt: skip
    images, _, maps, shares, _ = place["layers"]
    assert [date["name"] for date in images["dates"]] == list(DAYS)
    assert [date["name"] for date in maps["dates"]] == [DAYS[0], DAYS[-1]]
    assert maps["dates"][1]["when"] == images["dates"][2]["when"]
    assert [(entry["name"], entry["color"]) for entry in maps["legend"]] == list(CATEGORIES)
    assert [look["title"] for look in shares["looks"]] == [name for name, _ in CATEGORIES]
    west, south, east, north = images["bounds"]
    assert 15 <= west < east < 15.02 and 52.33 < south < north < 52.36  # UTM 33: 500 km east is 15 degrees


def test_the_bands_decide_the_composites_that_are_offered(town):
    looks = [look["key"] for look in town.layer("imagery")["looks"]]
    assert looks == ["true", "false", "band-0", "band-1", "band-2", "band-3"]


def test_a_pair_of_pictures_without_a_place_is_flat_and_named_by_its_files(view, world):
    place = view(world / "pictures").place()
    assert place["flat"] and kinds(place) == [("imagery", "2 images")]
    (images,) = place["layers"]
    assert [date["name"] for date in images["dates"]] == ["after", "before"]
    assert "nobody" in images["unknown"] or "no wavelength" in images["unknown"]
    west, south, east, north = images["bounds"]
    assert (west, north) == (0, 0) and math.isclose(east, SIZE * 360 / 2**24, rel_tol=1e-4) and south < 0


def test_files_given_one_by_one_keep_their_order(view, world):
    pair = [world / "pictures" / name for name in ("before.png", "after.png")]
    assert [date["name"] for date in view(*pair).layer("imagery")["dates"]] == ["before", "after"]


def test_every_sample_of_a_data_set_is_a_place_as_training_sees_it(view, world):
    viewer = view(world / "pairs" / "dataset.yaml")
    listed = viewer.get("/api/places")
    assert [one["title"] for one in listed["places"]] == ["pairs: test/pair-0", "pairs: test/pair-1"]
    place = viewer.place("pair-1")
    assert kinds(place) == [("imagery", "images"), ("labels", "labels")] and place["flat"]
    assert [date["name"] for date in place["layers"][0]["dates"]] == ["2018-05-01", "2024-05-01"]
    assert [entry["name"] for entry in place["layers"][1]["legend"]] == ["unchanged", "building change"]
    assert viewer.get("/api/places", find="pair-1 TEST")["total"] == 1


def test_many_samples_are_listed_in_parts_and_only_a_few_stay_open(view, tmp_path):
    description = write_dataset(tmp_path, samples=20)
    (tmp_path / "test.txt").write_text("".join(f"pair-{number}\n" for number in range(250)))
    viewer = view(description)
    listed = viewer.get("/api/places")
    assert listed["total"] == 250 and len(listed["places"]) == 200
    assert len(viewer.get("/api/places", first=200)["places"]) == 50
    for one in listed["places"][:20]:
        viewer.get(f"/api/places/{one['id']}")
    assert len(list((tmp_path / "cache").iterdir())) == 16


def test_a_stac_item_is_opened_with_its_assets(view, world, tmp_path):
    write_images(tmp_path, DAYS[:1])
    bands = [{"name": name, "eo:common_name": name} for name in ("blue", "green", "red", "nir")]
    asset = {"href": "image_1.tif", "type": "image/tiff", "roles": ["data"], "bands": bands}
    item = {
        "type": "Feature", "stac_version": "1.1.0", "id": "one", "geometry": None, "links": [], "stac_extensions": [],
        "properties": {"datetime": "2018-05-01T10:00:00Z"}, "assets": {"image": asset},
    }  # fmt: skip
    (tmp_path / "one.json").write_text(json.dumps(item))
    layer = view(tmp_path / "one.json").layer("imagery")
    assert [date["name"] for date in layer["dates"]] == ["2018-05-01"] and "false" in [k["key"] for k in layer["looks"]]


def test_a_predictions_own_item_leads_to_its_maps_and_images(view, tmp_path):
    images = write_images(tmp_path)
    maps = write_maps(tmp_path)
    facts = ItemFacts(
        "map", "semantic_change", CATEGORIES, [Period(day, day, day) for day in (DAYS[0], DAYS[-1])], [()], 10.0,
        ModelFacts("nano", 1, "0", None), "0", images,
    )  # fmt: skip
    write_stac_item(tmp_path / "item.json", assets={"classes": maps}, facts=facts)
    assert kinds(view(tmp_path / "item.json").place()) == [("imagery", "image"), ("categories", "map")]
    assert len(view(tmp_path).place()["layers"]) == 4  # as a folder: the item describes what is shown anyway


def test_an_item_whose_bands_lie_on_a_server_is_not_followed(view, tmp_path):
    asset = {"href": "https://example.org/b.tif", "roles": ["data"], "bands": [{"name": "r", "eo:common_name": "red"}]}
    item = {
        "type": "Feature", "stac_version": "1.1.0", "id": "one", "geometry": None, "links": [], "stac_extensions": [],
        "properties": {"datetime": "2018-05-01T10:00:00Z"}, "assets": {"image": asset},
    }  # fmt: skip
    (tmp_path / "one.json").write_text(json.dumps(item))
    with pytest.raises(RasterError, match="lies on a server"):
        view(tmp_path / "one.json")


@pytest.mark.parametrize("suffix", [".geojson", ".gpkg", ".parquet"])
def test_polygons_of_all_formats_lie_where_their_map_does(view, tmp_path, suffix):
    maps = write_maps(tmp_path)
    layer = PolygonLayer(maps, 1, {2: {"category": "building"}}, DAYS[0], DAYS[0], None)
    write_polygons(tmp_path / f"buildings{suffix}", [layer])
    viewer = view(tmp_path)
    found = viewer.get(f"/api/polygons/{viewer.layer('polygons')['id']}")
    (feature,) = found["features"]
    assert found["total"] == 1 and feature["properties"]["category"] == "building"
    x, y = np.array(feature["geometry"]["coordinates"][0]).T
    expected = rasterio.warp.transform("EPSG:32633", "EPSG:4326", [500_640, 501_280], [5_799_360, 5_798_720])
    np.testing.assert_allclose([x.min(), x.max()], expected[0], atol=2e-5)
    np.testing.assert_allclose([y.max(), y.min()], expected[1], atol=2e-5)


def test_polygons_of_maps_without_a_place_are_in_their_pixels(view, tmp_path):
    write_pictures(tmp_path)
    flat = write_maps(tmp_path, type(GRID)(None, rasterio.Affine.identity(), SIZE, SIZE))
    write_polygons(tmp_path / "b.gpkg", [PolygonLayer(flat, 1, {2: {"category": "building"}}, None, None, None)])
    viewer = view(tmp_path)
    assert viewer.place()["flat"]
    found = viewer.get(f"/api/polygons/{viewer.layer('polygons')['id']}")
    x, y = np.array(found["features"][0]["geometry"]["coordinates"][0]).T
    pixel = 360 / 2**24
    np.testing.assert_allclose([x.min(), x.max(), y.max(), y.min()], np.array([64, 128, -64, -128]) * pixel, atol=1e-6)


def test_what_cannot_be_opened_is_told_and_the_rest_is_shown(view, tmp_path):
    write_images(tmp_path)
    (tmp_path / "broken.tif").write_bytes(b"II*\0 but no more")
    (tmp_path / "notes.txt").write_text("not for here")
    place = view(tmp_path).place()
    assert kinds(place) == [("imagery", "image")]
    assert len(place["notes"]) == 1 and "broken.tif" in place["notes"][0]


def test_links_out_of_a_folder_and_hidden_files_are_left_alone(view, world, tmp_path):
    write_images(tmp_path, DAYS[:1])
    (tmp_path / "secret.tif").symlink_to(world / "town" / "map.tif")
    (tmp_path / "away").symlink_to(world / "pictures")
    (tmp_path / ".hidden.png").write_bytes((world / "pictures" / "after.png").read_bytes())
    viewer = view(tmp_path)
    assert viewer.get("/api/places")["total"] == 1 and kinds(viewer.place()) == [("imagery", "image_1")]


@pytest.mark.parametrize("name", ["liar.gpkg", "liar.parquet", "liar.geojson"])
def test_a_file_that_is_not_what_its_name_says_is_not_handed_to_anyone(view, tmp_path, name):
    write_images(tmp_path)
    (tmp_path / name).write_text("<OGRVRTDataSource><OGRVRTLayer name='x'/></OGRVRTDataSource>")
    viewer = view(tmp_path)
    answer = viewer.client.get(f"/api/polygons/{viewer.layer('polygons')['id']}")
    assert answer.status_code == 422 and name in answer.json()["error"]


def test_nothing_to_look_at_is_an_error_that_says_what_is_expected(tmp_path):
    with pytest.raises(ConfigurationError, match="name a folder"):
        sights_of([], tmp_path)
    with pytest.raises(RasterError, match="no such file"):
        sights_of([tmp_path / "missing"], tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(RasterError, match="expected rasters"):
        sights_of([tmp_path / "empty"], tmp_path)


def test_identifiers_of_another_session_and_invented_ones_are_unknown(town, view, world):
    other = view(world / "pictures").place()["id"]
    for path in (other, "0", "x.y", f"{other[:8]}.99", "..%2f..%2fetc", "%00"):
        assert town.client.get(f"/api/places/{path}").status_code in (404, 422), path
    assert town.client.get(f"/api/areas/{town.layer('categories')['id']}/7").status_code == 404
