import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from stsun.errors import DataError
from stsun.evaluation.confusion import change_only, confusion


def test_rows_are_labels_and_columns_are_predictions():
    labels = np.array([[0, 0, 1], [1, 1, 2]])
    prediction = np.array([[0, 1, 1], [1, 2, 0]])
    assert confusion(labels, prediction, 3).tolist() == [[1, 1, 0], [0, 2, 1], [1, 0, 0]]


def test_counts_agree_with_scikit_learn():
    rng = np.random.default_rng(0)
    labels, prediction = rng.integers(0, 7, (2, 3, 40, 50))
    expected = confusion_matrix(labels.ravel(), prediction.ravel(), labels=range(7))
    counts = confusion(labels, prediction, 7)
    assert counts.dtype == np.int64
    assert np.array_equal(counts, expected)


def test_ignored_pixels_count_nothing_whatever_is_predicted_there():
    labels = np.array([0, 255, 1, 255])
    assert confusion(labels, np.array([0, 99, 1, -5]), 2).tolist() == [[1, 0], [0, 1]]


def test_small_integer_types_do_not_overflow():
    labels = np.full(1000, 19, dtype=np.uint8)
    assert confusion(labels, labels, 20)[19, 19] == 1000


def test_parts_add_up_to_the_whole():
    rng = np.random.default_rng(1)
    labels, prediction = rng.integers(0, 4, (2, 64, 64))
    parts = sum(confusion(labels[rows], prediction[rows], 4) for rows in (slice(0, 10), slice(10, 64)))
    assert np.array_equal(parts, confusion(labels, prediction, 4))


@pytest.mark.parametrize(
    ("labels", "prediction", "words"),
    [
        ([0, 3], [0, 1], "labels hold 3; expected 0 to 2"),
        ([0, -1], [0, 1], "labels hold -1"),
        ([0, 1], [0, 255], "prediction hold 255; expected 0 to 2"),
        ([0, 1], [0.0, 1.0], "whole category indices"),
        ([0, 1], [0], "shape"),
    ],
)
def test_values_and_shapes_that_cannot_be_are_refused(labels, prediction, words):
    with pytest.raises(DataError, match=words):
        confusion(np.array(labels), np.array(prediction), 3)


def test_change_only_maps_keep_the_categories_of_what_changed():
    before = np.array([[0, 1, 2, 255, 1]])
    after = np.array([[0, 2, 0, 1, 255]])
    first, second = change_only(before, after)
    assert first.tolist() == [[0, 2, 3, 255, 255]]
    assert second.tolist() == [[0, 3, 1, 255, 255]]


def test_change_only_maps_of_small_integers_do_not_overflow():
    first, second = change_only(np.array([253], dtype=np.uint8), np.array([0], dtype=np.uint8))
    assert (first.tolist(), second.tolist()) == ([254], [1])


def test_a_category_that_the_shift_would_turn_into_ignore_is_refused():
    with pytest.raises(DataError, match="at most 254 categories"):
        change_only(np.array([254]), np.array([0]))


def test_maps_of_unlike_shape_are_refused():
    with pytest.raises(DataError, match="differ in shape"):
        change_only(np.zeros((2, 2), dtype=int), np.zeros((2, 3), dtype=int))
