"""Random fields over an endless plane: pure functions of a seed and a place, so that tiles of any size join seamlessly.

Places are in metres, x to the east and y to the south. Nothing here depends on which window is asked for.
"""

import itertools
import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]

INTERPOLATED_VARIANCE = (26 / 35) ** 2
"""Mean variance of smoothly interpolated knots of variance 1: the square, over both axes, of the mean of s^2 + (1-s)^2
for s = 3f^2 - 2f^3."""

FEW_PIXELS = 24
"""Knots are interpolated one by one where there are at least so many pixels between two of them."""


@dataclass(frozen=True)
class Window:
    """A grid of square pixels on the plane.

    Args:
        x_m: Left edge in metres.
        y_m: Upper edge in metres; y grows southward.
        height: Rows.
        width: Columns.
        gsd_m: Metres per pixel.
    """

    x_m: float
    y_m: float
    height: int
    width: int
    gsd_m: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.height, self.width

    def axes(self) -> tuple[Field, Field]:
        """Return x ``1 W`` and y ``H 1`` of the pixel centres, in metres from the window's own corner."""
        x = (np.arange(self.width, dtype=np.float32) + np.float32(0.5)) * np.float32(self.gsd_m)
        y = (np.arange(self.height, dtype=np.float32) + np.float32(0.5)) * np.float32(self.gsd_m)
        return x[None, :], y[:, None]

    def grown(self, pixels: int) -> "Window":
        """Return the window with a margin of so many pixels on every side."""
        shift = pixels * self.gsd_m
        return Window(self.x_m - shift, self.y_m - shift, self.height + 2 * pixels, self.width + 2 * pixels, self.gsd_m)

    def divided(self, factor: int) -> "Window":
        """Return the same area in pixels ``factor`` times finer."""
        return Window(self.x_m, self.y_m, self.height * factor, self.width * factor, self.gsd_m / factor)

    def part(self, rows: slice, columns: slice) -> "Window":
        """Return the window of some of the pixels (slices with a start and a stop, without a step)."""
        return Window(
            self.x_m + columns.start * self.gsd_m, self.y_m + rows.start * self.gsd_m,
            rows.stop - rows.start, columns.stop - columns.start, self.gsd_m,
        )  # fmt: skip

    def around(self, x_m: float, y_m: float, radius_m: float) -> tuple[slice, slice]:
        """Return the rows and columns that lie within a square around a place; empty slices where none do."""
        spans = []
        for middle, start, count in ((y_m, self.y_m, self.height), (x_m, self.x_m, self.width)):
            first = min(max(math.floor((middle - radius_m - start) / self.gsd_m), 0), count)
            last = min(max(math.ceil((middle + radius_m - start) / self.gsd_m), first), count)
            spans.append(slice(first, last))
        return spans[0], spans[1]

    def moved(self, x_m: float, y_m: float) -> "Window":
        """Return the window moved by so many metres."""
        return Window(self.x_m + x_m, self.y_m + y_m, self.height, self.width, self.gsd_m)


def hashed(seed: int, *keys: Ints | Hashes | int) -> Hashes:
    """Return well-mixed 64-bit integers of a seed and integer keys (SplitMix64's finaliser after each)."""
    state: Hashes = np.array(0, np.uint64)
    with np.errstate(over="ignore"):  # arithmetic modulo 2^64 is what mixes
        for key in (seed % 2**63, *keys):
            state = state ^ np.asarray(key).astype(np.uint64, copy=False)
            state += np.uint64(0x9E3779B97F4A7C15)
            state ^= state >> np.uint64(30)
            state *= np.uint64(0xBF58476D1CE4E5B9)
            state ^= state >> np.uint64(27)
            state *= np.uint64(0x94D049BB133111EB)
            state ^= state >> np.uint64(31)
    return np.asarray(state)


def uniform(hashes: Hashes, draw: int = 0) -> Field:
    """Return numbers in 0..1 from hashes; other draws of the same hashes (0 to 3) are independent."""
    drawn: Field = (hashes >> np.uint64(16 * draw)).astype(np.uint16).astype(np.float32)
    drawn += np.float32(0.5)
    drawn *= np.float32(1 / 65536)
    return drawn


def noise(seed: int, window: Window, cell_m: float, octaves: int = 3) -> Field:
    """Return a field ``H W`` with features of about ``cell_m`` metres; over the plane mean 0, standard deviation 1.

    Random knots are interpolated smoothly; each further octave is twice as fine and half as strong. Octaves finer than
    a pixel are left out.
    """
    field = np.zeros(window.shape, np.float32)
    variance = 0.0
    for octave in range(octaves):
        cell, weight = cell_m / 2**octave, 0.5**octave
        if octave and cell < window.gsd_m:
            break
        row, down = _knots(window.y_m, window.height, window.gsd_m, cell)
        column, right = _knots(window.x_m, window.width, window.gsd_m, cell)
        i, j = np.arange(row[0], row[-1] + 2)[:, None], np.arange(column[0], column[-1] + 2)[None, :]
        knots = np.float32(weight) * _normal(hashed(seed, octave, i, j))
        above, left = row - row[0], column - column[0]
        lines = knots[above] + down[:, None] * (knots[above + 1] - knots[above])
        _add_between(field, lines, left, right)
        variance += weight**2
    field /= np.float32(math.sqrt(variance * INTERPOLATED_VARIANCE))
    return field


def _add_between(field: Field, lines: Field, left: Ints, right: Field) -> None:
    """Add values between the columns of ``lines``: those of the columns ``left``, and of the way ``right`` of each."""
    steps = np.diff(lines, axis=1)
    if len(left) < FEW_PIXELS * steps.shape[1]:
        field += np.take(lines, left, axis=1)
        field += right * np.take(steps, left, axis=1)
        return
    # where knots are far apart, one after the other is faster
    edges = np.searchsorted(left, np.arange(steps.shape[1] + 1))
    for knot, (first, last) in enumerate(itertools.pairwise(edges)):
        field[:, first:last] += lines[:, knot : knot + 1]
        field[:, first:last] += right[first:last] * steps[:, knot : knot + 1]


def level(share: float) -> float:
    """Return the level that a field of ``noise`` exceeds on about ``share`` (0..1) of the plane."""
    return NormalDist().inv_cdf(min(max(1 - share, 1e-6), 1 - 1e-6))


def _normal(hashes: Hashes) -> Field:
    """Return standard normal numbers (the sum of four uniform ones, which ends at 3.5)."""
    total = uniform(hashes, 0) + uniform(hashes, 1) + uniform(hashes, 2) + uniform(hashes, 3)
    return (total - np.float32(2)) * np.float32(math.sqrt(3))


def _knots(start_m: float, count: int, gsd_m: float, cell_m: float) -> tuple[Ints, Field]:
    """Return for ``count`` pixel centres along an axis the knot before each, and the smoothed way to the next, 0..1."""
    position = (start_m + (np.arange(count) + 0.5) * gsd_m) / cell_m
    knot = np.floor(position).astype(np.int64)
    fraction = (position - knot).astype(np.float32)
    return knot, fraction * fraction * (3 - 2 * fraction)
