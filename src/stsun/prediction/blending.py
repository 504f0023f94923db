"""Overlapping tiles blended into one seamless raster, a band of rows at a time."""

from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from stsun.raster.grid import Window

Planes = NDArray[np.float32]


@lru_cache(maxsize=16)  # a raster has tiles of four sizes: inside, along its two far edges, in the last corner
def blend_weights(height: int, width: int) -> Planes:
    """Return the weight of each pixel of a tile, ``height x width``: Hann-like, positive to the very edge.

    A tile's centre has seen its surroundings, its edge has not; a weight of zero would leave the raster's own border,
    which only one tile covers, without a value.
    """
    weights = (_hann(height)[:, None] * _hann(width)[None, :]).astype(np.float32)
    weights.setflags(write=False)
    return weights


def weighted_sums(parts: Iterable[tuple[Window, Planes]], extent: Window) -> Iterator[tuple[int, Planes]]:
    """Yield weighted sums of overlapping tiles as bands of finished rows: first row, and ``C + 1`` planes ``h width``.

    The last plane is the sum of the weights. No more than one row of tiles is held in memory.

    Args:
        parts: Windows with their planes ``C h w``, row by row; together they cover every pixel of the extent.
        extent: The pixels to cover; rows are counted from its first.
    """
    top, sums = 0, None
    for window, planes in parts:
        row, column = window.row - extent.row, window.column - extent.column
        if sums is None:
            sums = np.zeros((len(planes) + 1, window.height, extent.width), np.float32)
        if row > top:
            yield top, sums[:, : row - top]
            sums, top = _advance(sums, row - top, window.height), row
        weights = blend_weights(window.height, window.width)
        inside = sums[:, :, column : column + window.width]
        inside[:-1] += planes * weights
        inside[-1] += weights
    if sums is not None:
        yield top, sums


def mean(sums: Planes) -> Planes:
    """Return the weighted mean, ``C h w``, of what `weighted_sums` gives."""
    return sums[:-1] / sums[-1]


def _advance(sums: Planes, rows: int, height: int) -> Planes:
    moved = np.zeros((len(sums), height, sums.shape[2]), np.float32)
    kept = sums[:, rows:]
    moved[:, : kept.shape[1]] = kept
    return moved


def _hann(length: int) -> NDArray[np.float64]:
    wave: NDArray[np.float64] = np.sin(np.pi * (np.arange(length) + 0.5) / length) ** 2
    return wave
