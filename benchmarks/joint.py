"""One checkpoint on every data set under a folder, beside what costs nothing.

Example:
    python benchmarks/joint.py src/stsun/checkpoints/tiny --split val --json benchmarks/results/joint_val.json

For each data set that has the split: the headline scores with their 95 % intervals, the best of the baselines that
`baselines.py` has written for the same split, the expected calibration error, how many samples of it the training saw
(where the checkpoint's card tells), what a forward pass of the split's first sample costs, specialised for its
configuration (GFLOPs: 2 x multiply-add, attention counted; est. ms as in docs/speed.md; peak MB of a process that does
nothing else), and seconds for the whole split with reading. A score is marked with * where it does not beat the best
baseline. The mean IoU is over the categories that occur in labels or predictions, so that a few pixels of a category
that no label has cost as much as a whole one; beside it stands the mean over the labelled ones only. Data sets with
categories that the checkpoint does not know are left out, with a line that says so.
"""

import argparse
import json
import statistics
import sys
import warnings
from pathlib import Path
from typing import Any

import torch
from rasterio.errors import NotGeoreferencedWarning

from costing import cost_on
from stsun.data.batching import collate
from stsun.data.dataset import DataSet
from stsun.errors import ConfigurationError
from stsun.evaluation.evaluate import evaluate
from stsun.model.checkpoint import load, read_card
from stsun.model.stsun import STSUN
from stsun.report.words import interval, number
from tables import HEADLINES, data_sets, head, row, samples_told, scoring_parser, write_json

BASELINES = ("majority", "all_changed", "linear")
COLUMNS = (
    "data set", "task", "metric", "score", "labelled only", "95 % interval", "best baseline", "which", "samples",
    "ECE", "seen in training", "parameters (M)", "GFLOPs", "est. ms", "peak MB", "seconds",
)  # fmt: skip


def main() -> None:
    """Score the checkpoint on every data set and print a Markdown table."""
    arguments = parse()
    torch.set_num_threads(arguments.threads)
    warnings.simplefilter("ignore", NotGeoreferencedWarning)
    model, card = load(arguments.checkpoint), read_card(arguments.checkpoint)
    baselines = read_baselines(arguments.baselines, arguments.split)
    seen = samples_told(card)
    results: dict[str, Any] = {}
    print(head(COLUMNS, texts=3))
    for name, dataset in data_sets(arguments.root, {arguments.split}, arguments.only):
        try:
            result = score(model, name, dataset, arguments.split)
        except ConfigurationError as reason:
            print(f"{name}: left out: {reason}", file=sys.stderr)
            continue
        results[name] = result | {"samples_seen": seen.get(dataset.name), "baselines": baselines.get(name, {})}
        print("\n".join(table_rows(name, results[name])), flush=True)
    print(f"\n{len(results)} data sets in {sum(result['seconds'] for result in results.values()):.0f} s")
    if arguments.json is not None:
        facts = {"split": arguments.split, "threads": arguments.threads, "torch": torch.__version__, "card": card}
        write_json(arguments.json, {**facts, "data_sets": results})


def parse() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = scoring_parser(__doc__, "val")
    parser.add_argument("--baselines", type=Path, help="left out: benchmarks/results/baselines_SPLIT.json if it exists")
    return parser.parse_args()


def read_baselines(path: Path | None, split: str) -> dict[str, Any]:
    """Return the baselines of each data set; none where no file is named and there is none for the split.

    Raises:
        SystemExit: The file is of another split.
    """
    if path is None:
        path = Path(__file__).parent / "results" / f"baselines_{split}.json"
        if not path.is_file():
            return {}
    content = json.loads(path.read_text(encoding="utf-8"))
    if content["split"] != split:
        raise SystemExit(f"{path} holds baselines of split {content['split']!r}, expected {split!r}; name another file")
    known: dict[str, Any] = content["data_sets"]
    return {name: {key: result[key] for key in BASELINES if key in result} for name, result in known.items()}


def score(model: STSUN, name: str, dataset: DataSet, split: str) -> dict[str, Any]:
    """Return the scores of a model on one split, and what one sample of it costs."""

    def tell(done: int, samples: int) -> None:
        end = "\n" if done == samples else ""
        print(f"\r{name}: {done} of {samples} samples", end=end, file=sys.stderr, flush=True)

    scores = evaluate(model, dataset, split, progress=tell)
    return {**scores, **cost_on(model, collate([dataset.read(dataset.records(split)[0])]))}


def table_rows(name: str, result: dict[str, Any]) -> list[str]:
    """Return one row of the table per headline metric of the task."""
    rows = []
    for metric in HEADLINES[result["task"]]:
        value = result[metric]
        which, best = best_baseline(result["baselines"], metric)
        beaten = best is None or (value is not None and value > best)
        seen = result["samples_seen"]
        cells = [
            name, result["task"], metric, number(value) + ("" if beaten else " *"),
            number(labelled_mean(result) if metric == "mean_iou" else None), interval(result["intervals"][metric]),
            number(best), which, str(result["samples"]),
            number(result["ece"]), "–" if seen is None else str(seen), f"{result['parameters'] / 1e6:.2f}",
            f"{result['gflops']:.2f}", f"{result['est_ms']:.0f}", f"{result['peak_mb']:.0f}",
            f"{result['seconds']:.1f}",
        ]  # fmt: skip
        rows.append(row(cells))
    return rows


def labelled_mean(scores: dict[str, Any]) -> float | None:
    """Return the mean IoU over the categories that labels have, whatever else is predicted; None if there is none."""
    labelled = [each["iou"] for each in scores["categories"].values() if each["pixels"]]
    return statistics.mean(labelled) if labelled else None


def best_baseline(baselines: dict[str, Any], metric: str) -> tuple[str, float | None]:
    """Return the name and score of the baseline that does best; a dash and None where there is none."""
    known = {name: scores[metric] for name, scores in baselines.items() if scores.get(metric) is not None}
    if not known:
        return "–", None
    best = max(known, key=lambda name: known[name])
    return best.replace("_", " "), known[best]


if __name__ == "__main__":
    main()
