"""Area estimates against the worked example of their paper, reckoned by hand again."""

import numpy as np
import pytest

from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.data.sample import Sample
from stsun.evaluation.areas import area_scores, estimate, mapped_m2

# Olofsson et al. 2014, section 5: rows = map (deforestation, forest gain, stable forest, stable non-forest), 30 m pixels
COUNTS = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
MAPPED = np.array([200_000, 150_000, 3_200_000, 6_450_000]) * 900.0
HECTARE = 10_000


@pytest.fixture
def example():
    return estimate(COUNTS.T, MAPPED)  # here rows are labels


def test_areas_of_the_worked_example(example):
    # deforestation by hand: 0.02 * 66/75 + 0.32 * 1/165 + 0.645 * 2/325 = 0.0235086 of 900 000 ha
    assert example.area_m2[0] / HECTARE == pytest.approx(900_000 * 0.0235086, rel=1e-5)
    np.testing.assert_allclose(example.area_m2 / HECTARE, [21_158, 11_686, 285_770, 581_386], rtol=5e-5)
    # deforestation by hand: variance of its share
    #   0.02² 0.88 0.12 / 74 + 0.32² (1/165)(164/165) / 164 + 0.645² (2/325)(323/325) / 324 = 1.21858e-5
    by_hand = 1.96 * 900_000 * 1.21858e-5**0.5
    assert example.area_margin_m2[0] / HECTARE == pytest.approx(by_hand, rel=1e-4)
    np.testing.assert_allclose(example.area_margin_m2 / HECTARE, [6_158, 3_756, 15_510, 16_282], rtol=5e-4)


def test_accuracies_of_the_worked_example(example):
    np.testing.assert_allclose(example.users, [0.88, 0.73, 0.93, 0.96], atol=0.005)
    np.testing.assert_allclose(example.users_margin, [0.07, 0.10, 0.04, 0.02], atol=0.005)
    np.testing.assert_allclose(example.producers, [0.75, 0.85, 0.93, 0.96], atol=0.005)
    # forest gain by hand: ((0.015 0.1529)² 0.7333 0.2667 / 74 + 0.8471² 0.645² (1/325)(324/325) / 324)^½ / 0.0129846
    assert example.producers_margin[1] == pytest.approx(1.96 * 2.8408e-6**0.5 / 0.0129846, rel=1e-3)
    assert example.producers_margin[0] == pytest.approx(0.21, abs=0.005)
    assert (example.overall, example.overall_margin) == (pytest.approx(0.95, abs=0.005), pytest.approx(0.02, abs=0.005))


def test_the_areas_add_up_and_a_perfect_map_needs_no_correction(example):
    assert example.area_m2.sum() == pytest.approx(MAPPED.sum())
    perfect = estimate(np.diag([10, 20]), np.array([30.0, 50.0]))
    assert perfect.area_m2.tolist() == [30, 50] and perfect.area_margin_m2.tolist() == [0, 0]


def test_what_is_mapped_but_not_labelled_leaves_areas_undefined():
    scores = area_scores(["a", "b", "c"], np.array([[5, 0, 0], [1, 4, 0], [0, 0, 0]]), np.array([50.0, 50, 20]))
    assert all(one["estimated_m2"] is None and one["interval_m2"] is None for one in scores.values())
    # c is neither mapped nor labelled
    scores = area_scores(["a", "b", "c"], np.array([[5, 0, 0], [1, 4, 0], [0, 0, 0]]), np.array([60.0, 40, 0]))
    assert scores["b"]["estimated_m2"] == pytest.approx(60 / 6 + 40) and scores["c"]["estimated_m2"] == 0


def test_the_mapped_area_is_that_of_pixels_with_data():
    asked = Configuration([Band("vv")], 20, "segmentation", ["a", "b"])
    valid = np.array([[[True, True, False]]])
    sample = Sample("x", [np.zeros((1, 1, 3), np.float32)], valid, np.full(1, np.nan), None, asked)
    assert mapped_m2(sample, np.array([[[1, 0, 1]]])).tolist() == [400, 400]
    unknown = Sample("x", sample.images, valid, sample.days, None, Configuration([Band("vv")], None, categories=["a"]))
    assert mapped_m2(unknown, np.array([[[0, 0, 0]]])) is None
