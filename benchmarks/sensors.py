"""A sensor that training never saw, of which only wavelengths are told, beside one that was trained on.

    python benchmarks/sensors.py configs/sensors-nano.yaml --output runs/sensors --json benchmarks/results/sensors.json

For each sensor a model is trained on all training images of the others. What it reaches is held against models that
were trained on other images of the same sensor, too, with as many updates. An image is scored by models that have not
seen it: the validation image where a sensor has one, else its training images, left out one at a time. Told otherwise:
the unseen sensor's images, told as if they were of another sensor, on which the model was trained. Finished runs are
not repeated. Prints the mean IoU of the categories that have labels, and the accuracy, over all scored images together.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from numpy.typing import NDArray

from altered import altered, train_all
from stsun.configuration import Bands
from stsun.data.dataset import DataSet, open_dataset
from stsun.data.sample import Sample
from stsun.evaluation.evaluate import predict_sample
from stsun.evaluation.scores import category_measures, overall_measures
from stsun.evaluation.summary import tally
from stsun.model.checkpoint import load
from tables import head, row, write_json

ARMS = ("trained on", "unseen", "told otherwise")
COLUMNS = ("sensor", "images", "metric", "trained on", "unseen", "of it", "told otherwise")
ROUNDS = 2
"""As often are images left out of the trainings that know a sensor: as many as a sensor without validation has."""


@dataclass(frozen=True, eq=False)
class Sensor:
    """One sensor's data set: the ids of its images to train on, and of those that are scored in each round."""

    path: Path
    dataset: DataSet

    @property
    def training(self) -> list[str]:
        """Its training images."""
        return [record.id for record in self.dataset.records("train")]

    def scored(self, number: int) -> list[str]:
        """Return the images that the models of a round are scored on."""
        if "val" in self.dataset.splits:
            return [record.id for record in self.dataset.records("val")]
        return self.training[number::ROUNDS]

    def read(self, ids: Sequence[str]) -> list[Sample]:
        """Return some of its images."""
        splits = ("train", "val") if "val" in self.dataset.splits else ("train",)
        records = (record for split in splits for record in self.dataset.records(split))
        return [self.dataset.read(record) for record in records if record.id in ids]


def entry(sensor: Sensor, ids: Sequence[str], output: Path, name: str) -> dict[str, Any]:
    """Return the data entry of an experiment that trains on some images of a sensor."""
    lists = f"{sensor.path.stem}-{name}.txt"
    file = altered(sensor.path, output, name, lambda description: description.update(splits={"train": lists}))
    (file.parent / lists).write_text("".join(f"{one}\n" for one in ids), encoding="utf-8")
    return {"dataset": str(file.resolve())}


def trainings(
    plan: Mapping[str, Any], sensors: Sequence[Sensor], output: Path, seed: int
) -> dict[Path, dict[str, Any]]:  # fmt: skip
    """Return the experiments by the folders of their runs: without each sensor, and with other images of all."""
    plans = {}
    for left_out in sensors:
        name = f"without-{left_out.path.stem}"
        data = [entry(one, one.training, output / "data", name) for one in sensors if one is not left_out]
        plans[output / f"{name}-{seed}"] = data
    for number in range(ROUNDS):
        name = f"with-{number}"
        kept = {one: [each for each in one.training if each not in one.scored(number)] for one in sensors}
        plans[output / f"{name}-{seed}"] = [entry(one, ids, output / "data", name) for one, ids in kept.items()]
    return {folder: {**plan["experiment"], "seed": seed, "data": data} for folder, data in plans.items()}


def matrix(folder: Path, samples: Sequence[Sample], bands: Bands | None = None) -> NDArray[np.int64]:
    """Return the confusion matrix of a run's model over samples, told other bands if some are given."""
    model, total = load(folder), np.zeros((1, 1), np.int64)
    for sample in samples:
        told = sample.configuration if bands is None else replace(sample.configuration, bands=bands)
        answer = predict_sample(model, replace(sample, labels=None, configuration=told), torch.device("cpu"))
        assert sample.labels is not None
        total = total + tally(told.task, sample.classes, sample.labels, answer).full
    return total


def scores(matrix: NDArray[np.int64]) -> dict[str, float]:
    """Return the mean IoU of the categories that have labels, and the accuracy."""
    ious = category_measures(matrix)["iou"][matrix.sum(axis=1) > 0]
    return {"mean IoU": float(ious.mean()), "accuracy": float(overall_measures(matrix)["overall_accuracy"])}


def measure(sensors: Sequence[Sensor], sensor: Sensor, output: Path, seeds: Sequence[int]) -> dict[str, Any]:
    """Return what models reach on a sensor's images: trained on it, not trained on it, and told otherwise."""
    rounds = [sensor.read(sensor.scored(number)) for number in range(ROUNDS)]
    other = next(one for one in sensors if one is not sensor)
    bands = other.read(other.training[:1])[0].configuration.bands
    arms: dict[str, list[dict[str, float]]] = {"trained on": [], "unseen": [], "told otherwise": []}
    for seed in seeds:
        unseen = output / f"without-{sensor.path.stem}-{seed}"
        found = {
            "trained on": sum(matrix(output / f"with-{n}-{seed}", own) for n, own in enumerate(rounds)),
            "unseen": sum(matrix(unseen, own) for own in rounds),
            "told otherwise": sum(matrix(unseen, own, bands) for own in rounds),
        }
        for arm, one in found.items():
            arms[arm].append(scores(one))
    images = len({sample.id for own in rounds for sample in own})
    return {"sensor": sensor.dataset.name, "images": images, "other": other.dataset.name, "seeds": list(seeds), **arms}


def table(results: Sequence[Mapping[str, Any]]) -> str:
    """Return the Markdown table, means over seeds."""
    lines = [head(COLUMNS, 1)]
    for result in results:
        for metric in ("mean IoU", "accuracy"):
            means = (np.mean([one[metric] for one in result[arm]]) for arm in ARMS)
            known, unseen, otherwise = map(float, means)
            cells = [f"{known:.3f}", f"{unseen:.3f}", f"{unseen / known:.2f}", f"{otherwise:.3f}"]
            lines.append(row([result["sensor"], str(result["images"]), metric, *cells]))
    return "\n".join(lines)


def main() -> None:
    """Train, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plan", type=Path)
    parser.add_argument("--output", type=Path, default=Path("runs/sensors"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--processes", type=int, default=2, help="trainings at a time")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    plan = yaml.safe_load(options.plan.read_text(encoding="utf-8"))
    paths = [(options.plan.parent / name).resolve() for name in plan["sensors"]]
    sensors = [Sensor(path, open_dataset(path)) for path in paths]
    plans: dict[Path, dict[str, Any]] = {}
    for seed in options.seeds:
        plans |= trainings(plan, sensors, options.output, seed)
    train_all(plans, options.processes)
    results = [measure(sensors, sensor, options.output, options.seeds) for sensor in sensors]
    print(table(results))
    if options.json is not None:
        write_json(options.json, {"plan": options.plan.name, "steps": plan["experiment"]["steps"], "rows": results})


if __name__ == "__main__":
    main()
