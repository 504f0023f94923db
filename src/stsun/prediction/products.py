"""From logits to what people look at: categories, probabilities, confidence, changes; and where nothing can be said."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stsun.configuration import Configuration
from stsun.data.sample import IGNORE
from stsun.errors import ConfigurationError
from stsun.tasks import CHANGE, NEUTRAL

MOST_CATEGORIES = IGNORE
"""A map is stored as 8 bit, with 255 for no data."""

STEPS = 250
"""A probability stored as 8 bit is a multiple of 1/250."""

UNCHANGED_VALUE = 0
NODATA_OF = {"uint8": IGNORE, "uint16": 65_535, "float16": np.nan, "float32": np.nan}


class Rows(NamedTuple):
    """A rectangle of finished pixels.

    Args:
        logits: ``M K h w``.
        observed: Where each map has data to go by, ``M h w``.
        temperature: What logits are divided by before they become probabilities; categories do not depend on it.
    """

    logits: NDArray[np.float32]
    observed: NDArray[np.bool_]
    temperature: float = 1.0

    @property
    def cooled(self) -> NDArray[np.float32]:
        """Logits of calibrated probabilities."""
        return self.logits / np.float32(self.temperature)


def map_categories(configuration: Configuration) -> tuple[str, ...]:
    """Return the name of each value that a map holds, from 0 on.

    Raises:
        ConfigurationError: There are more categories than a map can hold, or only one to choose from.
    """
    names: tuple[str, ...] = configuration.categories
    if configuration.task == "binary_change":
        kinds = [name for name in names if name not in NEUTRAL]
        return (NEUTRAL[1], kinds[0] if len(kinds) == 1 else CHANGE)
    if len(names) > MOST_CATEGORIES:
        raise ConfigurationError(f"a map holds at most {MOST_CATEGORIES} categories, got {len(names)}; ask for fewer")
    if len(names) == 1:
        raise ConfigurationError(
            f"with {names[0]!r} as the only category every pixel would be {names[0]!r}; "
            f"ask for another one too, or for {NEUTRAL[0]!r}: {names[0]},{NEUTRAL[0]}"
        )
    return names


def class_map(logits: NDArray[np.float32], task: str) -> NDArray[np.uint8]:
    """Return the category of each pixel, ``M H W``, from logits ``M K H W`` (binary change: 0 unchanged, 1 changed)."""
    if task == "binary_change":
        return (logits[:, 0] > 0).astype(np.uint8)
    classes = np.zeros((len(logits), *logits.shape[2:]), np.uint8)
    best = logits[:, 0].copy()
    for category in range(1, logits.shape[1]):  # plane by plane: several times faster than argmax across planes
        np.copyto(classes, np.uint8(category), where=logits[:, category] > best)
        np.maximum(best, logits[:, category], out=best)
    return classes


def probabilities(logits: NDArray[np.float32], task: str) -> NDArray[np.float32]:
    """Return the probability of each category, 0 to 1, ``M K H W``; a binary change: that of a change, ``M 1 H W``."""
    if task == "binary_change":
        return np.exp(-np.logaddexp(np.float32(0), -logits))
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    softmax: NDArray[np.float32] = exponentials / exponentials.sum(axis=1, keepdims=True)
    return softmax


def confidence(logits: NDArray[np.float32], task: str) -> NDArray[np.float32]:
    """Return the probability of the category that each pixel got, 0 to 1, ``M H W``."""
    shares = probabilities(logits, task)
    if task == "binary_change":
        return np.maximum(shares, 1 - shares)[:, 0]
    return shares.max(axis=1)


def transition_value(before: int, after: int, count: int) -> int:
    """Return the value that a map of changes holds where category ``before`` became ``after``, of ``count`` in all."""
    return UNCHANGED_VALUE if before == after else 1 + before * count + after


def change_map(classes: NDArray[np.uint8], count: int) -> NDArray[np.int64]:
    """Return `transition_value` of each pixel for consecutive maps, ``M - 1 H W``, from class maps ``M H W``."""
    before, after = classes[:-1].astype(np.int64), classes[1:].astype(np.int64)
    return np.where(before == after, UNCHANGED_VALUE, 1 + before * count + after)


def observed(valid: NDArray[np.bool_], periods: Sequence[tuple[int, int]], task: str) -> NDArray[np.bool_]:
    """Return where each map has something to go by, ``M H W``.

    A change needs both of its dates; a map of one date needs that date, a map of a series any of its dates.

    Args:
        valid: Where each date holds data, ``T H W``.
        periods: The first and last date of each map.
        task: The task.
    """
    reduce = np.all if task == "binary_change" else np.any
    return np.stack([reduce(valid[start : end + 1], axis=0) for start, end in periods])


def render(product: str, dtype: str, rows: Rows, task: str) -> NDArray[Any]:
    """Return the stored pixels of a product, ``bands h w``, in the data type it is stored as."""
    values, known = _PRODUCTS[product](rows, task)
    if product in ("probabilities", "confidence", "change_confidence") and dtype == "uint8":
        values = np.rint(values * STEPS)
    stored = np.where(known, values, NODATA_OF[dtype])
    return stored.astype("float32" if dtype == "float16" else dtype)


def _classes(rows: Rows, task: str) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    return class_map(rows.logits, task), rows.observed


def _probabilities(rows: Rows, task: str) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    shares = probabilities(rows.cooled, task)
    known = np.broadcast_to(rows.observed[:, None], shares.shape)
    flat = (-1, *shares.shape[2:])
    return shares.reshape(flat), known.reshape(flat)


def _confidence(rows: Rows, task: str) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    return confidence(rows.cooled, task), rows.observed


def _change_confidence(rows: Rows, task: str) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """A change is no surer than the less sure of the two maps that it compares."""
    values = confidence(rows.cooled, task)
    return np.minimum(values[:-1], values[1:]), rows.observed[:-1] & rows.observed[1:]


def _changes(rows: Rows, task: str) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    both = rows.observed[:-1] & rows.observed[1:]
    return change_map(class_map(rows.logits, task), rows.logits.shape[1]), both


_PRODUCTS: dict[str, Callable[[Rows, str], tuple[NDArray[Any], NDArray[np.bool_]]]] = {
    "classes": _classes,
    "probabilities": _probabilities,
    "confidence": _confidence,
    "changes": _changes,
    "change_confidence": _change_confidence,
}
