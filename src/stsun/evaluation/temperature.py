"""Temperature scaling: numbers that make a model as sure as it is right (Guo et al. 2017)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from stsun.data.dataset import DataSet, open_dataset
from stsun.data.sample import IGNORE, Sample
from stsun.errors import DataError
from stsun.evaluation.calibration import calibration_measures, reliability
from stsun.evaluation.evaluate import Progress, logits_of
from stsun.model.inference import evaluating
from stsun.model.specialise import network_for
from stsun.model.temperatures import key_of

MOST_PIXELS = 4_096
"""Of the labelled pixels of one sample at most so many are looked at, drawn at random."""
RANGE = (0.05, 20.0)
"""Temperatures that are looked for."""
HELD_BY_TASK = 1.0
"""As how many samples the temperature of the task counts beside those of one set of categories."""

Logits = NDArray[np.float32]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Calibration:
    """Temperatures, and what they do to the data sets that they were found on.

    Args:
        temperatures: By task, and by task and categories (`stsun.model.temperatures.key_of`); above 1 where the model
            is surer than it is right.
        data_sets: For each data set its name, split, task, the temperature it would have by itself, the one that it
            gets, and its expected calibration error before, by the task's temperature alone, and after.
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
    """Return a temperature for each task, and one for each set of categories that a data set has.

    A task's is the median (of logarithms) of those that its data sets have by themselves: a data set that is unlike the
    others, on which the model is surely wrong, would draw the common likelihood far to its side. Categories have the
    mean (of logarithms) over the samples of their data sets, where the task's counts as one sample more: few samples
    say little. The model stays as it is: give it the temperatures as ``model.temperatures``.

    Args:
        model: A model from `stsun.load`; its present temperatures play no part.
        datasets: Paths of YAML files. Their split should be one that the model was not trained on.
        split: Name of the split.
        device: Where to compute; None = where the model is.
        progress: Called after each sample of a data set.
        seed: Of the pixels that are drawn.

    Raises:
        DataError: A data set is named twice, has no such split, or no labelled pixel in it.
        CheckpointError: The model gives logits of another shape, or NaN.
    """
    places = [Path(path).resolve() for path in datasets]
    for path, place in zip(datasets, places, strict=True):
        if places.count(place) > 1:
            raise DataError(f"{path} is named more than once, and would count as often; name it once")
    found = [
        labelled_pixels(model, open_dataset(path), split, device=device, progress=progress, seed=seed)
        for path in datasets
    ]
    temperatures = temperatures_of(found)
    return Calibration(temperatures, tuple(_told(each, split, temperatures) for each in found))


@dataclass(frozen=True)
class Drawn:
    """Labelled pixels that were drawn, and what a model says of them.

    Args:
        logits: ``N K``; of a change K = 2, unchanged has 0.
        labels: ``N``.
        each: ``N``, how many labelled pixels each one stands for, so that a sample counts as it does in other scores.
    """

    logits: Logits
    labels: Labels
    each: NDArray[np.float64]


@dataclass(frozen=True)
class Pixels:
    """Labelled pixels of a split of a data set.

    Args:
        name: Of the data set.
        task: Its task.
        key: Its task and categories (`stsun.model.temperatures.key_of`).
        samples: What was drawn from each sample that has labels.
    """

    name: str
    task: str
    key: str
    samples: tuple[Drawn, ...]

    @cached_property
    def together(self) -> Drawn:
        """What was drawn from all samples."""
        parts = ((one.logits, one.labels, one.each) for one in self.samples)
        return Drawn(*(np.concatenate(same) for same in zip(*parts, strict=True)))

    @cached_property
    def own(self) -> float:
        """The temperature that they would have by themselves."""
        return best_temperature(self.together)


def temperatures_of(found: Sequence[Pixels], *, held: float = HELD_BY_TASK) -> dict[str, float]:
    """Return the temperatures of tasks, and of tasks and categories, by the rule that `calibrate` tells.

    Args:
        found: Pixels of data sets.
        held: As how many samples the task's temperature counts.
    """
    temperatures: dict[str, float] = {}
    for task in dict.fromkeys(each.task for each in found):
        temperatures[task] = float(np.exp(np.median([np.log(each.own) for each in found if each.task == task])))
    for key, task in dict.fromkeys((each.key, each.task) for each in found):
        same = [each for each in found if each.key == key]
        values = [temperatures[task], *(each.own for each in same)]
        weights = [held, *(len(each.samples) for each in same)]
        temperatures[key] = float(np.exp(np.average(np.log(values), weights=weights)))
    return temperatures


def _told(pixels: Pixels, split: str, temperatures: Mapping[str, float]) -> dict[str, Any]:
    by = {"before": 1.0, "by_task": temperatures[pixels.task], "after": temperatures[pixels.key]}
    facts = {"data_set": pixels.name, "split": split, "task": pixels.task, "temperature": pixels.own}
    errors = {f"ece_{when}": calibration_error(pixels.together, one) for when, one in by.items()}
    return {**facts, "applied": temperatures[pixels.key], **errors}


def best_temperature(drawn: Drawn) -> float:
    """Return the temperature of least mean negative log-likelihood, between 0.05 and 20.

    It is convex in 1 / T, so its slope, mean(E[z] - z_label), changes its sign once: bisection finds where.
    """
    low, high = (1 / bound for bound in reversed(RANGE))
    for _ in range(50):
        middle = (low * high) ** 0.5
        slope = _slope(drawn, middle)
        low, high = (middle, high) if slope < 0 else (low, middle)
    return float(1 / middle)


def _slope(drawn: Drawn, factor: float) -> float:
    logits = drawn.logits.astype(np.float64)
    expected = (_softmax(logits * factor) * logits).sum(axis=1)
    told = logits[np.arange(len(logits)), drawn.labels]
    return float(np.average(expected - told, weights=drawn.each))


def _softmax(logits: NDArray[Any]) -> NDArray[Any]:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def calibration_error(drawn: Drawn, temperature: float) -> float:
    """Return the expected calibration error, 0 to 1, of logits divided by a temperature."""
    return float(calibration_measures(reliability_at(drawn, temperature))["ece"])


def reliability_at(drawn: Drawn, temperature: float) -> NDArray[np.float64]:
    """Return the bins of `stsun.evaluation.calibration.reliability` at a temperature."""
    shares = _softmax(drawn.logits / np.float32(temperature))
    return reliability(drawn.labels, drawn.logits.argmax(axis=1), shares.max(axis=1), drawn.each)


def labelled_pixels(
    model: nn.Module,
    source: DataSet,
    split: str,
    *,
    device: str | torch.device | None = None,
    progress: Progress | None = None,
    seed: int = 0,
) -> Pixels:
    """Return labelled pixels of a split, of each sample at most ``MOST_PIXELS``; arguments are those of `calibrate`.

    Raises:
        DataError: No such split, or no labelled pixel in it.
        CheckpointError: The model gives logits of another shape, or NaN.
    """
    random = np.random.default_rng(seed)
    samples: list[Drawn] = []
    records = source.records(split)
    with evaluating(model, device) as used:
        network = network_for(model)
        for done, record in enumerate(records, start=1):
            sample: Sample = source.read(record)
            drawn = _drawn(logits_of(network(sample.configuration), sample, used).numpy(), sample, random)
            samples += [drawn] * bool(len(drawn.labels))
            if progress is not None:
                progress(done, len(records))
    if not samples:
        raise DataError(f"split {split!r} of {source.name!r} has no labelled pixel to calibrate by; choose another")
    return Pixels(source.name, source.task, key_of(sample.configuration), tuple(samples))


def _drawn(logits: Logits, sample: Sample, random: np.random.Generator) -> Drawn:
    """Return labelled pixels drawn at random, in their order."""
    assert sample.labels is not None, "data sets have labels"
    places = np.argwhere(sample.labels != IGNORE)
    count = len(places)
    if count > MOST_PIXELS:
        places = places[np.sort(random.choice(count, MOST_PIXELS, replace=False))]
    maps, rows, columns = places.T
    chosen = logits[maps, :, rows, columns]
    if sample.configuration.task == "binary_change":
        chosen = np.concatenate([np.zeros_like(chosen), chosen], axis=1)
    return Drawn(chosen, sample.labels[maps, rows, columns], np.full(len(places), count / max(1, len(places))))
