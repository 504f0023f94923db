"""Exchange one module at a time under one short budget, and compare on validation splits.

    python benchmarks/ablations.py --seeds 0 1 2 --json benchmarks/results/ablations.json

Prints a Markdown table: one row per variant, the headline score of each data set (mean over seeds), their mean with its
standard error over seeds, the parameters. A short budget tells which module learns fast, not which is best in the end.
"""

import argparse
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from stsun.model.checkpoint import WEIGHTS, read_card
from stsun.training.experiment import train
from tables import HEADLINES, head, row, write_json

VARIANTS = {
    "default": [],
    "spectral: hypernetwork": ["model.options.spectral=hypernetwork"],
    # its rows are for exact bands: none may lose its bandwidth
    "spectral: fixed": ["model.options.spectral=fixed", "stream.augment.drop_metadata=false"],
    "no surroundings": ["model.options.surroundings=false"],
    "windows: shifted": ["model.options.windows=shifted"],
    "windows: global": ["model.options.windows=global"],
    "temporal: linear": ["model.options.temporal=linear"],
    "temporal: mean": ["model.options.temporal=mean"],
    "head: generated": ["model.options.head=generated"],
    "no task embedding": ["model.options.task_embedding=false"],
    "no dropout of metadata": ["stream.augment.drop_metadata=false"],
    "no dropout of bands": ["stream.augment.drop_bands=false"],
    "no dropout of dates": ["stream.augment.drop_dates=false"],
    "paper, width 64": [
        "model.size=paper", "model.options={widths: [64], condition: 32, attention_width: 32}",
    ],
}  # fmt: skip
PARAMETERS = "parameters"


def run(experiment: str, variant: str, seed: int, output: Path) -> dict[str, float]:
    """Train one variant (or take the finished run of that name) and return its headline score per data set."""
    folder = output / f"{variant.replace(': ', '-').replace(', ', '-').replace(' ', '-')}-{seed}"
    overrides = [*VARIANTS[variant], f"seed={seed}", f"output={folder}", f"name={folder.name}"]
    if not (folder / WEIGHTS).is_file():
        train(experiment, overrides, resume=(folder / "checkpoints").is_dir())
    scores = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    values = {each["data_set"]: float(each[HEADLINES[each["task"]][0]] or 0) for each in scores}
    return {**values, PARAMETERS: float(read_card(folder)["parameters"])}


def table(results: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    """Return the Markdown table of the means over seeds; ``results`` are those of each seed by variant."""
    names = [name for name in next(iter(results.values()))[0] if name != PARAMETERS]
    lines = [head(["variant", *names, "mean", "parameters"], texts=1)]
    for variant, runs in results.items():
        means = [statistics.mean(run[name] for run in runs) for name in names]
        of_seeds = [statistics.mean(run[name] for name in names) for run in runs]
        error = f" ± {statistics.stdev(of_seeds) / len(runs) ** 0.5:.3f}" if len(runs) > 1 else ""
        cells = [*(f"{mean:.3f}" for mean in means), f"{statistics.mean(of_seeds):.3f}{error}"]
        lines.append(row([variant, *cells, f"{runs[0][PARAMETERS] / 1e6:.2f} M"]))
    return "\n".join(lines)


def main() -> None:
    """Run all variants and seeds; finished runs are not repeated."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiment", default="configs/ablation-nano.yaml")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS))
    parser.add_argument("--output", type=Path, default=Path("runs/ablations"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = {
        variant: [run(options.experiment, variant, seed, options.output) for seed in options.seeds]
        for variant in options.variants
    }
    print(table(results))
    if options.json is not None:
        write_json(options.json, {"experiment": options.experiment, "seeds": options.seeds, "variants": results})


if __name__ == "__main__":
    main()
