"""From counted samples to the scores of a data set: one JSON-able dict, as the interfaces' section 6 lists them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stsun.configuration import Configuration
from stsun.errors import DataError
from stsun.evaluation.areas import area_scores
from stsun.evaluation.calibration import calibration_measures, reliability
from stsun.evaluation.confusion import at_changes, change_only, confusion
from stsun.evaluation.intervals import bootstrap
from stsun.evaluation.scores import (
    Matrix,
    Measures,
    binary_change_measures,
    category_measures,
    change_segmentation_measures,
    excluded,
    overall_measures,
    semantic_change_measures,
)
from stsun.tasks import CHANGE, NEUTRAL, check_task

HEADLINES = {
    "segmentation": ("mean_iou", "overall_accuracy"),
    "binary_change": ("change_f1", "change_iou"),
    "semantic_change": ("mean_iou", "change_f1"),
}
"""The scores that speak for each task, the first one most."""


@dataclass(frozen=True)
class Tally:
    """The counts of one sample.

    Args:
        full: ``K K`` confusion matrix over all output maps.
        changes: Semantic change only: ``K+1 K+1`` matrix of the change-only maps of all consecutive pairs of dates.
        reliability: ``15 3`` bins of confidence (see `stsun.evaluation.calibration.reliability`); None = not told.
        at_changes: Semantic change only: ``K K`` matrix of the later maps where labels changed.
        mapped_m2: Area of each category in the maps, labelled or not; None = the GSD is not known.
    """

    full: NDArray[np.int64]
    changes: NDArray[np.int64] | None = None
    reliability: NDArray[np.float64] | None = None
    at_changes: NDArray[np.int64] | None = None
    mapped_m2: NDArray[np.float64] | None = None


def scored_names(configuration: Configuration) -> tuple[str, ...]:
    """Return the names of the categories that labels tell apart: for a binary change, unchanged and the change."""
    if configuration.task != "binary_change":
        return tuple(configuration.categories)
    change = configuration.categories[0] if len(configuration.categories) == 1 else CHANGE
    return (NEUTRAL[1], change)


def tally(
    task: str,
    classes: int,
    labels: NDArray[np.int64],
    prediction: NDArray[np.int64],
    confidence: NDArray[np.float32] | None = None,
) -> Tally:
    """Return the counts of one sample.

    Args:
        task: ``segmentation``, ``binary_change`` or ``semantic_change``.
        classes: Number of categories K that labels tell apart (2 for a binary change).
        labels: ``T2 H W`` category indices, 255 = ignore.
        prediction: ``T2 H W`` category indices.
        confidence: ``T2 H W``, the probability of what is predicted, 0 to 1; None = not told.

    Raises:
        DataError: Shapes differ or values are out of range.
    """
    full = confusion(labels, prediction, classes)
    bins = None if confidence is None else reliability(labels, prediction, confidence)
    if check_task(task).name != "semantic_change":
        return Tally(full, None, bins)
    changes = np.zeros((classes + 1, classes + 1), dtype=np.int64)
    for date in range(len(labels) - 1):
        label_pair = change_only(labels[date], labels[date + 1])
        predicted_pair = change_only(prediction[date], prediction[date + 1])
        for label, predicted in zip(label_pair, predicted_pair, strict=True):
            changes += confusion(label, predicted, classes + 1)
    return Tally(full, changes, bins, at_changes(labels, prediction, classes))


def sample_score(task: str, counts: Tally) -> float | None:
    """Return the first of the task's `HEADLINES` for one sample, by which samples are ranked; None = undefined."""
    name = HEADLINES[task][0]
    measure = binary_change_measures if name == "change_f1" else overall_measures
    return _plain(measure(counts.full)[name])


def summarise(task: str, names: Sequence[str], tallies: Sequence[Tally], *, seed: int = 0) -> dict[str, Any]:
    """Return all scores of the samples together, with bootstrap 95 % intervals over samples.

    Args:
        task: ``segmentation``, ``binary_change`` or ``semantic_change``.
        names: The K category names, in the order of the matrices.
        tallies: One per sample.
        seed: Of the bootstrap.

    Returns:
        JSON-able dict; None = undefined. ``overall_accuracy``, ``average_accuracy``, ``mean_iou``, ``mean_f1``,
        ``kappa``; for a change task ``change_f1`` and ``change_iou``; for a semantic change ``miou_scd``, ``sek``,
        ``f_scd``, ``scs``, ``bc``, ``sc``; ``categories``: name
        -> precision, recall, f1, iou and labelled pixels; ``excluded``: categories left out of the means because they
        occur neither in labels nor in predictions; ``confusion_matrix`` (row = label) with ``confusion_names``; where
        confidences are told, ``ece`` and ``reliability``: of each bin of confidence its pixels, mean confidence and
        accuracy; where GSDs are known, ``areas`` (see `stsun.evaluation.areas.area_scores`); ``intervals``: the same
        score names -> [lower, upper], or None with fewer than two samples.

    Raises:
        DataError: There are no samples, or not a single labelled pixel.
    """
    if not tallies:
        raise DataError("no samples to score; give at least one")
    full = np.stack([counts.full for counts in tallies])
    total = full.sum(0)
    if not total.any():
        raise DataError("no pixel has a label that is scored; check the labels and the list of ignored values")
    headline, intervals = _scored(full, overall_measures, seed)
    for matrices, measure in _change_scores(task, full, tallies):
        more, more_intervals = _scored(matrices, measure, seed)
        headline |= more
        intervals |= more_intervals
    bins = [counts.reliability for counts in tallies if counts.reliability is not None]
    if len(bins) == len(tallies):
        more, more_intervals = _scored(np.stack(bins), calibration_measures, seed)
        headline |= {**more, "reliability": _by_bin(np.sum(bins, axis=0))}
        intervals |= more_intervals
    categories = _by_category(names, category_measures(total))
    for name, pixels in zip(names, total.sum(1), strict=True):
        categories[name]["pixels"] = int(pixels)
    mapped = [counts.mapped_m2 for counts in tallies if counts.mapped_m2 is not None]
    if len(mapped) == len(tallies):
        headline["areas"] = area_scores(names, total, np.sum(mapped, axis=0))
    return {
        "task": task,
        "samples": len(tallies),
        "pixels": int(total.sum()),
        **headline,
        "categories": categories,
        "excluded": excluded(total, names),
        "confusion_names": list(names),
        "confusion_matrix": total.tolist(),
        "intervals": {**intervals, "categories": _category_intervals(names, full, seed)},
    }


def _change_scores(task: str, full: NDArray[np.int64], tallies: Sequence[Tally]) -> list[tuple[Matrix, Any]]:
    if task == "binary_change":
        return [(full, binary_change_measures)]
    if task == "semantic_change":
        changes = np.stack([counts.changes for counts in tallies if counts.changes is not None])
        later = np.stack([counts.at_changes for counts in tallies if counts.at_changes is not None])
        both = np.stack([changes, np.pad(later, [(0, 0), (0, 1), (0, 1)])], axis=1)
        return [(changes, semantic_change_measures), (both, change_segmentation_measures)]
    return []


def _scored(matrices: Matrix, measure: Any, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    scores = {name: _plain(value) for name, value in measure(matrices.sum(0)).items()}
    bounds = bootstrap(matrices, measure, seed=seed)
    return scores, {name: None if bounds is None else _interval(bounds[name]) for name in scores}


def _by_category(names: Sequence[str], measures: Measures) -> dict[str, dict[str, Any]]:
    return {
        name: {score: _plain(values[index]) for score, values in measures.items()} for index, name in enumerate(names)
    }


def _by_bin(bins: NDArray[np.float64]) -> dict[str, list[Any]]:
    pixels = np.where(bins[:, 0] > 0, bins[:, 0], np.nan)
    means = {"confidence": bins[:, 1] / pixels, "accuracy": bins[:, 2] / pixels}
    plain = {name: [_plain(value) for value in values] for name, values in means.items()}
    return {"pixels": bins[:, 0].astype(int).tolist(), **plain}


def _category_intervals(names: Sequence[str], full: NDArray[np.int64], seed: int) -> dict[str, Any] | None:
    bounds = bootstrap(full, category_measures, seed=seed)
    if bounds is None:
        return None
    return {
        name: {score: _interval(values[:, index]) for score, values in bounds.items()}
        for index, name in enumerate(names)
    }


def _interval(bounds: NDArray[np.float64]) -> list[float] | None:
    lower, upper = (float(bound) for bound in bounds)
    return None if math.isnan(lower) else [lower, upper]


def _plain(value: Any) -> float | None:
    return None if math.isnan(value) else float(value)
