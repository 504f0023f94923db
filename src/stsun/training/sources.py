"""Where training samples come from, grouped by what can share a batch and kept in memory as far as it reaches."""

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from stsun.configuration import Configuration
from stsun.data.sample import Sample
from stsun.errors import DataError, ExperimentError

SAME_GSD = 1.02
"""Ground sample distances within this ratio count as one, as in the reader: they may share a batch."""
TRIES_PER_SAMPLE = 4


@dataclass(frozen=True)
class Source:
    """Samples of one data set or one kind of simulation.

    Args:
        name: Unique in an experiment.
        task: The task of all its samples.
        length: How many samples ``read`` knows.
        read: From an index below ``length`` to a labelled sample; the same index gives the same sample.
        weight: Factor on the probability to be drawn.
        time_swap: Whether a change may be told backwards. Not for events such as a flood, whose reverse is another.
        endless: Samples are made rather than stored: none is kept, and only the first is looked at beforehand.
        counts_as: How many samples it counts as when sources are drawn; None = as many as it has.
    """

    name: str
    task: str
    length: int
    read: Callable[[int], Sample]
    weight: float = 1.0
    time_swap: bool = True
    endless: bool = False
    counts_as: float | None = None


def memory_source(name: str, samples: Sequence[Sample], *, weight: float = 1.0) -> Source:
    """Return samples that are in memory already as a source.

    Raises:
        ExperimentError: There are none.
    """
    if not samples:
        raise ExperimentError(f"source {name!r} has no samples; give at least one")
    return Source(name, samples[0].configuration.task, len(samples), list(samples).__getitem__, weight)


@dataclass(frozen=True)
class Group:
    """Samples of one source that can share a batch.

    Args:
        indices: Which samples of the source.
        dates: The shortest series among them.
        side: The longest side of any of them in pixels.
        crops: How many windows they count as: their number, or their area in full crops where that is more.
    """

    indices: tuple[int, ...]
    dates: int
    side: int
    crops: float


class Library:
    """The samples of all sources, looked at once: grouped, and cached in the order of the sources.

    Args:
        sources: The sources.
        crop: Side of a full crop in pixels.
        budget_bytes: Decoded samples beyond this are read again whenever they are drawn.

    Attributes:
        configurations: All configurations met, in the order of the sources.

    Raises:
        ExperimentError: A source is empty or its weight is not positive.
        DataError: A sample cannot be read, has no labels, or is of another task than its source.
    """

    def __init__(self, sources: Sequence[Source], *, crop: int, budget_bytes: int) -> None:
        self.sources = tuple(sources)
        self._crop = crop
        self._free_bytes = budget_bytes
        self._cache: dict[tuple[int, int], Sample] = {}
        self.configurations: dict[Configuration, None] = {}
        self._groups = [self._survey(number) for number in range(len(self.sources))]

    def count(self, number: int) -> float:
        """Return how many samples a source counts as: one large scene counts as its crops."""
        counts_as = self.sources[number].counts_as
        return sum(group.crops for group in self._groups[number]) if counts_as is None else counts_as

    def draw_group(self, number: int, rng: np.random.Generator) -> Group:
        """Return one group of a source, drawn by what it counts as; of an endless source, one random sample."""
        groups, source = self._groups[number], self.sources[number]
        if source.endless:
            return replace(groups[0], indices=(int(rng.integers(source.length)),))
        shares = np.array([group.crops for group in groups])
        return groups[int(rng.choice(len(groups), p=shares / shares.sum()))]

    def read(self, number: int, index: int) -> Sample:
        """Return one sample, from memory where it is there."""
        kept = self._cache.get((number, index))
        return kept if kept is not None else _checked(self.sources[number], index)

    def read_alike(self, number: int, first: int, wanted: int, rng: np.random.Generator) -> list[Sample]:
        """Return up to ``wanted`` samples of an endless source that can share a batch with the sample ``first``."""
        samples = [self.read(number, first)]
        for _ in range(TRIES_PER_SAMPLE * wanted):
            if len(samples) >= wanted:
                break
            other = self.read(number, int(rng.integers(self.sources[number].length)))
            if _group_key(other) == _group_key(samples[0]):
                samples.append(other)
        return samples

    def _survey(self, number: int) -> list[Group]:
        """Read a source once: keep what there is room for, and note what can share a batch."""
        source = self.sources[number]
        if source.length < 1 or source.weight <= 0:
            raise ExperimentError(
                f"source {source.name!r} has {source.length} samples and weight {source.weight:g}; "
                "expected at least one sample and a positive weight, or leave it out"
            )
        if source.endless:
            probe = _checked(source, 0)
            self.configurations[probe.configuration] = None
            return [Group((0,), len(probe.images), max(probe.size), source.length)]
        members: dict[Hashable, list[tuple[int, int, tuple[int, int]]]] = {}
        for index in range(source.length):
            sample = _checked(source, index)
            self._keep(number, index, sample)
            self.configurations[sample.configuration] = None
            members.setdefault(_group_key(sample), []).append((index, len(sample.images), sample.size))
        return [self._group(rows) for rows in members.values()]

    def _group(self, rows: Sequence[tuple[int, int, tuple[int, int]]]) -> Group:
        indices, dates, sizes = zip(*rows, strict=True)
        area = sum(height * width for height, width in sizes)
        return Group(indices, min(dates), max(map(max, sizes)), max(len(indices), area / self._crop**2))

    def _keep(self, number: int, index: int, sample: Sample) -> None:
        arrays = [*sample.images, sample.valid, sample.days, *([] if sample.labels is None else [sample.labels])]
        size = sum(array.nbytes for array in arrays)
        if size <= self._free_bytes:
            self._free_bytes -= size
            self._cache[number, index] = sample


def with_one_configuration(samples: Sequence[Sample]) -> list[Sample]:
    """Return samples of one group with the first one's configuration: their GSD may differ by a hair."""
    return [replace(sample, configuration=samples[0].configuration) for sample in samples]


def _checked(source: Source, index: int) -> Sample:
    sample = source.read(index)
    if sample.labels is None:
        raise DataError(f"sample {sample.id!r} of {source.name!r} has no labels; training needs a labelled split")
    if sample.configuration.task != source.task:
        raise DataError(f"sample {sample.id!r} of {source.name!r} is a {sample.configuration.task}, not {source.task}")
    return sample


def _group_key(sample: Sample) -> Hashable:
    """Return what samples must share before augmentation; the number of dates only if each has bands of its own."""
    configuration: Configuration = sample.configuration
    gsd_m = configuration.gsd_m
    step = None if gsd_m is None else round(math.log(gsd_m) / math.log(SAME_GSD))
    return replace(configuration, gsd_m=None), step, len(sample.images) if configuration.mixed_sensors else None
