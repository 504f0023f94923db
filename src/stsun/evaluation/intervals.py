"""Percentile bootstrap over samples: how far a score would move with other samples of the same kind."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
REPLICATES = 1000
CHUNK_ELEMENTS = 4_000_000
"""Numbers held at once: bounds the memory whatever the number of samples and categories."""

Measure = Callable[[NDArray[np.float64]], Mapping[str, NDArray[np.float64]]]


def bootstrap(
    matrices: NDArray[Any], measure: Measure, *, seed: int = 0, replicates: int = REPLICATES
) -> dict[str, NDArray[np.float64]] | None:
    """Return the 95 % interval of every score that ``measure`` gives, or None with fewer than two samples.

    A replicate draws as many samples as there are, with replacement, and scores the sum of their matrices. Replicates
    in which a score is undefined do not count for it.

    Args:
        matrices: ``N K K`` confusion matrices, one per sample.
        measure: Scores of ``R K K`` matrices, each of shape ``R`` or ``R K``; NaN = undefined.
        seed: Same seed, same interval.
        replicates: How many times the samples are drawn.

    Returns:
        Score name -> ``2`` or ``2 K`` array of lower and upper bound; NaN where no replicate defines the score.
    """
    samples = len(matrices)
    if samples < 2:
        return None
    generator = np.random.default_rng(seed)
    flat = matrices.reshape(samples, -1).astype(np.float64)
    chunk = max(1, CHUNK_ELEMENTS // (samples + 8 * flat.shape[1]))
    parts = []
    for start in range(0, replicates, chunk):
        size = min(chunk, replicates - start)
        times_drawn = generator.multinomial(samples, np.full(samples, 1 / samples), size=size)
        sums = (times_drawn.astype(np.float64) @ flat).reshape(size, *matrices.shape[1:])
        parts.append(measure(sums))
    return {name: _percentiles(np.concatenate([part[name] for part in parts])) for name in parts[0]}


def _percentiles(values: NDArray[np.float64]) -> NDArray[np.float64]:
    columns = values.reshape(len(values), -1).T
    tail = (1 - LEVEL) / 2
    bounds = np.full((2, len(columns)), np.nan)
    for index, column in enumerate(columns):
        defined = column[~np.isnan(column)]
        if defined.size:
            bounds[:, index] = np.quantile(defined, [tail, 1 - tail])
    return bounds.reshape(2, *values.shape[1:])
