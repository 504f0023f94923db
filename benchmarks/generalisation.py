"""What one model keeps of its score when a request is not like those it was trained on, on real labelled data.

    python benchmarks/generalisation.py src/stsun/checkpoints/tiny --root ../shared/data --split val \
        --json benchmarks/results/generalisation_val.json

For each data set that has the split, its headline score as it is, and when:

- three in ten bands are missing (data sets with four or more), the same ones in all samples of a draw
- half, or three quarters, of the dates of a series are missing, chosen at random, so that they become irregular; with a
  map for each date, only maps of dates that stay are compared
- the dates of a series come in another order, each with its day
- the image is taken in pixels larger or smaller, and the model is told so; what it answers is brought back to the
  pixels of the labels
- the image is taken in tiles that know nothing of one another

What is random is drawn several times: scores are means over the draws. The same command gives the same figures.
"""

import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning

from stsun.data.dataset import DataSet
from stsun.data.sample import Sample
from stsun.errors import ConfigurationError
from stsun.evaluation.evaluate import logits_of, maps_of
from stsun.evaluation.scores import binary_change_measures, overall_measures
from stsun.evaluation.summary import tally
from stsun.model.checkpoint import load
from stsun.model.inference import evaluating
from stsun.model.stsun import STSUN
from tables import HEADLINES, data_sets, head, row, scoring_parser, write_json

Maps = NDArray[np.int64]
Predict = Callable[[Sample], torch.Tensor]
"""From a sample to logits ``T2 K H W``."""
FEWEST_BANDS, FEWEST_DATES = 4, 4
LEAST_LOSS = 0.05
"""A loss below this is what is aimed at for missing bands and dates."""
COLUMNS = (
    "what is changed",
    "data sets",
    "score as it is",
    "changed",
    "mean loss",
    "largest loss",
    "where",
    "below 0.05",
)


@dataclass(frozen=True)
class Answered:
    """What a model says of a changed sample.

    Args:
        maps: Category indices ``M H W``, each pixel and map where the unchanged sample has it.
        kept: Which of the unchanged sample's maps these are; None = all.
    """

    maps: Maps
    kept: Sequence[int] | None = None


@dataclass(frozen=True)
class Variation:
    """One way in which a request is changed.

    Args:
        name: What it is called.
        concerns: Whether it can be done to a sample.
        answer: What a model says when it is done.
        draws: How often what is random is drawn.
    """

    name: str
    concerns: Callable[[Sample], bool]
    answer: Callable[[Predict, Sample, np.random.Generator], Answered]
    draws: int = 1


def without_bands(sample: Sample, share: float, random: np.random.Generator) -> Sample:
    """Return the sample without a share of its bands; dates with equally many lose the same ones."""
    places: dict[int, NDArray[np.intp]] = {}
    images, bands = [], []
    for image, own in zip(sample.images, sample.configuration.bands_of_dates(len(sample.images)), strict=True):
        if len(own) not in places:
            kept = len(own) - round(share * len(own))
            places[len(own)] = np.sort(random.choice(len(own), kept, replace=False))
        images.append(image[places[len(own)]])
        bands.append(tuple(own[place] for place in places[len(own)]))
    return replace(sample, images=images, labels=None, configuration=replace(sample.configuration, bands=bands))


def with_dates(sample: Sample, places: Sequence[int]) -> Sample:
    """Return the sample with these dates in this order, unlabelled."""
    configuration = sample.configuration
    if configuration.mixed_sensors:
        bands = configuration.bands_of_dates(len(sample.images))
        configuration = replace(configuration, bands=tuple(bands[place] for place in places))
    return replace(
        sample,
        images=[sample.images[place] for place in places],
        valid=sample.valid[list(places)],
        days=sample.days[list(places)],
        labels=None,
        configuration=configuration,
    )


def resized(sample: Sample, factor: float) -> Sample:
    """Return the sample in pixels of another size, larger by about ``factor``, and told so; invalid pixels stay out."""
    height, width = (max(1, round(side / factor)) for side in sample.size)
    valid = torch.from_numpy(sample.valid).float()[:, None]
    seen = _interpolated(valid, (height, width))
    images = []
    for image, known, share in zip(sample.images, valid, seen, strict=True):
        filled = torch.where(known > 0, torch.from_numpy(image), 0.0)
        images.append((_interpolated(filled[None], (height, width))[0] / share.clamp(min=1e-3)).numpy())
    gsd_m = sample.configuration.gsd_m
    told = None if gsd_m is None else gsd_m * sample.size[0] / height
    configuration = replace(sample.configuration, gsd_m=told)
    return replace(
        sample, images=images, valid=(seen[:, 0] > 0.5).numpy(), labels=None, configuration=configuration
    )  # fmt: skip


def _interpolated(image: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    return F.interpolate(image, size=size, mode="bilinear", align_corners=False, antialias=True)


def fewer_bands(predict: Predict, sample: Sample, random: np.random.Generator) -> Answered:
    """Answer with 30 % of the bands missing."""
    return Answered(maps(predict(without_bands(sample, 0.3, random)), sample))


def fewer_dates(predict: Predict, sample: Sample, random: np.random.Generator, share: float) -> Answered:
    """Answer with a share of the dates left, at random, in their order."""
    dates = len(sample.images)
    kept = np.sort(random.choice(dates, max(1, round(share * dates)), replace=False)).tolist()
    answer = maps(predict(with_dates(sample, kept)), sample)
    return Answered(answer, kept if sample.configuration.per_date else None)


def shuffled_dates(predict: Predict, sample: Sample, random: np.random.Generator) -> Answered:
    """Answer with the dates, and their days, in another order."""
    order = random.permutation(len(sample.images)).tolist()
    answer = maps(predict(with_dates(sample, order)), sample)
    return Answered(answer[np.argsort(order)] if sample.configuration.per_date else answer)


def other_gsd(predict: Predict, sample: Sample, random: np.random.Generator, factor: float) -> Answered:
    """Answer with pixels of another size; logits are brought back to the old ones."""
    return Answered(maps(_interpolated(predict(resized(sample, factor)), sample.size), sample))


def in_tiles(predict: Predict, sample: Sample, random: np.random.Generator, side: int) -> Answered:
    """Answer tile by tile, without any overlap."""
    height, width = sample.size
    rows = []
    for top in range(0, height, side):
        tiles = (window_of(sample, top, left, side) for left in range(0, width, side))
        rows.append(torch.cat([predict(tile) for tile in tiles], dim=-1))
    return Answered(maps(torch.cat(rows, dim=-2), sample))


def window_of(sample: Sample, top: int, left: int, side: int) -> Sample:
    """Return the part of a sample from a row and column on, at most so many pixels long and wide, unlabelled."""
    part = np.s_[:, top : top + side, left : left + side]
    return replace(sample, images=[image[part] for image in sample.images], valid=sample.valid[part], labels=None)


def maps(logits: torch.Tensor, sample: Sample) -> Maps:
    """Return the maps of logits ``T2 K H W``."""
    found: Maps = maps_of(logits, sample.configuration.task).numpy()
    return found


def has_bands(sample: Sample) -> bool:
    """Return whether there are enough bands to leave some out."""
    return min(map(len, sample.configuration.sensors)) >= FEWEST_BANDS


def is_series(sample: Sample) -> bool:
    """Return whether there are enough dates to leave some out."""
    return sample.configuration.task == "segmentation" and len(sample.images) >= FEWEST_DATES


def is_larger(sample: Sample, side: int) -> bool:
    """Return whether a sample is more than one tile."""
    return max(sample.size) > side


VARIATIONS = (
    Variation("30 % of the bands missing", has_bands, fewer_bands, draws=5),
    Variation("half of the dates missing", is_series, partial(fewer_dates, share=0.5), draws=5),
    Variation("three quarters of the dates missing", is_series, partial(fewer_dates, share=0.25), draws=5),
    Variation("dates in another order", is_series, shuffled_dates),
    Variation("pixels 1.33 times as large", lambda sample: True, partial(other_gsd, factor=4 / 3)),
    Variation("pixels 0.75 times as large", lambda sample: True, partial(other_gsd, factor=3 / 4)),
    Variation("tiles of 128 pixels", partial(is_larger, side=128), partial(in_tiles, side=128)),
    Variation("tiles of 64 pixels", partial(is_larger, side=64), partial(in_tiles, side=64)),
)


def measure(model: STSUN, dataset: DataSet, split: str, variations: Sequence[Variation] = VARIATIONS) -> dict[str, Any]:
    """Return the headline score of a split as it is and changed, JSON-able.

    Raises:
        ConfigurationError: The model does not know a category or band of the data set.
    """
    counts: dict[tuple[str, int], list[tuple[NDArray[np.int64], NDArray[np.int64]]]] = {}
    differing: dict[tuple[str, int], list[float]] = {}
    whole = []
    with evaluating(model, None) as device:

        def predict(sample: Sample) -> torch.Tensor:
            return logits_of(model, sample, device)  # requests vary too much to specialise for each

        for record in dataset.records(split):
            sample = dataset.read(record)
            plain = maps(predict(sample), sample)
            whole.append(matrix(sample, plain))
            for variation in variations:
                for draw in range(variation.draws if variation.concerns(sample) else 0):
                    found = variation.answer(predict, sample, np.random.default_rng(draw))
                    kept = range(len(plain)) if found.kept is None else list(found.kept)
                    pair = matrix(sample, plain[kept], kept), matrix(sample, found.maps, kept)
                    counts.setdefault((variation.name, draw), []).append(pair)
                    differing.setdefault((variation.name, draw), []).append(float((plain[kept] != found.maps).mean()))
    told = {}
    for variation in variations:
        pairs = [counts[variation.name, draw] for draw in range(variation.draws) if (variation.name, draw) in counts]
        if pairs:
            before, after = ([score(dataset.task, [one[part] for one in own]) for own in pairs] for part in (0, 1))
            moved = [np.mean(differing[variation.name, draw]) for draw in range(variation.draws)]
            told[variation.name] = {
                "samples": len(pairs[0]), "before": float(np.mean(before)), "after": float(np.mean(after)),
                "draws": after, "pixels that differ": float(np.mean(moved)),
            }  # fmt: skip
    return {
        "task": dataset.task,
        "metric": HEADLINES[dataset.task][0],
        "score": score(dataset.task, whole),
        "changed": told,
    }


def matrix(sample: Sample, answer: Maps, kept: Sequence[int] | None = None) -> NDArray[np.int64]:
    """Return the confusion matrix of maps and the labels that belong to them."""
    assert sample.labels is not None
    labels = sample.labels if kept is None else sample.labels[list(kept)]
    return tally(sample.configuration.task, sample.classes, labels, answer).full


def score(task: str, matrices: Sequence[NDArray[np.int64]]) -> float:
    """Return the first headline score of a task; 0 where it is undefined."""
    measures = binary_change_measures if task == "binary_change" else overall_measures
    return float(np.nan_to_num(measures(np.sum(matrices, axis=0))[HEADLINES[task][0]]))


def summary(results: Mapping[str, Mapping[str, Any]], names: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the table over all data sets."""
    yield head(COLUMNS, 1)
    for name in names:
        found = {key: result["changed"][name] for key, result in results.items() if name in result["changed"]}
        if found:
            losses = {key: one["before"] - one["after"] for key, one in found.items()}
            worst = max(losses, key=lambda key: losses[key])
            before, after = (np.mean([one[part] for one in found.values()]) for part in ("before", "after"))
            small = sum(loss < LEAST_LOSS for loss in losses.values())
            yield row([
                name, str(len(found)), f"{before:.3f}", f"{after:.3f}", f"{before - after:.3f}", f"{losses[worst]:.3f}",
                worst, f"{small} of {len(found)}",
            ])  # fmt: skip


def by_set(results: Mapping[str, Mapping[str, Any]], names: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the table of single data sets: the score as it is, and what each change takes away."""
    yield head(["data set", "metric", "as it is", *names], 2)
    for key, result in results.items():
        changes = (result["changed"].get(name) for name in names)
        losses = ("–" if one is None else f"{one['after'] - one['before']:+.3f}" for one in changes)
        yield row([key, result["metric"], f"{result['score']:.3f}", *losses])


def main() -> None:
    """Score the model on every data set, as it is and changed, and print two tables."""
    options = scoring_parser(__doc__, "val").parse_args()
    torch.set_num_threads(options.threads)
    warnings.simplefilter("ignore", NotGeoreferencedWarning)
    model, results, names = load(options.checkpoint), {}, [variation.name for variation in VARIATIONS]
    for name, dataset in data_sets(options.root, {options.split}, options.only):
        started = time.perf_counter()
        try:
            results[name] = measure(model, dataset, options.split)
        except ConfigurationError as reason:
            print(f"{name}: left out: {reason}", file=sys.stderr)
            continue
        print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    print("\n".join([*summary(results, names), "", *by_set(results, names)]))
    if options.json is not None:
        write_json(options.json, {"split": options.split, "model": model.name, "data_sets": results})


if __name__ == "__main__":
    main()
