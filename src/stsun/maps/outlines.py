"""Outlines of a map's regions, in pixels, and sums of another raster inside them, both streamed from the files."""

import warnings
from array import array
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning
from rasterio.features import shapes

from stsun.errors import RasterError
from stsun.maps.areas import pixel_areas_m2
from stsun.maps.strips import strips
from stsun.raster.opening import opened


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


def trace(raster: Path, band: int, values: Collection[int]) -> Outlines:
    """Return the outlines of all regions of connected pixels (sharing a side) that have one of some values.

    GDAL reads the file line by line. Memory grows with the outlines, by about 80 bytes per point, not with the raster.

    Args:
        raster: A GeoTIFF of whole numbers.
        band: Its band, from 1.
        values: The pixel values wanted.

    Raises:
        RasterError: The raster cannot be read.
    """
    found, points, rings, polygons = array("i"), array("i"), array("q", [0]), array("q", [0])
    with ExitStack() as files:
        dataset = files.enter_context(opened(raster))
        for window in strips(dataset):
            dataset.read(band, window=window)  # tells of damage, which rasterio's tracing takes for the map's end
        kind = {"uint8": "Byte", "uint16": "UInt16"}[dataset.dtypes[band - 1]]
        source = files.enter_context(_virtual(dataset, raster, band, kind))
        wanted = files.enter_context(_virtual(dataset, raster, band, "Byte", _lookup(values)))
        for region, value in shapes(rasterio.band(source, 1), mask=rasterio.band(wanted, 1), connectivity=4):
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


def areas_m2(edges: Edges, dataset: Any) -> NDArray[np.float64] | None:
    """Return the area on the ground of each polygon's pixels, ``P``; None where the raster has no CRS."""
    per_row = pixel_areas_m2(dataset.crs, dataset.transform, 0, dataset.height, dataset.width)
    if per_row is None:
        return None
    above = np.concatenate([[0.0], np.cumsum(per_row)])
    # columns count from one of the polygon's own: round-off then grows with its size, not with its place
    own = np.zeros(edges.count, np.int32)
    own[edges.owners] = edges.columns
    strips_m2 = (above[edges.bottoms] - above[edges.tops]) * (edges.columns - own[edges.owners]) * edges.signs
    return _per_polygon(edges.owners, strips_m2, edges.count)


def means(edges: Edges, raster: Path, band: int) -> NDArray[np.float64]:
    """Return the mean physical value of a raster inside each polygon, ``P``; NaN where it has no data.

    Args:
        edges: Of polygons traced on the raster's grid.
        raster: A GeoTIFF, 8 bit, whose stored values have a scale (and an offset) in the file.
        band: Its band, from 1.

    Raises:
        RasterError: The raster cannot be read, has no such band, or is not of 8 bit.
    """
    total, count = np.zeros(edges.count), np.zeros(edges.count)
    with opened(raster) as dataset:
        if not 1 <= band <= dataset.count or dataset.dtypes[band - 1] != "uint8":
            raise RasterError(
                f"{raster}, band {band}: a confidence is a band of uint8, found {dataset.count} bands of "
                f"{', '.join(sorted(set(dataset.dtypes)))}; give the file of confidences that belongs to the map"
            )
        nodata = dataset.nodatavals[band - 1]
        for window in strips(dataset):
            stored = dataset.read(band, window=window)
            valid = np.ones(stored.shape, bool) if nodata is None else stored != nodata
            total += _sums(edges, np.where(valid, stored, 0), window.row_off)
            count += _sums(edges, valid, window.row_off)
        scale, offset = dataset.scales[band - 1], dataset.offsets[band - 1]
    with np.errstate(invalid="ignore"):
        return total / count * scale + offset


def _sums(edges: Edges, values: NDArray[Any], first_row: int) -> NDArray[np.float64]:
    """Return the sums of 8-bit ``values`` (``h W``, from ``first_row`` on) inside each polygon, ``P``."""
    height, width = values.shape
    reached = (edges.tops < first_row + height) & (edges.bottoms > first_row)
    table = np.zeros((height + 1, width + 1), np.int64)  # sums of all that is above and left of a corner
    np.cumsum(np.cumsum(values, axis=1, dtype=np.int64), axis=0, out=table[1:, 1:])
    columns = edges.columns[reached]
    upper = table[np.maximum(edges.tops[reached] - first_row, 0), columns]
    lower = table[np.minimum(edges.bottoms[reached] - first_row, height), columns]
    return _per_polygon(edges.owners[reached], (lower - upper) * edges.signs[reached], edges.count)


def _per_polygon(owners: NDArray[np.int64], values: NDArray[Any], count: int) -> NDArray[np.float64]:
    """Return the sum of the values of each owner; whole numbers are added exactly up to 2^53."""
    return np.asarray(np.bincount(owners, weights=values, minlength=count), np.float64)


def _lookup(values: Collection[int]) -> str:
    """Return GDAL's table that makes 1 of some values and 0 of all others.

    With it as mask GDAL does not outline what nobody asked for, such as all that has not changed.
    """
    steps = {neighbour: 0 for value in values for neighbour in (value - 1, value + 1)} | dict.fromkeys(values, 1)
    return f"<LUT>{','.join(f'{value}:{wanted}' for value, wanted in sorted(steps.items()))}</LUT>"


def _virtual(dataset: Any, raster: Path, band: int, kind: str, lookup: str = "") -> Any:
    """Return an open virtual raster of one band of a file, put through a table.

    It has no transform: GDAL would apply it to the outlines. It has no second band: rasterio takes the type of any band
    for that of all.
    """
    description = (
        f'<VRTDataset rasterXSize="{dataset.width}" rasterYSize="{dataset.height}">'
        f'<VRTRasterBand dataType="{kind}" band="1">'
        f'<ComplexSource><SourceFilename relativeToVRT="0">{escape(str(raster.resolve()))}</SourceFilename>'
        f"<SourceBand>{band}</SourceBand>{lookup}</ComplexSource></VRTRasterBand></VRTDataset>"
    )
    with warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning):  # as it is meant to be
        return rasterio.open(description)
