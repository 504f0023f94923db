"""Samples of one configuration stacked into a batch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from stsun.configuration import Configuration
from stsun.data.sample import Sample
from stsun.errors import DataError


@dataclass
class Batch:
    """What one forward pass takes, and the labels it is held against (layout: ``data.sample``).

    Args:
        images: ``B T C H W`` float32; a list of T tensors ``B C_t H W`` where the dates have bands of their own.
        valid: ``B T H W`` bool.
        days: ``B T`` float64, days since 1970-01-01 UTC, NaN = unknown.
        labels: ``B T2 H W`` int64 with 255 = ignore, or None.
        configuration: What all samples share.
        ids: One name per sample, for messages.
    """

    images: Tensor | list[Tensor]
    valid: Tensor
    days: Tensor
    labels: Tensor | None
    configuration: Configuration
    ids: tuple[str, ...]

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> "Batch":
        """Return the same batch with its tensors on ``device``."""

        def move(tensor: Tensor) -> Tensor:
            return tensor.to(device, non_blocking=non_blocking)

        images = [move(image) for image in self.images] if isinstance(self.images, list) else move(self.images)
        labels = None if self.labels is None else move(self.labels)
        return Batch(images, move(self.valid), move(self.days), labels, self.configuration, self.ids)

    def pin_memory(self) -> "Batch":
        """Return the same batch in page-locked memory, from which copies to a GPU need not wait."""
        lists = isinstance(self.images, list)
        images = [image.pin_memory() for image in self.images] if lists else self.images.pin_memory()  # type: ignore[union-attr]
        labels = None if self.labels is None else self.labels.pin_memory()
        return Batch(images, self.valid.pin_memory(), self.days.pin_memory(), labels, self.configuration, self.ids)


BatchKey = tuple[Configuration, int, tuple[int, int], bool]


def batch_key(sample: Sample) -> BatchKey:
    """Return what samples must have in common to share a batch: configuration, dates, size, and having labels."""
    return sample.configuration, len(sample.images), sample.size, sample.labels is not None


def collate(samples: Sequence[Sample]) -> Batch:
    """Return the samples as one batch, in their order.

    Raises:
        DataError: There are none, or two of them differ in configuration, number of dates, size or having labels.
    """
    if not samples:
        raise DataError("a batch needs at least one sample, got none")
    first = samples[0]
    for other in samples[1:]:
        if batch_key(other) != batch_key(first):
            raise DataError(_difference(first, other))
    days = torch.from_numpy(np.stack([sample.days for sample in samples]))
    valid = torch.from_numpy(np.stack([sample.valid for sample in samples]))
    labelled = [sample.labels for sample in samples if sample.labels is not None]
    labels = torch.from_numpy(np.stack(labelled)) if labelled else None
    ids = tuple(sample.id for sample in samples)
    return Batch(_stack_images(samples), valid, days, labels, first.configuration, ids)


def group_by_configuration(samples: Sequence[Sample]) -> list[list[Sample]]:
    """Return the samples in groups that can be collated; groups and their members keep the order given."""
    groups: dict[BatchKey, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(batch_key(sample), []).append(sample)
    return list(groups.values())


def _stack_images(samples: Sequence[Sample]) -> Tensor | list[Tensor]:
    dates = [np.stack(images) for images in zip(*(sample.images for sample in samples), strict=True)]
    if samples[0].configuration.mixed_sensors:
        return [torch.from_numpy(date) for date in dates]
    return torch.from_numpy(np.stack(dates, axis=1))


def _difference(first: Sample, other: Sample) -> str:
    names = ("configuration", "number of dates", "size", "having labels")
    pairs = zip(names, batch_key(first), batch_key(other), strict=True)
    name, left, right = next(pair for pair in pairs if pair[1] != pair[2])
    return (
        f"samples {first.id!r} and {other.id!r} cannot share a batch: {name} is {left} in one and {right} in the "
        "other; group them first with group_by_configuration"
    )
