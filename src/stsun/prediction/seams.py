"""One chunk at a time: its own pixels where only its tiles speak, sums where its neighbours' tiles reach in.

A chunk's part holds the sums of its own tiles along four strips. The upper and left strip lie in its own area and wait
for what the neighbours add; the lower and right strip lie in the neighbours' areas and are what it adds itself::

    +-----------------------------+
    | top (over the full extent)  |   above rows
    +------+---------------+------+
    | left | own, finished | right|
    +------+---------------+------+
    | bottom (full extent)        |   below rows
    +-----------------------------+

The sums are added in a fixed order, so that a raster comes out the same whichever chunk was computed first, or where.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stsun.prediction.blending import Planes, mean, weighted_sums
from stsun.prediction.tiling import Chunk
from stsun.raster.grid import Window

STRIPS = ("top", "left", "right", "bottom")

Render = Callable[[Planes], Sequence[NDArray[Any]]]
"""Makes the pixels of each output, ``bands h w``, from blended planes ``C h w``."""


@dataclass(frozen=True)
class Part:
    """What a chunk's own tiles say.

    Args:
        chunk: Which chunk.
        pixels: Of each output, ``bands h w`` over the chunk's area; in its upper and left strip not yet written.
        strips: Weighted sums and their weights, ``C + 1 h w``, by the names in ``STRIPS``.
        missing: Blocks of files that could not be read, in words.
    """

    chunk: Chunk
    pixels: tuple[NDArray[Any], ...]
    strips: Mapping[str, Planes]
    missing: tuple[str, ...] = ()


def part_of(chunk: Chunk, tiles: Iterable[tuple[Window, Planes]], render: Render, missing: Sequence[str] = ()) -> Part:
    """Return a chunk's part from its tiles' planes ``C h w``; ``missing`` is read once all tiles are in."""
    builder = _Builder(chunk, render)
    for first, sums in weighted_sums(tiles, chunk.extent):
        builder.add(first, sums)
    return builder.part(missing)


def finished(part: Part, before: Sequence[Part | None], render: Render) -> tuple[NDArray[Any], ...]:
    """Return the pixels of a chunk, ``bands h w`` for each output, with what its neighbours' tiles add.

    Args:
        part: Of the chunk itself; its pixels are completed in place.
        before: Of the chunks above, to the left and diagonally above, None at the raster's edge.
        render: As the part was made with.
    """
    above, left, above_left = before
    chunk = part.chunk
    top = part.strips["top"][:, :, : chunk.area.width].copy()
    if above is not None:
        top += above.strips["bottom"][:, :, : chunk.area.width]
    if left is not None and chunk.left:
        width = left.chunk.area.width
        top[:, :, : chunk.left] += left.strips["top"][:, :, width:]
        side = part.strips["left"] + left.strips["right"]
        _write(part.pixels, render(mean(side)), chunk.above, 0)
    if above_left is not None:
        width = above_left.chunk.area.width
        top[:, :, : chunk.left] += above_left.strips["bottom"][:, :, width:]
    if chunk.above:
        _write(part.pixels, render(mean(top)), 0, 0)
    return part.pixels


class _Builder:
    """Sorts bands of finished sums into pixels and strips."""

    def __init__(self, chunk: Chunk, render: Render) -> None:
        self.chunk = chunk
        self.render = render
        self.pixels: tuple[NDArray[Any], ...] = ()
        self.bands: dict[str, list[Planes]] = {name: [] for name in STRIPS}

    def add(self, first: int, sums: Planes) -> None:
        area, above = self.chunk.area, self.chunk.above
        for start, stop, act in (
            (0, above, self._keep("top")),
            (above, area.height, self._middle),
            (area.height, area.height + self.chunk.below, self._keep("bottom")),
        ):
            low, high = max(start, first), min(stop, first + sums.shape[1])
            if low < high:
                act(low, sums[:, low - first : high - first])

    def part(self, missing: Sequence[str]) -> Part:
        strips = {name: self._joined(bands) for name, bands in self.bands.items()}
        return Part(self.chunk, self.pixels, strips, tuple(missing))

    def _keep(self, name: str) -> Callable[[int, Planes], None]:
        return lambda _, sums: self.bands[name].append(sums.copy())

    def _middle(self, first: int, sums: Planes) -> None:
        left, width = self.chunk.left, self.chunk.area.width
        self.bands["left"].append(sums[:, :, :left].copy())
        self.bands["right"].append(sums[:, :, width:].copy())
        own = self.render(mean(sums[:, :, left:width]))
        size = self.chunk.area.height, width
        self.pixels = self.pixels or tuple(np.zeros((len(one), *size), one.dtype) for one in own)
        _write(self.pixels, own, first, left)

    def _joined(self, bands: Sequence[Planes]) -> Planes:
        return np.concatenate(bands, axis=1) if bands else np.zeros((1, 0, 0), np.float32)


def _write(pixels: Sequence[NDArray[Any]], part: Sequence[NDArray[Any]], row: int, column: int) -> None:
    for whole, piece in zip(pixels, part, strict=True):
        whole[:, row : row + piece.shape[1], column : column + piece.shape[2]] = piece
