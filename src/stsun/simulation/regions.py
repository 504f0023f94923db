"""The plane divided by people: quarters of land with an orientation of their own, and the lots and parcels in them."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from stsun.simulation.field import Field, Hashes, Ints, Window, hashed, uniform

REGION_CELL_M = 420.0
JITTER = 0.7
A = TypeVar("A", bound=np.generic)


@dataclass(frozen=True)
class Regions:
    """Voronoi cells of jittered points, as a window sees them.

    Args:
        index: ``H W``: which entry of the tables each pixel's region is.
        neighbour: ``H W``: the entry of the next nearest region.
        edge_m: ``H W``: about the distance to the border between the two, in metres.
        u_m: ``H W``: distance from the region's point along its own first axis.
        v_m: ``H W``: along its second axis.
        hashes: Table of hashes, one per region.
        angle: Table of the angles that they are turned by, in radians, 0 to pi / 2.
        grid: The window whose pixels are the lattice cells of the table, in the table's order.
    """

    index: Ints
    neighbour: Ints
    edge_m: Field
    u_m: Field
    v_m: Field
    hashes: Hashes
    angle: Field
    grid: Window

    def draw(self, seed: int, number: int = 0) -> Field:
        """Return a table of uniform numbers, one per region."""
        return uniform(hashed(seed, self.hashes), number)


def make_regions(seed: int, window: Window) -> Regions:
    """Return the regions of a window, about 420 m wide, each turned by an angle of its own."""
    cell = REGION_CELL_M
    first_i, first_j = int(window.x_m // cell) - 1, int(window.y_m // cell) - 1
    x, y = window.axes()
    # places relative to the lattice keep the precision of float32 anywhere on the plane
    x, y = x + np.float32(window.x_m - first_i * cell), y + np.float32(window.y_m - first_j * cell)
    i, j = (x / cell).astype(np.int64), (y / cell).astype(np.int64)
    columns, rows = int(i[0, -1]) + 2, int(j[-1, 0]) + 2
    lattice = Window(first_i * cell, first_j * cell, rows, columns, cell)
    hashes = hashed(seed, first_j + np.arange(rows)[:, None], first_i + np.arange(columns)[None, :])
    spread = np.float32(0.5 * (1 - JITTER))
    point_x = ((np.arange(columns)[None, :] + spread + JITTER * uniform(hashes, 0)) * cell).astype(np.float32)
    point_y = ((np.arange(rows)[:, None] + spread + JITTER * uniform(hashes, 1)) * cell).astype(np.float32)
    index, neighbour, edge_m = _nearest_two(x, y, i, j, point_x, point_y)
    angle = uniform(hashes, 2).ravel() * np.float32(np.pi / 2)
    right, down = x - np.take(point_x, index), y - np.take(point_y, index)
    cos, sin = np.take(np.cos(angle), index), np.take(np.sin(angle), index)
    return Regions(
        index, neighbour, edge_m, right * cos + down * sin, down * cos - right * sin, hashes.ravel(), angle, lattice
    )


def _nearest_two(x: Field, y: Field, i: Ints, j: Ints, point_x: Field, point_y: Field) -> tuple[Ints, Ints, Field]:
    """Return the two nearest points of every pixel, and half the difference of their distances."""
    shape, columns = (y.shape[0], x.shape[1]), point_x.shape[1]
    own, steps = j * columns + i, np.array([r * columns + c for r in (-1, 0, 1) for c in (-1, 0, 1)])
    near, next_near = np.full(shape, np.inf, np.float32), np.full(shape, np.inf, np.float32)
    first, second = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    for number, step in enumerate(steps):
        candidate = own + step
        square = (np.take(point_x, candidate) - x) ** 2
        square += (np.take(point_y, candidate) - y) ** 2
        closer, follows = square < near, square < next_near
        follows &= ~closer
        np.copyto(next_near, square, where=follows)
        np.copyto(second, number, where=follows)
        np.copyto(next_near, near, where=closer)
        np.copyto(second, first, where=closer)
        np.copyto(near, square, where=closer)
        np.copyto(first, number, where=closer)
    edge_m = np.asarray((np.sqrt(next_near) - np.sqrt(near)) / 2, np.float32)
    return own + np.take(steps, first), own + np.take(steps, second), edge_m


@dataclass(frozen=True)
class Bricks:
    """Rectangles laid in rows within each region.

    Args:
        table: One hash per rectangle.
        region: Table of the regions that they lie in: entries of the regions' tables.
        index: ``H W``: which entry of the tables each pixel's rectangle is.
        u_m: ``H W``: distance from the rectangle's middle along the region's first axis, in metres.
        v_m: ``H W``: along its second axis.
    """

    table: Hashes
    region: Ints
    index: Ints
    u_m: Field
    v_m: Field

    def each(self, values: NDArray[A]) -> NDArray[A]:
        """Return the entry of a table of values for every pixel, ``H W``."""
        return np.take(values, self.index)


def lay_bricks(seed: int, regions: Regions, depth_m: Field, length_m: Field) -> Bricks:
    """Return the rectangles of a window; depth and length are tables with one entry per region."""
    depth, length = np.take(depth_m, regions.index), np.take(length_m, regions.index)
    row = np.floor(regions.u_m / depth)
    shifted = regions.v_m + row * length * np.float32(0.37)
    column = np.floor(shifted / length)
    table, region, index = _numbered(seed, regions, row.astype(np.int64), column.astype(np.int64))
    u_m, v_m = regions.u_m - (row + np.float32(0.5)) * depth, shifted - (column + np.float32(0.5)) * length
    return Bricks(table, region, index, u_m, v_m)


def _numbered(seed: int, regions: Regions, row: Ints, column: Ints) -> tuple[Hashes, Ints, Ints]:
    """Return a hash for each rectangle, its region, and which of them every pixel lies in.

    The table holds every row and column of every region, or, where these are more than pixels, an entry for each pixel.
    """
    (first_row, rows), (first_column, columns) = ((int(n.min()), int(np.ptp(n)) + 1) for n in (row, column))
    count = len(regions.hashes) * rows * columns
    if count >= row.size:
        region, key = regions.index.ravel(), (row * 1024 + column).ravel()
        return hashed(seed, regions.hashes[region], key), region, np.arange(row.size).reshape(row.shape)
    index = (regions.index * rows + (row - first_row)) * columns + (column - first_column)
    own, across, along = np.unravel_index(np.arange(count), (len(regions.hashes), rows, columns))
    key = (across + first_row) * 1024 + along + first_column
    return hashed(seed, regions.hashes[own], key), own, index
