import json

import pytest

import joint
from tables import row

INTERVALS = {"mean_iou": [0.4, 0.6], "change_f1": None}


def result(**changes):
    scores = {"task": "segmentation", "mean_iou": 0.5, "change_f1": 0.3, "intervals": INTERVALS, "samples": 4}
    cost = {"parameters": 560_000, "gflops": 1.234, "seconds": 5.6, "samples_seen": None, "baselines": {}}
    return scores | cost | changes


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


def test_baselines_of_another_split_are_refused(tmp_path):
    file = tmp_path / "baselines.json"
    file.write_text(json.dumps({"split": "test", "data_sets": {"a": {"task": "segmentation", "linear": {"f": 1}}}}))
    assert joint.read_baselines(file, "test") == {"a": {"linear": {"f": 1}}}
    with pytest.raises(SystemExit, match="baselines of split 'test'"):
        joint.read_baselines(file, "val")
