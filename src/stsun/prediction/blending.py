"""Overlapping tiles blended into one seamless raster, a band of rows at a time."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from stsun.prediction.tiling import Window

Planes = NDArray[np.float32]


def blend_weights(height: int, width: int) -> Planes:
    """Return the weight of each pixel of a tile, ``height x width``: Hann-like, positive to the very edge.

    A tile's centre has seen its surroundings, its edge has not; a weight of zero would leave the raster's own border,
    which only one tile covers, without a value.
    """
    return (_hann(height)[:, None] * _hann(width)[None, :]).astype(np.float32)


def blend(parts: Iterable[tuple[Window, Planes]], width: int) -> Iterator[tuple[int, Planes]]:
    """Yield the weighted mean of overlapping tiles as bands of finished rows: first row, and planes ``C h width``.

    No more than one row of tiles is held in memory.

    Args:
        parts: Windows with their planes ``C h w``, row by row as `stsun.prediction.tiling.tiles` gives them; together
            they cover every pixel.
        width: Of the raster, in pixels.
    """
    top, sums = 0, None  # the last plane is the sum of the weights
    for window, planes in parts:
        if sums is None:
            sums = np.zeros((len(planes) + 1, window.height, width), np.float32)
        if window.row > top:
            yield top, _mean(sums[:, : window.row - top])
            sums, top = _advance(sums, window.row - top), window.row
        weights = blend_weights(window.height, window.width)
        inside = sums[:, :, window.column : window.column + window.width]
        inside[:-1] += planes * weights
        inside[-1] += weights
    if sums is not None:
        yield top, _mean(sums)


def _advance(sums: Planes, rows: int) -> Planes:
    moved = np.zeros_like(sums)
    moved[:, : sums.shape[1] - rows] = sums[:, rows:]
    return moved


def _mean(sums: Planes) -> Planes:
    return sums[:-1] / sums[-1]


def _hann(length: int) -> NDArray[np.float64]:
    wave: NDArray[np.float64] = np.sin(np.pi * (np.arange(length) + 0.5) / length) ** 2
    return wave
