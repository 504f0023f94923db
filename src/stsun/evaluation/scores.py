"""Scores as pure functions of confusion matrices (row = label, column = prediction).

All take ``... K K`` and work along the leading axes, so that one call scores a matrix or a thousand bootstrap
replicates. NaN stands for "undefined": a score whose denominator is zero.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[Any]
Values = NDArray[np.float64]
Measures = dict[str, Values]


def category_measures(matrix: Matrix) -> Measures:
    """Return precision, recall, F1 and IoU of each category, each of shape ``... K``.

    Precision is undefined for a category never predicted, recall for one never labelled, F1 and IoU only for one that
    is neither.
    """
    hits, labelled, predicted = _margins(matrix)
    return {
        "precision": _ratio(hits, predicted),
        "recall": _ratio(hits, labelled),
        "f1": _ratio(2 * hits, labelled + predicted),
        "iou": _ratio(hits, labelled + predicted - hits),
    }


def overall_measures(matrix: Matrix) -> Measures:
    """Return overall accuracy, average accuracy, mean IoU, mean F1 and Cohen's kappa, each of shape ``...``.

    The means leave out categories that occur neither in labels nor in predictions; average accuracy is the mean recall
    of those that are labelled (AA of hyperspectral papers).
    """
    hits, labelled, _ = _margins(matrix)
    per_category = category_measures(matrix)
    return {
        "overall_accuracy": _ratio(hits.sum(-1), labelled.sum(-1)),
        "average_accuracy": _mean(per_category["recall"]),
        "mean_iou": _mean(per_category["iou"]),
        "mean_f1": _mean(per_category["f1"]),
        "kappa": kappa(matrix),
    }


def kappa(matrix: Matrix) -> Values:
    """Return Cohen's kappa, shape ``...``; undefined where labels and predictions hold one and the same category."""
    hits, labelled, predicted = _margins(matrix)
    total = labelled.sum(-1)
    # 1 - errors / errors by chance: a difference of squares loses digits where one category covers nearly all
    by_chance = (labelled * (total[..., None] - predicted)).sum(-1)
    return 1 - _ratio(total * (total - hits.sum(-1)), by_chance)


def binary_change_measures(matrix: Matrix) -> Measures:
    """Return F1 and IoU of the change category from a ``... 2 2`` matrix (0 = unchanged, 1 = changed)."""
    per_category = category_measures(matrix)
    return {"change_f1": per_category["f1"][..., 1], "change_iou": per_category["iou"][..., 1]}


def semantic_change_measures(matrix: Matrix) -> Measures:
    r"""Return mIoU, SeK and F_scd, and F1 and IoU of change as such, from matrices of change-only maps.

    With q_ij the pixels of label i and prediction j, both dates counted into one matrix, 0 = unchanged and 1..N the
    category of a changed pixel:

    * ``miou_scd`` = (IoU_unchanged + IoU_changed) / 2 with IoU_unchanged = q_00 / (q_0+ + q_+0 - q_00) and
      IoU_changed = sum_{i,j>=1} q_ij / (sum q_ij - q_00): the mIoU of SECOND.
    * ``sek`` = exp(IoU_changed - 1) * kappa of the matrix with q_00 = 0: the separated kappa of SECOND (Yang et al.,
      Asymmetric Siamese Networks for Semantic Change Detection in Aerial Images). Undefined where nothing changed in
      labels and predictions, or where all that changed is one category.
    * ``f_scd`` = 2 P R / (P + R) with P = sum_{i>=1} q_ii / sum_{j>=1} q_+j and R = sum_{i>=1} q_ii / sum_{i>=1} q_i+:
      the F_scd of Bi-SRNet (Ding et al., Bi-Temporal Semantic Reasoning for the Semantic Change Detection in HR Remote
      Sensing Images).
    * ``change_f1``, ``change_iou``: of the 2 x 2 matrix unchanged / changed, whatever the category.

    Args:
        matrix: ``... K+1 K+1`` counts of the maps that ``confusion.change_only`` makes.
    """
    counts = np.asarray(matrix, dtype=np.float64)
    binary = changed_or_not(counts)
    change = binary_change_measures(binary)
    of_changed = counts.copy()
    of_changed[..., 0, 0] = 0
    hits, labelled, predicted = (margin[..., 1:].sum(-1) for margin in _margins(counts))
    return {
        "miou_scd": _mean(category_measures(binary)["iou"]),
        "sek": np.exp(change["change_iou"] - 1) * kappa(of_changed),
        "f_scd": _ratio(2 * hits, labelled + predicted),
        **change,
    }


def change_segmentation_measures(matrix: Matrix) -> Measures:
    r"""Return the scores of DynamicEarthNet (Toker et al. 2022) from pairs of matrices ``... 2 K+1 K+1``.

    * ``bc`` = IoU of changed pixels, whatever the category.
    * ``sc`` = mean IoU of the categories of the later dates, of pixels that are labelled as changed. Categories that
      neither occur there nor are predicted there are left out; the code of some papers counts them with 0.
    * ``scs`` = (bc + sc) / 2.

    Args:
        matrix: At ``... 0`` counts of the maps that ``confusion.change_only`` makes; at ``... 1`` those of ``K K``
            categories at pixels labelled as changed, with a last row and column of zeros.
    """
    counts = np.asarray(matrix)
    changed = binary_change_measures(changed_or_not(counts[..., 0, :, :]))["change_iou"]
    categories = _mean(category_measures(counts[..., 1, :-1, :-1])["iou"])
    return {"scs": (changed + categories) / 2, "bc": changed, "sc": categories}


def changed_or_not(matrix: Matrix) -> Values:
    """Return the ``... 2 2`` matrix unchanged / changed of a change-only matrix ``... K+1 K+1``."""
    counts = np.asarray(matrix, dtype=np.float64)
    binary = np.empty((*counts.shape[:-2], 2, 2))
    binary[..., 0, 0] = counts[..., 0, 0]
    binary[..., 0, 1] = counts[..., 0, 1:].sum(-1)
    binary[..., 1, 0] = counts[..., 1:, 0].sum(-1)
    binary[..., 1, 1] = counts[..., 1:, 1:].sum((-2, -1))
    return binary


def excluded(matrix: Matrix, names: Sequence[str]) -> list[str]:
    """Return the categories that occur neither in labels nor in predictions: those that the means leave out."""
    _, labelled, predicted = _margins(matrix)
    return [name for name, count in zip(names, labelled + predicted, strict=True) if count == 0]


def _margins(matrix: Matrix) -> tuple[Values, Values, Values]:
    # float64 is exact for counts up to 2**53, far beyond any data set
    counts = np.asarray(matrix, dtype=np.float64)
    return np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(-1), counts.sum(-2)


def _ratio(numerator: Values, denominator: Values) -> Values:
    ratio: Values = np.full(np.shape(denominator), np.nan)
    np.divide(numerator, denominator, out=ratio, where=np.asarray(denominator) != 0)
    return ratio


def _mean(values: Values) -> Values:
    defined = ~np.isnan(values)
    return _ratio(np.where(defined, values, 0).sum(-1), defined.sum(-1).astype(np.float64))
