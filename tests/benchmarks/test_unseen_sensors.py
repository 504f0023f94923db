from datetime import date
from pathlib import Path

import numpy as np
import pytest
import yaml

import sensors
from stsun.data.dataset import open_dataset
from stsun.model.checkpoint import save
from stsun.model.stsun import create
from stsun.simulation.dataset import write_dataset
from stsun.training.experiment import read_experiment


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    root, found = tmp_path_factory.mktemp("sensors"), []
    for number, name in enumerate(("landsat-7", "landsat-5")):
        written = write_dataset(root / name, [name], [date(2005, 6, 1)], size=16, samples=5, seed=number)
        description = yaml.safe_load(written.read_text())
        if number:  # a sensor without validation
            del description["splits"]["val"]
        path = written.rename(written.with_name(f"{name}.yaml"))
        path.write_text(yaml.safe_dump(description))
        found.append(sensors.Sensor(path, open_dataset(path)))
    return found


def test_no_model_has_seen_what_it_is_scored_on(two, tmp_path):
    runs = sensors.trainings({"experiment": {"name": "x"}}, two, tmp_path, seed=4)
    stems = [one.path.parent.name for one in two]
    trained = {
        folder.name: {Path(entry["dataset"]).parent.name: sorted(map(id_of, records(entry))) for entry in run["data"]}
        for folder, run in runs.items()
    }
    assert all(run["seed"] == 4 for run in runs.values())
    for one, stem in zip(two, stems, strict=True):
        scored = [one.scored(number) for number in range(sensors.ROUNDS)]
        for number, own in enumerate(scored):
            assert own and not set(own) & set(trained[f"with-{number}-4"][stem])
        if "val" in one.dataset.splits:
            assert scored[0] == scored[1]
        else:
            assert sorted(scored[0] + scored[1]) == sorted(one.training)
    assert set(trained["without-landsat-7-4"]) == {"landsat-5"} and set(trained["without-landsat-5-4"]) == {"landsat-7"}


def records(entry):
    return open_dataset(entry["dataset"]).records("train")


def id_of(record):
    return record.id


def test_shares_are_of_the_models_that_know_the_sensor(two, tmp_path):
    names = two[0].dataset.categories
    for folder, seed in (("with-0-0", 1), ("with-1-0", 1), (f"without-{two[1].path.stem}-0", 2)):
        save(create("nano", names, seed=seed), tmp_path / folder, {"name": folder})
    result = sensors.measure(two, two[1], tmp_path, [0])
    assert result["images"] == len(two[1].training) and result["other"] == two[0].dataset.name
    assert result["told otherwise"] != result["unseen"]
    lines = sensors.table([result]).splitlines()
    assert len(lines) == 4 and all(line.count("|") == len(sensors.COLUMNS) + 1 for line in lines)


def test_the_mean_is_over_labelled_categories():
    matrix = np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]])
    # by hand: 3 / 4 and 4 / 5; the third has no label
    assert sensors.scores(matrix) == {"mean IoU": pytest.approx((0.75 + 0.8) / 2), "accuracy": pytest.approx(7 / 8)}


def test_the_plan_of_the_repository_is_an_experiment(tmp_path):
    plan = yaml.safe_load((Path(sensors.__file__).parents[1] / "configs" / "sensors-nano.yaml").read_text())
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump({**plan["experiment"], "data": [{"dataset": "x.yaml"}]}))
    assert read_experiment(tmp_path / "plan.yaml").steps >= 100
