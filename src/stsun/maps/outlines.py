"""Outlines of regions of pixels, and sums of what lies inside them. Pure functions of arrays."""

from array import array
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.features import shapes

from stsun.maps.vector_file import vector_package


@dataclass(frozen=True)
class Outlines:
    """P polygons of R rings of V points, one after the other; a ring ends with its first point.

    Args:
        values: The pixel value of each polygon, ``P``.
        points: Column and row of each point, whole numbers, ``V 2``.
        rings: Where each ring's points start, and the end, ``R+1``.
        polygons: Where each polygon's rings start (the outer one first), and the end, ``P+1``.
    """

    values: NDArray[np.int32]
    points: NDArray[np.int32]
    rings: NDArray[np.int64]
    polygons: NDArray[np.int64]


@dataclass(frozen=True)
class Edges:
    """The vertical edges of outlines; all that a sum over the pixels inside needs to know.

    The sum over a polygon's pixels is the sum over its edges of the row sums left of them, taken positive on its right
    side and negative on its left (Green's theorem), holes included.

    Args:
        count: Number of polygons.
        owners: The polygon of each edge, ``E``.
        columns: Pixels left of it, ``E``.
        tops: Its first row, ``E``.
        bottoms: The row after its last, ``E``.
        signs: 1 where the polygon lies left of it, -1 where right, ``E``.
    """

    count: int
    owners: NDArray[np.int64]
    columns: NDArray[np.int32]
    tops: NDArray[np.int32]
    bottoms: NDArray[np.int32]
    signs: NDArray[np.int8]


def trace(values: NDArray[Any], wanted: NDArray[np.bool_]) -> Outlines:
    """Return the outlines of all regions of connected pixels (sharing a side) of one value, where they are wanted.

    Args:
        values: 8 or 16 bit, ``h W``.
        wanted: Which pixels to outline, ``h W``.
    """
    found, points, rings, polygons = array("i"), array("i"), array("q", [0]), array("q", [0])
    for region, value in shapes(values, mask=wanted, connectivity=4):
        for ring in region["coordinates"]:
            points.frombytes(np.rint(ring).astype(np.intc).tobytes())
            rings.append(len(points) // 2)
        polygons.append(len(rings) - 1)
        found.append(int(value))
    return Outlines(
        np.frombuffer(found, np.intc),
        np.frombuffer(points, np.intc).reshape(-1, 2),
        np.frombuffer(rings, np.int64),
        np.frombuffer(polygons, np.int64),
    )


def reaching(outlines: Outlines, row: int, width: int) -> NDArray[np.int64]:
    """Return which polygon has an edge along the top of a row, ``width``, -1 where none has.

    Args:
        outlines: Outlines that lie on one side of that line.
        row: The row, from 0; the number of rows stands for the bottom of the last.
        width: Of the map, in pixels.
    """
    owners = np.repeat(np.arange(len(outlines.values)), np.diff(outlines.rings[outlines.polygons]))
    columns, rows = outlines.points.T
    along = np.flatnonzero((rows[:-1] == row) & (rows[1:] == row) & (owners[:-1] == owners[1:]))
    marks = np.zeros(width + 1, np.int64)
    np.add.at(marks, np.minimum(columns[along], columns[along + 1]), owners[along] + 1)
    np.subtract.at(marks, np.maximum(columns[along], columns[along + 1]), owners[along] + 1)
    return np.asarray(np.cumsum(marks)[:width] - 1)


def polygons_of(outlines: Outlines, first_row: int) -> NDArray[Any]:
    """Return outlines as valid shapely polygons, ``P``; their rows are counted from where row 0 is ``first_row``."""
    shapely = vector_package("shapely")
    places = (outlines.points + np.array([0, first_row])).astype(np.float64)
    offsets = (outlines.rings, outlines.polygons)
    made = shapely.from_ragged_array(shapely.GeometryType.POLYGON, places, offsets)
    # GDAL before 3.7 may trace a ring through one corner twice; the region is connected, so that it stays one polygon
    broken = ~shapely.is_valid(made)
    made[broken] = shapely.make_valid(made[broken])
    return np.asarray(made)


def edges_of(outlines: Outlines) -> Edges:
    """Return the vertical edges of outlines."""
    count = len(outlines.values)
    columns, rows = outlines.points[:-1, 0], outlines.points[:, 1]
    vertical = rows[1:] != rows[:-1]
    vertical[outlines.rings[1:-1] - 1] = False  # from one ring's end to the next one's start
    owners = np.repeat(np.arange(count), np.diff(outlines.rings[outlines.polygons]))[:-1][vertical]
    starts, ends, columns = rows[:-1][vertical], rows[1:][vertical], columns[vertical]
    signs = np.sign(ends - starts)
    # which way round rings go is the tracer's choice; holes go the other way, and what is enclosed is positive
    enclosed = _per_polygon(owners, columns * (ends - starts).astype(np.float64), count)
    signs = (signs * np.sign(enclosed)[owners]).astype(np.int8)
    return Edges(count, owners, columns, np.minimum(starts, ends), np.maximum(starts, ends), signs)


def areas_m2(edges: Edges, per_row: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the area on the ground of each polygon's pixels, ``P``, from that of one pixel of each row, ``h``."""
    above = np.concatenate([[0.0], np.cumsum(per_row)])
    # columns count from one of the polygon's own: round-off then grows with its size, not with its place
    own = np.zeros(edges.count, np.int32)
    own[edges.owners] = edges.columns
    strips_m2 = (above[edges.bottoms] - above[edges.tops]) * (edges.columns - own[edges.owners]) * edges.signs
    return _per_polygon(edges.owners, strips_m2, edges.count)


def sums(edges: Edges, values: NDArray[Any]) -> NDArray[np.float64]:
    """Return the sums of whole ``values`` (``h W``) inside each polygon, ``P``."""
    table = np.zeros((values.shape[0] + 1, values.shape[1] + 1), np.int64)  # of all that is above and left of a corner
    np.cumsum(np.cumsum(values, axis=1, dtype=np.int64), axis=0, out=table[1:, 1:])
    inside = table[edges.bottoms, edges.columns] - table[edges.tops, edges.columns]
    return _per_polygon(edges.owners, inside * edges.signs, edges.count)


def _per_polygon(owners: NDArray[np.int64], values: NDArray[Any], count: int) -> NDArray[np.float64]:
    """Return the sum of the values of each owner; whole numbers are added exactly up to 2^53."""
    return np.asarray(np.bincount(owners, weights=values, minlength=count), np.float64)
