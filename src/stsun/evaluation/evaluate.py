"""Scores of a model on a split of a data set: read, predict without labels, count, summarise."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from stsun.data.batching import collate
from stsun.data.dataset import DataSet, open_dataset
from stsun.data.sample import IGNORE, Sample
from stsun.errors import CheckpointError, DataError
from stsun.evaluation.areas import mapped_m2
from stsun.evaluation.summary import Tally, scored_names, summarise, tally
from stsun.model.inference import evaluating, within_memory
from stsun.model.specialise import network_for
from stsun.model.temperatures import temperature_for
from stsun.tasks import check_task

Predictor = Callable[[Sample], NDArray[np.int64]]
"""From an unlabelled sample to its maps ``T2 H W`` of category indices (binary change: 0 or 1)."""
Progress = Callable[[int, int], object]
"""Told (samples done, samples in all) after each sample."""


@dataclass(frozen=True)
class Answer:
    """What is predicted for one sample.

    Args:
        maps: ``T2 H W`` category indices (binary change: 0 or 1).
        confidence: ``T2 H W`` float32, 0..1: the probability of what the maps show; None = not told.
    """

    maps: NDArray[np.int64]
    confidence: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Judged:
    """One sample as it was scored.

    Args:
        sample: With its labels.
        maps: The predicted maps ``T2 H W``.
        counts: What was counted of it.
    """

    sample: Sample
    maps: NDArray[np.int64]
    counts: Tally


Watch = Callable[[Judged], object]
"""Told each sample once it is scored. Who keeps them all keeps a whole data set in memory."""


def evaluate(
    model: nn.Module,
    dataset: str | Path | DataSet,
    split: str = "test",
    *,
    task: str | None = None,
    device: str | torch.device | None = None,
    progress: Progress | None = None,
    watch: Watch | None = None,
    seed: int = 0,
    legend: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, Any]:
    """Return the scores of a model on one split, JSON-able, each with a bootstrap 95 % interval over samples.

    Args:
        model: Takes images, valid, days and configuration, gives logits ``B T2 K H W``.
        dataset: Path of its YAML file, or an open data set.
        split: Name of the split.
        task: None = the data set's own. A semantic change data set may be scored as ``binary_change``: changed where
            the category differs between consecutive dates.
        device: Where to compute; None = where the model is. The model goes back afterwards.
        progress: Called after each sample.
        watch: Gets each sample with its maps, such as `stsun.report.gallery.Gallery`.
        seed: Of the bootstrap.
        legend: What categories of the data set are to the model, where it knows them by other names, or in parts:
            ``{"vegetation": ["forest", "grassland"]}``.

    Returns:
        What ``summary.summarise`` lists, and ``data_set``, ``split``, ``model``, ``seconds``; ``temperature``, if the
        model has one for the categories or the task.

    Raises:
        DataError: No such split, no labels, or labels that do not fit the task.
        CheckpointError: The model gives logits of another shape, or NaN.
        ConfigurationError: This machine has no such device.
    """
    temperatures: Mapping[str, float] = getattr(model, "temperatures", {})
    told: dict[str, float] = {}
    with evaluating(model, device) as used:
        network = network_for(model)

        def predict(sample: Sample) -> Answer:
            if legend is not None:
                sample = replace(sample, configuration=replace(sample.configuration, merged=legend))
            temperature = temperature_for(temperatures, sample.configuration)
            if temperature is not None:
                told["temperature"] = temperature
            return answer(network(sample.configuration), sample, used, temperature=temperature or 1.0)

        scores = _evaluate(
            predict,
            dataset,
            split,
            task=task,
            progress=progress,
            watch=watch,
            seed=seed,
        )
    return {"model": str(getattr(model, "name", type(model).__name__)), **scores, **told}


def evaluate_predictor(
    predictor: Predictor,
    dataset: str | Path | DataSet,
    split: str = "test",
    *,
    task: str | None = None,
    progress: Progress | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Return the scores of anything that turns a sample into maps: a baseline, or a model run tile by tile.

    Args:
        predictor: Gets each sample without its labels.
        dataset: Path of its YAML file, or an open data set.
        split: Name of the split.
        task: As in ``evaluate``.
        progress: Called after each sample.
        seed: Of the bootstrap.

    Raises:
        DataError: As in ``evaluate``.
    """
    return _evaluate(
        lambda sample: Answer(predictor(sample)), dataset, split, task=task, progress=progress, watch=None, seed=seed
    )


def _evaluate(
    predict: Callable[[Sample], Answer],
    dataset: str | Path | DataSet,
    split: str,
    *,
    task: str | None,
    progress: Progress | None,
    watch: Watch | None,
    seed: int,
) -> dict[str, Any]:
    source = open_dataset(dataset) if isinstance(dataset, str | Path) else dataset
    started = time.perf_counter()
    records = source.records(split)
    if not records:
        raise DataError(f"split {split!r} of {source.name!r} holds no samples; add ids to its list, or score another")
    tallies: list[Tally] = []
    names: tuple[str, ...] = ()
    for done, record in enumerate(records, start=1):
        sample = as_task(source.read(record), task)
        if sample.labels is None:
            raise DataError(
                f"sample {sample.id!r} of {source.name!r} has no labels; only labelled splits can be scored"
            )
        names = scored_names(sample.configuration)
        found = predict(replace(sample, labels=None))
        counts = tally(sample.configuration.task, sample.classes, sample.labels, found.maps, found.confidence)
        counts = replace(counts, mapped_m2=mapped_m2(sample, found.maps))
        tallies.append(counts)
        if watch is not None:
            watch(Judged(sample, found.maps, counts))
        if progress is not None:
            progress(done, len(records))
    scores = summarise(task or source.task, names, tallies, seed=seed)
    return {"data_set": source.name, "split": split, "seconds": time.perf_counter() - started, **scores}


def as_task(sample: Sample, task: str | None) -> Sample:
    """Return the sample as another task asks for it; None or its own task returns it as it is.

    Raises:
        ConfigurationError: There is no such task.
        DataError: The labels of the sample cannot answer that task.
    """
    own = sample.configuration.task
    if task is None or check_task(task).name == own:
        return sample
    if (own, task) != ("semantic_change", "binary_change"):
        raise DataError(
            f"labels for {own} cannot score {task}; leave the task out, or give a data set made for it "
            "(only semantic_change labels can also score binary_change)"
        )
    labels = None if sample.labels is None else _changed(sample.labels)
    return replace(sample, labels=labels, configuration=replace(sample.configuration, task=task, categories=()))


def predict_sample(model: nn.Module, sample: Sample, device: torch.device) -> NDArray[np.int64]:
    """Return the maps of ``answer``."""
    return answer(model, sample, device).maps


def answer(model: nn.Module, sample: Sample, device: torch.device, *, temperature: float = 1.0) -> Answer:
    """Return the model's maps of one sample, computed whole: the best category, or logit > 0 for a change.

    Args:
        model: In evaluation mode, on ``device``.
        sample: Its labels are not read.
        device: Where to compute.
        temperature: What logits are divided by before they become confidence; the maps do not depend on it.

    Raises:
        CheckpointError: See ``logits_of``.
    """
    logits = logits_of(model, sample, device)
    cooled = logits / temperature
    if sample.configuration.task == "binary_change":
        confidence = cooled[:, 0].abs().sigmoid()  # T2 H W
    else:
        confidence = (cooled.amax(dim=1) - cooled.logsumexp(dim=1)).exp()  # the softmax of the best one
    return Answer(maps_of(logits, sample.configuration.task).numpy(), confidence.numpy())


def maps_of(logits: Tensor, task: str) -> Tensor:
    """Return maps ``... H W`` int64 of logits ``... K H W``: category indices, of a binary change 0 or 1."""
    return (logits[..., 0, :, :] > 0).long() if task == "binary_change" else logits.argmax(dim=-3)


@torch.inference_mode()
def logits_of(model: nn.Module, sample: Sample, device: torch.device) -> Tensor:
    """Return the model's logits of one sample, ``T2 K H W`` float32 on the CPU; its labels are not read.

    Raises:
        CheckpointError: They are NaN, or not ``1 T2 K H W`` for this sample.
        ConfigurationError: The sample does not fit into the device's memory.
    """
    height, width = sample.size
    whole = f"sample {sample.id!r} of {height} x {width} pixels at {len(sample.images)} dates"
    with within_memory(whole, device, "cut it into smaller samples, or take another device (--device cpu)"):
        batch = collate([replace(sample, labels=None)]).to(device)
        logits: Tensor = model(batch.images, batch.valid, batch.days, batch.configuration)
    binary = sample.configuration.task == "binary_change"
    expected = (1 if binary else len(sample.configuration.categories), *sample.size)
    if logits.ndim != 5 or logits.shape[0] != 1 or tuple(logits.shape[2:]) != expected:
        raise CheckpointError(
            f"sample {sample.id!r}: the model gave logits of shape {tuple(logits.shape)}, expected 1 T2 {expected}; "
            "this model does not follow the interface B T2 K H W"
        )
    if logits.isnan().any():
        raise CheckpointError(f"sample {sample.id!r}: the model's logits are NaN; its weights are damaged, train again")
    return logits[0].float().cpu()


def _changed(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    before, after = labels[:-1], labels[1:]
    changed: NDArray[np.int64] = np.not_equal(before, after).astype(np.int64)
    changed[(before == IGNORE) | (after == IGNORE)] = IGNORE
    return changed
