"""Strips: a raster from the top down, some full-width rows at a time, so that memory does not grow with its height."""

from collections.abc import Iterator
from typing import Any

from rasterio.windows import Window

STRIP_PIXELS = 2**20
"""Of a strip at most, or one row. Of noise nearly each pixel is a region: it then takes hundreds of megabytes."""


def strips(dataset: Any) -> Iterator[Window]:
    """Yield full-width windows of an open raster from the top down."""
    rows, block = max(1, STRIP_PIXELS // dataset.width), dataset.block_shapes[0][0]
    if rows > block:
        rows -= rows % block  # whole blocks, so that none is decompressed twice
    for first in range(0, dataset.height, rows):
        yield Window(0, first, dataset.width, min(rows, dataset.height - first))
