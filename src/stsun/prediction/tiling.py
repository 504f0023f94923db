"""How a raster is divided: into tiles that the network sees, and into chunks that are computed and kept one by one."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from stsun.errors import ConfigurationError
from stsun.raster.grid import Window


@dataclass(frozen=True)
class Chunk:
    """A rectangle of the raster, made from the tiles that begin in it, whatever becomes of the others.

    Its tiles reach into the chunks below and to the right, as those above and to the left reach into it: there sums are
    exchanged (see `stsun.prediction.seams`), so that every tile is computed once and chunks need no order.

    Args:
        row: Its place in the grid of chunks.
        column: See ``row``.
        area: The pixels that it covers.
        windows: The tiles that begin in it, row by row.
        above: How many rows of the area are reached by the tiles of the chunk above.
        left: How many columns by those of the chunk to the left.
        below: How many rows below the area its own tiles reach.
        right: How many columns to the right of it.
    """

    row: int
    column: int
    area: Window
    windows: tuple[Window, ...]
    above: int
    left: int
    below: int
    right: int

    @property
    def extent(self) -> Window:
        """All pixels that its tiles cover."""
        area = self.area
        return Window(area.row, area.column, area.height + self.below, area.width + self.right)


@dataclass(frozen=True)
class Layout:
    """A raster's tiles and chunks.

    Tiles begin every ``tile - overlap`` pixels; the last of a row or column is as short as the raster has it.

    Args:
        height: Of the raster, in pixels.
        width: See ``height``.
        tile: Side of a tile in pixels.
        overlap: Pixels that neighbouring tiles share.
        tiles_per_side: Tiles along a side of a chunk, more where the overlap needs it.

    Raises:
        ConfigurationError: The overlap is not smaller than the tile, or a size is not positive.
    """

    height: int
    width: int
    tile: int
    overlap: int
    tiles_per_side: int = 1

    def __post_init__(self) -> None:
        if self.tile < 1 or not 0 <= self.overlap < self.tile:
            raise ConfigurationError(
                f"tiles of {self.tile} pixels that overlap by {self.overlap} cannot cover a raster; "
                "give a positive tile and an overlap from 0 to below it, for example 512 and 128"
            )
        if self.height < 1 or self.width < 1:
            raise ConfigurationError(
                f"a raster of {self.height} x {self.width} pixels is empty; expected at least 1 x 1"
            )

    @property
    def windows(self) -> list[Window]:
        """All tiles, row by row."""
        return [self._window(row, column) for row in self._starts(self.height) for column in self._starts(self.width)]

    @cached_property
    def chunks(self) -> dict[tuple[int, int], Chunk]:
        """All chunks by their place, row by row."""
        rows, columns = self._runs(self.height), self._runs(self.width)
        return {
            (i, j): Chunk(
                i,
                j,
                Window(down.first, across.first, down.length, across.length),
                tuple(self._window(row, column) for row in down.starts for column in across.starts),
                rows[i - 1].reach if i else 0,
                columns[j - 1].reach if j else 0,
                down.reach,
                across.reach,
            )
            for i, down in enumerate(rows)
            for j, across in enumerate(columns)
        }

    def _window(self, row: int, column: int) -> Window:
        return Window(row, column, min(self.tile, self.height - row), min(self.tile, self.width - column))

    def _starts(self, length: int) -> range:
        return range(0, max(1, length - self.overlap), self.tile - self.overlap)

    def _runs(self, length: int) -> list["_Run"]:
        """Divide one axis; a run is longer than the reach of the one before it."""
        starts = self._starts(length)
        count = max(self.tiles_per_side, self.overlap // starts.step + 1)
        return [_Run.of(starts[i : i + count], length, self.tile) for i in range(0, len(starts), count)]


class _Run(NamedTuple):
    """Neighbouring tiles along one axis: where they begin, the pixels that are theirs, how far they reach beyond."""

    starts: range
    length: int
    reach: int

    @property
    def first(self) -> int:
        return self.starts[0]

    @classmethod
    def of(cls, starts: range, length: int, tile: int) -> "_Run":
        end = min(length, starts[-1] + tile)
        # the tiles end at the raster's end only if no other begins after them
        own = length if end == length else starts[-1] + starts.step
        return cls(starts, own - starts[0], end - own)
