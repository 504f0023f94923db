import numpy as np
import pytest
import torch
from torchmetrics.classification import MulticlassCalibrationError

from stsun.evaluation.calibration import BINS, calibration_measures, reliability
from stsun.evaluation.summary import sample_score, summarise, tally


def random_case(seed, pixels=4000, classes=4):
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(classes, 0.6), pixels).astype(np.float32)
    labels = rng.integers(0, classes, pixels)
    return shares, labels, shares.argmax(1), shares.max(1)


def test_bins_count_pixels_their_confidence_and_who_is_right():
    labels, prediction = np.array([1, 1, 0, 255, 2]), np.array([1, 0, 0, 1, 2])
    bins = reliability(labels, prediction, np.array([0.35, 0.36, 1.0, 0.9, 0.0], np.float32))
    assert bins.shape == (BINS, 3)
    assert bins[5].tolist() == pytest.approx([2, 0.71, 1])  # 0.35 * 15 = 5.25 and 0.36 * 15 = 5.4
    assert bins[-1].tolist() == [1, 1, 1] and bins[0].tolist() == [1, 0, 1]
    assert bins[:, 0].sum() == 4  # 255 is not counted
    # by hand: |1 - 0.71| + |1 - 1| + |1 - 0|, over 4 pixels
    assert calibration_measures(bins)["ece"] == pytest.approx((0.29 + 0 + 1) / 4)


def test_parts_add_up_to_the_whole():
    _, labels, prediction, confidence = random_case(0)
    whole = reliability(labels, prediction, confidence)
    parts = [reliability(labels[i::3], prediction[i::3], confidence[i::3]) for i in range(3)]
    np.testing.assert_allclose(sum(parts), whole)


@pytest.mark.parametrize("seed", range(3))
def test_the_error_is_that_of_torchmetrics(seed):
    shares, labels, prediction, confidence = random_case(seed)
    oracle = MulticlassCalibrationError(num_classes=shares.shape[1], n_bins=BINS, norm="l1")
    expected = oracle(torch.from_numpy(shares), torch.from_numpy(labels)).item()
    assert calibration_measures(reliability(labels, prediction, confidence))["ece"] == pytest.approx(expected, abs=1e-5)


def test_without_a_counted_pixel_it_is_undefined():
    nothing = np.full((2, 2), 255)
    assert np.isnan(calibration_measures(reliability(nothing, nothing, np.ones((2, 2), np.float32)))["ece"])


def test_scores_tell_it_with_an_interval_where_all_samples_have_confidences():
    cases = [random_case(seed) for seed in range(4)]
    counts = [tally("segmentation", 4, labels, maps, confidence) for _, labels, maps, confidence in cases]
    scores = summarise("segmentation", list("abcd"), counts)
    lower, upper = scores["intervals"]["ece"]
    assert 0 <= lower <= scores["ece"] <= upper <= 1
    bins = scores["reliability"]
    assert sum(bins["pixels"]) == scores["pixels"] and len(bins["pixels"]) == BINS
    assert [value is None for value in bins["accuracy"]] == [pixels == 0 for pixels in bins["pixels"]]
    without = tally("segmentation", 4, *cases[0][1:3])
    assert "ece" not in summarise("segmentation", list("abcd"), [*counts, without])


def test_a_sample_is_ranked_by_the_score_that_speaks_for_its_task():
    labels, prediction = np.array([[[0, 1, 1, 1]]]), np.array([[[0, 0, 1, 1]]])
    change = tally("binary_change", 2, labels, prediction)
    assert sample_score("binary_change", change) == pytest.approx(2 * 2 / (3 + 2))
    assert sample_score("segmentation", change) == pytest.approx((1 / 2 + 2 / 3) / 2)
    nothing = tally("binary_change", 2, np.zeros((1, 1, 4), int), np.zeros((1, 1, 4), int))
    assert sample_score("binary_change", nothing) is None
