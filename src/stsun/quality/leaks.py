"""Leaks between splits: images that look the same, and images that show the same ground."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.transform import Affine, array_bounds
from rasterio.warp import transform_bounds

from stsun.data.dataset import DataSet
from stsun.data.patterns import inside
from stsun.data.record import Record
from stsun.data.sample import Sample
from stsun.errors import StsunError
from stsun.raster.grid import Grid, overlaps
from stsun.raster.reader import inspect

SIDE = 32
"""Side of the thumbnail that an image is compared by."""
FREQUENCIES = 8
"""Its lowest frequencies along each axis make the hash: 63 bits, as the first is the mean."""
MOST_BITS = 6
"""Hashes that differ in more bits are of different images; the others are compared by their thumbnails."""
LEAST_CORRELATION = 0.95
LEAST_CONTRAST = 1e-3
"""An image whose thumbnail varies less, relative to its mean, shows nothing that could be recognised."""
LEAST_VALID = 0.5
"""An image with a smaller share of valid pixels is known by the shape of what is missing, and so not compared."""

Progress = Callable[[int, int], object]


@dataclass(frozen=True)
class Leak:
    """Two samples of different splits that share what they show.

    Args:
        kind: ``alike`` (they look the same) or ``overlap`` (their grids share ground).
        one: Split and id.
        other: Split and id.
        measure: Correlation of the thumbnails, or the share of the smaller footprint's box that both cover.
        other_days: Whether the days of both are known, and none is in both.
    """

    kind: str
    one: tuple[str, str]
    other: tuple[str, str]
    measure: float
    other_days: bool = False

    def __str__(self) -> str:
        what = "look the same (correlation" if self.kind == "alike" else "show the same ground (share"
        days = " at other days: scores speak for other times, not for other places" if self.other_days else ""
        return f"{self.one[0]} {self.one[1]!r} and {self.other[0]} {self.other[1]!r} {what} {self.measure:.2f}){days}"


@dataclass(frozen=True)
class _Look:
    """What one image looks like: its hash of 64 bits, and its thumbnail with mean 0 and length 1."""

    name: tuple[str, str]
    bits: int
    thumbnail: NDArray[np.float32]


@dataclass(frozen=True)
class _Footprint:
    """Where and when one sample was taken: its grid, its box in degrees (west, south, east, north), its days."""

    name: tuple[str, str]
    days: frozenset[float]
    grid: Grid
    box: tuple[float, float, float, float]


def find_leaks(dataset: DataSet, *, progress: Progress | None = None) -> list[Leak]:
    """Return the pairs of samples of different splits that look the same or show the same ground.

    Looks are told by a perceptual hash (the lowest frequencies of a thumbnail of 32 x 32 pixels) of the first and the
    last date, the bands' mean, and confirmed by the thumbnails' correlation. They find copies that were scaled,
    recompressed or changed in tone, not ones that were shifted, cropped, turned or flipped. Ground is told by the grids
    of the first files, where these have a CRS; images that only touch do not count. Splits by area of one scene are
    left to `stsun.data.validate`.

    Args:
        dataset: The data set.
        progress: Told (samples done, samples in all).

    Raises:
        DataError: A sample is wrong.
        RasterError: A file cannot be read.
    """
    splits = [split for split in dataset.splits if split not in dataset.checked.description.area_splits]
    total = sum(len(dataset.records(split)) for split in splits)
    looks: dict[str, list[_Look]] = {split: [] for split in splits}
    places: dict[str, list[_Footprint]] = {split: [] for split in splits}
    done = 0
    for split in splits:
        for record in dataset.records(split):
            sample = dataset.read(record)
            looks[split] += _looks((split, record.id), sample)
            places[split] += _footprints((split, record.id), dataset, record, frozenset(np.floor(sample.days).tolist()))
            done += 1
            if progress is not None:
                progress(done, total)
    return [*_between(looks, _alike), *_between(places, _overlapping)]


def perceptual_hash(thumbnail: NDArray[Any]) -> int:
    """Return 63 bits: which of the lowest frequencies of a picture ``32 32`` (cosine transform) exceed their median."""
    waves = np.cos(np.pi / SIDE * (np.arange(SIDE) + 0.5) * np.arange(FREQUENCIES)[:, None])
    lowest = (waves @ thumbnail @ waves.T).ravel()[1:]
    return int("".join("1" if bit else "0" for bit in lowest > np.median(lowest)), 2)


def _looks(name: tuple[str, str], sample: Sample) -> Iterator[_Look]:
    for number in sorted({0, len(sample.images) - 1}):
        valid = sample.valid[number]
        if valid.mean() < LEAST_VALID:
            continue
        grey = sample.images[number].mean(axis=0)
        thumbnail = _thumbnail(np.where(valid, grey, grey[valid].mean()))
        spread = thumbnail - thumbnail.mean()
        length = float(np.linalg.norm(spread))
        if length > LEAST_CONTRAST * SIDE * abs(thumbnail.mean()):
            yield _Look(name, perceptual_hash(thumbnail), (spread / length).ravel().astype(np.float32))


def _thumbnail(grey: NDArray[Any]) -> NDArray[np.float64]:
    """Return the means of 32 x 32 parts of a picture; of a smaller one, pixels repeated."""
    picture = grey.astype(np.float64)
    for axis in (0, 1):
        edges = np.linspace(0, picture.shape[axis], SIDE + 1)[:-1].astype(int)
        if picture.shape[axis] < SIDE:
            picture = picture.take(edges, axis)
        else:
            sizes = np.diff(np.append(edges, picture.shape[axis]))
            picture = np.add.reduceat(picture, edges, axis=axis) / (sizes[:, None] if axis == 0 else sizes)
    return picture


def _footprints(
    name: tuple[str, str], dataset: DataSet, record: Record, days: frozenset[float]
) -> Iterator[_Footprint]:
    if not record.dates:
        return
    info = inspect(inside(dataset.checked.root, record.dates[0].files[0]))
    if info.crs is None:
        return
    grid = Grid(info.crs, info.transform, info.height, info.width)
    if record.window is not None:
        row, column, height, width = record.window
        grid = Grid(info.crs, info.transform * Affine.translation(column, row), height, width)
    bounds = array_bounds(grid.height, grid.width, grid.transform)
    try:
        yield _Footprint(name, days, grid, transform_bounds(info.crs, "EPSG:4326", *bounds))
    except RasterioError:
        return


def _between(
    groups: Mapping[str, Sequence[Any]], compare: Callable[[Any, Sequence[Any]], Iterator[Leak]]
) -> Iterator[Leak]:
    """Yield each pair of samples once, of any two splits."""
    seen: set[tuple[tuple[str, str], tuple[str, str]]] = set()
    for one, other in combinations(groups, 2):
        for item in groups[one] if groups[other] else ():
            for leak in compare(item, groups[other]):
                if (leak.one, leak.other) not in seen:
                    seen.add((leak.one, leak.other))
                    yield leak


def _alike(look: _Look, others: Sequence[_Look]) -> Iterator[Leak]:
    bits = np.array([other.bits for other in others], np.uint64)
    for place in map(int, np.flatnonzero(np.bitwise_count(bits ^ np.uint64(look.bits)) <= MOST_BITS)):
        correlation = float(look.thumbnail @ others[place].thumbnail)
        if correlation >= LEAST_CORRELATION:
            yield Leak("alike", look.name, others[place].name, correlation)


def _overlapping(place: _Footprint, others: Sequence[_Footprint]) -> Iterator[Leak]:
    boxes = np.array([other.box for other in others])
    west, south = np.maximum(boxes[:, :2], place.box[:2]).T
    east, north = np.minimum(boxes[:, 2:], place.box[2:]).T
    shared = np.clip(east - west, 0, None) * np.clip(north - south, 0, None)
    own = (place.box[2] - place.box[0]) * (place.box[3] - place.box[1])
    smaller = np.minimum(own, (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
    for number in map(int, np.flatnonzero(shared > 0)):
        if _share_ground(place.grid, others[number].grid):
            days, share = place.days | others[number].days, float(shared[number] / smaller[number])
            other_days = not any(map(math.isnan, days)) and not place.days & others[number].days
            yield Leak("overlap", place.name, others[number].name, share, other_days)


def _share_ground(grid: Grid, other: Grid) -> bool:
    try:
        return overlaps(grid, other)
    except StsunError:
        return False
