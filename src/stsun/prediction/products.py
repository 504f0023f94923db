"""From logits to what people look at: class maps, probabilities, and where there is nothing to say."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stsun.configuration import Configuration
from stsun.data.sample import IGNORE
from stsun.errors import ConfigurationError
from stsun.tasks import CHANGE, NEUTRAL

MOST_CATEGORIES = IGNORE
"""A map is stored as 8 bit, with 255 for no data."""


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
    return logits.argmax(axis=1).astype(np.uint8)


def probabilities(logits: NDArray[np.float32], task: str) -> NDArray[np.float32]:
    """Return the probability of each category, 0 to 1, ``M K H W``; a binary change: that of a change, ``M 1 H W``."""
    if task == "binary_change":
        return np.exp(-np.logaddexp(np.float32(0), -logits))
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    softmax: NDArray[np.float32] = exponentials / exponentials.sum(axis=1, keepdims=True)
    return softmax


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
