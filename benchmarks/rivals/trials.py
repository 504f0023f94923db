"""One network trained on one data set, or on several together, and scored: the same way for rivals and for STSUN."""

import json
import time
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

import roster
from costing import cost_on
from rival import Port, port_of
from stsun.bench.flops import count_gflops
from stsun.data.batching import collate
from stsun.data.dataset import DataSet, open_dataset
from stsun.evaluation.evaluate import Judged, evaluate
from stsun.model.checkpoint import load, read_card
from stsun.model.config import named_config
from stsun.training.experiment import samples_seen, sources_of
from stsun.training.fit import LAST, fit
from stsun.training.plan import Experiment
from stsun.training.stream import TrainingStream
from stsun.training.vocabulary import start_model, vocabulary_of
from tables import samples_told

OURS, SHIPPED = "stsun", "shipped"
PLAN, WEIGHTS, RESULT = "plan.json", "weights.safetensors", "result-{}.json"
JOINT = "joint"
"""The part of all data sets together."""
VALIDATION = "validation"
"""Not a split's name, but the one that each data set of the experiment names for validation."""


@dataclass(frozen=True)
class Part:
    """What a network is trained on at once.

    Args:
        name: Of the data set, or ``joint``.
        experiment: With only these data sets.
        ports: What each of them brings and asks for.
    """

    name: str
    experiment: Experiment
    ports: tuple[Port, ...]


@dataclass(frozen=True)
class Result:
    """What one network reached on one data set.

    Args:
        data_set: Its name.
        task: Of the data set.
        network: ``stsun``, a rival's name, or ``shipped`` for a checkpoint that was trained elsewhere.
        joint: Whether it was trained on several data sets together.
        seed: Of weights, samples and augmentation.
        learning_rate: The peak.
        updates: Of the training, for all its data sets together.
        samples_seen: Of this data set in training, repetitions counted.
        minutes: Of the training; of its last part if it was stopped in between.
        parameters: Of the network, for all its data sets together.
        gflops: Of one forward pass of the first sample that was scored.
        est_ms: Of the same (see `stsun.bench.clock.Times`).
        peak_mb: Of the same, the largest resident memory of a process that does nothing else.
        score: The headline metric on the split; None = undefined.
        matrices: The confusion matrix of each of its samples.
    """

    data_set: str
    task: str
    network: str
    joint: bool
    seed: int
    learning_rate: float
    updates: int
    samples_seen: int
    minutes: float
    parameters: int
    gflops: float
    est_ms: float
    peak_mb: float
    score: float | None
    matrices: list[list[list[int]]]


def parts_of(experiment: Experiment, only: Collection[str] | None, *, joint: bool) -> list[Part]:
    """Return each data set of an experiment by itself, and all of them together.

    Args:
        experiment: Its ``steps`` are those for one data set; all together take the sum.
        only: Names of the data sets that count; None = all.
        joint: Whether there is a part of all data sets together, last.

    Raises:
        SystemExit: There is a simulation, or a data set without a validation split, which could not be scored; or a
            name is of none.
    """
    parts = []
    for entry in experiment.data:
        if entry.dataset is None or entry.validation is None:
            raise SystemExit("each entry under `data` needs a dataset and its validation split, to be scored on")
        name = open_dataset(entry.dataset).name
        if only is None or name in only:
            alone = replace(experiment, data=(entry,))
            parts.append(Part(name, alone, ports_of(stream_of(alone))))
    if absent := set(only or ()) - {part.name for part in parts}:
        raise SystemExit(f"the experiment has no data set named {', '.join(sorted(absent))}")
    if joint and len(parts) > 1:
        entries = tuple(entry for part in parts for entry in part.experiment.data)
        together = replace(experiment, data=entries, steps=experiment.steps * len(entries))
        parts.append(Part(JOINT, together, tuple(port for part in parts for port in part.ports)))
    return parts


def trial(
    network: str, experiment: Experiment, folder: Path, *, metrics: Mapping[str, str], split: str = VALIDATION
) -> list[Result]:
    """Train a network on the experiment's data sets, and score it on a split of each one.

    What is in its folder is not done again: a training that was stopped goes on.

    Args:
        network: ``stsun`` or a rival's name.
        experiment: All that decides the result, but for the network.
        folder: Of this trial.
        metrics: The headline metric of each task.
        split: The split to score, or ``VALIDATION``.

    Raises:
        SystemExit: The folder is of a trial with another experiment.
    """
    keep_plan(network, experiment, folder)
    kept = folder / RESULT.format(split)
    if kept.is_file():
        return [Result(**entry) for entry in json.loads(kept.read_text(encoding="utf-8"))]
    stream = stream_of(experiment)
    model, minutes = trained(network, experiment, stream, folder)
    seen = samples_seen(stream, experiment.steps * experiment.stream.accumulate)
    told = {
        "network": network, "joint": len(experiment.data) > 1, "seed": experiment.seed, "minutes": minutes,
        "learning_rate": experiment.optimiser.learning_rate, "updates": experiment.steps,
    }  # fmt: skip
    results = results_on(experiment, model, seen, metrics, split, **told)
    kept.write_text(json.dumps([asdict(result) for result in results]), encoding="utf-8")
    return results


def trained(network: str, experiment: Experiment, stream: TrainingStream, folder: Path) -> tuple[nn.Module, float]:
    """Return a network trained on a stream, and the minutes it took; from its folder if that has been done."""
    model = network_of(network, experiment, stream)
    weights = folder / WEIGHTS
    if not weights.is_file():
        started = time.perf_counter()
        fit(model, stream, experiment, folder, resume=(folder / LAST).is_file())
        minutes = round((time.perf_counter() - started) / 60, 2)
        state = {name: value.contiguous() for name, value in model.state_dict().items()}
        save_file(state, weights, metadata={"minutes": str(minutes)})
    with safe_open(weights, "pt") as file:
        model.load_state_dict({name: file.get_tensor(name) for name in file.keys()})
        return model, float(file.metadata()["minutes"])


def of_checkpoint(
    checkpoint: Path, experiment: Experiment, *, metrics: Mapping[str, str], split: str = VALIDATION
) -> list[Result]:
    """Return what a checkpoint that was trained elsewhere reaches on the data sets of an experiment.

    Its samples are paired with those of trials of the experiment's seed; samples seen are those that its card tells.
    """
    told = {
        "network": SHIPPED,
        "joint": True,
        "seed": experiment.seed,
        "minutes": 0.0,
        "learning_rate": 0.0,
        "updates": 0,
    }
    return results_on(experiment, load(checkpoint), samples_told(read_card(checkpoint)), metrics, split, **told)


def results_on(
    experiment: Experiment,
    model: nn.Module,
    seen: Mapping[str, int],
    metrics: Mapping[str, str],
    split: str,
    **told: Any,
) -> list[Result]:
    """Return the result of a model on a split of each data set; ``told`` is what they have in common."""
    results = []
    for entry in experiment.data:
        dataset = open_dataset(str(entry.dataset))
        own = str(entry.validation) if split == VALIDATION else split
        found = scored(model, dataset, own, metrics[dataset.task])
        results.append(Result(**told, samples_seen=seen[dataset.name], **found))
    return results


def keep_plan(network: str, experiment: Experiment, folder: Path) -> None:
    """Write the experiment, and the design if it is STSUN, into the folder of its trial; or compare with what is there.

    Raises:
        SystemExit: They differ: other settings, or a design that has changed since.
    """
    plan, model = folder / PLAN, experiment.model
    content = asdict(experiment)
    del content["output"]  # a trial has a folder of its own
    if network == OURS and model.size is not None:
        content["design"] = asdict(named_config(model.size, ("any",), **model.options))
    text = json.dumps(content, indent=1)
    if plan.is_file() and plan.read_text(encoding="utf-8") != text:
        raise SystemExit(f"{folder} is of a trial with other settings ({PLAN}); give another --output, or remove it")
    folder.mkdir(parents=True, exist_ok=True)
    plan.write_text(text, encoding="utf-8")


def stream_of(experiment: Experiment) -> TrainingStream:
    """Return the training batches of an experiment on data sets."""
    datasets = {str(entry.dataset): open_dataset(str(entry.dataset)) for entry in experiment.data}
    return TrainingStream(sources_of(experiment, datasets), experiment.stream, seed=experiment.seed)


def ports_of(stream: TrainingStream) -> tuple[Port, ...]:
    """Return what each data set of a stream brings and asks for, from its training split."""
    library = stream.library
    return tuple(
        port_of(library.read(number, index) for index in range(source.length))
        for number, source in enumerate(library.sources)
    )


def network_of(network: str, experiment: Experiment, stream: TrainingStream) -> nn.Module:
    """Return an untrained network for the data sets of a stream."""
    if network == OURS:
        vocabulary = vocabulary_of(stream.library.configurations)
        return start_model(experiment.model, vocabulary, seed=experiment.seed)
    return roster.build(network, ports_of(stream), window=experiment.stream.crop, seed=experiment.seed)


def scored(model: nn.Module, dataset: DataSet, split: str, metric: str) -> dict[str, Any]:
    """Return the score of a model on a split, the confusion matrix of each of its samples, and what the first costs."""
    matrices: list[Any] = []

    def keep(judged: Judged) -> None:
        matrices.append(judged.counts.full.tolist())

    score = evaluate(model, dataset, split, watch=keep)[metric]
    cost = cost_on(model, collate([dataset.read(dataset.records(split)[0])]))
    return {"data_set": dataset.name, "task": dataset.task, "score": score, "matrices": matrices, **cost}


def with_equal_flops(experiment: Experiment, network: str) -> Experiment:
    """Return the experiment with as many updates of a network as cost what STSUN's updates cost in operations.

    Both are counted on the same batches, those of the first update.
    """
    stream = stream_of(experiment)
    batches = [stream[index] for index in range(experiment.stream.accumulate)]

    def gflops(name: str) -> float:
        model = network_of(name, experiment, stream).eval().requires_grad_(False)
        return sum(count_gflops(model, each.images, each.valid, each.days, each.configuration) for each in batches)

    return replace(experiment, steps=max(1, round(experiment.steps * gflops(OURS) / gflops(network))))
