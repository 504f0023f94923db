import json

import pytest

import joint
from tables import row

INTERVALS = {"mean_iou": [0.4, 0.6], "change_f1": None}
CATEGORIES = {
    "cloud": {"iou": 0.75, "pixels": 900}, "land": {"iou": 0.5, "pixels": 95}, "water": {"iou": 0.0, "pixels": 0},
    "snow": {"iou": None, "pixels": 0},
}  # fmt: skip
"""Of which a few pixels are taken for water, and none for snow."""


def result(**changes):
    scores = {"task": "segmentation", "mean_iou": 0.5, "change_f1": 0.3, "intervals": INTERVALS, "samples": 4}
    scores |= {"categories": CATEGORIES}
    cost = {"parameters": 560_000, "gflops": 1.234, "est_ms": 7.8, "peak_mb": 301.2, "seconds": 5.6}
    return scores | {"ece": 0.1, "samples_seen": None, "baselines": {}} | cost | changes


def test_the_best_baseline_is_the_highest_of_those_that_could_be_fitted():
    known = {"majority": {"mean_iou": 0.2}, "all_changed": {"mean_iou": 0.3}, "linear": {"skipped": "unlike dates"}}
    assert joint.best_baseline(known, "mean_iou") == ("all changed", 0.3)
    assert joint.best_baseline({}, "mean_iou") == ("–", None)


@pytest.mark.parametrize(("baseline", "shown"), [(0.499, "0.500"), (0.5, "0.500 *"), (0.7, "0.500 *")])
def test_a_score_that_does_not_beat_the_best_baseline_is_marked(baseline, shown):
    (line,) = joint.table_rows("set", result(baselines={"linear": {"mean_iou": baseline}}))
    assert line.split(" | ")[3] == shown


def test_a_row_has_a_cell_for_each_column_and_each_headline_metric_a_row():
    lines = joint.table_rows("a|b", result(task="semantic_change", samples_seen=12))
    assert [line.split(" | ")[2] for line in lines] == ["mean_iou", "change_f1"]
    assert all(len(line.replace("\\|", "").split("|")) == len(joint.COLUMNS) + 2 for line in lines)
    assert row(["a|b"]) == "| a\\|b |"


def test_beside_the_mean_over_all_that_occurs_stands_that_over_what_is_labelled():
    row_of_iou, row_of_f1 = joint.table_rows("set", result(task="semantic_change"))
    assert row_of_iou.split(" | ")[3:5] == ["0.500", "0.625"]  # (0.75 + 0.5) / 2
    assert row_of_f1.split(" | ")[4] == "–"
    assert joint.labelled_mean({"categories": {"snow": {"iou": None, "pixels": 0}}}) is None


def test_baselines_of_another_split_are_refused(tmp_path):
    file = tmp_path / "baselines.json"
    file.write_text(json.dumps({"split": "test", "data_sets": {"a": {"task": "segmentation", "linear": {"f": 1}}}}))
    assert joint.read_baselines(file, "test") == {"a": {"linear": {"f": 1}}}
    with pytest.raises(SystemExit, match="baselines of split 'test'"):
        joint.read_baselines(file, "val")
