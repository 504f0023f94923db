"""Statistics of a data set, sample by sample in bounded memory: bands, valid pixels, classes and their weights."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stsun.bands import Band
from stsun.data.dataset import DataSet
from stsun.data.record import Record
from stsun.data.sample import IGNORE, Sample

QUANTILES = (0.01, 0.25, 0.5, 0.75, 0.99)

KEPT_OF_IMAGE = 4096
KEPT_OF_BAND = 1 << 20
"""Values that quantiles are taken from: of one image, evenly spaced over its valid pixels, and of one band in all."""

Progress = Callable[[int, int], object]


class Kept(NamedTuple):
    """Values of one image that stand for more: each for ``weight`` pixels."""

    values: NDArray[np.float32]
    weight: float


@dataclass
class BandTally:
    """What is known of one band so far.

    Args:
        count: Valid pixels.
        mean: Their mean.
        squares: The sum of their squared distances from the mean.
        low: The least value.
        high: The greatest.
        kept: Values for quantiles.
    """

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    low: float = np.inf
    high: float = -np.inf
    kept: list[Kept] = field(default_factory=list)

    def add(self, other: "BandTally") -> None:
        """Take in the pixels of another tally (Chan, Golub, LeVeque 1979)."""
        if not other.count:
            return
        total, apart = self.count + other.count, other.mean - self.mean
        self.squares += other.squares + apart**2 * self.count * other.count / total
        self.mean += apart * other.count / total
        self.count = total
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.kept += other.kept
        if sum(len(kept.values) for kept in self.kept) > KEPT_OF_BAND:
            self.kept = [_thinned(kept) for kept in self.kept]

    def summary(self) -> dict[str, Any]:
        """Return mean, standard deviation, least, greatest and quantiles as plain numbers; None without a pixel."""
        if not self.count:
            return dict.fromkeys(("mean", "std", "min", "max", "quantiles"))
        values = np.concatenate([kept.values for kept in self.kept])
        weights = np.concatenate([np.full(len(kept.values), kept.weight) for kept in self.kept])
        order = np.argsort(values)
        reached = np.cumsum(weights[order]) / weights.sum()
        places = np.minimum(np.searchsorted(reached, QUANTILES), len(values) - 1)
        return {
            "mean": self.mean,
            "std": float(np.sqrt(self.squares / self.count)),
            "min": float(self.low),
            "max": float(self.high),
            "quantiles": {f"{q:g}": float(values[order][place]) for q, place in zip(QUANTILES, places, strict=True)},
        }


@dataclass
class _Tally:
    """What is known of some samples: their bands, pixels of dates, and pixels of labels by category."""

    bands: dict[Band, BandTally] = field(default_factory=dict)
    pixels: int = 0
    valid: int = 0
    labels: NDArray[np.int64] = field(default_factory=lambda: np.zeros(IGNORE + 1, np.int64))

    def add(self, other: "_Tally") -> None:
        for band, tally in other.bands.items():
            self.bands.setdefault(band, BandTally()).add(tally)
        self.pixels += other.pixels
        self.valid += other.valid
        self.labels = self.labels + other.labels


def statistics(
    dataset: DataSet, split: str | None = None, *, workers: int = 1, progress: Progress | None = None
) -> dict[str, Any]:
    """Return the statistics of a data set's physical values and labels, JSON-able.

    Each sample is read once, and memory does not grow with their number: quantiles are taken from about a million
    values of each band, evenly spaced over each image.

    Args:
        dataset: The data set.
        split: Name of the split; None = all, a sample of several splits once in each.
        workers: Threads that read.
        progress: Told (samples done, samples in all).

    Returns:
        ``data_set``, ``splits``, ``samples``; ``bands``: name, wavelength, mean, std, min, max and quantiles of valid
        pixels; ``valid_share`` of all pixels of all dates; ``classes``: of each, its labelled pixels, share of those
        that are scored, and weight = median share / share (Eigen and Fergus 2015), None where it does not occur;
        ``ignored_share`` of label pixels.

    Raises:
        DataError: There is no such split, or a sample is wrong.
        RasterError: A file cannot be read.
    """
    splits = dataset.splits if split is None else (split,)
    records = [record for name in splits for record in dataset.records(name)]
    total = _Tally()
    with ThreadPoolExecutor(workers) as threads:
        for done, tally in enumerate(threads.map(lambda record: _read(dataset, record), records), start=1):
            total.add(tally)
            if progress is not None:
                progress(done, len(records))
    counts = total.labels[: len(dataset.legend.names)]
    return {
        "data_set": dataset.name,
        "splits": list(splits),
        "samples": len(records),
        "bands": [
            {"name": band.name, "wavelength_nm": band.wavelength_nm, **tally.summary()}
            for band, tally in total.bands.items()
        ],
        "valid_share": total.valid / total.pixels,
        "classes": class_shares(dataset.legend.names, counts),
        "ignored_share": float(total.labels[IGNORE] / max(total.labels.sum(), 1)),
    }


def class_shares(names: Iterable[str], counts: Sequence[int] | NDArray[np.int64]) -> dict[str, dict[str, Any]]:
    """Return pixels, share and weight of each class: median share / share, so that a weight of 1 is the usual class."""
    shares = np.asarray(counts) / max(np.sum(counts), 1)
    usual = float(np.median(shares[shares > 0])) if (shares > 0).any() else 0.0
    return {
        name: {"pixels": int(count), "share": float(share), "weight": usual / float(share) if share else None}
        for name, count, share in zip(names, counts, shares, strict=True)
    }


def _read(dataset: DataSet, record: Record) -> _Tally:
    return _tally(dataset.read(record))


def _tally(sample: Sample) -> _Tally:
    tally = _Tally(pixels=sample.valid.size, valid=int(sample.valid.sum()))
    every = sample.configuration.bands_of_dates(len(sample.images))
    for image, valid, bands in zip(sample.images, sample.valid, every, strict=True):
        for values, band in zip(image, bands, strict=True):
            tally.bands.setdefault(band, BandTally()).add(_of_values(values[valid]))
    if sample.labels is not None:
        tally.labels = np.bincount(sample.labels.ravel(), minlength=IGNORE + 1)
    return tally


def _of_values(values: NDArray[np.float32]) -> BandTally:
    if not values.size:
        return BandTally()
    mean = float(values.mean(dtype=np.float64))
    squares = float(np.square(values - mean, dtype=np.float64).sum())
    kept = values[:: -(-values.size // KEPT_OF_IMAGE)]
    return BandTally(
        values.size, mean, squares, float(values.min()), float(values.max()), [Kept(kept, values.size / len(kept))]
    )


def _thinned(kept: Kept) -> Kept:
    return Kept(kept.values[::2], kept.weight * len(kept.values) / len(kept.values[::2]))
