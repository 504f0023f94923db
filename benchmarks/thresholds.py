"""Where binary change should be cut: F1 of a checkpoint when logits above other values than 0 count as changed.

Example:
    python benchmarks/thresholds.py src/stsun/checkpoints/tiny --split train --json benchmarks/results/thresholds.json

One row per data set of binary change. The best F1 of a row is bold; where it stands far from the column of 0, the
network is too timid (best to the left) or too bold (best to the right) for the score.
"""

import json

import numpy as np
import torch
from numpy.typing import NDArray

from stsun.data.batching import collate
from stsun.data.dataset import DataSet
from stsun.data.sample import IGNORE
from stsun.model.checkpoint import load
from stsun.model.stsun import STSUN
from tables import data_sets, head, row, scoring_parser, write_json

CUTS = (-1.5, -1.0, -0.7, -0.4, -0.2, 0.0, 0.2, 0.4, 0.7, 1.0, 1.5)


def f1_at_cuts(model: STSUN, dataset: DataSet, split: str) -> NDArray[np.float64]:
    """Return the F1 of change over all pixels of a split for each cut."""
    hits, called, changed = np.zeros(len(CUTS)), np.zeros(len(CUTS)), 0
    for record in dataset.records(split):
        batch = collate([dataset.read(record)])
        with torch.inference_mode():
            logits = model(batch.images, batch.valid, batch.days, batch.configuration)[:, :, 0]
        known = batch.labels != IGNORE
        truth = batch.labels[known] == 1
        above = torch.stack([logits[known] > cut for cut in CUTS])
        hits += (above & truth).sum(1).numpy()
        called += above.sum(1).numpy()
        changed += int(truth.sum())
    return 2 * hits / np.maximum(called + changed, 1)


def main() -> None:
    """Print a Markdown table of the data sets under a folder, and write JSON where asked."""
    arguments = scoring_parser(__doc__, "train").parse_args()
    torch.set_num_threads(arguments.threads)
    model = load(arguments.checkpoint).eval()
    results: dict[str, list[float]] = {}
    print(head(["data set", *map(str, CUTS)], 1))
    for name, dataset in data_sets(arguments.root, {arguments.split}, arguments.only):
        if dataset.task == "binary_change":
            scores = f1_at_cuts(model, dataset, arguments.split)
            results[name] = scores.tolist()
            print(
                row([name, *(f"**{one:.3f}**" if one == scores.max() else f"{one:.3f}" for one in scores)]), flush=True
            )
    if arguments.json is not None:
        known = json.loads(arguments.json.read_text(encoding="utf-8")) if arguments.json.is_file() else {}
        write_json(arguments.json, {**known, arguments.split: {"cuts": list(CUTS), "f1": results}})


if __name__ == "__main__":
    main()
