"""Does joint training gain on real data by simulated scenes? The same experiment with and without them, over seeds.

Example:
    python benchmarks/transfer.py configs/transfer-nano.yaml --seeds 0 1 2 --output runs/transfer \
        --json benchmarks/results/transfer.json

Both arms take the same number of updates, so that the one with simulations sees the real images less often. They run
side by side, one thread each; finished runs are not repeated. Prints one row per real data set: the headline score on
its validation split of both arms (mean over seeds, and standard error), and of their difference, seed by seed.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tables import HEADLINES, head, row, write_json

ARMS = {"without": False, "with": True}
COLUMNS = ("data set", "metric", "without", "with", "difference", "seeds better or equal")


def write_experiment(path: Path, folder: Path, *, simulated: bool, seed: int) -> Path:
    """Write the experiment of one arm and seed, its data where they are; return the file."""
    plan = yaml.safe_load(path.read_text(encoding="utf-8"))
    plan["data"] = [entry for entry in plan["data"] if simulated or "simulation" not in entry]
    for entry in plan["data"]:
        if "dataset" in entry:
            entry["dataset"] = str((path.parent / entry["dataset"]).resolve())
    plan |= {"name": folder.name, "output": str(folder.resolve()), "seed": seed}
    file = folder.with_suffix(".yaml")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(plan), encoding="utf-8")
    return file


def train_both(path: Path, output: Path, seed: int) -> dict[str, Path]:
    """Train both arms of one seed at a time; return their folders."""
    folders = {arm: output / f"{arm}-{seed}" for arm in ARMS}
    running = []
    for arm, simulated in ARMS.items():
        file = write_experiment(path, folders[arm], simulated=simulated, seed=seed)
        started = ["--resume"] if folders[arm].is_dir() else []
        running.append(subprocess.Popen([sys.executable, "-m", "stsun", "train", str(file), *started]))
    codes = [process.wait() for process in running]
    if any(codes):
        sys.exit(f"a run of seed {seed} failed; what it said is above")
    return folders


def scores_of(folder: Path) -> dict[tuple[str, str], float]:
    """Return the headline scores of a run by data set and metric; a score that is undefined counts as 0."""
    found = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    return {(one["data_set"], metric): float(one[metric] or 0) for one in found for metric in HEADLINES[one["task"]]}


def compared(runs: dict[str, list[dict[tuple[str, str], float]]]) -> list[dict[str, Any]]:
    """Return one entry for each data set and metric."""
    entries = []
    for data_set, metric in runs["with"][0]:
        values = {arm: [one[data_set, metric] for one in runs[arm]] for arm in ARMS}
        gains = [more - less for more, less in zip(values["with"], values["without"], strict=True)]
        entries.append({"data set": data_set, "metric": metric, **values, "difference": gains})
    return entries


def table(entries: list[dict[str, Any]]) -> str:
    """Return the comparison as a Markdown table."""
    lines = [head(COLUMNS, 2)]
    for entry in entries:
        cells = [_spread(entry[column]) for column in COLUMNS[2:5]]
        better = sum(gain >= 0 for gain in entry["difference"])
        lines.append(row([entry["data set"], entry["metric"], *cells, f"{better} of {len(entry['difference'])}"]))
    return "\n".join(lines)


def _spread(values: list[float]) -> str:
    """Return the mean and, where there are several values, its standard error."""
    if len(values) < 2:
        return f"{values[0]:.3f}"
    return f"{statistics.mean(values):.3f} ± {statistics.stdev(values) / len(values) ** 0.5:.3f}"


def main() -> None:
    """Train all runs and print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--output", type=Path, default=Path("runs/transfer"))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    runs: dict[str, list[dict[tuple[str, str], float]]] = {arm: [] for arm in ARMS}
    for seed in arguments.seeds:
        for arm, folder in train_both(arguments.experiment, arguments.output, seed).items():
            runs[arm].append(scores_of(folder))
    entries = compared(runs)
    print(table(entries))
    if arguments.json is not None:
        write_json(arguments.json, {"experiment": arguments.experiment.name, "seeds": arguments.seeds, "rows": entries})


if __name__ == "__main__":
    main()
