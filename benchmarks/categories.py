"""A category that training never saw, learned from 1, 5 or 20 labelled pixels of each category, beside simpler ways.

    python benchmarks/categories.py SEEN ALL DATASET.YAML CATEGORY [--counts 1 5 20] [--draws 8] [--json FILE]

SEEN is a checkpoint trained on the data set with CATEGORY under ``ignore``, ALL one trained with it. On the test split
all categories compete. Prints the mean IoU of the seen categories, the IoU of the unseen one, and their harmonic mean,
averaged over draws of the labelled pixels; and the same of training with all labels. The ways:

- ``added``: ``stsun.add_category``; ``prototype``: its row before any fitting
- ``nearest category``: the known category that most example pixels get becomes the new one
- ``linear probe``: logistic regression on the same features, of all categories, from the labelled pixels alone
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from stsun.categories.examples import Pixels, fitted, pixels_of
from stsun.data.dataset import DataSet, open_dataset
from stsun.evaluation.confusion import confusion
from stsun.evaluation.scores import category_measures
from stsun.model.checkpoint import load
from stsun.model.stsun import STSUN
from tables import head, row, write_json

Scores = tuple[float, float, float]
COLUMNS = ("way", "pixels of each category", "seen", "unseen", "harmonic mean")


@dataclass(frozen=True)
class Split:
    """Labelled pixels of a split: features and rival logits as `add_category` sees them, and category indices."""

    pixels: Pixels
    labels: torch.Tensor


def read(model: STSUN, dataset: DataSet, split: str, category: str) -> Split:
    """Return the labelled pixels of a split, of each sample as many as `add_category` looks at."""
    device, parts, labels = torch.device("cpu"), [], []
    for record in dataset.records(split):
        sample = dataset.read(record)
        parts.append(pixels_of(model, category, sample, device))
        known = torch.from_numpy(sample.labels[sample.labels != 255])
        chosen = np.unique(np.linspace(0, max(len(known) - 1, 0), len(parts[-1].shows)).round().astype(int))
        labels.append(known[torch.from_numpy(chosen)])
    fields = zip(*((one.features, one.shows, one.rival) for one in parts), strict=True)
    return Split(Pixels(*map(torch.cat, fields)), torch.cat(labels))


class Contest:
    """All categories of a data set against one another, one of them new."""

    def __init__(self, model: STSUN, dataset: DataSet, category: str) -> None:
        self.names, self.new = list(dataset.categories), dataset.categories.index(category)
        self.train, self.test = (read(model, dataset, split, category) for split in ("train", "test"))
        self.scale = float(model.ossum.head.log_scale.detach().exp())
        known = [name for name in self.names if name != category]
        self.known, self.model = known, model
        self.places = torch.tensor([self.names.index(name) for name in known])

    def draw(self, count: int, seed: int) -> torch.Tensor:
        """Return the places of so many training pixels of each category, or of all that there are."""
        random = np.random.default_rng(seed)
        every = [np.flatnonzero((self.train.labels == one).numpy()) for one in range(len(self.names))]
        drawn = [random.choice(own, min(count, len(own)), replace=False) for own in every]
        return torch.from_numpy(np.concatenate(drawn))

    def ways(self, drawn: torch.Tensor) -> Iterator[tuple[str, NDArray[np.int64]]]:
        """Yield each way with its predictions for the test pixels."""
        own, features = self.train.pixels, self.test.pixels.features
        few = Pixels(own.features[drawn], own.shows[drawn], own.rival[drawn])
        known = logits(self.model, self.known, features)
        for name, steps in (("added", {}), ("prototype", {"steps": 0})):
            made = fitted(few, self.scale, **steps)
            logit = self.scale * features @ made[:-1] + made[-1]
            new = logit > known.amax(dim=1)
            yield name, torch.where(new, self.new, self.places[known.argmax(dim=1)]).numpy()
        nearest = int(logits(self.model, self.known, few.features[few.shows]).argmax(dim=1).mode().values)
        best = known.argmax(dim=1)
        yield "nearest category", torch.where(best == nearest, self.new, self.places[best]).numpy()
        probe = LogisticRegression(C=100, max_iter=500).fit(few.features.numpy(), self.train.labels[drawn].numpy())
        yield "linear probe", probe.predict(features.numpy())


@torch.no_grad()
def logits(model: STSUN, names: Sequence[str], features: torch.Tensor) -> torch.Tensor:
    """Return the logits ``N K`` of categories that a model knows, from features ``N E``."""
    scoring = model.ossum([[name] for name in names])
    return features @ scoring.weight[:, 0].T + scoring.bias


def score(labels: torch.Tensor, prediction: NDArray[np.int64], names: Sequence[str], new: int) -> Scores:
    """Return mean IoU of the seen categories, IoU of the unseen one, and their harmonic mean."""
    ious = category_measures(confusion(labels.numpy(), prediction, len(names)))["iou"]
    seen, unseen = float(np.nanmean(np.delete(ious, new))), float(ious[new])
    return seen, unseen, 2 * seen * unseen / max(seen + unseen, 1e-9)


def trained_with_it(model: STSUN, dataset: DataSet, category: str) -> Scores:
    """Return the scores of a model that was trained on all labels, on the same test pixels."""
    names, test = list(dataset.categories), read(model, dataset, "test", category)
    prediction = logits(model, names, test.pixels.features).argmax(dim=1)
    return score(test.labels, prediction.numpy(), names, names.index(category))


def main() -> None:
    """Draw, learn, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seen", type=Path)
    parser.add_argument("all", type=Path)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("category")
    parser.add_argument("--counts", type=int, nargs="+", default=[1, 5, 20])
    parser.add_argument("--draws", type=int, default=8)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    dataset = open_dataset(options.dataset)
    contest = Contest(load(options.seen), dataset, options.category)
    found: dict[tuple[str, str], list[Scores]] = {}
    for count in options.counts:
        for seed in range(options.draws):
            for name, prediction in contest.ways(contest.draw(count, seed)):
                scores = score(contest.test.labels, prediction, contest.names, contest.new)
                found.setdefault((name, str(count)), []).append(scores)
    found["trained with it", "all"] = [trained_with_it(load(options.all), dataset, options.category)]
    means = {key: np.mean(scores, axis=0).round(4).tolist() for key, scores in found.items()}
    lines = [row([*key, *(f"{value:.3f}" for value in values)]) for key, values in means.items()]
    print("\n".join([head(COLUMNS, 1), *lines]))
    if options.json is not None:
        rows = [{"way": way, "pixels": count, "scores": scores} for (way, count), scores in means.items()]
        write_json(options.json, {"data set": dataset.name, "category": options.category, "rows": rows})


if __name__ == "__main__":
    main()
