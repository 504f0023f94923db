"""Samples of data sets as places: read as training reads them, laid down as plain rasters while they are seen."""

import hashlib
import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.transform import Affine

from stsun.bands import Band
from stsun.data.dataset import DataSet, open_dataset
from stsun.data.patterns import inside
from stsun.data.record import Record
from stsun.data.sample import IGNORE, Sample
from stsun.errors import DataError
from stsun.raster.grid import Grid
from stsun.raster.reader import inspect
from stsun.raster.whole import explained
from stsun.raster.writer import new_raster, without_place
from stsun.scene.scene import iso
from stsun.scene.sources import SceneDate, SceneFile
from stsun.tasks import output_periods
from stsun.view.frames import is_flat
from stsun.view.layers import Entry, Layer, Place, Shot, Sight

LARGEST = 500_000_000
"""Numbers of a sample that are laid down, at the most: two gigabytes."""


def sample_places(path: Path, cache: Path) -> list[Sight]:
    """Return the samples of a data set by their split and id, to be read when someone looks.

    Args:
        path: Its YAML file.
        cache: Folder in which samples are laid down.

    Raises:
        DataError: The description is wrong.
    """
    dataset = open_dataset(path)
    return [
        Sight(f"{dataset.name}: {split}/{record.id}", partial(_place, dataset, record, cache))
        for split in dataset.splits
        for record in dataset.records(split)
    ]


def _place(dataset: DataSet, record: Record, cache: Path) -> Place:
    """Return a sample as a place.

    Raises:
        DataError: The sample is not what its description says, or too large.
        RasterError: A file cannot be read.
    """
    sample = dataset.read(record)
    numbers = sum(image.size for image in sample.images)
    if numbers > LARGEST:
        raise DataError(
            f"sample {record.id!r} holds {numbers} values, expected at most {LARGEST}; open its files instead"
        )
    folder = cache / hashlib.sha256(f"{dataset.path} {record.split} {record.id}".encode()).hexdigest()[:16]
    grid = _grid(dataset, record, sample)
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
    days = [None if math.isnan(day) else float(day) for day in sample.days]
    names = [f"date {number}" if day is None else iso(day) for number, day in enumerate(days, start=1)]
    times = [float(place) if None in days else float(day or 0.0) for place, day in enumerate(days)]
    images = _images(sample, folder, grid, days)
    shots = tuple(Shot(*one) for one in zip(names, times, images, strict=True))
    layers = [
        Layer("images", "imagery", shots, gsd_m=sample.configuration.gsd_m),
        *_labels(dataset, sample, folder, grid, shots),
    ]
    return Place(f"{dataset.name}: {record.split}/{record.id}", tuple(layers), is_flat(grid), folder=folder)


def _grid(dataset: DataSet, record: Record, sample: Sample) -> Grid:
    """Return where a sample lies; without a CRS if its first file does not tell."""
    if record.dates:
        info = inspect(inside(dataset.checked.root, record.dates[0].files[0]))
        if info.crs is not None and (info.height, info.width) == sample.size:
            return Grid(info.crs, info.transform, info.height, info.width)
    return Grid(None, Affine.identity(), *sample.size)


def _images(sample: Sample, folder: Path, grid: Grid, days: Sequence[float | None]) -> list[SceneDate]:
    every = sample.configuration.bands_of_dates(len(sample.images))
    dates = []
    for number, (image, valid, bands, day) in enumerate(zip(sample.images, sample.valid, every, days, strict=True)):
        path = folder / f"image_{number}.tif"
        _write(path, np.where(valid, image, np.nan).astype(np.float32), grid, math.nan)
        dates.append(SceneDate((_file(path, grid, len(bands)),), bands, day))
    return dates


def _labels(dataset: DataSet, sample: Sample, folder: Path, grid: Grid, dates: Sequence[Shot]) -> list[Layer]:
    if sample.labels is None:
        return []
    periods = output_periods(dataset.task, len(dates), dataset.per_date)
    shots = []
    for number, (labels, (start, end)) in enumerate(zip(sample.labels, periods, strict=True)):
        path = folder / f"label_{number}.tif"
        _write(path, labels[None].astype(np.uint8), grid, IGNORE)
        name = dates[end].name if start == end else f"{dates[start].name} to {dates[end].name}"
        shots.append(Shot(name, dates[end].when, SceneDate((_file(path, grid, 1),), (Band("category"),), None)))
    legend = dataset.legend
    entries = tuple(Entry(*one) for one in zip(range(len(legend.names)), legend.names, legend.colors, strict=True))
    return [Layer("labels", "labels", tuple(shots), entries)]


def _file(path: Path, grid: Grid, bands: int) -> SceneFile:
    return SceneFile(path, grid, tuple(range(1, bands + 1)), (1.0,) * bands, (0.0,) * bands)


def _write(path: Path, pixels: NDArray[np.generic], grid: Grid, nodata: float) -> None:
    """Write pixels ``C H W`` quickly: nobody keeps the file."""
    count, height, width = pixels.shape
    place = {} if grid.crs is None else {"crs": grid.crs, "transform": grid.transform}
    shape = {"count": count, "height": height, "width": width, "dtype": pixels.dtype.name, "nodata": nodata}
    with (
        explained(path),
        without_place(),
        new_raster(path, driver="GTiff", interleave="band", **shape, **place) as raster,
    ):
        raster.write(pixels)
