import numpy as np
import pytest

from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.errors import ConfigurationError
from stsun.prediction.products import class_map, map_categories, observed, probabilities


def names(task, categories):
    return map_categories(Configuration([Band("vv")], 10, task, categories))


def test_the_largest_logit_wins_and_a_change_is_a_positive_logit():
    logits = np.array([[[[1.0, -3.0]], [[2.0, -4.0]]]], np.float32)  # one map, two categories, one row of two pixels
    assert class_map(logits, "segmentation").tolist() == [[[1, 0]]]
    assert class_map(np.array([[[[-0.1, 0.1, 0.0]]]], np.float32), "binary_change").tolist() == [[[0, 1, 0]]]


def test_probabilities_sum_to_one_and_stay_finite():
    logits = np.random.default_rng(0).normal(scale=100, size=(2, 5, 3, 4)).astype(np.float32)
    shares = probabilities(logits, "segmentation")
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)
    change = probabilities(np.array([[[[-1e4, 0, np.log(3), 1e4]]]], np.float32), "binary_change")
    np.testing.assert_allclose(change.ravel(), [0, 0.5, 0.75, 1], rtol=1e-5)


def test_values_of_a_map_have_names():
    assert names("segmentation", ["water", "forest"]) == ("water", "forest")
    assert names("binary_change", ["flooded"]) == ("unchanged", "flooded")
    assert names("binary_change", []) == ("unchanged", "changed")
    assert names("binary_change", ["flooded", "burned area"]) == ("unchanged", "changed")
    assert names("binary_change", ["unchanged", "flooded"]) == ("unchanged", "flooded")


def test_a_choice_of_one_category_or_of_too_many_is_refused():
    with pytest.raises(ConfigurationError, match="water,background"):
        names("segmentation", ["water"])
    with pytest.raises(ConfigurationError, match="at most 255"):
        names("segmentation", [str(i) for i in range(256)])


def test_a_map_says_something_only_where_it_has_data():
    valid = np.array([[[True, True, False, False]], [[True, False, True, False]]])  # T H W
    assert observed(valid, [(0, 1)], "segmentation").tolist() == [[[True, True, True, False]]]
    assert observed(valid, [(0, 1)], "binary_change").tolist() == [[[True, False, False, False]]]
    assert observed(valid, [(0, 0), (1, 1)], "semantic_change").tolist() == valid.tolist()
