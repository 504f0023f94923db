"""Augmentation: every function gives a new sample whose images, masks, labels, days and metadata still agree.

What a function draws, it draws from the generator it is given. Functions that change the configuration take the
decision as an argument instead, so that all samples of a batch can follow the same one.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from stsun.bands import Band, reflective
from stsun.configuration import Bands, Configuration
from stsun.data.sample import IGNORE, Sample
from stsun.errors import ConfigurationError

CROP_TRIES = 8
ENOUGH_LABELLED = 0.01

A = TypeVar("A", bound=np.generic)


def crop(sample: Sample, height: int, width: int, rng: np.random.Generator) -> Sample:
    """Return a random window of the sample, padded at the bottom and right (invalid, ignored) where it is smaller.

    Of up to eight windows the first with at least 1 % labelled pixels is taken, else the one with the most; where none
    holds a label, one that does. So no window is without labels unless the sample is.
    """
    top, left = _choose_corner(sample, height, width, rng)
    rows, columns = slice(top, top + height), slice(left, left + width)
    pad_rows, pad_columns = max(0, height - sample.size[0]), max(0, width - sample.size[1])
    padding = ((0, 0), (0, pad_rows), (0, pad_columns))
    return replace(
        sample,
        images=[np.pad(image[:, rows, columns], padding) for image in sample.images],
        valid=np.pad(sample.valid[:, rows, columns], padding),
        labels=_labels(sample, lambda maps: np.pad(maps[:, rows, columns], padding, constant_values=IGNORE)),
    )


def _choose_corner(sample: Sample, height: int, width: int, rng: np.random.Generator) -> tuple[int, int]:
    free_rows, free_columns = max(0, sample.size[0] - height), max(0, sample.size[1] - width)
    best, most = (0, 0), -1.0
    for _ in range(CROP_TRIES):
        top, left = int(rng.integers(free_rows + 1)), int(rng.integers(free_columns + 1))
        if sample.labels is None:
            return top, left
        labelled = float((sample.labels[:, top : top + height, left : left + width] != IGNORE).mean())
        if labelled > most:
            best, most = (top, left), labelled
        if most >= ENOUGH_LABELLED or free_rows + free_columns == 0:
            break
    return best if most != 0 or sample.labels is None else _corner_at_label(sample.labels, height, width, rng)


def _corner_at_label(labels: NDArray[np.int64], height: int, width: int, rng: np.random.Generator) -> tuple[int, int]:
    """Return the corner of a window, anywhere around one labelled pixel; (0, 0) where there is none."""
    known = np.flatnonzero((labels != IGNORE).any(0))
    if not known.size:
        return 0, 0
    row, column = divmod(int(rng.choice(known)), labels.shape[2])
    top, left = row - int(rng.integers(height)), column - int(rng.integers(width))
    most = labels.shape[1] - height, labels.shape[2] - width
    return max(0, min(top, most[0])), max(0, min(left, most[1]))


def turn(sample: Sample, quarters: int, *, mirror: bool) -> Sample:
    """Return the sample turned by ``quarters`` of 90 degrees counter-clockwise and then, if asked, mirrored."""

    def act(array: NDArray[A]) -> NDArray[A]:
        turned = np.rot90(array, quarters, axes=(1, 2))
        return np.ascontiguousarray(turned[:, :, ::-1] if mirror else turned)

    return replace(
        sample,
        images=[act(image) for image in sample.images],
        valid=act(sample.valid),
        labels=_labels(sample, act),
    )


def dihedral(sample: Sample, rng: np.random.Generator) -> Sample:
    """Return the sample in one of the eight positions of a square, the same for all dates and labels."""
    return turn(sample, int(rng.integers(4)), mirror=bool(rng.integers(2)))


def resize(sample: Sample, height: int, width: int) -> Sample:
    """Return the sample resampled to another size: bilinear images, nearest masks and labels, GSD to match.

    Invalid pixels do not bleed into their neighbours. The GSD is the geometric mean of both axes where they differ.
    """
    if (height, width) == sample.size:
        return sample
    valid = _nearest(sample.valid, height, width)
    pairs = zip(sample.images, sample.valid, valid, strict=True)
    shrink = math.sqrt(sample.size[0] * sample.size[1] / (height * width))
    gsd_m = sample.configuration.gsd_m
    return replace(
        sample,
        images=[_bilinear(image, before, after) for image, before, after in pairs],
        valid=valid,
        labels=_labels(sample, lambda maps: _nearest(maps, height, width)),
        configuration=replace(sample.configuration, gsd_m=None if gsd_m is None else gsd_m * shrink),
    )


def scale_jitter(sample: Sample, rng: np.random.Generator, *, smallest: float = 0.5, largest: float = 2.0) -> Sample:
    """Return the sample zoomed by a factor drawn log-uniformly; its GSD is divided by that factor."""
    zoom = draw_zoom(rng, smallest=smallest, largest=largest)
    height, width = (max(1, round(side * zoom)) for side in sample.size)
    return resize(sample, height, width)


def draw_zoom(rng: np.random.Generator, *, smallest: float = 0.5, largest: float = 2.0) -> float:
    """Return a zoom factor, log-uniform between the two: halving is as likely as doubling."""
    return float(math.exp(rng.uniform(math.log(smallest), math.log(largest))))


def radiometric_jitter(sample: Sample, rng: np.random.Generator, *, strength: float = 1.0) -> Sample:
    """Return the sample with each date's light changed: gain, offset and noise.

    Reflected light gets a gain (per date about 10 %, per band about 3 %), an offset of about 0.01 reflectance and
    noise up to 0.01; thermal bands and named tokens only a small offset and noise, in parts of their own spread.
    """
    bands = sample.configuration.bands_of_dates(len(sample.images))
    triples = zip(sample.images, sample.valid, bands, strict=True)
    return replace(sample, images=[_jitter(image, valid, own, rng, strength) for image, valid, own in triples])


def _jitter(
    image: NDArray[np.float32], valid: NDArray[np.bool_], bands: Bands, rng: np.random.Generator, strength: float
) -> NDArray[np.float32]:
    count = len(bands)
    reflected = np.array([reflective(band) for band in bands])
    spread = image[:, valid].std(axis=1) if valid.any() else np.zeros(count)
    scale = np.where(reflected, 1.0, spread)
    light = 0.1 * rng.standard_normal() + 0.03 * rng.standard_normal(count)
    gain = np.where(reflected, np.exp(strength * light), 1.0)
    offset = strength * scale * np.where(reflected, 0.01, 0.05) * rng.standard_normal(count)
    sigma = strength * scale * 0.01 * rng.uniform()
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    changed = image * _column(gain) + _column(offset) + noise * _column(sigma)
    return np.where(valid, changed, image).astype(np.float32)


def time_swap(sample: Sample) -> Sample:
    """Return a change sample with its dates in reverse: images, masks, bands and labels alike.

    Days are mirrored, so that they go on increasing: what was seen first is now said to have been seen last.

    Raises:
        ConfigurationError: The task is a segmentation, for which the order of dates says nothing.
    """
    configuration = sample.configuration
    if configuration.task == "segmentation":
        raise ConfigurationError("time_swap is for change tasks, the task is segmentation; leave it out")
    bands = configuration.bands[::-1] if configuration.mixed_sensors else configuration.bands
    return replace(
        sample,
        images=sample.images[::-1],
        valid=sample.valid[::-1].copy(),
        days=sample.days[0] + sample.days[-1] - sample.days[::-1],
        labels=_labels(sample, lambda maps: maps[::-1].copy()),
        configuration=replace(configuration, bands=bands),
    )


def choose_dates(configuration: Configuration, dates: int, keep: int, rng: np.random.Generator) -> tuple[int, ...]:
    """Return which ``keep`` of ``dates`` dates to keep, in order: any, for a binary change consecutive ones."""
    if configuration.task == "binary_change":
        first = int(rng.integers(dates - keep + 1))
        return tuple(range(first, first + keep))
    return tuple(sorted(int(date) for date in rng.choice(dates, size=keep, replace=False)))


def drop_dates(sample: Sample, kept: Sequence[int]) -> Sample:
    """Return the sample with only the dates ``kept`` and the labels that speak for them (see ``choose_dates``)."""
    configuration, dates = sample.configuration, list(kept)
    if dates == list(range(len(sample.images))):
        return sample
    if configuration.task == "binary_change":
        maps = dates[:-1]
    elif configuration.task == "semantic_change" or configuration.per_date:
        maps = dates
    else:
        maps = [0]
    bands = configuration.bands_of_dates(len(sample.images))
    return replace(
        sample,
        images=[sample.images[date] for date in dates],
        valid=sample.valid[dates],
        days=sample.days[dates],
        labels=_labels(sample, lambda labels: labels[maps]),
        configuration=_with_bands(configuration, [bands[date] for date in dates]),
    )


def _with_bands(configuration: Configuration, bands: Sequence[Bands]) -> Configuration:
    """A single date left of a mixed series is like any single date."""
    return replace(configuration, bands=bands if len(set(bands)) > 1 else bands[0])


def choose_bands(bands: Bands, rng: np.random.Generator, *, most: float = 0.3) -> tuple[int, ...]:
    """Return which bands to keep: each is dropped at one rate drawn from 0 to ``most``, but at least one stays."""
    stays = rng.uniform(size=len(bands)) >= rng.uniform(0, most)
    stays[rng.integers(len(bands))] = True
    kept = tuple(int(index) for index in np.flatnonzero(stays))
    wavelengths = {bands[index].wavelength_nm for index in kept}
    # bands that differ only in width are not an image by themselves (see check_bands)
    return tuple(range(len(bands))) if len(kept) > 1 and len(wavelengths) == 1 and None not in wavelengths else kept


def drop_bands(sample: Sample, kept: Sequence[Sequence[int]]) -> Sample:
    """Return the sample with only the bands ``kept``: their indices for each date (see ``choose_bands``)."""
    configuration = sample.configuration
    images = [image[list(own)] for image, own in zip(sample.images, kept, strict=True)]
    pairs = zip(configuration.bands_of_dates(len(kept)), kept, strict=True)
    bands = [tuple(own[index] for index in indices) for own, indices in pairs]
    return replace(sample, images=images, configuration=_with_bands(configuration, bands))


def drop_metadata(sample: Sample, *, gsd: bool = False, days: bool = False, bandwidths: bool = False) -> Sample:
    """Return the sample with GSD, days or bandwidths unknown.

    A bandwidth stays where it alone tells two bands of one wavelength apart.
    """
    configuration = sample.configuration
    if gsd:
        configuration = replace(configuration, gsd_m=None)
    if bandwidths:
        bands = configuration.bands
        without = [_without_widths(own) for own in bands] if configuration.mixed_sensors else _without_widths(bands)
        configuration = replace(configuration, bands=without)
    known_days = np.full_like(sample.days, np.nan) if days else sample.days
    return replace(sample, days=known_days, configuration=configuration)


def _without_widths(bands: Bands) -> list[Band]:
    wavelengths = [band.wavelength_nm for band in bands]
    return [replace(band, bandwidth_nm=None) if wavelengths.count(band.wavelength_nm) == 1 else band for band in bands]


def _labels(sample: Sample, act: Callable[[NDArray[np.int64]], NDArray[np.int64]]) -> NDArray[np.int64] | None:
    return None if sample.labels is None else act(sample.labels)


def _column(values: NDArray[np.float64]) -> NDArray[np.float32]:
    return values.astype(np.float32)[:, None, None]


def _nearest(array: NDArray[A], height: int, width: int) -> NDArray[A]:
    """Each new pixel takes the old one that its centre lies in."""
    rows = ((np.arange(height) + 0.5) * array.shape[1] / height).astype(np.int64)
    columns = ((np.arange(width) + 0.5) * array.shape[2] / width).astype(np.int64)
    return array[:, rows[:, None], columns]


def _bilinear(image: NDArray[np.float32], before: NDArray[np.bool_], after: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Resample ``C H W`` by the mean of valid neighbours; what is invalid afterwards is 0."""
    weight = torch.from_numpy(before.astype(np.float32))[None, None]
    values = torch.where(weight[0] > 0, torch.from_numpy(np.ascontiguousarray(image)), 0.0)[None]
    stacked = torch.cat([values, weight], dim=1)
    scaled = F.interpolate(stacked, size=after.shape, mode="bilinear", antialias=True)[0].numpy()
    mean = scaled[:-1] / np.maximum(scaled[-1:], np.float32(1e-6))
    return np.where(after, mean, np.float32(0))
