"""Categories that training never saw, learned from 1, 5 or 20 labelled pixels of each category, beside simpler ways.

    python benchmarks/categories.py configs/categories-nano.yaml --output runs/categories \
        --json benchmarks/results/categories.json

Trains one model with all categories, and one for each fold of the file, in which the fold's categories are under
``ignore`` in every data set; finished runs are not repeated. Then, for each held-out category that a data set has
labels of, all categories of the data set compete on its validation split. Other categories of the fold do not count.
Labelled pixels are drawn from the first training samples that show the category, as many as ``stsun categories add``
takes. The ways:

- ``added``: ``stsun.add_category``; ``prototype``: its row before any fitting
- ``nearest category``: the known category that most example pixels get becomes the new one
- ``linear probe``: logistic regression on the same features, of all categories, from the labelled pixels alone

Data sets under ``choose`` settle how much the prototype weighs (`stsun.categories.examples.fitted`), by the mean of the
harmonic means; those under ``report`` say what comes of it. Seen is the mean IoU of the other categories that have
labels. Known before and after: the same on the pixels of these alone, without the new category and beside it.
"""

import argparse
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from altered import altered, ignoring, train_all
from stsun.categories.add import add_category
from stsun.categories.examples import POWER, PULL, Pixels, fitted, pixels_of
from stsun.data.batching import collate
from stsun.data.dataset import DataSet, open_dataset
from stsun.data.sample import Sample
from stsun.errors import DataError
from stsun.evaluation.confusion import confusion
from stsun.evaluation.scores import category_measures
from stsun.model.checkpoint import load
from stsun.model.stsun import STSUN
from stsun.yamlfile import load_mapping
from tables import head, row, write_json

Scores = tuple[float, float, float]
Predictions = NDArray[np.int64]
SAMPLES = 20
"""Training samples that show a category: what `stsun categories add` takes if nothing else is said."""
LEAST = 20
"""A category is asked about where it has at least so many labelled pixels in both splits."""
LEARNED = 0.05
"""Below this IoU full training has not learned a category, and a share of it says nothing."""
MOST_FOR_PROBE = 2_000
"""With more pixels the linear probe is left out: it takes long, and is no longer learning from few."""
PULLS, POWERS = (0.001, 0.01, 0.1, 1.0, 10.0), (0.0, 1.0, 2.0)
"""How much the prototype may weigh against one pixel, and by which power of their number it weighs less."""
WAYS = ("added", "prototype", "nearest category", "linear probe")
PAIR_COLUMNS = (
    "data set", "category", "trained with it", "added", "of it", "prototype", "nearest category", "linear probe",
    "added, all pixels", "of it", "known before", "known after",
)  # fmt: skip
MEAN_COLUMNS = ("way", "pixels of each category", "seen", "unseen", "harmonic mean", "of full training")


@dataclass(frozen=True)
class Split:
    """Labelled pixels of a split: features and rival logits as `add_category` sees them, and category indices."""

    pixels: Pixels
    labels: torch.Tensor


@dataclass(frozen=True)
class Pair:
    """A category of a data set that the models of one fold have not seen.

    Args:
        path: The data set's YAML file.
        category: The new one.
        fold: The number of the fold, from 1.
        others: Categories of the fold that do not count.
    """

    path: Path
    category: str
    fold: int
    others: tuple[str, ...]

    def dataset(self) -> DataSet:
        """Return the data set with the other categories of the fold under ``ignore``."""
        description = load_mapping(self.path, DataError)
        ignoring(self.others)(description)
        return open_dataset(self.path, description)


def read(model: STSUN, samples: Sequence[Sample], category: str) -> Split:
    """Return the labelled pixels of samples, of each as many as `add_category` looks at."""
    device, parts, labels = torch.device("cpu"), [], []
    for sample in samples:
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
        every = (dataset.read(record) for record in dataset.records("train"))
        self.examples = list(itertools.islice((one for one in every if np.any(one.labels == self.new)), SAMPLES))
        self.held = [dataset.read(record) for record in dataset.records("val")]
        self.train, self.val = (read(model, samples, category) for samples in (self.examples, self.held))
        self.scale = float(model.ossum.head.log_scale.detach().exp())
        self.known, self.model = [name for name in self.names if name != category], model
        self.places = torch.tensor([self.names.index(name) for name in self.known])
        self.logits = logits(model, self.known, self.val.pixels.features)

    def draw(self, count: int, seed: int) -> torch.Tensor:
        """Return the places of so many training pixels of each category, or of all that there are."""
        random = np.random.default_rng(seed)
        every = [np.flatnonzero((self.train.labels == one).numpy()) for one in range(len(self.names))]
        drawn = [random.choice(own, min(count, len(own)), replace=False) for own in every]
        return torch.from_numpy(np.concatenate(drawn))

    def drawn(self, places: torch.Tensor) -> Pixels:
        """Return the training pixels at these places."""
        own = self.train.pixels
        return Pixels(own.features[places], own.shows[places], own.rival[places])

    def with_row(self, made: torch.Tensor) -> Predictions:
        """Return what is predicted for the validation pixels with one row more."""
        logit = self.scale * self.val.pixels.features @ made[:-1] + made[-1]
        best = self.places[self.logits.argmax(dim=1)]
        return torch.where(logit > self.logits.amax(dim=1), self.new, best).numpy()

    def ways(self, places: torch.Tensor) -> Iterator[tuple[str, Predictions]]:
        """Yield each way with its predictions for the validation pixels."""
        few = self.drawn(places)
        yield "added", self.with_row(fitted(few, self.scale))
        yield "prototype", self.with_row(fitted(few, self.scale, steps=0))
        nearest = int(logits(self.model, self.known, few.features[few.shows]).argmax(dim=1).mode().values)
        best = self.logits.argmax(dim=1)
        yield "nearest category", torch.where(best == nearest, self.new, self.places[best]).numpy()
        if len(places) > MOST_FOR_PROBE:
            return
        probe = LogisticRegression(C=100, max_iter=500).fit(few.features.numpy(), self.train.labels[places].numpy())
        yield "linear probe", probe.predict(self.val.pixels.features.numpy())

    def score(self, prediction: Predictions) -> Scores:
        """Return the scores of predictions for the validation pixels."""
        return score(self.val.labels, prediction, self.names, self.new)

    def known_before_and_after(self, prediction: Predictions) -> tuple[float, float]:
        """Return the mean IoU of the known categories on their own pixels, without the new one and beside it."""
        own = self.val.labels != self.new
        before = self.places[self.logits.argmax(dim=1)].numpy()
        labels = self.val.labels[own]
        return tuple(score(labels, one[own.numpy()], self.names, self.new)[0] for one in (before, prediction))

    def is_unmoved(self) -> bool:
        """Return whether the grown model's logits of the known categories are the same numbers as before."""
        grown = add_category(self.model, self.names[self.new], self.examples)
        sample = self.held[0]
        asked = replace(sample.configuration, categories=self.known)
        batch = collate([replace(sample, labels=None, configuration=asked)])
        request = (batch.images, batch.valid, batch.days, asked)
        with torch.no_grad():
            return torch.equal(self.model(*request), grown(*request))


@torch.no_grad()
def logits(model: STSUN, names: Sequence[str], features: torch.Tensor) -> torch.Tensor:
    """Return the logits ``N K`` of categories that a model knows, from features ``N E``."""
    scoring = model.ossum([[name] for name in names])
    return features @ scoring.weight[:, 0].T + scoring.bias


def score(labels: torch.Tensor, prediction: Predictions, names: Sequence[str], new: int) -> Scores:
    """Return mean IoU of the seen categories that have labels, IoU of the unseen one, and their harmonic mean."""
    matrix = confusion(labels.numpy(), prediction, len(names))
    ious = category_measures(matrix)["iou"]
    labelled = [one for one in np.flatnonzero(matrix.sum(axis=1)) if one != new]
    seen, unseen = float(ious[labelled].mean()), float(np.nan_to_num(ious[new]))
    return seen, unseen, 2 * seen * unseen / max(seen + unseen, 1e-9)


def pairs_of(plan: Mapping[str, Any], role: str, home: Path, only: str = "") -> Iterator[Pair]:
    """Yield every held-out category that a data set of a role has enough labels of in both splits.

    Args:
        plan: The content of the plan's file.
        role: ``choose`` or ``report``.
        home: The folder of that file.
        only: Part of ``path/category``.
    """
    for name in plan[role]:
        path = (home / name).resolve()
        dataset = open_dataset(path)
        pixels = {split: counts(dataset, split) for split in ("train", "val")}
        for number, fold in enumerate(plan["folds"], start=1):
            for category in fold:
                if category in dataset.categories and only in f"{path.with_suffix('')}/{category}":
                    index = dataset.categories.index(category)
                    if min(int(own[index]) for own in pixels.values()) >= LEAST:
                        yield Pair(path, category, number, tuple(one for one in fold if one != category))


def counts(dataset: DataSet, split: str) -> NDArray[np.int64]:
    """Return how many pixels of a split each label has."""
    labels = (dataset.read(record).labels for record in dataset.records(split))
    return sum((np.bincount(one.ravel(), minlength=256) for one in labels), np.zeros(256, np.int64))


def trainings(plan: Mapping[str, Any], home: Path, output: Path) -> dict[Path, dict[str, Any]]:
    """Return the experiments by the folders of their runs: with all categories, and without those of each fold."""
    plans = {}
    for number, fold in enumerate([(), *plan["folds"]]):
        name = f"fold-{number}" if fold else "all"
        data = []
        for entry in plan["experiment"]["data"]:
            path = (home / entry["dataset"]).resolve()
            if fold:
                path = altered(path, output / "data", name, ignoring(fold)).resolve()
            data.append({**entry, "dataset": str(path)})
        plans[output / name] = {**plan["experiment"], "data": data}
    return plans


def measure(pair: Pair, contest: Contest, whole: STSUN, numbers: Sequence[int], draws: int) -> dict[str, Any]:
    """Return what every way reaches with so many pixels of each category, and what training with all labels does."""
    found: dict[tuple[str, int | str], list[Scores]] = {}
    known = []
    for count, seed in itertools.product(numbers, range(draws)):
        for name, prediction in contest.ways(contest.draw(count, seed)):
            found.setdefault((name, count), []).append(contest.score(prediction))
            if name == "added" and count == numbers[-1]:
                known.append(contest.known_before_and_after(prediction))
    for name, prediction in contest.ways(torch.arange(len(contest.train.labels))):
        found[name, "all"] = [contest.score(prediction)]
    features = read(whole, contest.held, pair.category).pixels.features
    best = logits(whole, contest.names, features).argmax(dim=1).numpy()
    rows = [
        {"way": way, "pixels": count, "scores": np.mean(scores, axis=0).round(4).tolist(),
         "deviation": np.std(scores, axis=0).round(4).tolist()}
        for (way, count), scores in found.items()
    ]  # fmt: skip
    return {
        **facts(pair), "rows": rows, "trained with it": list(np.round(contest.score(best), 4)),
        "known": np.mean(known, axis=0).round(4).tolist(), "unmoved": contest.is_unmoved(),
    }  # fmt: skip


def facts(pair: Pair) -> dict[str, Any]:
    """Return what a pair is, JSON-able."""
    return {"data set": open_dataset(pair.path).name, "category": pair.category, "fold": pair.fold}


def choices(contest: Contest, numbers: Sequence[int], draws: int) -> dict[tuple[float, float], float]:
    """Return the mean of the harmonic means for each pull and power."""
    found = {}
    for pull, power in itertools.product(PULLS, POWERS):
        scores = []
        for count, seed in itertools.product(numbers, range(draws)):
            made = fitted(contest.drawn(contest.draw(count, seed)), contest.scale, pull=pull, power=power)
            scores.append(contest.score(contest.with_row(made))[2])
        found[pull, power] = float(np.mean(scores))
    return found


def scores_of(result: Mapping[str, Any], way: str, pixels: int | str) -> Scores | None:
    """Return the scores of one way with so many pixels; None where it was left out."""
    found = (tuple(one["scores"]) for one in result["rows"] if (one["way"], one["pixels"]) == (way, pixels))
    return next(found, None)


def number(value: float) -> str:
    """Return an IoU as a cell."""
    return f"{value:.2f}"


def share(value: float, full: float) -> str:
    """Return the share of what full training gives; a dash where that has hardly learned the category."""
    return f"{value / full:.2f}" if full >= LEARNED else "–"


def pair_table(results: Sequence[Mapping[str, Any]], most: int) -> str:
    """Return the table of the unseen categories' IoU, pair by pair, with the most pixels drawn and with all."""
    lines = [head(PAIR_COLUMNS, 2)]
    for result in results:
        full = result["trained with it"][1]
        unseen = [scores_of(result, way, most)[1] for way in WAYS]
        everything = scores_of(result, "added", "all")[1]
        cells = [number(full), number(unseen[0]), share(unseen[0], full), *map(number, unseen[1:])]
        cells += [number(everything), share(everything, full), *map(number, result["known"])]
        lines.append(row([result["data set"], result["category"], *cells]))
    return "\n".join(lines)


def mean_table(results: Sequence[Mapping[str, Any]]) -> str:
    """Return the table of means over pairs."""
    lines = [head(MEAN_COLUMNS, 1)]
    full = np.array([result["trained with it"] for result in results])
    for entry in results[0]["rows"]:
        way, pixels = entry["way"], entry["pixels"]
        found = [scores_of(result, way, pixels) for result in results]
        if None not in found:
            scores = np.mean(found, axis=0)
            cells = [*(f"{value:.3f}" for value in scores), share(scores[1], full[:, 1].mean())]
            lines.append(row([way, str(pixels), *cells]))
    lines.append(row(["trained with it", "–", *(f"{value:.3f}" for value in full.mean(axis=0)), "1.00"]))
    return "\n".join(lines)


def choice_table(found: Mapping[tuple[float, float], float]) -> str:
    """Return the table of what each pull and power reach."""
    lines = [head(["pull", *(f"/ n^{power:g}" for power in POWERS)], 0)]
    lines += [row([f"{pull:g}", *(f"{found[pull, power]:.3f}" for power in POWERS)]) for pull in PULLS]
    return "\n".join(lines)


def parse() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plan", type=Path)
    parser.add_argument("--output", type=Path, default=Path("runs/categories"))
    parser.add_argument("--counts", type=int, nargs="+", default=[1, 5, 20])
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--roles", nargs="+", default=["choose", "report"], choices=["choose", "report"])
    parser.add_argument("--only", default="", help="part of a data set's path and category, such as dubai or /cloud")
    parser.add_argument("--processes", type=int, default=2, help="trainings at a time")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def main() -> None:
    """Train, choose, measure, print."""
    options = parse()
    plan, home = yaml.safe_load(options.plan.read_text(encoding="utf-8")), options.plan.parent
    train_all(trainings(plan, home, options.output), options.processes)
    models = {number: load(options.output / f"fold-{number}") for number in range(1, len(plan["folds"]) + 1)}
    asked = {role: list(pairs_of(plan, role, home, options.only)) for role in options.roles}
    chosen: list[dict[tuple[float, float], float]] = []
    for pair in asked.get("choose", []):
        contest = Contest(models[pair.fold], pair.dataset(), pair.category)
        chosen.append(choices(contest, options.counts, options.draws))
        print(f"{facts(pair)}: best at pull, power {max(chosen[-1], key=chosen[-1].__getitem__)}", flush=True)
    mean = {key: float(np.mean([one[key] for one in chosen])) for key in (chosen[0] if chosen else ())}
    if mean:
        print(f"\n{choice_table(mean)}\n\nused: pull {PULL:g}, power {POWER:g}\n", flush=True)
    whole, results = load(options.output / "all"), []
    for pair in asked.get("report", []):
        contest = Contest(models[pair.fold], pair.dataset(), pair.category)
        results.append(measure(pair, contest, whole, options.counts, options.draws))
    if results:
        unmoved = sum(result["unmoved"] for result in results)
        print(f"{pair_table(results, options.counts[-1])}\n\n{mean_table(results)}\n")
        print(f"known categories, the new one not asked for: the same numbers in {unmoved} of {len(results)}")
    if options.json is not None:
        grid = [{"pull": pull, "power": power, "harmonic mean": value} for (pull, power), value in mean.items()]
        told = {"plan": options.plan.name, "draws": options.draws, "pull": PULL, "power": POWER}
        write_json(options.json, {**told, "chosen by": len(chosen), "grid": grid, "results": results})


if __name__ == "__main__":
    main()
