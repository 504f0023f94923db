"""The training stream: batch ``i`` is a pure function of the sources, the plan, the seed and ``i``.

Nothing is remembered from batch to batch, so any process may make any part of the stream, and a resumed run sees
exactly what an unbroken one would have seen.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from stsun.data import transforms
from stsun.data.batching import Batch, collate
from stsun.data.sample import Sample
from stsun.errors import ExperimentError
from stsun.tasks import TASKS
from stsun.training.sources import Group, Library, Source, with_one_configuration

SIZE_STEP = 16
"""Crops are multiples of this many pixels, the coarsest stride of a model."""
SMALL_IMAGES = 4
"""How many more samples a batch of small images may have: a few hundred labelled pixels make a poor gradient."""
UPDATE_DOMAIN, BATCH_DOMAIN = 0, 1
"""Keep the random numbers of updates and of batches apart."""
METADATA_DROP = 0.1
"""How often a batch is told no GSD, no days, or no bandwidths; each by itself."""


@dataclass(frozen=True)
class Augmentation:
    """Which augmentations the stream applies; all of them by default."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    dihedral: bool = True
    scale_jitter: bool = True
    radiometric_jitter: bool = True
    time_swap: bool = True
    drop_dates: bool = True
    drop_bands: bool = True
    drop_metadata: bool = True


NO_AUGMENTATION = Augmentation(False, False, False, False, False, False, False)
"""Random crops only."""


@dataclass(frozen=True)
class StreamPlan:
    """How samples become batches.

    Args:
        crop: Largest side of a training window in pixels.
        batch_size: Samples of a batch: fewer where it would have more pixels than pairs of full crops have, up to
            ``SMALL_IMAGES`` times as many of images smaller than a crop.
        accumulate: Batches of one update; their sources are drawn together, so that each update mixes tasks.
        max_dates: Longest series; longer ones lose random dates.
        power: A source with n samples is drawn with probability ~ n^power.
        augment: Switches of the augmentations.
        cache_gb: Decoded samples are kept in memory up to this many gigabytes.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    crop: int = 256
    batch_size: int = 4
    accumulate: int = 8
    max_dates: int = 12
    power: float = 0.5
    augment: Augmentation = field(default_factory=Augmentation)
    cache_gb: float = 4.0

    def __post_init__(self) -> None:
        for name, least in (("crop", SIZE_STEP), ("batch_size", 1), ("accumulate", 1), ("max_dates", 2)):
            if getattr(self, name) < least:
                raise ExperimentError(f"stream.{name} is {getattr(self, name)}, expected at least {least}")
        if not 0 <= self.cache_gb <= 1e9:
            raise ExperimentError(f"stream.cache_gb is {self.cache_gb:g}, expected gigabytes; 0 keeps no sample")
        if not 0 <= self.power <= 1:
            raise ExperimentError(f"stream.power is {self.power:g}, expected 0 (sources alike) to 1 (samples alike)")


class TrainingStream(Dataset[Batch]):
    """Batches without end, read by index.

    Args:
        sources: Where samples come from.
        plan: How they become batches.
        seed: Of all that is drawn.

    Raises:
        ExperimentError: There is no source, or one of them has no sample.
    """

    def __init__(self, sources: Sequence[Source], plan: StreamPlan, *, seed: int = 0) -> None:
        if not sources:
            raise ExperimentError("there is nothing to train on; list data sets or simulations under `data`")
        self.plan = plan
        self.seed = seed
        ordered = sorted(sources, key=lambda source: list(TASKS).index(source.task))
        self.library = Library(ordered, crop=plan.crop, budget_bytes=int(plan.cache_gb * 1e9))
        self.probabilities = self._probabilities()

    def _probabilities(self) -> NDArray[np.float64]:
        numbered = enumerate(self.library.sources)
        shares = [source.weight * self.library.count(number) ** self.plan.power for number, source in numbered]
        return np.array(shares, dtype=np.float64) / np.float64(sum(shares))

    def source_of(self, index: int) -> int:
        """Return which source batch ``index`` is from, as a number in ``library.sources``.

        The batches of one update divide the cumulated probabilities of the sources, ordered by task, into equal parts
        (systematic sampling): a task with a share of at least 1 / accumulate is in every update.
        """
        window, position = divmod(index, self.plan.accumulate)
        rng = np.random.default_rng((self.seed, UPDATE_DOMAIN, window))
        point = (position + rng.uniform()) / self.plan.accumulate
        found = int(np.searchsorted(np.cumsum(self.probabilities), point, side="right"))
        return min(found, len(self.probabilities) - 1)

    def drawn(self, index: int) -> tuple[str, int]:
        """Return the name of the source that batch ``index`` is from, and how many samples it has; nothing is read.

        An endless source may find fewer that can share a batch.
        """
        rng = np.random.default_rng((self.seed, BATCH_DOMAIN, index))
        number = self.source_of(index)
        return self.library.sources[number].name, self._batch_size(self.library.draw_group(number, rng))

    def __getitem__(self, index: int) -> Batch:
        """Return batch ``index``."""
        rng = np.random.default_rng((self.seed, BATCH_DOMAIN, index))
        number = self.source_of(index)
        source = self.library.sources[number]
        samples = with_one_configuration(self._read(number, rng))
        samples = self._choose_dates(samples, rng)
        samples = self._choose_windows(samples, rng)
        samples = [self._jitter(sample, rng) for sample in samples]
        if source.time_swap and self.plan.augment.time_swap and source.task != "segmentation":
            samples = _swap(samples, rng)
        batch = collate(self._forget(samples, rng))
        return replace(batch, ids=tuple(f"{source.name}/{name}" for name in batch.ids))

    def _read(self, number: int, rng: np.random.Generator) -> list[Sample]:
        """Draw samples of one source that can share a batch, without repetition as far as there are enough."""
        group = self.library.draw_group(number, rng)
        wanted = self._batch_size(group)
        if self.library.sources[number].endless:
            return self.library.read_alike(number, group.indices[0], wanted, rng)
        chosen = rng.choice(group.indices, size=wanted, replace=wanted > len(group.indices))
        return [self.library.read(number, int(index)) for index in chosen]

    def _batch_size(self, group: Group) -> int:
        pixels = max(2, min(group.dates, self.plan.max_dates)) * min(self.plan.crop, group.side) ** 2
        affordable = self.plan.batch_size * 2 * self.plan.crop**2 // pixels
        most = self.plan.batch_size * (SMALL_IMAGES if group.side < self.plan.crop else 1)
        return max(1, min(most, affordable, math.ceil(group.crops)))

    def _choose_dates(self, samples: list[Sample], rng: np.random.Generator) -> list[Sample]:
        """Make all series equally long; those of several sensors lose the same dates."""
        first = samples[0].configuration
        most = min(self.plan.max_dates, *(len(sample.images) for sample in samples))
        least = TASKS[first.task].minimum_dates
        drop = self.plan.augment.drop_dates and first.task != "binary_change" and bool(rng.integers(2))
        keep = int(rng.integers(max(least, most // 2), most + 1)) if drop else most
        if first.mixed_sensors:
            kept = transforms.choose_dates(first, len(samples[0].images), keep, rng)
            return [transforms.drop_dates(sample, kept) for sample in samples]
        return [
            transforms.drop_dates(sample, transforms.choose_dates(first, len(sample.images), keep, rng))
            for sample in samples
        ]

    def _choose_windows(self, samples: list[Sample], rng: np.random.Generator) -> list[Sample]:
        """Cut square windows of one size, zoomed by one factor."""
        jitter = self.plan.augment.scale_jitter and bool(rng.integers(2))  # maps are made of unscaled images
        zoom = transforms.draw_zoom(rng) if jitter else 1.0
        longest = max(max(sample.size) for sample in samples) * zoom
        side = min(self.plan.crop, math.ceil(longest / SIZE_STEP) * SIZE_STEP)
        before = max(1, round(side / zoom))
        windows = [transforms.crop(sample, before, before, rng) for sample in samples]
        return [transforms.resize(window, side, side) for window in windows]

    def _jitter(self, sample: Sample, rng: np.random.Generator) -> Sample:
        augment = self.plan.augment
        if augment.dihedral:
            sample = transforms.dihedral(sample, rng)
        return transforms.radiometric_jitter(sample, rng) if augment.radiometric_jitter else sample

    def _forget(self, samples: list[Sample], rng: np.random.Generator) -> list[Sample]:
        """Drop bands (in half of the batches) and metadata, the same for the whole batch."""
        augment = self.plan.augment
        if augment.drop_bands and rng.integers(2):
            kept = _choose_bands(samples[0], rng)
            samples = [transforms.drop_bands(sample, kept) for sample in samples]
        if augment.drop_metadata:
            gsd, days, bandwidths = (bool(draw) for draw in rng.uniform(size=3) < METADATA_DROP)
            samples = [
                transforms.drop_metadata(sample, gsd=gsd, days=days, bandwidths=bandwidths) for sample in samples
            ]
        return samples


def _swap(samples: list[Sample], rng: np.random.Generator) -> list[Sample]:
    """Tell about half of the samples backwards; all or none where the dates have bands of their own."""
    swaps = rng.integers(2, size=len(samples)).astype(bool)
    if samples[0].configuration.mixed_sensors:
        swaps[:] = swaps[0]
    return [transforms.time_swap(sample) if swap else sample for sample, swap in zip(samples, swaps, strict=True)]


def _choose_bands(sample: Sample, rng: np.random.Generator) -> list[tuple[int, ...]]:
    """Return which bands each date keeps; dates of the same sensor keep the same."""
    per_date = sample.configuration.bands_of_dates(len(sample.images))
    chosen = {bands: transforms.choose_bands(bands, rng) for bands in dict.fromkeys(per_date)}
    return [chosen[bands] for bands in per_date]
