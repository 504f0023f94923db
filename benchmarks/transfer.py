"""Does training gain on real data by simulated scenes? The same experiment with and without them, over seeds.

Example:
    python benchmarks/transfer.py configs/transfer-nano.yaml --arms before --seeds 0 1 2 --output runs/transfer \
        --json benchmarks/results/transfer.json

Every arm is compared with `without`, the real data sets alone:

- `before`: training on simulated scenes alone, once for all seeds, and then as `without` from there: as many real
  batches, and the same ones.
- `beside`: every update has as many real batches as in `without`, and simulated ones on top.
- `instead`: as many updates of as many batches; simulated batches take the place of real ones.

`--kinds` keeps some kinds of scene only, so that each can be tried by itself. Runs go side by side, one thread each;
finished runs are not repeated, stopped ones go on. Prints one row per real data set: the headline score on its
validation split of each arm (mean over seeds, and standard error), and of the differences, seed by seed.
"""

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from tables import HEADLINES, head, row, write_json

WITHOUT, ARMS = "without", ("before", "beside", "instead")
SIMULATED = "simulated"
"""The training that comes before."""

Plan = dict[str, Any]
Scores = Mapping[tuple[str, str], float]
"""Headline scores of a run by data set and metric."""


def plan_of(plan: Plan, arm: str, *, steps: int = 0, extra: int = 1) -> Plan:
    """Return the experiment of one arm.

    Args:
        plan: The experiment: real data sets and simulated scenes, drawn by their weights alone (``power: 0``).
        arm: ``without``, one of ``ARMS``, or ``SIMULATED``.
        steps: Of ``SIMULATED``, whose warm-up is as much shorter; otherwise as the plan has it.
        extra: Simulated batches of each update of ``beside``.
    """
    real = [entry for entry in plan["data"] if "dataset" in entry]
    simulated = [entry for entry in plan["data"] if "simulation" in entry]
    if arm == SIMULATED:
        warmup = round(plan["optimiser"]["warmup"] * steps / plan["steps"])
        return plan | {"data": simulated, "steps": steps, "optimiser": plan["optimiser"] | {"warmup": warmup}}
    if arm == "beside":
        batches = plan["stream"]["accumulate"]
        share = extra / batches * sum(map(_weight, real)) / sum(map(_weight, simulated))
        drawn = [entry | {"weight": _weight(entry) * share} for entry in simulated]
        return plan | {"data": real + drawn, "stream": plan["stream"] | {"accumulate": batches + extra}}
    return plan | {"data": real + simulated if arm == "instead" else real}


def _weight(entry: Plan) -> float:
    return float(entry.get("weight", 1))


def kept(plan: Plan, kinds: Sequence[str]) -> Plan:
    """Return the plan with these kinds of simulated scene only; all of them if none is named."""
    return plan | {"data": [entry for entry in plan["data"] if not kinds or entry.get("simulation") in (None, *kinds)]}


def write_experiment(plan: Plan, source: Path, folder: Path, *, seed: int, start: Path | None = None) -> Path:
    """Write the experiment of one run, its data where they are; return the file.

    Args:
        plan: What to run.
        source: The file that the plan came from, which its paths are relative to.
        folder: Of the run.
        seed: Of the run.
        start: The checkpoint that it goes on from; None = as the plan has it.
    """
    data = [entry | _resolved(entry, source.parent) for entry in plan["data"]]
    plan = plan | {"data": data, "name": folder.name, "output": str(folder.resolve()), "seed": seed}
    if start is not None:
        plan["model"] = {"checkpoint": str(start.resolve())}
    file = folder.with_suffix(".yaml")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(plan), encoding="utf-8")
    return file


def _resolved(entry: Plan, folder: Path) -> Plan:
    return {"dataset": str((folder / entry["dataset"]).resolve())} if "dataset" in entry else {}


def train(file: Path) -> None:
    """Run an experiment, or what is left of it; say so if it fails."""
    started = ["--resume"] if file.with_suffix("").is_dir() else []
    if subprocess.run([sys.executable, "-m", "stsun", "train", str(file), *started]).returncode:
        sys.exit(f"{file.stem} failed; what it said is above")


def experiments(options: argparse.Namespace) -> Iterator[tuple[str, Path]]:
    """Write the experiments of all arms and seeds, and yield each with its arm; train first what comes before."""
    plan = kept(yaml.safe_load(options.experiment.read_text(encoding="utf-8")), options.kinds)
    start = options.output / SIMULATED
    if "before" in options.arms:
        first = plan_of(plan, SIMULATED, steps=options.before)
        train(write_experiment(first, options.experiment, start, seed=options.seeds[0]))
    for seed in options.seeds:
        for arm in (WITHOUT, *options.arms):
            folder, own = options.output / f"{arm}-{seed}", plan_of(plan, arm, extra=options.extra)
            checkpoint = start if arm == "before" else None
            yield arm, write_experiment(own, options.experiment, folder, seed=seed, start=checkpoint)


def scores_of(folder: Path) -> Scores:
    """Return the headline scores of a run; a score that is undefined counts as 0."""
    found = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    return {(one["data_set"], metric): float(one[metric] or 0) for one in found for metric in HEADLINES[one["task"]]}


def compared(runs: Mapping[str, Sequence[Scores]]) -> list[dict[str, Any]]:
    """Return one entry for each data set and metric: the scores of each arm, seed by seed."""
    return [
        {
            "data set": data_set,
            "metric": metric,
            "scores": {arm: [one[data_set, metric] for one in runs[arm]] for arm in runs},
        }
        for data_set, metric in runs[WITHOUT][0]
    ]


def table(entries: Sequence[dict[str, Any]]) -> str:
    """Return the comparison as a Markdown table."""
    arms = [arm for arm in entries[0]["scores"] if arm != WITHOUT]
    columns = [name for arm in arms for name in (arm, "difference", "seeds better or equal")]
    lines = [head(("data set", "metric", WITHOUT, *columns), 2)]
    for entry in entries:
        base = entry["scores"][WITHOUT]
        cells = [entry["data set"], entry["metric"], _spread(base)]
        for arm in arms:
            gains = [more - less for more, less in zip(entry["scores"][arm], base, strict=True)]
            better = sum(gain >= 0 for gain in gains)
            cells += [_spread(entry["scores"][arm]), _spread(gains), f"{better} of {len(gains)}"]
        lines.append(row(cells))
    return "\n".join(lines)


def _spread(values: Sequence[float]) -> str:
    """Return the mean and, where there are several values, its standard error."""
    if len(values) < 2:
        return f"{values[0]:.3f}"
    return f"{statistics.mean(values):.3f} ± {statistics.stdev(values) / len(values) ** 0.5:.3f}"


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", type=Path)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=["before"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--kinds", nargs="+", default=[], help="left out: all that the experiment names")
    parser.add_argument("--before", type=int, default=300, help="updates on simulated scenes alone")
    parser.add_argument("--extra", type=int, default=1, help="simulated batches of an update, on top of real ones")
    parser.add_argument("--jobs", type=int, default=2, help="runs at once")
    parser.add_argument("--output", type=Path, default=Path("runs/transfer"))
    parser.add_argument("--json", type=Path)
    return parser.parse_args(arguments)


def main() -> None:
    """Train all runs and print the comparison."""
    options = parse()
    files = list(experiments(options))
    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(train, [file for _, file in files]))
    runs = {arm: [scores_of(file.with_suffix("")) for own, file in files if own == arm] for arm, _ in files}
    entries = compared(runs)
    print(table(entries))
    if options.json is not None:
        facts = {"experiment": options.experiment.name, "seeds": options.seeds, "before": options.before}
        write_json(options.json, {**facts, "extra": options.extra, "rows": entries})


if __name__ == "__main__":
    main()
