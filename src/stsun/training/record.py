"""What is written beside the weights, so that a run can be repeated and its results be judged."""

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from stsun.bands import describe
from stsun.data.dataset import DataSet
from stsun.errors import ExperimentError
from stsun.files import write_text
from stsun.report.provenance import versions
from stsun.training.plan import Experiment
from stsun.training.vocabulary import Vocabulary

RESOLVED, VERSIONS, SCORES = "experiment.resolved.yaml", "versions.json", "scores.json"


def is_first_process() -> bool:
    """Return whether this process is the one that writes files: the only one, or the first of several."""
    return int(os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0"))) == 0


def write_description(experiment: Experiment, folder: Path) -> None:
    """Write the experiment with all defaults spelled out, and the versions that it runs with.

    Paths are relative to the folder, so that they tell nothing of the machine and can move along.

    Raises:
        ExperimentError: The folder cannot be written.
    """
    text = yaml.safe_dump(_movable(experiment, folder), sort_keys=False, allow_unicode=True)
    write_text(folder / RESOLVED, text, ExperimentError)
    write_text(folder / VERSIONS, json.dumps(versions(), indent=2) + "\n", ExperimentError)


def _movable(experiment: Experiment, folder: Path) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(experiment)))
    plain["output"] = None
    for place, key in ((plain["model"], "checkpoint"), *((entry, "dataset") for entry in plain["data"])):
        if place[key] is not None:
            place[key] = Path(os.path.relpath(place[key], folder)).as_posix()
    return plain


def write_scores(scores: Sequence[dict[str, Any]], folder: Path) -> None:
    """Write the validation scores of all data sets.

    Raises:
        ExperimentError: The folder cannot be written.
    """
    write_text(folder / SCORES, json.dumps(list(scores), indent=2) + "\n", ExperimentError)


def card_of(
    experiment: Experiment,
    datasets: Sequence[DataSet],
    vocabulary: Vocabulary,
    scores: Sequence[dict[str, Any]],
    *,
    minutes: float,
    seen: Mapping[str, int],
) -> dict[str, Any]:
    """Return what a checkpoint's card says beyond its architecture: where the weights are from, and what they reach.

    Args:
        experiment: The run.
        datasets: What it trained on.
        vocabulary: Of all that it trained on.
        scores: Of the validations.
        minutes: Duration of the training, with all parts before it was resumed.
        seen: How many samples of each source were drawn, repetitions counted.
    """
    plan = experiment.stream
    listed = [{"name": each.name, "title": each.title, "licence": each.licence} for each in datasets]
    simulated = [{"name": each.simulation, "title": "simulated"} for each in experiment.data if each.simulation]
    return {
        "name": experiment.name,
        "bands": [describe(band) for band in vocabulary.bands],
        "colors": _colors(datasets),
        "training_data": [*listed, *simulated],
        "training": {
            "steps": experiment.steps,
            "batches": experiment.steps * plan.accumulate,
            "seed": experiment.seed,
            "samples_seen": dict(seen),
            "minutes": round(minutes, 2),
            "optimiser": dataclasses.asdict(experiment.optimiser),
            "stream": dataclasses.asdict(plan),
        },
        "versions": versions(),
        "scores": [_headline(each) for each in scores],
    }


def facts_of(card: Mapping[str, Any]) -> dict[str, str]:
    """Return what a report says of a training: on what, how long."""
    data = [f"{one['name']} ({one.get('licence') or 'no licence told'})" for one in card["training_data"]]
    seen = [f"{name} {count:,}" for name, count in card["training"]["samples_seen"].items()]
    return {
        "training data": ", ".join(data),
        "samples seen": ", ".join(seen),
        "minutes of training": f"{card['training']['minutes']:.1f}",
    }


def with_history(card: Mapping[str, Any], earlier: Mapping[str, Any]) -> dict[str, Any]:
    """Return a card that also tells what the checkpoint that the run went on from had learned from, and how."""
    names = {data["name"] for data in card["training_data"]}
    older = [data for data in earlier.get("training_data", []) if data["name"] not in names]
    return {
        **card,
        "bands": list(dict.fromkeys([*card["bands"], *earlier.get("bands", [])])),
        "colors": {**earlier.get("colors", {}), **card["colors"]},
        "training_data": [*card["training_data"], *older],
        "training": {**card["training"], "earlier": earlier.get("training")},
    }


def _colors(datasets: Sequence[DataSet]) -> dict[str, str]:
    """Return the colours that data sets give to categories; of several the first one's."""
    return {name: color for each in reversed(datasets) for name, color in each.checked.description.colors.items()}


def _headline(scores: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in scores.items() if value is None or isinstance(value, str | int | float)}
