"""One temperature per task: found on labels, saved, applied to probabilities and to nothing else."""

import json
import shutil
from datetime import date

import numpy as np
import pytest
import torch

from stsun.cli import main
from stsun.data.dataset import open_dataset
from stsun.errors import CheckpointError, ConfigurationError, DataError
from stsun.evaluation import temperature as temperatures
from stsun.evaluation.evaluate import answer, evaluate
from stsun.evaluation.temperature import (
    Drawn,
    Pixels,
    best_temperature,
    calibrate,
    calibration_error,
    labelled_pixels,
    temperatures_of,
)
from stsun.model.checkpoint import load, read_card, save
from stsun.model.stsun import create
from stsun.prediction.products import Rows, probabilities, render
from stsun.simulation.dataset import write_dataset


def drawn(seed, temperature, pixels=20_000, classes=4):
    """Logits, and labels that are drawn from their softmax at a temperature."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 3, (pixels, classes)).astype(np.float32)
    noise = rng.gumbel(size=logits.shape)
    return Drawn(logits, (logits / temperature + noise).argmax(axis=1), np.ones(pixels))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_labels_were_drawn_at_is_found(temperature):
    assert best_temperature(drawn(0, temperature)) == pytest.approx(temperature, 0.05)


def test_temperatures_keep_to_their_range():
    logits, each = (own := drawn(2, 1.0, 100)).logits, own.each
    assert best_temperature(Drawn(logits, logits.argmax(1), each)) == pytest.approx(0.05)
    assert best_temperature(Drawn(logits, logits.argmin(1), each)) == pytest.approx(20)


def test_a_pixel_counts_as_often_as_it_stands_for_others():
    few, many = drawn(0, 1.0, 200), drawn(1, 6.0, 200)
    weighed = Drawn(few.logits, few.labels, np.full(200, 3.0))
    again = Drawn(np.repeat(few.logits, 3, axis=0), np.repeat(few.labels, 3), np.ones(600))
    told, repeated = (pixels("a", "x", first, many) for first in (weighed, again))
    assert told.own == pytest.approx(repeated.own)
    assert calibration_error(told.together, 1.0) == pytest.approx(calibration_error(repeated.together, 1.0))


def pixels(name, categories, *samples, task="segmentation"):
    return Pixels(name, task, f"{task}: {categories}", tuple(samples))


def test_the_task_has_the_median_of_what_its_data_sets_have_by_themselves():
    found = temperatures_of(
        [pixels("a", "x", drawn(0, 1.0)), pixels("b", "y", drawn(1, 2.0)), pixels("c", "z", drawn(2, 15.0))]
    )
    assert found["segmentation"] == pytest.approx(2, 0.05)
    only = temperatures_of([pixels("a", "x", drawn(0, 3.0)), pixels("d", "x", drawn(1, 2.0), task="binary_change")])
    assert (only["segmentation"], only["binary_change"]) == (pytest.approx(3, 0.05), pytest.approx(2, 0.05))


def test_categories_have_their_own_where_the_task_counts_as_one_sample_more():
    many = [drawn(seed, 4.0, 5_000) for seed in range(7)]
    sets = [pixels("a", "x", *many), pixels("b", "y", drawn(8, 1.0)), pixels("c", "y", drawn(9, 1.0))]
    found = temperatures_of(sets)
    # by hand: the task has 1, the median of 4, 1 and 1; seven samples say 4, and one more says 1
    assert found["segmentation: x"] == pytest.approx(4 ** (7 / 8), 0.05)
    assert found["segmentation: y"] == pytest.approx(1, 0.05)
    assert temperatures_of(sets, held=7)["segmentation: x"] == pytest.approx(2, 0.05)


def test_data_sets_of_the_same_categories_share_a_temperature():
    found = temperatures_of(
        [pixels("a", "x", drawn(0, 1.0)), pixels("b", "x", drawn(1, 4.0)), pixels("c", "y", drawn(2, 2.0))]
    )
    assert found["segmentation: x"] == pytest.approx(2, 0.05) and len(found) == 3


@pytest.mark.parametrize("task", ["segmentation", "binary_change"])
def test_categories_do_not_depend_on_it_but_probabilities_do(task):
    logits = np.random.default_rng(0).normal(0, 4, (2, 1 if task == "binary_change" else 3, 5, 6)).astype(np.float32)
    seen = np.ones((2, 5, 6), bool)
    plain, cooled = Rows(logits, seen), Rows(logits, seen, 3.0)
    assert np.array_equal(render("classes", "uint8", plain, task), render("classes", "uint8", cooled, task))
    shares = render("probabilities", "float32", cooled, task).reshape(logits.shape)
    np.testing.assert_allclose(shares, probabilities(logits / 3, task), rtol=1e-5)
    assert (render("confidence", "float32", cooled, task) < render("confidence", "float32", plain, task)).all()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return write_dataset(
        tmp_path_factory.mktemp("world") / "w", ["sentinel-2-l2a"], [date(2020, 6, 1)], size=24, samples=5
    )


@pytest.fixture(scope="module")
def model():
    names = ["water", "forest", "shrubland", "grassland", "agriculture", "bare soil", "artificial surface"]
    model = create("nano", names, seed=0).eval()
    with torch.no_grad():
        model.ossum.head.log_scale.fill_(5.0)  # far surer than right
    return model


def test_a_model_that_is_too_sure_becomes_less_so(model, world):
    found = calibrate(model, [world], "val")
    (told,) = found.data_sets
    assert found.temperatures["segmentation"] > 2 and told["ece_after"] < 0.6 * told["ece_before"]
    assert model.temperatures == {}
    assert told["ece_before"] == pytest.approx(evaluate(model, world, "val")["ece"], abs=1e-5)
    before = evaluate(model, world, "test")
    model.temperatures = found.temperatures
    after = evaluate(model, world, "test")
    model.temperatures = {}
    assert after["ece"] < before["ece"] and after["temperature"] == told["applied"]
    assert after["confusion_matrix"] == before["confusion_matrix"] and "temperature" not in before


def test_few_are_drawn_of_a_sample_of_many_pixels_and_stand_for_all(model, world, monkeypatch):
    monkeypatch.setattr(temperatures, "MOST_PIXELS", 100)
    found = labelled_pixels(model, open_dataset(world), "train")
    pixels = evaluate(model, world, "train")["pixels"]
    assert [len(one.labels) for one in found.samples] == [100] * len(found.samples)
    assert sum(one.each.sum() for one in found.samples) == pytest.approx(pixels)


def test_a_data_set_counts_once(model, world):
    with pytest.raises(DataError, match="named more than once"):
        calibrate(model, [world, world.parent / ".." / world.parent.name / world.name], "val")


def test_the_command_saves_it_with_the_model_and_predictions_use_it(model, world, tmp_path, monkeypatch, capsys):
    old, new = save(model, tmp_path / "old", {"name": "mine", "seed": 7}), tmp_path / "new"
    again = shutil.copy(world, world.with_name("again.yaml"))
    words = ["stsun", "calibrate", "--model", old, "--data", world, again, "--output", new, "--json"]
    monkeypatch.setattr("sys.argv", list(map(str, words)))
    main_ends()
    told = json.loads(capsys.readouterr().out)
    card, again = read_card(new), load(new)
    assert len(told["data_sets"]) == 2 and card["calibration"] == told["data_sets"]
    assert again.temperatures == told["temperatures"] and (again.name, card["seed"]) == ("mine", 7)
    for name, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], value)


def main_ends():
    try:
        main()
    except SystemExit as end:
        assert not end.code


@pytest.mark.parametrize(
    "wrong",
    [
        {"segmentation": 0},
        {"segmentation": "1"},
        {"cooking": 1.0},
        {"cooking: rice": 1.0},
        {"segmentation": True},
        [1],
    ],
)
def test_a_card_with_other_temperatures_is_refused(model, tmp_path, wrong):
    with pytest.raises(CheckpointError, match="temperatures"):
        load(save(model, tmp_path / "m", {"temperatures": wrong}))


def test_a_legend_merges_what_the_model_knows(model, world):
    names = ["water", "vegetation", "bare soil", "artificial surface"]
    sample = (dataset := open_dataset(world)).read(dataset.records("test")[0])
    from dataclasses import replace

    merged = {"vegetation": ["forest", "shrubland", "grassland", "agriculture"]}
    asked = replace(sample, labels=None, configuration=replace(sample.configuration, categories=names, merged=merged))
    whole, parts = (answer(model, one, torch.device("cpu")) for one in (asked, replace(sample, labels=None)))
    assert whole.maps.max() <= 3 and (whole.confidence >= parts.confidence - 1e-5).all()
    with pytest.raises(ConfigurationError, match="among the categories"):
        evaluate(model, world, "test", legend={"lake": ["water"]})
    scores = evaluate(model, world, "test", legend={"forest": ["forest"]})
    assert scores["confusion_matrix"] == evaluate(model, world, "test")["confusion_matrix"]
