import math

import numpy as np
import pytest
import torch
import torchmetrics.classification as tm
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score, jaccard_score, precision_score, recall_score

from stsun.evaluation.confusion import change_only, confusion
from stsun.evaluation.scores import (
    binary_change_measures,
    category_measures,
    changed_or_not,
    excluded,
    kappa,
    overall_measures,
    semantic_change_measures,
)


@pytest.fixture(scope="module")
def maps():
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 5, 4000)
    prediction = np.where(rng.random(4000) < 0.6, labels, rng.integers(0, 5, 4000))
    return labels, prediction


def test_scores_agree_with_scikit_learn(maps):
    labels, prediction = maps
    matrix = confusion(labels, prediction, 5)
    each, overall = category_measures(matrix), overall_measures(matrix)
    for name, oracle in {
        "precision": precision_score,
        "recall": recall_score,
        "f1": f1_score,
        "iou": jaccard_score,
    }.items():
        np.testing.assert_allclose(each[name], oracle(labels, prediction, average=None))
    assert overall["overall_accuracy"] == pytest.approx(accuracy_score(labels, prediction))
    assert overall["kappa"] == pytest.approx(cohen_kappa_score(labels, prediction))
    assert overall["mean_f1"] == pytest.approx(f1_score(labels, prediction, average="macro"))
    assert overall["mean_iou"] == pytest.approx(jaccard_score(labels, prediction, average="macro"))


def test_scores_agree_with_torchmetrics_under_an_ignore_mask(maps):
    labels, prediction = maps[0].copy(), maps[1]
    labels[::7] = 255
    matrix = confusion(labels, prediction, 5)
    target, predicted = torch.from_numpy(labels), torch.from_numpy(prediction)
    iou = tm.MulticlassJaccardIndex(5, average=None, ignore_index=255)(predicted, target)
    f1 = tm.MulticlassF1Score(5, average="macro", ignore_index=255)(predicted, target)
    agreement = tm.MulticlassCohenKappa(5, ignore_index=255)(predicted, target)
    np.testing.assert_allclose(category_measures(matrix)["iou"], iou.numpy(), rtol=1e-5)
    assert overall_measures(matrix)["mean_f1"] == pytest.approx(f1.item(), rel=1e-5)
    assert kappa(matrix) == pytest.approx(agreement.item(), rel=1e-5)


def test_scores_of_a_matrix_made_by_hand():
    # hits 4, 2; labelled 5, 5; predicted 7, 3; kappa = (6/10 - (5*7 + 5*3)/100) / (1 - 50/100) = 0.2
    matrix = np.array([[4, 1], [3, 2]])
    each = category_measures(matrix)
    np.testing.assert_allclose(each["precision"], [4 / 7, 2 / 3])
    np.testing.assert_allclose(each["recall"], [4 / 5, 2 / 5])
    np.testing.assert_allclose(each["f1"], [8 / 12, 4 / 8])
    np.testing.assert_allclose(each["iou"], [4 / 8, 2 / 6])
    overall = overall_measures(matrix)
    assert overall["overall_accuracy"] == pytest.approx(0.6)
    assert overall["kappa"] == pytest.approx(0.2)
    assert overall["mean_iou"] == pytest.approx((1 / 2 + 1 / 3) / 2)
    change = binary_change_measures(matrix)
    assert (change["change_f1"], change["change_iou"]) == (pytest.approx(0.5), pytest.approx(1 / 3))


def test_an_absent_category_is_left_out_of_the_means():
    present = np.array([[4, 1], [3, 2]])
    with_absent = np.zeros((3, 3))
    with_absent[np.ix_([0, 2], [0, 2])] = present
    assert excluded(with_absent, ["a", "b", "c"]) == ["b"]
    for name, value in overall_measures(with_absent).items():
        assert value == pytest.approx(float(overall_measures(present)[name]))
    assert all(math.isnan(values[1]) for values in category_measures(with_absent).values())


def test_a_category_only_predicted_or_only_labelled_counts_as_zero():
    only_predicted = np.array([[3, 1], [0, 0]])
    each = category_measures(only_predicted)
    assert math.isnan(each["recall"][1])
    assert each["precision"][1] == each["iou"][1] == each["f1"][1] == 0
    assert overall_measures(only_predicted)["mean_iou"] == pytest.approx(3 / 4 / 2)
    only_labelled = category_measures(only_predicted.T)
    assert math.isnan(only_labelled["precision"][1])
    assert only_labelled["recall"][1] == only_labelled["iou"][1] == 0


def test_kappa_is_undefined_where_there_is_nothing_to_agree_by_chance_on():
    assert math.isnan(kappa(np.array([[9, 0], [0, 0]])))


def test_a_stack_of_matrices_is_scored_matrix_by_matrix():
    stack = np.random.default_rng(0).integers(0, 50, (6, 4, 4))
    stack[2, 1] = stack[2, :, 1] = 0
    for measure in (category_measures, overall_measures, semantic_change_measures):
        for name, values in measure(stack).items():
            np.testing.assert_allclose(values, np.stack([measure(matrix)[name] for matrix in stack]))


def test_semantic_change_scores_of_a_case_worked_by_hand():
    """Rows = label, columns = prediction, 0 = unchanged, 100 pixels.

    IoU unchanged = 50 / (55 + 55 - 50) = 5/6; IoU changed = (10 + 5 + 5 + 20) / (100 - 50) = 4/5
    Without q00, n = 50: agreement = 30/50 = 0.6; rows 5, 19, 26; columns 5, 18, 27;
    chance = (25 + 342 + 702) / 2500 = 0.4276; kappa = (0.6 - 0.4276) / (1 - 0.4276); SeK = exp(0.8 - 1) * kappa
    F_scd: P = 30 / (100 - 55), R = 30 / (100 - 55), so F = 2/3; change F1 = 2 * 40 / (45 + 45) = 8/9
    """
    scores = semantic_change_measures(np.array([[50, 3, 2], [4, 10, 5], [1, 5, 20]]))
    assert scores["miou_scd"] == pytest.approx((5 / 6 + 4 / 5) / 2)
    assert scores["sek"] == pytest.approx(math.exp(-0.2) * (0.6 - 0.4276) / (1 - 0.4276))
    assert scores["f_scd"] == pytest.approx(2 / 3)
    assert scores["change_f1"] == pytest.approx(8 / 9)
    assert scores["change_iou"] == pytest.approx(4 / 5)


def test_semantic_change_scores_from_pixels():
    # four pixels, categories 0, 1, 2. Labels A 0 0 1 2, B 0 1 1 1: pixels 1 and 3 change.
    # Prediction A 0 0 1 2, B 0 2 2 1: pixels 1, 2, 3 change.
    # Change-only labels A 0 1 0 3, B 0 2 0 2; prediction A 0 1 2 3, B 0 3 3 2. Both dates in one matrix:
    #   q00 = 2 (pixel 0), q11 = 1, q23 = 1 (pixel 1), q02 = q03 = 1 (pixel 2), q33 = 1, q22 = 1 (pixel 3)
    # F_scd: P = 3/6, R = 3/4, F = 2*3/(6+4); change F1 = 2*4/(6+4); IoU unchanged 2/4, changed 4/6
    # kappa without q00: n = 6, hits 3; rows (2, 1, 2, 1), columns (0, 1, 2, 3): chance (0+1+4+3)/36
    labels = np.array([[0, 0, 1, 2], [0, 1, 1, 1]])
    prediction = np.array([[0, 0, 1, 2], [0, 2, 2, 1]])
    matrix = sum(
        confusion(label, predicted, 4)
        for label, predicted in zip(change_only(*labels), change_only(*prediction), strict=True)
    )
    scores = semantic_change_measures(matrix)
    assert scores["f_scd"] == pytest.approx(0.6)
    assert scores["change_f1"] == pytest.approx(0.8)
    assert scores["miou_scd"] == pytest.approx((2 / 4 + 4 / 6) / 2)
    assert scores["sek"] == pytest.approx(math.exp(4 / 6 - 1) * (3 / 6 - 8 / 36) / (1 - 8 / 36))


def test_a_perfect_semantic_change_scores_one():
    matrix = np.diag([40, 5, 6, 7])
    assert all(value == pytest.approx(1) for value in semantic_change_measures(matrix).values())


def test_change_as_such_is_the_same_from_change_only_maps_and_from_change_masks():
    rng = np.random.default_rng(5)
    labels, prediction = rng.integers(0, 3, (2, 2, 500))
    matrix = sum(
        confusion(label, predicted, 4)
        for label, predicted in zip(change_only(*labels), change_only(*prediction), strict=True)
    )
    truth, guess = labels[0] != labels[1], prediction[0] != prediction[1]
    assert semantic_change_measures(matrix)["change_f1"] == pytest.approx(f1_score(truth, guess))
    assert np.array_equal(changed_or_not(matrix), 2 * confusion(truth.astype(int), guess.astype(int), 2))


def test_without_any_change_the_change_scores_are_undefined():
    scores = semantic_change_measures(np.diag([100, 0, 0]))
    assert scores["miou_scd"] == 1
    assert all(math.isnan(scores[name]) for name in ("sek", "f_scd", "change_f1", "change_iou"))
