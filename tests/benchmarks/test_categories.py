from datetime import date
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

import categories
from stsun.data.dataset import open_dataset
from stsun.model.stsun import create
from stsun.simulation.dataset import write_dataset
from stsun.training.experiment import read_experiment

NAMES = ["water", "shrubland", "grassland", "agriculture", "bare soil", "artificial surface"]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world") / "w"
    return write_dataset(folder, ["sentinel-2-l2a"], [date(2020, 6, 1)], size=24, samples=5, cloud_cover=0)


@pytest.fixture(scope="module")
def contest(path):
    return categories.Contest(create("nano", NAMES, seed=0).eval(), open_dataset(path), "forest")


def test_scores_are_those_of_seen_and_unseen_categories():
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    # by hand: IoU 1, 2/3 and 1/2; category 2 is the new one, category 3 has no label and does not count
    seen, unseen, both = categories.score(labels, np.array([0, 0, 1, 1, 2, 1]), "abcd", 2)
    assert (seen, unseen) == (pytest.approx((1 + 2 / 3) / 2), pytest.approx(1 / 2))
    assert both == pytest.approx(2 / (1 / seen + 1 / unseen))


def test_every_way_answers_every_validation_pixel_from_the_same_draw(contest):
    drawn = contest.draw(3, seed=0)
    counts = torch.bincount(contest.train.labels[drawn], minlength=7)
    assert counts.max() == 3 and torch.equal(drawn, contest.draw(3, seed=0))
    assert torch.equal(contest.train.pixels.shows, contest.train.labels == contest.new)
    found = dict(contest.ways(drawn))
    assert tuple(found) == categories.WAYS
    for prediction in found.values():
        assert prediction.shape == contest.val.labels.shape and set(prediction) <= set(range(7))


def test_known_categories_are_the_same_numbers_and_lose_what_the_new_one_takes(contest):
    assert contest.is_unmoved()
    nobody = contest.with_row(torch.cat([torch.zeros(24), torch.tensor([-1e6])]))
    before, after = contest.known_before_and_after(nobody)
    assert before == after
    everybody = contest.with_row(torch.cat([torch.zeros(24), torch.tensor([1e6])]))
    assert contest.known_before_and_after(everybody) == (before, 0.0)
    assert contest.score(everybody)[1] == pytest.approx(float((contest.val.labels == contest.new).float().mean()))


def test_a_fold_is_ignored_in_all_data_sets_and_its_other_categories_do_not_count(path, tmp_path):
    # what the copies are made of is one data set; the plan names it twice, to train on and to score
    plan = {
        "experiment": {"name": "x", "steps": 1, "data": [{"dataset": path.name, "weight": 2}]},
        "folds": [["forest", "water"], ["glacier"]],
        "report": [path.name],
    }
    runs = categories.trainings(plan, path.parent, tmp_path)
    files = {folder.name: open_dataset(run["data"][0]["dataset"]) for folder, run in runs.items()}
    whole, first, second = files["all"], files["fold-1"], files["fold-2"]
    assert whole.path == path and second.categories == whole.categories
    assert set(whole.categories) - set(first.categories) == {"forest", "water"}
    (record,), (same,) = whole.records("val"), first.records("val")
    labels, fewer = whole.read(record).labels, first.read(same).labels
    names = np.array([*whole.categories, *[""] * 249])[labels]
    assert np.array_equal(fewer == 255, np.isin(names, ["forest", "water", ""]))
    for pair in categories.pairs_of(plan, "report", path.parent):
        assert pair.fold == 1 and {pair.category, *pair.others} == {"forest", "water"}
        assert set(pair.dataset().categories) == set(whole.categories) - set(pair.others)


def test_the_grid_holds_the_default_and_is_read_by_pull_and_power(contest, monkeypatch):
    assert categories.PULL in categories.PULLS and categories.POWER in categories.POWERS
    monkeypatch.setattr(categories, "PULLS", (0.1, 10.0))
    monkeypatch.setattr(categories, "POWERS", (0.0, 2.0))
    found = categories.choices(contest, [2], draws=1)
    assert list(found) == [(0.1, 0.0), (0.1, 2.0), (10.0, 0.0), (10.0, 2.0)]
    assert categories.choice_table(found).splitlines()[0] == "| pull | / n^0 | / n^2 |"


def test_tables_have_a_row_for_each_pair_and_each_way(contest, path):
    pair = categories.Pair(path, "forest", 1, ())
    result = categories.measure(pair, contest, create("nano", [*NAMES, "forest"], seed=1).eval(), [1, 2], draws=2)
    assert result["unmoved"] and len(result["rows"]) == 4 * 3
    lines = categories.pair_table([result], 2).splitlines()
    assert len(lines) == 3 and lines[2].count("|") == len(categories.PAIR_COLUMNS) + 1
    assert len(categories.mean_table([result, result]).splitlines()) == 2 + 4 * 3 + 1


def test_the_plan_of_the_repository_holds_together(tmp_path):
    plan = yaml.safe_load((Path(categories.__file__).parents[1] / "configs" / "categories-nano.yaml").read_text())
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(plan["experiment"]))
    assert read_experiment(tmp_path / "plan.yaml").model.size == "nano"
    trained = {entry["dataset"] for entry in plan["experiment"]["data"]}
    assert not set(plan["choose"]) & set(plan["report"]) and {*plan["choose"], *plan["report"]} <= trained
    held = [name for fold in plan["folds"] for name in fold]
    assert len(held) == len(set(held))
