"""Predictions from the page: they are made of the box, watched, cancelled, and shown."""

import time

import numpy as np
import pytest
import rasterio
from viewed_world import CATEGORIES, SIZE, reflectances

from stsun.view.jobs import MOST_WAITING


def ask(viewer, **changes):
    request = {"layer": viewer.layer("imagery")["id"], "dates": [0, 1, 2], "task": "segmentation",
               "categories": [name for name, _ in CATEGORIES]}  # fmt: skip
    return viewer.client.post("/api/jobs", json={**request, **changes})


def until(viewer, identifier, *states, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        job = viewer.get(f"/api/jobs/{identifier}")
        if job["state"] in states:
            return job
        time.sleep(0.05)
    raise AssertionError(f"still {job['state']} after {seconds} s: {job}")


def corner_box(viewer, share):
    """The upper left part of the images, as a box in degrees."""
    west, south, east, north = viewer.layer("imagery")["bounds"]
    return [west, north - (north - south) * share, west + (east - west) * share, north]


def test_a_prediction_of_all_appears_in_its_place(town):
    answer = ask(town)
    assert answer.status_code == 201
    job = until(town, answer.json()["id"], "done", "failed")
    assert job["state"] == "done" and job["done"] == job["total"] == 1
    layers = {layer["id"]: layer for layer in town.place()["layers"]}
    assert [layers[one]["kind"] for one in job["layers"]] == ["categories", "probability", "probability"]
    made = layers[job["layers"][0]]
    assert [entry["name"] for entry in made["legend"]] == [name for name, _ in CATEGORIES]
    counts = {line["value"]: line["pixels"] for line in town.get(f"/api/areas/{made['id']}/0")}
    expected = np.rint(reflectances(2)[0] * 1e-3)  # ten times the reflectance of the last date's first band
    assert counts == {k: int((expected == k).sum()) for k in range(3)}


def test_a_box_is_predicted_on_the_images_own_pixels(town, tmp_path):
    job = until(town, ask(town, box=corner_box(town, 0.5)).json()["id"], "done", "failed")
    assert job["state"] == "done", job["message"]
    with rasterio.open(tmp_path / "made" / "prediction-001" / "map.tif") as made:
        assert made.crs.to_epsg() == 32633 and made.transform.a == 10
        assert abs(made.width - SIZE / 2) <= 2 and abs(made.height - SIZE / 2) <= 2
        assert (made.transform.c - 500_000) % 10 == 0 and 0 <= made.transform.c - 500_000 <= 20


def test_a_box_of_pictures_without_a_place_lands_where_it_was_drawn(view, world, tmp_path):
    viewer = view(world / "pictures" / "before.png", world / "pictures" / "after.png")
    west, south, east, north = viewer.layer("imagery")["bounds"]
    half = [(west + east) / 2 + 1e-9, south + 1e-9, east - 1e-9, north - 1e-9]
    asked = ask(viewer, dates=[0, 1], task="binary_change", categories=[], box=half, sensor="aerial-rgb")
    job = until(viewer, asked.json()["id"], "done", "failed")
    assert job["state"] == "done", job["message"]
    with rasterio.open(tmp_path / "made" / "prediction-001" / "map.tif") as made:
        assert (made.width, made.height, made.crs) == (SIZE // 2, SIZE, None)
        np.testing.assert_array_equal(np.unique(made.read(1)[:64]), [1])  # red: 0 to 255
        np.testing.assert_array_equal(np.unique(made.read(1)[64:]), [0])  # red: 255 to 0
    result = next(layer for layer in viewer.place()["layers"] if layer["id"] == job["layers"][0])
    assert result["bounds"] == pytest.approx([(west + east) / 2, south, east, north], abs=1e-6)


def test_bands_that_are_not_known_need_a_sensor(view, world):
    viewer = view(world / "pictures")
    answer = ask(viewer, dates=[0, 1], task="binary_change", categories=[])
    assert answer.status_code == 422 and "sensor" in answer.json()["error"]


def test_a_sample_of_a_data_set_is_predicted_as_it_is_read(view, world):
    viewer = view(world / "pairs" / "dataset.yaml")
    job = until(viewer, ask(viewer, dates=[0, 1], task="binary_change", categories=[]).json()["id"], "done", "failed")
    assert job["state"] == "done", job["message"]


def test_progress_is_told_and_a_cancelled_prediction_leaves_nothing(town, tmp_path):
    town.network.go_on.clear()
    first, second = ask(town).json()["id"], ask(town).json()["id"]
    until(town, first, "running")
    assert town.get(f"/api/jobs/{second}")["state"] == "waiting"
    town.client.delete(f"/api/jobs/{second}")
    town.client.delete(f"/api/jobs/{first}")
    town.network.go_on.set()
    assert until(town, first, "cancelled", "done", "failed")["state"] == "cancelled"
    assert town.get(f"/api/jobs/{second}")["state"] == "cancelled"
    assert list((tmp_path / "made").iterdir()) == []
    assert len(town.place()["layers"]) == 5


def test_what_is_written_after_the_last_tile_is_told_and_can_be_cancelled(town, tmp_path, held_writing):
    identifier = ask(town).json()["id"]
    assert held_writing.began.wait(60)
    job = town.get(f"/api/jobs/{identifier}")
    assert (job["state"], job["stage"], job["done"]) == ("running", "writing map.tif", job["total"])
    town.client.delete(f"/api/jobs/{identifier}")
    held_writing.go_on.set()
    job = until(town, identifier, "cancelled", "done", "failed")
    assert (job["state"], job["stage"]) == ("cancelled", "writing probabilities.tif")
    assert list((tmp_path / "made").iterdir()) == []


def test_only_so_many_predictions_wait(town):
    town.network.go_on.clear()
    until(town, ask(town).json()["id"], "running")
    answers = [ask(town) for _ in range(MOST_WAITING + 1)]
    assert [answer.status_code for answer in answers] == [201] * MOST_WAITING + [422]
    assert "cancel" in answers[-1].json()["error"]
    for job in town.get("/api/jobs"):
        town.client.delete(f"/api/jobs/{job['id']}")
    town.network.go_on.set()


def test_what_cannot_be_predicted_is_told(town, tmp_path):
    job = until(town, ask(town, dates=[0], task="semantic_change").json()["id"], "failed", "done")
    assert job["state"] == "failed" and "at least 2 dates" in job["message"]
    assert list((tmp_path / "made").iterdir()) == []
    away = until(town, ask(town, box=[0, 0, 1, 1]).json()["id"], "failed", "done")
    assert "shows nothing" in away["message"]


@pytest.mark.parametrize(
    "change",
    [
        {"dates": []}, {"dates": [0, 7]}, {"dates": ["a"]}, {"box": [1, 2, 3]}, {"box": [1, 2, 3, "NaN"]},
        {"categories": [""]}, {"categories": ["x"] * 256}, {"output": "/tmp/x.tif"}, {"layer": "../../etc"},
    ],
)  # fmt: skip
def test_requests_that_make_no_sense_are_refused(town, change):
    assert ask(town, **change).status_code in (404, 422)
    assert town.get("/api/jobs") == []


def test_a_map_is_nothing_to_predict_from(town):
    assert "images" in ask(town, layer=town.layer("categories")["id"], dates=[0]).json()["error"]


def test_the_model_tells_its_categories_by_task(town):
    known = town.get("/api/model")
    assert known["tasks"]["binary_change"] == ["flooded"] and "aerial-rgb" in known["sensors"]
