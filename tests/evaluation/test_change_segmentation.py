"""The scores of DynamicEarthNet and of hyperspectral papers, against cases worked by hand."""

import numpy as np
import pytest

from stsun.data.sample import IGNORE
from stsun.evaluation.confusion import at_changes, confusion
from stsun.evaluation.scores import change_segmentation_measures, overall_measures
from stsun.evaluation.summary import summarise, tally

BEFORE = [[0, 0, 0, 0, 1, 1]]
AFTER = [[0, 0, 1, 2, 2, IGNORE]]
GUESS_BEFORE = [[0, 1, 0, 0, 1, 1]]
GUESS_AFTER = [[0, 0, 1, 1, 1, 2]]
"""Labels change at pixels 2, 3, 4 (0 to 1, 0 to 2, 1 to 2), predictions at 1, 2, 3 (and 5, which is ignored)."""


def scores():
    counts = tally("semantic_change", 3, np.array([BEFORE, AFTER]), np.array([GUESS_BEFORE, GUESS_AFTER]))
    return summarise("semantic_change", ["a", "b", "c"], [counts])


def test_bc_is_the_iou_of_changed_pixels():
    assert scores()["bc"] == pytest.approx(2 / 4)  # both: 2, 3; either: 1, 2, 3, 4


def test_sc_is_the_mean_iou_of_later_categories_where_labels_changed():
    # at pixels 2, 3, 4 labels are 1, 2, 2 and predictions 1, 1, 1: IoU of b 1/3, of c 0/2; a is in neither
    assert scores()["sc"] == pytest.approx((1 / 3 + 0) / 2)


def test_scs_is_the_mean_of_both():
    assert scores()["scs"] == pytest.approx((1 / 2 + 1 / 6) / 2)


def test_what_is_ignored_at_one_date_counts_at_no_change():
    labels = np.array([[[0, 0, IGNORE]], [[1, IGNORE, 1]]])
    np.testing.assert_array_equal(at_changes(labels, labels.clip(0, 1), 2), [[0, 0], [0, 1]])


def test_without_any_change_the_scores_are_undefined():
    assert all(np.isnan(value) for value in change_segmentation_measures(np.zeros((2, 4, 4))).values())


def test_average_accuracy_is_the_mean_recall_of_labelled_categories():
    # recalls 3/4, 1/2; the third category is never labelled
    labels, predictions = np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 0, 2, 1, 0])
    measures = overall_measures(confusion(labels, predictions, 3))
    assert measures["average_accuracy"] == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert measures["overall_accuracy"] == pytest.approx(4 / 6)
