import json

import numpy as np
import pytest

from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.errors import DataError
from stsun.evaluation.confusion import confusion
from stsun.evaluation.summary import scored_names, summarise, tally
from stsun.report.words import interval, number, to_markdown, to_text

HEADLINE = {"overall_accuracy", "average_accuracy", "mean_iou", "mean_f1", "kappa"}
CHANGE = {"change_f1", "change_iou"}
SEMANTIC = {"miou_scd", "sek", "f_scd", "scs", "bc", "sc"}


def tallies(task, classes, count=6, dates=2, seed=0):
    rng = np.random.default_rng(seed)
    labels, guesses = rng.integers(0, classes, (2, count, dates, 12, 9))
    predictions = np.where(rng.random(labels.shape) < 0.7, labels, guesses)
    return [tally(task, classes, *pair) for pair in zip(labels, predictions, strict=True)], labels, predictions


@pytest.mark.parametrize(
    ("task", "names", "expected"),
    [
        ("segmentation", ["a", "b", "c"], HEADLINE),
        ("binary_change", ["unchanged", "new building"], HEADLINE | CHANGE),
        ("semantic_change", ["a", "b", "c"], HEADLINE | CHANGE | SEMANTIC),
    ],
)
def test_every_task_has_its_scores_each_with_an_interval(task, names, expected):
    scores = summarise(task, names, tallies(task, len(names))[0])
    assert set(scores["intervals"]) == expected | {"categories"}
    for name in expected:
        lower, upper = scores["intervals"][name]
        assert lower <= scores[name] <= upper
    assert set(scores["intervals"]["categories"]) == set(scores["categories"]) == set(names)
    assert json.loads(json.dumps(scores, allow_nan=False)) == scores


def test_the_matrices_of_samples_add_up_to_that_of_the_whole():
    counts, labels, predictions = tallies("segmentation", 3)
    scores = summarise("segmentation", ["a", "b", "c"], counts)
    assert scores["confusion_matrix"] == confusion(labels, predictions, 3).tolist()
    assert scores["pixels"] == labels.size
    assert scores["categories"]["b"]["pixels"] == (labels == 1).sum()


def test_an_absent_category_is_listed_and_its_scores_are_none():
    scores = summarise("segmentation", ["a", "b", "never"], _padded())
    assert scores["excluded"] == ["never"]
    assert set(scores["categories"]["never"].values()) == {None, 0}
    assert scores["intervals"]["categories"]["never"]["iou"] is None


def _padded():
    labels = np.random.default_rng(0).integers(0, 2, (4, 1, 8, 8))
    return [tally("segmentation", 3, maps, maps) for maps in labels]


def test_one_sample_has_scores_but_no_intervals():
    scores = summarise("binary_change", ["unchanged", "changed"], tallies("binary_change", 2, count=1)[0])
    assert scores["change_f1"] is not None
    assert scores["intervals"]["change_f1"] is None
    assert scores["intervals"]["categories"] is None


def test_a_series_of_semantic_changes_counts_each_consecutive_pair_at_both_dates():
    counts, labels, _ = tallies("semantic_change", 3, count=1, dates=4)
    assert counts[0].changes.sum() == 3 * 2 * labels[0, 0].size
    assert counts[0].full.sum() == labels.size


def test_a_pixel_ignored_at_one_date_is_no_pair_but_still_a_label_at_the_other():
    labels = np.array([[[0, 255]], [[1, 1]]])
    counts = tally("semantic_change", 2, labels, np.array([[[0, 0]], [[1, 1]]]))
    assert counts.full.sum() == 3
    assert counts.changes.tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_the_same_seed_gives_the_same_scores():
    counts = tallies("semantic_change", 3)[0]
    first, again, other = (summarise("semantic_change", ["a", "b", "c"], counts, seed=seed) for seed in (4, 4, 5))
    assert first == again
    assert first["sek"] == other["sek"]
    assert first["intervals"] != other["intervals"]


def test_nothing_to_score_is_refused():
    with pytest.raises(DataError, match="no samples"):
        summarise("segmentation", ["a"], [])
    ignored = np.full((1, 2, 2), 255)
    with pytest.raises(DataError, match="no pixel has a label"):
        summarise("segmentation", ["a", "b"], [tally("segmentation", 2, ignored, ignored)])


@pytest.mark.parametrize(
    ("task", "categories", "names"),
    [
        ("segmentation", ("a", "b"), ("a", "b")),
        ("binary_change", ("flooded",), ("unchanged", "flooded")),
        ("binary_change", (), ("unchanged", "changed")),
        ("binary_change", ("road", "building"), ("unchanged", "changed")),
    ],
)
def test_names_that_labels_tell_apart(task, categories, names):
    assert scored_names(Configuration([Band("vv")], task=task, categories=categories)) == names


def test_reports_show_every_headline_score_and_category():
    scores = summarise("semantic_change", ["a", "b|c", "d"], tallies("semantic_change", 3)[0])
    scores |= {"data_set": "town", "split": "val", "model": "tiny"}
    markdown, text = to_markdown(scores), to_text(scores)
    for report in (markdown, text):
        assert report.startswith(("**town", "town"))
        for title in ("overall accuracy", "mean IoU", "SeK", "F_scd", "change F1", "model tiny", "6 samples"):
            assert title in report
        assert f"{scores['sek']:.3f}" in report
    assert "b\\|c" in markdown
    rows = [line for line in markdown.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {4, 8}


def test_reports_say_what_is_missing():
    scores = summarise("segmentation", ["a", "b", "never"], _padded()[:1])
    for report in (to_markdown(scores), to_text(scores)):
        assert "neither in labels nor in predictions: never" in report
        assert "at least two samples" in report
        assert "–" in report


def test_numbers_are_short_and_never_minus_zero():
    assert [number(value) for value in (0.12349, 1.0, -0.0001, -0.2, None)] == [
        "0.123",
        "1.000",
        "0.000",
        "-0.200",
        "–",
    ]
    assert interval([-0.00001, 0.5]) == "0.000 to 0.500"
    assert interval(None) == "–"
