"""What costs nothing: majority class and per-pixel linear scores of every data set under a folder.

Example:
    python benchmarks/baselines.py ../shared/data --split val --json benchmarks/results/baselines_val.json

A model is worth its weights only above these. Both baselines learn from the split `train` alone, see one pixel at a
time, and are scored by the project's own `evaluate_predictor`:

* majority: the category with the most labelled pixels in training, everywhere.
* all changed: binary change only, as the majority there has an F1 of 0 by definition.
* linear: multinomial logistic regression on standardised features. The features of a pixel are all bands of all dates
  where every sample has the same number of dates, else each band's mean, minimum and maximum over the valid dates; for
  a segmentation of each date, that date's own bands. Change tasks have one regression per output map.
"""

import argparse
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stsun.data.dataset import DataSet
from stsun.data.sample import IGNORE, Sample
from stsun.errors import DataError
from stsun.evaluation.evaluate import Predictor, evaluate_predictor
from stsun.report.words import interval, number
from stsun.tasks import output_periods
from tables import HEADLINES, data_sets, head, row, write_json

SEED = 0
TRAINING_PIXELS = 200_000
ITERATIONS = 300
COLUMNS = ("data set", "task", "metric", "majority", "all changed", "linear", "95 % interval of linear", "samples")

Features = Callable[[Sample], NDArray[np.float32]]
"""From a sample to ``M H W F``: the features of each pixel of each of its M output maps."""
Classifier = Callable[[NDArray[np.float32]], NDArray[np.int64]]


class NotComparable(Exception):
    """The samples of a data set have no features in common; says why."""


def main() -> None:
    """Score the baselines on every data set and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, nargs="?", default=Path("../shared/data"))
    parser.add_argument("--split", default="val")
    parser.add_argument("--only", help="part of a data set's path, such as levir_cd")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", NotGeoreferencedWarning)
    started = time.perf_counter()
    results: dict[str, Any] = {}
    print(head(COLUMNS, texts=3))
    for name, dataset in data_sets(arguments.root, {"train", arguments.split}, arguments.only):
        results[name] = score(dataset, arguments.split)
        print("\n".join(table_rows(name, results[name])), flush=True)
    print(f"\n{len(results)} data sets in {time.perf_counter() - started:.0f} s")
    if arguments.json is not None:
        content = {"split": arguments.split, "seed": SEED, "training_pixels": TRAINING_PIXELS, "data_sets": results}
        write_json(arguments.json, content)


def score(dataset: DataSet, split: str) -> dict[str, Any]:
    """Return the headline scores, with intervals, of the baselines on one split."""
    samples = [dataset.read(record) for record in dataset.records("train")]
    result: dict[str, Any] = {
        "data_set": dataset.name,
        "task": dataset.task,
        "metrics": HEADLINES[dataset.task],
        "training_samples": len(samples),
    }
    predictors: dict[str, Callable[[], Predictor]] = {
        "majority": lambda: majority(samples),
        "linear": lambda: linear(samples),
    }
    if dataset.task == "binary_change":
        predictors["all_changed"] = lambda: constant(1)
    for baseline, fit in predictors.items():
        try:
            scores = evaluate_predictor(fit(), dataset, split, seed=SEED)
        except NotComparable as reason:
            result[baseline] = {"skipped": str(reason)}
            continue
        kept = {key: scores[key] for key in ("mean_iou", "overall_accuracy", "kappa", "samples", "pixels")}
        kept |= {key: scores[key] for key in ("change_f1", "change_iou", "miou_scd", "sek", "f_scd") if key in scores}
        kept["iou"] = {name: values["iou"] for name, values in scores["categories"].items()}
        kept["intervals"] = {key: bounds for key, bounds in scores["intervals"].items() if key != "categories"}
        result[baseline] = kept
    return result


def table_rows(name: str, result: dict[str, Any]) -> list[str]:
    """Return one row of the table per headline metric of the task."""
    linear, rows = result["linear"], []
    for metric in HEADLINES[result["task"]]:
        if "skipped" in linear:
            shown = [f"skipped: {linear['skipped']}", "–"]
        else:
            shown = [number(linear[metric]), interval(linear["intervals"][metric])]
        trivial = [number(result.get(baseline, {}).get(metric)) for baseline in ("majority", "all_changed")]
        rows.append(row([name, result["task"], metric, *trivial, *shown, str(result["majority"]["samples"])]))
    return rows


def constant(category: int) -> Predictor:
    """Return the predictor that gives one category everywhere."""
    return lambda sample: np.full((maps_of(sample), *sample.size), category, dtype=np.int64)


def majority(samples: Sequence[Sample]) -> Predictor:
    """Return the predictor that gives the most frequent training category everywhere."""
    counts = sum(np.bincount(labels[labels != IGNORE], minlength=IGNORE) for labels in labels_of(samples))
    return constant(int(np.argmax(counts)))


def linear(samples: Sequence[Sample]) -> Predictor:
    """Return the predictor of per-pixel logistic regressions: one per output map for a change, else one for all maps.

    Raises:
        NotComparable: The samples have no features in common.
    """
    features = features_for(samples)
    generator = np.random.default_rng(SEED)
    if samples[0].configuration.task == "segmentation":
        maps = [slice(None)]
    else:
        maps = [slice(index, index + 1) for index in range(maps_of(samples[0]))]
    classifiers = [fit(samples, features, which, generator) for which in maps]

    def predict(sample: Sample) -> NDArray[np.int64]:
        values = features(sample)
        parts = [
            classifier(values[which].reshape(-1, values.shape[-1])).reshape(values[which].shape[:-1])
            for which, classifier in zip(maps, classifiers, strict=True)
        ]
        return np.concatenate(parts)

    return predict


def fit(samples: Sequence[Sample], features: Features, which: slice, generator: np.random.Generator) -> Classifier:
    """Return a classifier of feature rows, fitted to labelled pixels drawn evenly from the samples."""
    quota, rows, targets = TRAINING_PIXELS // len(samples), [], []
    for sample, labels in zip(samples, labels_of(samples), strict=True):
        labelled = np.flatnonzero(labels[which] != IGNORE)
        drawn = generator.choice(labelled, size=min(quota, len(labelled)), replace=False)
        values = features(sample)[which]
        rows.append(values.reshape(-1, values.shape[-1])[drawn])
        targets.append(labels[which].reshape(-1)[drawn])
    target = np.concatenate(targets)
    if len(np.unique(target)) == 1:
        return lambda values: np.full(len(values), target[0])
    regression = make_pipeline(StandardScaler(), LogisticRegression(max_iter=ITERATIONS))
    with warnings.catch_warnings():
        # a baseline that stops after a fixed number of steps is still a baseline
        warnings.simplefilter("ignore", ConvergenceWarning)
        regression.fit(np.concatenate(rows), target)
    return lambda values: np.asarray(regression.predict(values), dtype=np.int64)


def features_for(samples: Sequence[Sample]) -> Features:
    """Return the richest features that all samples have in common.

    Raises:
        NotComparable: There are none; says why.
    """
    first = samples[0].configuration
    band_counts = {tuple(len(image) for image in sample.images) for sample in samples}
    if first.per_date:
        if len({count for counts in band_counts for count in counts}) > 1:
            raise NotComparable("dates have different numbers of bands")
        return bands_of_each_date
    if len(band_counts) == 1:
        return bands_of_all_dates
    if first.task != "segmentation" or any(len(set(counts)) > 1 for counts in band_counts):
        raise NotComparable("samples have different numbers of dates or bands")
    return bands_over_time


def bands_of_each_date(sample: Sample) -> NDArray[np.float32]:
    """Return ``T H W C``."""
    return np.stack([np.moveaxis(image, 0, -1) for image in sample.images])


def bands_of_all_dates(sample: Sample) -> NDArray[np.float32]:
    """Return ``M H W F``: the bands of all dates side by side, the same for each output map."""
    values = np.moveaxis(np.concatenate(sample.images), 0, -1)
    return np.broadcast_to(values, (maps_of(sample), *values.shape))


def bands_over_time(sample: Sample) -> NDArray[np.float32]:
    """Return ``1 H W 3C``: mean, minimum and maximum of each band over the valid dates; 0 where there is none."""
    images = np.stack(sample.images)
    valid = np.broadcast_to(sample.valid[:, None], images.shape)
    seen = valid.any(axis=0)
    mean = np.where(valid, images, 0).sum(axis=0) / np.maximum(valid.sum(axis=0), 1)
    least = np.where(seen, np.where(valid, images, np.inf).min(axis=0), 0)
    most = np.where(seen, np.where(valid, images, -np.inf).max(axis=0), 0)
    return np.moveaxis(np.concatenate([mean, least, most]), 0, -1)[None].astype(np.float32)


def maps_of(sample: Sample) -> int:
    """Return how many output maps the sample asks for."""
    configuration = sample.configuration
    return len(output_periods(configuration.task, len(sample.images), configuration.per_date))


def labels_of(samples: Sequence[Sample]) -> list[NDArray[np.int64]]:
    """Return the label maps of each sample.

    Raises:
        DataError: A sample has none.
    """
    for sample in samples:
        if sample.labels is None:
            raise DataError(
                f"training sample {sample.id!r} has no labels; a baseline learns from labelled samples only"
            )
    return [sample.labels for sample in samples if sample.labels is not None]


if __name__ == "__main__":
    main()
