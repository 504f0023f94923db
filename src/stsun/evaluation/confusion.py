"""Confusion matrices: exact counts of (label, prediction), from which every score follows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stsun.data.sample import IGNORE
from stsun.errors import DataError

Maps = NDArray[np.integer[Any]]


def confusion(labels: Maps, prediction: Maps, classes: int) -> NDArray[np.int64]:
    """Return how many pixels of each label got each prediction.

    Args:
        labels: Category indices 0 to ``classes`` - 1 of any shape; 255 = not counted.
        prediction: Category indices of the same shape. Where the label is 255 it may hold anything.
        classes: Number of categories K.

    Returns:
        K x K int64; row = label, column = prediction. Matrices of parts of an image add up to that of the whole.

    Raises:
        DataError: Shapes differ, or a counted pixel holds another value.
    """
    if labels.shape != prediction.shape:
        raise DataError(
            f"labels of shape {labels.shape} cannot be compared with a prediction of shape {prediction.shape}; "
            "give both on the same grid"
        )
    counted = labels != IGNORE
    rows = _indices("labels", labels[counted], classes)
    columns = _indices("prediction", prediction[counted], classes)
    return np.bincount(rows * classes + columns, minlength=classes**2).reshape(classes, classes).astype(np.int64)


def change_only(before: Maps, after: Maps) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the maps of two dates with all that stays the same set to 0, as semantic change is scored.

    Args:
        before: Category indices 0 to K - 1 of the earlier date, 255 = ignore.
        after: The same for the later date.

    Returns:
        Two int64 maps: 0 = unchanged (the same category at both dates), i + 1 = changed and category i at that date,
        255 = ignored at either date.

    Raises:
        DataError: Shapes differ, or a category index is 254 and more, which the shift would turn into 255.
    """
    if before.shape != after.shape:
        raise DataError(f"maps of two dates differ in shape: {before.shape} and {after.shape}; give both on one grid")
    ignored = (before == IGNORE) | (after == IGNORE)
    changed = before != after
    first, second = (_shifted(date, changed, ignored) for date in (before, after))
    return first, second


def at_changes(labels: Maps, prediction: Maps, classes: int) -> NDArray[np.int64]:
    """Return the confusion matrix ``K K`` of the maps of a series at pixels that differ from the date before in labels.

    Args:
        labels: ``T H W`` category indices, 255 = ignore; ignored at one date of a pair is ignored at both.
        prediction: ``T H W`` category indices.
        classes: Number of categories K.

    Raises:
        DataError: Shapes differ or values are out of range.
    """
    before, after = labels[:-1], labels[1:]
    changed = (before != after) & (before != IGNORE) & (after != IGNORE)
    return confusion(np.where(changed, after, IGNORE), prediction[1:], classes)


def _shifted(date: Maps, changed: NDArray[np.bool_], ignored: NDArray[np.bool_]) -> NDArray[np.int64]:
    shifted = np.where(changed, date.astype(np.int64) + 1, 0)
    if (shifted[~ignored] >= IGNORE).any():
        raise DataError(f"semantic change is scored for at most {IGNORE - 1} categories; merge some")
    shifted[ignored] = IGNORE
    return shifted


def _indices(what: str, values: Maps, classes: int) -> NDArray[np.int64]:
    if not np.issubdtype(values.dtype, np.integer):
        raise DataError(f"the {what} must hold whole category indices, got {values.dtype}; take the argmax first")
    if values.size and (values.min() < 0 or values.max() >= classes):
        wrong = np.unique(values[(values < 0) | (values >= classes)])
        shown = ", ".join(str(value) for value in wrong[:5])
        hint = f" or {IGNORE} (ignore)" if what == "labels" else ""
        raise DataError(f"the {what} hold {shown}; expected 0 to {classes - 1}{hint}; check the category mapping")
    return values.astype(np.int64)
