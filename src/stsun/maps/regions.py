"""Regions of a map as polygons, strip by strip: those that are complete are handed on and forgotten."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from stsun.errors import RasterError
from stsun.maps.areas import pixel_areas_m2
from stsun.maps.outlines import Edges, Outlines, areas_m2, edges_of, polygons_of, reaching, sums, trace
from stsun.maps.strips import strips
from stsun.maps.vector_file import vector_package
from stsun.raster.opening import opened


class Regions(NamedTuple):
    """P regions of connected pixels.

    Args:
        values: The pixel value of each, ``P``.
        polygons: Valid shapely polygons, their coordinates are columns and rows, ``P``.
        areas_m2: Of their pixels on the ground, ``P``; NaN where the raster has no CRS.
        confidences: The mean physical value of the confidence inside, ``P``; NaN where there is none.
    """

    values: NDArray[np.int64]
    polygons: NDArray[Any]
    areas_m2: NDArray[np.float64]
    confidences: NDArray[np.float64]


def regions(
    raster: Path, band: int, values: Collection[int], confidence: Path | None, confidence_band: int
) -> Iterator[Regions]:
    """Yield all regions of connected pixels (sharing a side) that have one of some values, each once it is complete.

    Memory grows with a strip of the raster and with the outlines of those regions that go on below it.

    Args:
        raster: A GeoTIFF of 8 or 16 bit.
        band: Its band, from 1.
        values: The pixel values wanted.
        confidence: A GeoTIFF of 8 bit on the same grid, whose stored values have a scale in the file; None = unknown.
        confidence_band: Its band, from 1.

    Raises:
        RasterError: A raster cannot be read, or the confidence has no such band or is not of 8 bit.
    """
    scale, offset = (1.0, 0.0) if confidence is None else _meaning(confidence, confidence_band)
    with opened(raster) as dataset:
        windows, height, width = list(strips(dataset)), dataset.height, dataset.width
    seam = _Seam(np.full(width, -1, np.int64))
    for window in windows:
        pieces, outlines = _strip(raster, band, values, window, (confidence, confidence_band))
        last = window.row_off + window.height == height
        below = np.full(width, -1, np.int64) if last else reaching(outlines, window.height, width)
        complete = seam.joined(pieces, reaching(outlines, 0, width), below)
        areas, total, count = complete.sums.T
        with np.errstate(invalid="ignore"):
            yield Regions(complete.values, complete.polygons, areas, total / count * scale + offset)


def _strip(
    raster: Path, band: int, values: Collection[int], window: Window, confidence: tuple[Path | None, int]
) -> tuple["_Pieces", Outlines]:
    """Return the regions of one strip, and their outlines with rows counted from its first."""
    with opened(raster) as dataset:
        stored = dataset.read(band, window=window)
        per_row = pixel_areas_m2(dataset.crs, dataset.transform, window.row_off, window.height, dataset.width)
    outlines = trace(stored, np.isin(stored, list(values)))
    edges = edges_of(outlines)
    areas = np.full(edges.count, np.nan) if per_row is None else areas_m2(edges, per_row)
    known = _confidences(edges, *confidence, window)
    polygons = polygons_of(outlines, window.row_off)
    return _Pieces(outlines.values.astype(np.int64), polygons, np.stack([areas, *known], axis=1)), outlines


def _meaning(confidence: Path, band: int) -> tuple[float, float]:
    """Return the scale and offset of a confidence."""
    with opened(confidence) as dataset:
        if not 1 <= band <= dataset.count or dataset.dtypes[band - 1] != "uint8":
            raise RasterError(
                f"{confidence}, band {band}: a confidence is a band of uint8, found {dataset.count} bands of "
                f"{', '.join(sorted(set(dataset.dtypes)))}; give the file of confidences that belongs to the map"
            )
        return dataset.scales[band - 1], dataset.offsets[band - 1]


def _confidences(edges: Edges, raster: Path | None, band: int, window: Window) -> tuple[NDArray[np.float64], ...]:
    """Return the sum of the stored values inside each outline of a strip, and the number of pixels that have one."""
    if raster is None:
        return np.zeros(edges.count), np.zeros(edges.count)
    with opened(raster) as dataset:
        stored, nodata = dataset.read(band, window=window), dataset.nodatavals[band - 1]
    valid = np.ones(stored.shape, bool) if nodata is None else stored != nodata
    return sums(edges, np.where(valid, stored, 0)), sums(edges, valid)


class _Pieces(NamedTuple):
    """Regions or parts of such.

    Args:
        values: See `Regions`.
        polygons: See `Regions`.
        sums: Area in square metres, sum of the stored confidence, and number of pixels that have one, ``P 3``.
    """

    values: NDArray[np.int64]
    polygons: NDArray[Any]
    sums: NDArray[np.float64]


@dataclass
class _Region:
    """A region of which some strips have been seen."""

    value: int
    polygons: list[Any]
    sums: NDArray[np.float64]

    def add(self, other: "_Region") -> None:
        self.polygons += other.polygons
        self.sums = self.sums + other.sums


class _Seam:
    """The lower edge of the strips seen so far, and the regions that reach it.

    Args:
        row: Which region the last pixel of each column is of, -1 = none.
    """

    def __init__(self, row: NDArray[np.int64]) -> None:
        self._row = row
        self._open: dict[int, _Region] = {}
        self._numbered = 0

    def joined(self, pieces: _Pieces, above: NDArray[np.int64], below: NDArray[np.int64]) -> _Pieces:
        """Join the pieces of the next strip to what they continue, and return the regions that are complete.

        Args:
            pieces: The strip's regions.
            above: Which of them has the strip's first pixel of each column, -1 = none.
            below: Which has its last pixel and may go on below.
        """
        first, self._numbered = self._numbered, self._numbered + len(pieces.values)
        at_edges = np.setdiff1d(np.union1d(above, below), [-1])
        for piece in at_edges.tolist():
            own = _Region(int(pieces.values[piece]), [pieces.polygons[piece]], pieces.sums[piece])
            self._open[first + piece] = own
        became = self._linked(above, first)
        numbers, places = np.unique(below, return_inverse=True)
        going_on = np.array([-1 if n < 0 else _last(became, first + n) for n in numbers.tolist()], np.int64)
        self._row = going_on[places]
        done = [self._open.pop(number) for number in sorted({*self._open} - {*going_on.tolist()})]
        inside = np.ones(len(pieces.values), bool)
        inside[at_edges] = False
        complete = [(region.value, _whole(region.polygons), region.sums) for region in done]
        return _Pieces(
            np.concatenate([np.array([value for value, _, _ in complete], np.int64), pieces.values[inside]]),
            np.concatenate([np.array([polygon for _, polygon, _ in complete], object), pieces.polygons[inside]]),
            np.concatenate([np.array([own for _, _, own in complete]).reshape(-1, 3), pieces.sums[inside]]),
        )

    def _linked(self, above: NDArray[np.int64], first: int) -> dict[int, int]:
        """Join what meets along the seam and is of one value; return which region each joined one has become."""
        became: dict[int, int] = {}
        meeting = (self._row >= 0) & (above >= 0)
        for upper, lower in np.unique(np.stack([self._row, first + above])[:, meeting], axis=1).T.tolist():
            one, other = sorted((_last(became, upper), _last(became, lower)))
            if one != other and self._open[one].value == self._open[other].value:
                self._open[one].add(self._open.pop(other))
                became[other] = one
        return became


def _last(became: dict[int, int], number: int) -> int:
    while number in became:
        number = became[number]
    return number


def _whole(parts: Sequence[Any]) -> Any:
    """Return the union of a region's pieces, without the points that the strips' edges leave on straight lines.

    Coordinates are whole numbers and lines run along rows and columns, so that the union is exact.
    """
    shapely = vector_package("shapely")
    if len(parts) == 1:
        return parts[0]
    joined = shapely.normalize(shapely.union_all(parts))  # its rings begin at a corner
    kind, places, (rings, polygons) = shapely.to_ragged_array([joined])
    ahead = np.diff(places, axis=0)[:, 0] != 0
    corners = np.ones(len(places), bool)
    corners[1:-1] = ahead[1:] != ahead[:-1]
    corners[rings[:-1]] = corners[rings[1:] - 1] = True
    kept = np.concatenate([[0], np.cumsum(corners)])
    return shapely.from_ragged_array(kind, places[corners], (kept[rings], polygons))[0]
