"""Windows that cover a raster: what the network sees at a time."""

from typing import NamedTuple

from stsun.errors import ConfigurationError


class Window(NamedTuple):
    """A rectangle of pixels: its upper left corner and its size."""

    row: int
    column: int
    height: int
    width: int


def tiles(height: int, width: int, tile: int, overlap: int) -> list[Window]:
    """Return the windows, row by row, that cover ``height x width`` pixels and overlap by at least ``overlap``.

    All are ``tile x tile``, the last of a row or column being shifted inwards; a side shorter than ``tile`` is taken
    whole.

    Raises:
        ConfigurationError: The overlap is not smaller than the tile, or a size is not positive.
    """
    if tile < 1 or not 0 <= overlap < tile:
        raise ConfigurationError(
            f"tiles of {tile} pixels that overlap by {overlap} cannot cover a raster; "
            "give a positive tile and an overlap from 0 to below it, for example 512 and 128"
        )
    if height < 1 or width < 1:
        raise ConfigurationError(f"a raster of {height} x {width} pixels is empty; expected at least 1 x 1")
    rows, columns = _starts(height, tile, overlap), _starts(width, tile, overlap)
    return [Window(row, column, min(tile, height), min(tile, width)) for row in rows for column in columns]


def _starts(length: int, tile: int, overlap: int) -> list[int]:
    if length <= tile:
        return [0]
    return [*range(0, length - tile, tile - overlap), length - tile]
