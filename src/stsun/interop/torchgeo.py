"""TorchGeo: sample dicts to samples and back, its data sets as sources of training, ours as its data sets."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from stsun.bands import reflective
from stsun.configuration import Configuration
from stsun.data.dataset import DataSet, open_dataset
from stsun.data.sample import IGNORE, Sample
from stsun.errors import DataError
from stsun.raster.storage import check_reflectance
from stsun.training.sources import Source

Item = dict[str, Any]

SECONDS_A_DAY = 86_400.0
LONGEST_MOMENT = 366.0
"""An interval of more days than this, such as that of all files together, is no date of an image."""
NM_PER_UM = 1000.0
FIX = "give the scale and offset of its values, such as scale=1e-4 for Sentinel-2, and leave out normalising transforms"


def sample_of(
    item: Mapping[str, Any],
    configuration: Configuration,
    *,
    id: str = "sample",
    scale: float | None = None,
    offset: float = 0.0,
    ignore_index: int = IGNORE,
) -> Sample:
    """Return a TorchGeo sample as one of ours.

    Args:
        item: ``image`` ``C H W`` or ``T C H W``; ``mask``, if there is one, ``H W`` or one per output map; days from
            ``days`` (ours), ``t`` (seconds since 1970 of each date) or ``bounds`` (the middle of its interval, where it
            is at most a year), else unknown; where there is data from ``valid`` (ours, ``T H W`` or ``H W``), else
            wherever the image is finite. Tensors or arrays.
        configuration: What the bands are, and what the numbers of the mask stand for.
        id: What it is called in messages.
        scale: Value * scale + offset = reflectance, or the band's unit. Left out = 1, and values that cannot be
            reflectances are refused.
        offset: See ``scale``.
        ignore_index: Value of the mask that is not counted, beside 255.

    Raises:
        DataError: There is no image, the arrays do not fit one another, or the mask holds an index of no category.
        RasterError: Reflectances that cannot be such.
    """
    if "image" not in item:
        raise DataError(
            f"{id}: has no 'image' but {', '.join(map(str, item)) or 'nothing'}; expected a TorchGeo sample"
        )
    stored = np.asarray(item["image"], np.float32)
    series = stored[None] if stored.ndim == 3 else stored
    if series.ndim != 4:
        raise DataError(f"{id}: the image has shape {stored.shape}, expected C H W or T C H W")
    series = (series * np.float32(1.0 if scale is None else scale) + np.float32(offset)).astype(np.float32)
    valid = _valid(id, item, series)
    sample = Sample(id, list(series), valid, _days(item, len(series)), _labels(item, ignore_index), configuration)
    if scale is None:
        bands = configuration.bands_of_dates(len(series))
        for image, seen, own in zip(series, valid, bands, strict=True):
            check_reflectance(id, [place for place, band in enumerate(own) if reflective(band)], image, seen, FIX)
    if sample.labels is not None:
        _check_labels(sample, ignore_index)
    return sample


def item_of(sample: Sample) -> Item:
    """Return a sample as TorchGeo has them, as tensors.

    Returns:
        ``image`` ``T C H W`` (``C H W`` of a single date), ``mask`` (``H W`` where there is one map, else one per map),
        ``t`` (seconds since 1970, NaN = unknown), ``wavelength`` (micrometres, NaN = none) and ``res`` (metres, where
        known); beside these ``valid`` ``T H W`` and ``days``, which `sample_of` reads again.

    Raises:
        DataError: The dates are from different sensors, which one tensor cannot hold.
    """
    configuration = sample.configuration
    if configuration.mixed_sensors:
        raise DataError(f"{sample.id}: its dates have different bands, which one image tensor cannot hold; split them")
    image = torch.from_numpy(np.stack(sample.images))
    nm = [np.nan if band.wavelength_nm is None else band.wavelength_nm for band in configuration.bands]
    item: Item = {
        "image": image[0] if len(image) == 1 else image,
        "valid": torch.from_numpy(sample.valid),
        "days": torch.from_numpy(sample.days),
        "t": torch.from_numpy(sample.days * SECONDS_A_DAY),
        "wavelength": torch.tensor(nm) / NM_PER_UM,
    }
    if configuration.gsd_m is not None:
        item["res"] = torch.tensor(configuration.gsd_m)
    if sample.labels is not None:
        maps = torch.from_numpy(sample.labels)
        item["mask"] = maps[0] if len(maps) == 1 else maps
    return item


def source_of(
    name: str,
    dataset: Any,
    configuration: Configuration,
    *,
    queries: Sequence[Any] | None = None,
    scale: float | None = None,
    offset: float = 0.0,
    ignore_index: int = IGNORE,
) -> Source:
    """Return a TorchGeo data set as a source of the training stream; its samples are read when they are drawn.

    Args:
        name: Unique in an experiment.
        dataset: A ``NonGeoDataset``, or whatever has ``len`` and gives samples by number; with ``queries`` a
            ``GeoDataset``.
        configuration: Of all its samples.
        queries: What to ask a ``GeoDataset`` for: ``list(sampler)`` of one of its samplers.
        scale: See `sample_of`.
        offset: See `sample_of`.
        ignore_index: See `sample_of`.
    """

    def read(index: int) -> Sample:
        item = dataset[index if queries is None else queries[index]]
        return sample_of(
            item, configuration, id=f"{name}-{index}", scale=scale, offset=offset, ignore_index=ignore_index
        )

    return Source(name, configuration.task, len(dataset if queries is None else queries), read)


class Items(Dataset[Item]):
    """One split of a data set of ours as a ``NonGeoDataset``: for TorchGeo's loaders, transforms and trainers.

    Args:
        dataset: Path of its YAML file, or an open data set.
        split: Name of the split.
        transforms: Called with each item, as TorchGeo does.

    Raises:
        DataError: The description is wrong, or there is no such split.
    """

    def __init__(
        self, dataset: str | Path | DataSet, split: str = "train", transforms: Callable[[Item], Item] | None = None
    ) -> None:
        self.dataset = dataset if isinstance(dataset, DataSet) else open_dataset(dataset)
        self.records = self.dataset.records(split)
        self.transforms = transforms

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.records)

    def __getitem__(self, index: int) -> Item:
        """Return one sample (see `item_of`)."""
        item = item_of(self.dataset.read(self.records[index]))
        return item if self.transforms is None else self.transforms(item)


def _valid(id: str, item: Mapping[str, Any], series: NDArray[np.float32]) -> NDArray[np.bool_]:
    finite: NDArray[np.bool_] = np.logical_and.reduce(np.isfinite(series), axis=1)
    if "valid" not in item:
        return finite
    told = np.asarray(item["valid"]).astype(bool)
    if told.shape not in (finite.shape, finite.shape[1:]):
        raise DataError(f"{id}: valid has shape {told.shape}, expected {finite.shape} or {finite.shape[1:]}")
    return finite & told


def _days(item: Mapping[str, Any], dates: int) -> NDArray[np.float64]:
    if "days" in item:
        return np.atleast_1d(np.asarray(item["days"], np.float64))
    if "t" in item:
        return np.atleast_1d(np.asarray(item["t"], np.float64)) / SECONDS_A_DAY
    start, stop = _interval(item.get("bounds"))
    middle = (start + stop) / 2 if dates == 1 and stop - start <= LONGEST_MOMENT else np.nan
    return np.full(dates, middle)


def _interval(bounds: Any) -> tuple[float, float]:
    """Return the first and last day of ``bounds``: slices along x, y and t, nine numbers, or a box; NaN = not told."""
    if bounds is None or isinstance(bounds, slice):
        return np.nan, np.nan
    if hasattr(bounds, "mint"):  # the box of TorchGeo before 0.8
        start, stop = bounds.mint, bounds.maxt
    elif isinstance(bounds, tuple | list) and any(isinstance(one, slice) for one in bounds):
        t = bounds[2] if len(bounds) > 2 else slice(None)  # as they were asked for: without t, all times
        start, stop = _seconds(t.start), _seconds(t.stop)
    else:
        numbers = np.asarray(bounds, np.float64).ravel()
        start, stop = (numbers[6], numbers[7]) if len(numbers) == 9 else (np.nan, np.nan)
    return float(start) / SECONDS_A_DAY, float(stop) / SECONDS_A_DAY


def _seconds(moment: datetime | None) -> float:
    """Return seconds since 1970; without a time zone a moment is in UTC, as TorchGeo means it."""
    if moment is None:
        return math.nan
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _labels(item: Mapping[str, Any], ignore_index: int) -> NDArray[np.int64] | None:
    if "mask" not in item:
        return None
    mask = np.asarray(item["mask"]).astype(np.int64)
    maps = mask[None] if mask.ndim == 2 else mask
    return np.where(maps == ignore_index, IGNORE, maps)


def _check_labels(sample: Sample, ignore_index: int) -> None:
    assert sample.labels is not None
    found = np.unique(sample.labels[sample.labels != IGNORE])
    wrong = found[(found < 0) | (found >= sample.classes)]
    if len(wrong):
        raise DataError(
            f"{sample.id}: the mask holds {', '.join(map(str, wrong[:5]))}, but there are {sample.classes} categories "
            f"(0 to {sample.classes - 1}; ignore_index is {ignore_index}); list a category for every value"
        )
