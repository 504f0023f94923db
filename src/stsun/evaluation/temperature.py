"""Temperature scaling: one number per task that makes a model as sure as it is right (Guo et al. 2017)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from stsun.data.dataset import open_dataset
from stsun.data.sample import IGNORE, Sample
from stsun.errors import DataError
from stsun.evaluation.calibration import calibration_measures, reliability
from stsun.evaluation.evaluate import Progress, logits_of
from stsun.model.inference import evaluating
from stsun.model.specialise import network_for

MOST_PIXELS = 4_096
"""Of the labelled pixels of one sample at most so many are looked at, drawn at random."""
RANGE = (0.05, 20.0)
"""Temperatures that are looked for."""

Logits = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Calibration:
    """Temperatures, and what they do to the data sets that they were found on.

    Args:
        temperatures: By task; above 1 where the model is surer than it is right.
        data_sets: For each data set its name, split, task, the temperature it would have by itself, and its expected
            calibration error before and after (by the task's).
    """

    temperatures: dict[str, float]
    data_sets: tuple[dict[str, Any], ...]


def calibrate(
    model: nn.Module,
    datasets: Sequence[str | Path],
    split: str = "val",
    *,
    device: str | torch.device | None = None,
    progress: Progress | None = None,
    seed: int = 0,
) -> Calibration:
    """Return a temperature for each task: the median (of logarithms) of those that its data sets have by themselves.

    The median, because a data set that is unlike the others, on which the model is surely wrong, would draw the common
    likelihood far to its side. The model stays as it is: give it the temperatures as ``model.temperatures``.

    Args:
        model: A model from `stsun.load`; its present temperatures play no part.
        datasets: Paths of YAML files. Their split should be one that the model was not trained on.
        split: Name of the split.
        device: Where to compute; None = where the model is.
        progress: Called after each sample of a data set.
        seed: Of the pixels that are drawn.

    Raises:
        DataError: No such split, or no labelled pixel in it.
        CheckpointError: The model gives logits of another shape, or NaN.
    """
    found: dict[str, list[tuple[str, Logits, Labels]]] = {}
    for path in datasets:
        source = open_dataset(path)
        pixels = _pixels(model, source, split, device, progress, np.random.default_rng(seed))
        found.setdefault(source.task, []).append((source.name, *pixels))
    temperatures: dict[str, float] = {}
    told: list[dict[str, Any]] = []
    for task, sets in found.items():
        own = [best_temperature(logits, labels) for _, logits, labels in sets]
        temperatures[task] = float(np.exp(np.median(np.log(own))))
        for temperature, (name, logits, labels) in zip(own, sets, strict=True):
            facts = {"data_set": name, "split": split, "task": task, "temperature": temperature}
            errors = {"ece_before": _ece(logits, labels, 1.0), "ece_after": _ece(logits, labels, temperatures[task])}
            told.append(facts | errors)
    return Calibration(temperatures, tuple(told))


def best_temperature(logits: Logits, labels: Labels) -> float:
    """Return the temperature of least mean negative log-likelihood, between 0.05 and 20.

    It is convex in 1 / T, so its slope, mean(E[z] - z_label), changes its sign once: bisection finds where.

    Args:
        logits: ``N K``.
        labels: ``N``.
    """
    low, high = (1 / bound for bound in reversed(RANGE))
    for _ in range(50):
        middle = (low * high) ** 0.5
        slope = _slope(logits.astype(np.float64), labels, middle)
        low, high = (middle, high) if slope < 0 else (low, middle)
    return float(1 / middle)


def _slope(logits: NDArray[np.float64], labels: Labels, factor: float) -> float:
    expected = (_softmax(logits * factor) * logits).sum(axis=1)
    return float((expected - logits[np.arange(len(labels)), labels]).mean())


def _softmax(logits: NDArray[Any]) -> NDArray[Any]:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def _ece(logits: Logits, labels: Labels, temperature: float) -> float:
    shares = _softmax(logits / np.float32(temperature))
    return float(calibration_measures(reliability(labels, logits.argmax(axis=1), shares.max(axis=1)))["ece"])


def _pixels(
    model: nn.Module, source: Any, split: str, device: Any, progress: Progress | None, random: np.random.Generator
) -> tuple[Logits, Labels]:
    logits: list[Logits] = []
    labels: list[Labels] = []
    records = source.records(split)
    with evaluating(model, device) as used:
        network = network_for(model)
        for done, record in enumerate(records, start=1):
            sample: Sample = source.read(record)
            own, known = _labelled(logits_of(network(sample.configuration), sample, used).numpy(), sample, random)
            logits.append(own)
            labels.append(known)
            if progress is not None:
                progress(done, len(records))
    if not sum(map(len, labels)):
        raise DataError(f"split {split!r} of {source.name!r} has no labelled pixel to calibrate by; choose another")
    return np.concatenate(logits), np.concatenate(labels)


def _labelled(logits: Logits, sample: Sample, random: np.random.Generator) -> tuple[Logits, Labels]:
    """Return logits ``N K`` and labels ``N`` of pixels drawn at random; of a change K = 2, and unchanged has 0."""
    assert sample.labels is not None, "data sets have labels"
    places = np.argwhere(sample.labels != IGNORE)
    if len(places) > MOST_PIXELS:
        places = places[random.choice(len(places), MOST_PIXELS, replace=False)]
    maps, rows, columns = places.T
    chosen = logits[maps, :, rows, columns]
    if sample.configuration.task == "binary_change":
        chosen = np.concatenate([np.zeros_like(chosen), chosen], axis=1)
    return chosen, sample.labels[maps, rows, columns]
