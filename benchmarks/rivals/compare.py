"""STSUN and its rivals, trained on the same data in the same way, and scored on validation splits.

Example:
    python benchmarks/rivals/compare.py configs/rivals.yaml --seeds 0 1 2 --json benchmarks/results/rivals.json
    python benchmarks/rivals/compare.py configs/rivals.yaml --only levir-cd --networks stsun bit --set steps=100

Each data set of the experiment is one trial of STSUN, and one of each rival that suits it; with ``--joint`` also one
of all data sets together, of STSUN and of the rivals that suit all, with as many updates as all the single trials.
Batches are the same for all: same crops, same augmentation, same losses, optimiser and schedule, from the same seed.
With several ``--learning-rates`` each trial is done with each of them and the first seed, and with all seeds at the one
that scores best on the validation split. ``--equal flops`` gives each rival as many updates as cost what STSUN's cost,
instead of as many samples. ``--shipped`` adds a checkpoint that was trained elsewhere, on more. Finished trials are not
repeated. Validation splits are scored; ``--test`` scores the test splits instead, once all else is settled.

A second table holds STSUN trained on all data sets together against the best rival and against STSUN alone.
"""

import argparse
import statistics
import sys
import warnings
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from rasterio.errors import NotGeoreferencedWarning

sys.path.append(str(Path(__file__).resolve().parents[1]))  # programs are no package: what they share is one folder up

from comparison import Group, cost_of_all, groups_of, reference_for, summary_of, verdicts
from roster import ROSTER, suits
from stsun.report.words import interval, number
from stsun.training.experiment import read_experiment
from stsun.training.plan import Experiment
from tables import HEADLINES, head, row, write_json
from trials import JOINT, OURS, VALIDATION, Part, Result, of_checkpoint, parts_of, trial, with_equal_flops

METRICS = {task: names[0] for task, names in HEADLINES.items()}
COLUMNS = (
    "data set", "metric", "network", "trained", "score of each seed", "mean", "STSUN alone minus it", "95 % interval",
    "samples seen", "parameters (M)", "GFLOPs", "est. ms", "peak MB",
)  # fmt: skip
VERDICT_COLUMNS = (
    "data set", "metric", "best rival", "which", "STSUN alone", "STSUN", "trained", "over the rival", "95 % interval",
    "over alone", "95 % interval",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Do all trials and print a Markdown table."""
    options = parse(arguments)
    warnings.simplefilter("ignore", NotGeoreferencedWarning)
    experiment = read_experiment(options.experiment, options.overrides)
    torch.set_num_threads(experiment.threads or torch.get_num_threads())
    results: list[Result] = []
    for part in parts_of(experiment, options.only, joint=options.joint):
        for network in options.networks:
            if network == OURS or suits(network, part.ports):
                print(f"{part.name}: {network}", file=sys.stderr)
                results += all_seeds(network, part, options)
        if options.shipped is not None and part.name != JOINT:
            first = replace(part.experiment, seed=options.seeds[0])
            results += of_checkpoint(options.shipped, first, metrics=METRICS, split=split_of(options))
    groups = groups_of(results)
    rows = [entry_of(group, reference_for(group, groups)) for group in groups]
    print("\n".join([head(COLUMNS, texts=4), *map(table_row, rows)]))
    found = verdicts(groups, METRICS)
    if any(verdict["unified"] for verdict in found):
        print_verdicts(found)
    if options.json is not None:
        facts = facts_of(experiment, options)
        write_json(options.json, {**facts, "rows": rows, "verdicts": found, "costs_of_all": cost_of_all(found)})


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", type=Path)
    parser.add_argument("--networks", nargs="+", default=[OURS, *ROSTER], choices=[OURS, *ROSTER])
    parser.add_argument("--only", nargs="+", metavar="NAME", help="of data sets; left out: all of the experiment")
    parser.add_argument("--joint", action="store_true")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--learning-rates", type=float, nargs="+", metavar="RATE", help="left out: the experiment's")
    parser.add_argument("--shipped", type=Path, metavar="CHECKPOINT")
    parser.add_argument("--test", action="store_true")
    parser.add_argument("--equal", choices=["samples", "flops"], default="samples")
    parser.add_argument("--set", nargs="+", default=[], dest="overrides", metavar="KEY=VALUE", help="as of stsun train")
    parser.add_argument("--output", type=Path, default=Path("runs/rivals"), help="folder of the trials")
    parser.add_argument("--json", type=Path)
    return parser.parse_args(arguments)


def all_seeds(network: str, part: Part, options: argparse.Namespace) -> list[Result]:
    """Return the results of a network on a part: of each seed, at the best learning rate of those to be tried."""
    experiment = part.experiment
    if options.equal == "flops" and network != OURS:
        experiment = with_equal_flops(experiment, network)
    rates = options.learning_rates or [experiment.optimiser.learning_rate]

    def run(seed: int, rate: float, split: str = VALIDATION) -> list[Result]:
        plan = replace(experiment, seed=seed, optimiser=replace(experiment.optimiser, learning_rate=rate))
        folder = options.output / part.name / f"{network}-{seed}-{rate:g}"
        return trial(network, plan, folder, metrics=METRICS, split=split)

    def reached(rate: float) -> float:
        return statistics.mean(result.score or 0 for result in run(options.seeds[0], rate))

    best = max(rates, key=reached) if len(rates) > 1 else rates[0]
    return [result for seed in options.seeds for result in run(seed, best, split_of(options))]


def split_of(options: argparse.Namespace) -> str:
    """Return the split that is scored in the end."""
    return "test" if options.test else VALIDATION


def entry_of(group: Group, ours: Group | None) -> dict[str, Any]:
    """Return what the table and the JSON file say of one network on one data set."""
    first, metric = group[0], METRICS[group[0].task]
    told = {name: getattr(first, name) for name in ("data_set", "network", "joint", "learning_rate", "updates")}
    costs = {name: getattr(first, name) for name in ("samples_seen", "parameters", "gflops", "est_ms", "peak_mb")}
    scores = {"metric": metric, "scores": [result.score for result in group], **summary_of(group, ours, metric)}
    minutes = [result.minutes for result in group]
    return {**told, **scores, **costs, "minutes": minutes, "validation_samples": len(first.matrices)}


def table_row(entry: dict[str, Any]) -> str:
    """Return one row of the table."""
    error = entry["standard_error"]
    cells = [
        entry["data_set"], entry["metric"], entry["network"], "together" if entry["joint"] else "alone",
        ", ".join(map(number, entry["scores"])),
        number(entry["score"]) + ("" if error is None else f" ± {error:.3f}"),
        number(entry["behind_stsun"]), interval(entry["interval"]), str(entry["samples_seen"]),
        f"{entry['parameters'] / 1e6:.2f}", f"{entry['gflops']:.2f}", f"{entry['est_ms']:.0f}",
        f"{entry['peak_mb']:.0f}",
    ]  # fmt: skip
    return row(cells)


def print_verdicts(found: Sequence[dict[str, Any]]) -> None:
    """Print the second table, and what it takes to serve all its data sets."""
    print("\n" + head(VERDICT_COLUMNS, texts=2))
    print("\n".join(row for verdict in found for row in verdict_rows(verdict)))
    print("\nTo serve all of them, one sample each:")
    for name, cost in cost_of_all(found).items():
        print(f"- {name}: {cost['parameters'] / 1e6:.2f} M parameters, {cost['gflops']:.1f} GFLOPs")


def verdict_rows(verdict: dict[str, Any]) -> list[str]:
    """Return the rows of the second table on one data set."""
    rows, rival = [], verdict["rival"]
    for network, unified in verdict["unified"].items():
        leads = [
            ("–", "–") if lead is None else (number(lead[0]), interval(lead[1]))
            for lead in (unified["over_rival"], unified["over_alone"])
        ]
        cells = [
            verdict["data_set"], verdict["metric"],
            number(rival and rival["score"]), rival["network"] if rival else "–",
            number(verdict["alone"]), number(unified["score"]), "together" if network == OURS else network,
            *leads[0], *leads[1],
        ]  # fmt: skip
        rows.append(row(cells))
    return rows


def facts_of(experiment: Experiment, options: argparse.Namespace) -> dict[str, Any]:
    """Return what was the same for all trials."""
    return {
        "split": "test" if options.test else "val",
        "seeds": options.seeds,
        "equal": options.equal,
        "learning_rates": options.learning_rates or [experiment.optimiser.learning_rate],
        "steps_of_a_data_set": experiment.steps,
        "size": experiment.model.size,
        "stream": asdict(experiment.stream),
        "optimiser": asdict(experiment.optimiser),
        "label_smoothing": experiment.label_smoothing,
        "torch": torch.__version__,
    }


if __name__ == "__main__":
    main()
