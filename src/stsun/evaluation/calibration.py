"""Calibration: whether what a model is sure of comes true as often as it says."""

import numpy as np
from numpy.typing import NDArray

from stsun.data.sample import IGNORE
from stsun.evaluation.confusion import Maps
from stsun.evaluation.scores import Measures

BINS = 15
"""Bins of equal width over the confidence 0 to 1, as in Guo et al., On Calibration of Modern Neural Networks (2017)."""


def reliability(
    labels: Maps, prediction: Maps, confidence: NDArray[np.float32], each: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Return of each bin of confidence how many labelled pixels it holds, their summed confidence, how many are right.

    Args:
        labels: Category indices of any shape, 255 = not counted.
        prediction: Category indices of the same shape.
        confidence: Probability of what is predicted, 0 to 1, of the same shape.
        each: How many pixels each one stands for, of the same shape; None = itself.

    Returns:
        ``15 3``. Those of parts of an image add up to that of the whole.
    """
    counted = labels != IGNORE
    sure = confidence[counted].astype(np.float64)
    right = (labels[counted] == prediction[counted]).astype(np.float64)
    place = np.clip((sure * BINS).astype(np.int64), 0, BINS - 1)
    many = np.ones_like(sure) if each is None else each[counted]
    return np.stack([np.bincount(place, many * column, BINS) for column in (1.0, sure, right)], axis=1)


def calibration_measures(bins: NDArray[np.float64]) -> Measures:
    """Return the expected calibration error of ``... 15 3`` bins, 0 to 1; NaN where no pixel is counted.

    ``ece`` = sum_b n_b / N |accuracy_b - mean confidence_b|, which is sum_b |right_b - summed confidence_b| / N.
    """
    pixels, sure, right = np.moveaxis(bins, -1, 0)
    total = pixels.sum(-1)
    gap = np.abs(right - sure).sum(-1)
    return {"ece": np.divide(gap, total, out=np.full(np.shape(total), np.nan), where=total > 0)}
