"""Which rule makes probabilities come true on what it was not fitted on: temperatures held out, in several ways.

    python benchmarks/calibration.py src/stsun/checkpoints/tiny --root ../shared/data --split val \
        --json benchmarks/results/calibration_val.json

Expected calibration errors of each data set's pixels, by temperatures that these pixels had no part in. Samples are
dealt into five parts (one sample: its labelled pixels in reading order into two), each is left out in turn, and the
bins of all are added up. The rules:

- ``none``: logits as they are
- ``task, pooled`` and ``task, median``: one temperature for a task, from the other data sets alone: that of the least
  mean likelihood over data sets, and the median of those that they have by themselves
- ``categories, W``: what ``stsun calibrate`` does, from the other data sets and the other parts of this one; the task
  counts as W samples
- ``itself``: fitted on these very pixels; more than that no temperature can do
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning

from stsun.errors import ConfigurationError, DataError
from stsun.evaluation.calibration import calibration_measures
from stsun.evaluation.temperature import (
    RANGE,
    Drawn,
    Pixels,
    calibration_error,
    labelled_pixels,
    reliability_at,
    temperatures_of,
)
from stsun.model.checkpoint import load
from tables import data_sets, head, row, scoring_parser, write_json

PARTS = 5
HELD = (0.0, 1.0, 2.0)
AIM = 0.05
TRIED = np.geomspace(*RANGE, 50)
FEW = 2_000
"""Pixels of a data set that the pooled likelihood looks at."""


def parts_of(pixels: Pixels) -> Iterator[tuple[Pixels, Pixels]]:
    """Yield what remains of a data set's pixels, and what is left out of them."""
    if len(pixels.samples) == 1:
        (only,) = pixels.samples
        half = len(only.labels) // 2
        cuts = (slice(None, half), slice(half, None))
        dealt = [(Drawn(only.logits[cut], only.labels[cut], only.each[cut]),) for cut in cuts]
    else:
        count = min(PARTS, len(pixels.samples))
        dealt = [pixels.samples[start::count] for start in range(count)]
    for place, out in enumerate(dealt):
        others = [sample for other, part in enumerate(dealt) if other != place for sample in part]
        yield replace(pixels, samples=tuple(others)), replace(pixels, samples=tuple(out))


def likelihoods(pixels: Pixels) -> NDArray[np.float64]:
    """Return the mean negative log-likelihood at each temperature that is tried."""
    drawn = pixels.together
    chosen = np.linspace(0, len(drawn.labels) - 1, min(FEW, len(drawn.labels))).astype(int)
    logits, labels = torch.from_numpy(drawn.logits[chosen]), torch.from_numpy(drawn.labels[chosen])
    found = [torch.nn.functional.cross_entropy(logits / one, labels, reduction="none").numpy() for one in TRIED]
    return np.average(found, axis=1, weights=drawn.each[chosen])


def rules(
    own: Pixels, others: Sequence[Pixels], pooled: Mapping[str, NDArray[np.float64]]
) -> dict[str, float]:  # fmt: skip
    """Return the temperature that each rule gives a data set, from what remains of it and the other data sets."""
    alike = [other for other in others if other.task == own.task]
    found = {"none": 1.0, "task, pooled": 1.0, "task, median": 1.0}
    if alike:
        found["task, pooled"] = float(TRIED[np.mean([pooled[other.name] for other in alike], axis=0).argmin()])
        found["task, median"] = temperatures_of(alike)[own.task]
    for held in HELD:
        found[f"categories, {held:g}"] = temperatures_of([*alike, own], held=held)[own.key]
    return found


def measure(found: Sequence[Pixels]) -> list[dict[str, Any]]:
    """Return the calibration errors of each data set by each rule, JSON-able."""
    pooled = {pixels.name: likelihoods(pixels) for pixels in found}
    results = []
    for pixels in found:
        others = [other for other in found if other is not pixels]
        bins: dict[str, NDArray[np.float64]] = {}
        for remains, out in parts_of(pixels):
            for name, temperature in rules(remains, others, pooled).items():
                bins[name] = bins.get(name, 0) + reliability_at(out.together, temperature)
        errors = {name: float(calibration_measures(one)["ece"]) for name, one in bins.items()}
        errors["itself"] = calibration_error(pixels.together, pixels.own)
        drawn = pixels.together
        right = float(np.average(drawn.logits.argmax(axis=1) == drawn.labels, weights=drawn.each))
        facts = {"data set": pixels.name, "task": pixels.task, "samples": len(pixels.samples), "right": right}
        results.append({**facts, "temperature": pixels.own, "ece": errors})
    return results


def table(results: Sequence[Mapping[str, Any]]) -> str:
    """Return the Markdown table, with the means and how many data sets reach the aim."""
    names = list(results[0]["ece"])
    lines = [head(["data set", "samples", "right", "T by itself", *names], 1)]
    for one in results:
        cells = [f"{one['right']:.2f}", f"{one['temperature']:.2f}", *(f"{one['ece'][name]:.3f}" for name in names)]
        lines.append(row([one["data set"], str(one["samples"]), *cells]))
    errors = np.array([list(one["ece"].values()) for one in results])
    lines.append(row(["**mean**", "", "", "", *(f"{mean:.3f}" for mean in errors.mean(axis=0))]))
    lines.append(row([f"**at most {AIM:g}**", "", "", "", *(str(count) for count in (errors <= AIM).sum(axis=0))]))
    return "\n".join(lines)


def main() -> None:
    """Read, leave out, fit, print."""
    options = scoring_parser(__doc__, "val").parse_args()
    torch.set_num_threads(options.threads)
    warnings.simplefilter("ignore", NotGeoreferencedWarning)
    model, found = load(options.checkpoint), []
    for name, dataset in data_sets(options.root, {options.split}, options.only):
        try:
            found.append(labelled_pixels(model, dataset, options.split))
        except (ConfigurationError, DataError) as reason:
            print(f"{name}: left out: {reason}")
    results = measure(found)
    print(table(results))
    if options.json is not None:
        write_json(options.json, {"split": options.split, "model": model.name, "data_sets": results})


if __name__ == "__main__":
    main()
