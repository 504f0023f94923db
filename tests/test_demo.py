import json

import numpy as np
import pytest
import rasterio
import torch

from stsun.data.sample import IGNORE
from stsun.demo import FIRST_SEED, run
from stsun.errors import ConfigurationError, RasterError
from stsun.evaluation.evaluate import predict_sample
from stsun.model.stsun import create
from stsun.simulation.scenes import KINDS, simulate
from stsun.simulation.write import CORNER_M, EPSG

SIZE, SAMPLES, SEED = 24, 2, 3
SHOWN = ("aerial-change", "sentinel2-series", "sentinel2-semantic-change", "landsat-mixed-series", "sentinel1-flood")


@pytest.fixture(scope="module")
def model():
    categories = dict.fromkeys(name for kind in KINDS.values() for name in kind.categories)
    return create("nano", list(categories), seed=0).eval()


@pytest.fixture(scope="module")
def demo(model, tmp_path_factory):
    folder, lines = tmp_path_factory.mktemp("demo"), []
    result = run(folder, seed=SEED, model=model, echo=lines.append, samples=SAMPLES, size=SIZE, kinds=SHOWN)
    return folder, lines, result


def first_world(kind):
    return simulate(kind, FIRST_SEED + SEED * SAMPLES, SIZE)


def test_all_three_tasks_are_scored_on_several_sensors(demo):
    folder, lines, result = demo
    assert set(result["scores"]) == set(SHOWN)
    assert {scores["task"] for scores in result["scores"].values()} == {
        "segmentation", "binary_change", "semantic_change",
    }  # fmt: skip
    assert all(scores["samples"] == SAMPLES for scores in result["scores"].values())
    assert json.loads((folder / "scores.json").read_text()) == result
    for kind in SHOWN:
        assert any(line.startswith(kind) for line in lines)


def test_every_file_it_lists_is_there_and_every_file_there_is_listed(demo):
    folder, lines, result = demo
    found = {str(path) for path in folder.rglob("*") if path.is_file()}
    assert found == set(result["files"])
    assert all(any(file in line for line in lines) for file in found)


@pytest.mark.parametrize("kind", SHOWN)
def test_maps_lie_where_the_images_lie_and_equal_the_model_in_memory(demo, model, kind):
    folder, _, _ = demo
    world = first_world(kind)
    with rasterio.open(folder / kind / "map.tif") as dataset:
        stored = dataset.read().astype(np.int64)
        assert dataset.crs.to_epsg() == EPSG
        assert (dataset.transform.c, dataset.transform.f, dataset.transform.a) == (*CORNER_M, KINDS[kind].gsd_m)
    seen = stored != IGNORE
    expected = predict_sample(model, world, torch.device("cpu"))
    assert seen.any() and (stored == expected)[seen].mean() > 0.999  # ties may fall otherwise after blending
    assert (seen == (world.labels != IGNORE)).all()


def test_pictures_show_dates_truth_and_map_side_by_side(demo):
    folder, _, _ = demo
    with rasterio.open(folder / "sentinel2-semantic-change.png") as picture:
        # two dates, two truths, two maps, with five gaps of four pixels between them
        assert (picture.count, picture.height, picture.width) == (3, SIZE, 6 * SIZE + 5 * 4)
        pixels = picture.read()
    gap = pixels[:, :, SIZE : SIZE + 4]
    assert (gap == 255).all() and pixels.std() > 10


def test_the_report_shows_every_picture_that_is_there(demo):
    folder, _, _ = demo
    page = (folder / "index.html").read_text()
    for kind in SHOWN:
        assert f"src='{kind}.png'" in page and (folder / f"{kind}.png").is_file()


def test_a_seed_gives_the_same_scores_again(demo, model, tmp_path):
    _, _, result = demo
    again = run(tmp_path, seed=SEED, model=model, echo=lambda line: None, samples=SAMPLES, size=SIZE, kinds=SHOWN[-1:])
    assert again["scores"][SHOWN[-1]] == result["scores"][SHOWN[-1]]


def test_an_unknown_kind_is_refused(model, tmp_path):
    with pytest.raises(ConfigurationError, match="expected one of"):
        run(tmp_path, model=model, echo=lambda line: None, kinds=["radio"])


def test_an_output_that_is_a_file_is_refused_before_any_work(model, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(RasterError, match="--output"):
        run(tmp_path / "taken", model=model, echo=lambda line: None)
