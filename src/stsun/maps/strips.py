"""Strips: a raster from the top down, some full-width rows at a time, so that memory does not grow with its height."""

from collections.abc import Iterator
from typing import Any

from rasterio.windows import Window

STRIP_PIXELS = 2**22


def strips(dataset: Any, most: int | None = None) -> Iterator[Window]:
    """Yield full-width windows of an open raster from the top down.

    Args:
        dataset: The raster.
        most: Pixels of each at most, or one row; None = `STRIP_PIXELS`.
    """
    rows, block = max(1, (most or STRIP_PIXELS) // dataset.width), dataset.block_shapes[0][0]
    if rows > block:
        rows -= rows % block  # whole blocks, so that none is decompressed twice
    for first in range(0, dataset.height, rows):
        yield Window(0, first, dataset.width, min(rows, dataset.height - first))
