"""What each stride of the encoder is worth: scores of a checkpoint as it is, and with the tokens of a stride silenced.

Example:
    python benchmarks/strides.py src/stsun/checkpoints/tiny --split val --json benchmarks/results/strides_val.json

One row per data set and headline metric. A stride without which nothing is lost costs operations and gives nothing: the
network has not learned to use it.
"""

import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from stsun.data.dataset import DataSet
from stsun.errors import ConfigurationError
from stsun.evaluation.evaluate import evaluate
from stsun.model.checkpoint import load
from stsun.model.encoder import Level
from stsun.model.stsun import STSUN
from stsun.report.words import number
from tables import HEADLINES, data_sets, head, row, scoring_parser, write_json


@contextmanager
def silenced(model: STSUN, stride: int | None) -> Iterator[STSUN]:
    """Lend the model with zeros for the encoder's tokens of one stride; None = as it is."""

    def silence(_encoder: nn.Module, _arguments: object, levels: list[Level]) -> list[Level]:
        levels[model.encoder.strides.index(stride)].tokens.zero_()
        return levels

    handle = None if stride is None else model.encoder.register_forward_hook(silence)
    try:
        yield model
    finally:
        if handle is not None:
            handle.remove()


def scores_of(model: STSUN, dataset: DataSet, split: str) -> dict[str, list[float]]:
    """Return for each headline metric the score as it is and without each stride; an undefined one counts as 0."""
    found: dict[str, list[float]] = {metric: [] for metric in HEADLINES[dataset.task]}
    for stride in (None, *model.encoder.strides):
        with silenced(model, stride) as lent:
            scores = evaluate(lent, dataset, split)
        for metric, values in found.items():
            values.append(float(scores[metric] or 0))
    return found


def main() -> None:
    """Print a Markdown table, and write JSON where asked."""
    arguments = scoring_parser(__doc__, "val").parse_args()
    torch.set_num_threads(arguments.threads)
    model = load(arguments.checkpoint)
    columns = ["as it is", *(f"without stride {stride}" for stride in model.encoder.strides)]
    results: dict[str, dict[str, list[float]]] = {}
    print(head(["data set", "metric", *columns], texts=2))
    for name, dataset in data_sets(arguments.root, {arguments.split}, arguments.only):
        try:
            results[name] = scores_of(model, dataset, arguments.split)
        except ConfigurationError as reason:
            print(f"{name}: left out: {reason}", file=sys.stderr)
            continue
        for metric, values in results[name].items():
            print(row([name, metric, *map(number, values)]), flush=True)
    means = [
        statistics.mean(column) for column in zip(*(v for one in results.values() for v in one.values()), strict=True)
    ]
    print(row(["mean", "", *map(number, means)]))
    if arguments.json is not None:
        write_json(arguments.json, {"split": arguments.split, "columns": columns, "data_sets": results})


if __name__ == "__main__":
    main()
