"""Boundary IoU: how well the outlines of categories fit, whatever the size of what they enclose."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stsun.data.sample import IGNORE
from stsun.evaluation.evaluate import Judged
from stsun.evaluation.intervals import bootstrap

REACH = 0.02
"""Width of a boundary as a share of the image's diagonal: that of the paper."""

Maps = NDArray[np.integer[Any]]


def boundary(mask: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """Return the pixels ``H W`` of a mask within ``reach`` rows or columns of its outside; the image's edge is outside.

    So it is in Cheng et al., Boundary IoU: Improving Object-Centric Image Segmentation Evaluation, CVPR 2021: the mask
    less its erosion by a square of 2 reach + 1 pixels.
    """
    sums = np.pad(mask, reach).astype(np.int64)
    for axis in (0, 1):
        total = np.cumsum(np.insert(sums, 0, 0, axis=axis), axis=axis)
        sums = np.take(total, range(2 * reach + 1, total.shape[axis]), axis=axis) - np.take(
            total, range(total.shape[axis] - 2 * reach - 1), axis=axis
        )
    inner = sums == (2 * reach + 1) ** 2
    edge: NDArray[np.bool_] = mask & ~inner
    return edge


def boundary_counts(labels: Maps, prediction: Maps, classes: int, *, share: float = REACH) -> NDArray[np.int64]:
    """Return pixels in both boundaries and in either, of each category, ``K 2``.

    Args:
        labels: ``T2 H W`` category indices, 255 = not counted.
        prediction: ``T2 H W`` category indices.
        classes: Number of categories K.
        share: Width of a boundary as a share of the image's diagonal; at least one pixel.
    """
    reach = max(1, round(share * float(np.hypot(*labels.shape[1:]))))
    counts = np.zeros((classes, 2), np.int64)
    for label, predicted in zip(labels, prediction, strict=True):
        known = label != IGNORE
        for category in range(classes):
            true = boundary(label == category, reach) & known
            found = boundary(np.where(known, predicted, IGNORE) == category, reach) & known
            counts[category] += ((true & found).sum(), (true | found).sum())
    return counts


class Boundaries:
    """Counts boundaries while a data set is scored: what ``evaluate`` takes as ``watch``.

    Args:
        share: Width of a boundary as a share of the image's diagonal.
    """

    def __init__(self, share: float = REACH) -> None:
        self._share = share
        self._counts: list[NDArray[np.int64]] = []

    def __call__(self, judged: Judged) -> None:
        """Count one sample."""
        if judged.sample.labels is not None:
            counts = boundary_counts(judged.sample.labels, judged.maps, judged.sample.classes, share=self._share)
            self._counts.append(counts)

    def scores(self, names: Sequence[str], *, seed: int = 0) -> dict[str, Any]:
        """Return ``mean_boundary_iou``, ``boundary_iou`` of each category, and the mean's 95 % interval over samples.

        Categories without any boundary, in labels or predictions, are None and left out of the mean.
        """
        counts = np.stack(self._counts)
        each = _ious(counts.sum(0))
        bounds = bootstrap(counts, lambda sums: {"mean": _mean(_ious(sums))}, seed=seed)
        return {
            "mean_boundary_iou": _plain(_mean(each)),
            "boundary_iou": {name: _plain(iou) for name, iou in zip(names, each, strict=True)},
            "mean_boundary_iou_interval": None if bounds is None else [_plain(bound) for bound in bounds["mean"]],
        }


def _ious(counts: NDArray[Any]) -> NDArray[np.float64]:
    both, either = counts[..., 0].astype(np.float64), counts[..., 1]
    ious: NDArray[np.float64] = np.divide(both, either, out=np.full(both.shape, np.nan), where=either > 0)
    return ious


def _mean(ious: NDArray[np.float64]) -> NDArray[np.float64]:
    defined = ~np.isnan(ious)
    counted = defined.sum(-1)
    total = np.where(defined, ious, 0).sum(-1)
    mean: NDArray[np.float64] = np.divide(total, counted, out=np.full(np.shape(total), np.nan), where=counted > 0)
    return mean


def _plain(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)
