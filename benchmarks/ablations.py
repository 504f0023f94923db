"""Exchange one module at a time under one short budget, and compare on validation splits.

    python benchmarks/ablations.py [--experiment configs/ablation-nano.yaml] [--seeds 0] [--output runs/ablations]

Prints a Markdown table: one row per variant, the headline score of each data set (mean over seeds), their mean, the
parameters. A short budget tells which module learns fast, not which is best in the end.
"""

import argparse
import json
import statistics
from pathlib import Path

from stsun.model.checkpoint import read_card
from stsun.training.experiment import train

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
    "no augmentation of metadata, bands, dates": [
        f"stream.augment.{name}=false" for name in ("drop_metadata", "drop_bands", "drop_dates")
    ],
    "paper, width 64": [
        "model.size=paper", "model.options={widths: [64], condition: 32, attention_width: 32}",
    ],
}  # fmt: skip
HEADLINE = {"binary_change": "change_f1", "segmentation": "mean_iou", "semantic_change": "mean_iou"}


def run(experiment: str, variant: str, seed: int, output: Path) -> dict[str, float]:
    """Train one variant (or take the finished run of that name) and return its headline score per data set."""
    folder = output / f"{variant.replace(': ', '-').replace(', ', '-').replace(' ', '-')}-{seed}"
    overrides = [*VARIANTS[variant], f"seed={seed}", f"output={folder}", f"name={folder.name}"]
    train(experiment, overrides, resume=(folder / "checkpoints").is_dir())
    scores = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    values = {row["data_set"]: float(row[HEADLINE[row["task"]]] or 0) for row in scores}
    return {**values, "parameters": float(read_card(folder)["parameters"])}


def table(results: dict[str, list[dict[str, float]]]) -> str:
    """Return the Markdown table of the means over seeds."""
    names = [name for name in next(iter(results.values()))[0] if name != "parameters"]
    lines = [f"| variant | {' | '.join(names)} | mean | parameters |", "|---" * (len(names) + 3) + "|"]
    for variant, runs in results.items():
        means = [statistics.mean(run[name] for run in runs) for name in names]
        cells = " | ".join(f"{mean:.3f}" for mean in [*means, statistics.mean(means)])
        lines.append(f"| {variant} | {cells} | {runs[0]['parameters'] / 1e6:.2f} M |")
    return "\n".join(lines)


def main() -> None:
    """Run all variants and seeds; finished runs are not repeated."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiment", default="configs/ablation-nano.yaml")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS))
    parser.add_argument("--output", type=Path, default=Path("runs/ablations"))
    options = parser.parse_args()
    results = {
        variant: [run(options.experiment, variant, seed, options.output) for seed in options.seeds]
        for variant in options.variants
    }
    print(table(results))


if __name__ == "__main__":
    main()
