"""The checkpoint that ships, made of a trained run: calibrated, scored, with a card that says what it is for.

    python benchmarks/release.py runs/joint-tiny-normed --about configs/release-tiny.yaml --output build/tiny

Temperatures are found on the validation splits of the data sets under ``--root`` whose categories the run knows. Then
validation and test splits are scored: run it when nothing is to be chosen by them any more. The card gets what the YAML
file says of intended use, limits and how the weights were made, and the headline scores with their 95 % intervals.
"""

import argparse
import warnings
from pathlib import Path
from typing import Any

import torch
from rasterio.errors import NotGeoreferencedWarning

from stsun.data.dataset import DataSet
from stsun.errors import ConfigurationError, DataError
from stsun.evaluation.evaluate import evaluate
from stsun.evaluation.temperature import calibrate
from stsun.model.checkpoint import further_facts, load, save
from stsun.model.stsun import STSUN
from stsun.yamlfile import load_mapping
from tables import HEADLINES, data_sets

TOLD = ("intended_use", "limits", "made_by")
"""What the YAML file is to say, in these words and no others."""
CHOOSING, FINAL = "val", "test"


def main() -> None:
    """Calibrate, score, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--about", type=Path, required=True, metavar="FILE.YAML")
    parser.add_argument("--output", type=Path, required=True, help="a folder that does not exist yet")
    parser.add_argument("--root", type=Path, default=Path("../shared/data"))
    options = parser.parse_args()
    about = load_mapping(options.about, DataError)
    if set(about) != set(TOLD):
        parser.error(f"{options.about} tells {', '.join(sorted(about))}; expected {', '.join(TOLD)}")
    if options.output.exists():
        parser.error(f"{options.output} is there already; name another folder")
    warnings.simplefilter("ignore", NotGeoreferencedWarning)
    torch.set_num_threads(1)
    release(options.run, about, options.root, options.output)


def release(run: Path, about: dict[str, Any], root: Path, output: Path) -> Path:
    """Save the checkpoint of a run anew, with temperatures and all that its card is to tell; return its folder."""
    model = load(run)
    found = calibrate(model, [dataset.path for dataset in known_sets(model, root, CHOOSING)], CHOOSING)
    model.temperatures = found.temperatures
    scores = [
        headline(model, dataset, split) for split in (CHOOSING, FINAL) for dataset in known_sets(model, root, split)
    ]
    return save(model, output, {**further_facts(run), **about, "calibration": list(found.data_sets), "scores": scores})


def known_sets(model: STSUN, root: Path, split: str) -> list[DataSet]:
    """Return the data sets under a folder that have a split and whose categories the model knows."""
    known = []
    for _, dataset in data_sets(root, {split}):
        try:
            model.check_categories(dataset.read(dataset.records(split)[0]).configuration)
        except ConfigurationError:
            continue
        known.append(dataset)
    return known


def headline(model: STSUN, dataset: DataSet, split: str) -> dict[str, Any]:
    """Return the headline scores of a model on a split with their intervals, and its calibration error."""
    scores = evaluate(model, dataset, split)
    metrics = HEADLINES[dataset.task]
    told = {name: scores[name] for name in ("data_set", "split", "task", "samples", "pixels", *metrics, "ece")}
    return {**told, "intervals": {name: scores["intervals"][name] for name in metrics}}


if __name__ == "__main__":
    main()
