import numpy as np
import pytest

from stsun.evaluation import intervals
from stsun.evaluation.intervals import bootstrap
from stsun.evaluation.scores import category_measures, overall_measures


def samples(count, seed=0, pixels=400):
    """Per-sample 2 x 2 matrices whose accuracy varies from sample to sample."""
    rng = np.random.default_rng(seed)
    right = rng.binomial(pixels, rng.uniform(0.6, 0.9, count))
    half = rng.binomial(right, 0.5)
    wrong = pixels - right
    return np.stack([np.array([[h, w // 2], [w - w // 2, r - h]]) for h, r, w in zip(half, right, wrong, strict=True)])


def test_the_interval_contains_the_estimate():
    matrices = samples(30)
    estimate = overall_measures(matrices.sum(0))
    for name, (lower, upper) in bootstrap(matrices, overall_measures).items():
        assert lower < estimate[name] < upper


def test_the_interval_shrinks_with_the_number_of_samples():
    widths = [np.ptp(bootstrap(samples(count), overall_measures)["overall_accuracy"]) for count in (10, 100, 1000)]
    # the width falls like one over the square root of the number of samples
    assert widths[0] > 2 * widths[1] > 4 * widths[2]


def test_the_interval_matches_the_normal_approximation():
    # equal samples in pixels: the accuracy is a mean of n independent values, its error is sd / sqrt(n)
    matrices = samples(400)
    each = overall_measures(matrices)["overall_accuracy"]
    half = 1.96 * each.std() / np.sqrt(len(each))
    lower, upper = bootstrap(matrices, overall_measures, replicates=4000)["overall_accuracy"]
    assert (lower, upper) == pytest.approx((each.mean() - half, each.mean() + half), abs=0.15 * half)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    # accuracy is uniform in 0.6 to 0.9: the truth is 0.75
    covered = 0
    for seed in range(200):
        lower, upper = bootstrap(samples(40, seed), overall_measures, replicates=300, seed=seed)["overall_accuracy"]
        covered += lower <= 0.75 <= upper
    assert 0.88 <= covered / 200 <= 0.99


def test_the_same_seed_gives_the_same_interval():
    first, again, other = (bootstrap(samples(12), overall_measures, seed=seed)["kappa"] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_small_memory_budget_gives_the_same_interval(monkeypatch):
    whole = bootstrap(samples(12), category_measures)
    monkeypatch.setattr(intervals, "CHUNK_ELEMENTS", 1000)
    pieces = bootstrap(samples(12), category_measures)
    for name, bounds in whole.items():
        np.testing.assert_array_equal(bounds, pieces[name])


def test_one_sample_has_no_interval():
    assert bootstrap(samples(1), overall_measures) is None


def test_a_score_that_is_never_defined_has_no_bounds():
    matrices = np.zeros((5, 3, 3))
    matrices[:, :2, :2] = samples(5)
    iou = bootstrap(matrices, category_measures)["iou"]
    assert iou.shape == (2, 3)
    assert np.isfinite(iou[:, :2]).all()
    assert np.isnan(iou[:, 2]).all()


def test_replicates_without_a_rare_category_do_not_count_for_it():
    matrices = samples(6)[:, :, :]
    rare = np.zeros((6, 3, 3))
    rare[:, :2, :2] = matrices
    rare[0, 2, 2] = 10
    assert bootstrap(rare, category_measures)["iou"][:, 2].tolist() == [1, 1]
