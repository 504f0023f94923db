"""What exported files cost and give: scores on validation and CPU time, for each way of storing weights.

Example:
    python benchmarks/exported.py src/stsun/checkpoints/tiny --json benchmarks/results/exported.json

Each data set's first sample says what to export for: one ONNX file of float32, float16 and int8 weights. Prints the
headline score of the specialised network and of each file, run by onnxruntime, and the median CPU milliseconds for that
first sample, taken in turn in one process.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from stsun.data.batching import collate
from stsun.data.dataset import DataSet, open_dataset
from stsun.data.sample import Sample
from stsun.evaluation.evaluate import evaluate_predictor
from stsun.export.onnx_file import Session
from stsun.export.portable import flat
from stsun.export.write import WEIGHTS, export
from stsun.model.checkpoint import load
from stsun.model.specialise import specialise
from stsun.model.stsun import STSUN
from tables import HEADLINES, head, row, write_json

DATA_SETS = ("levir_cd/dataset", "epfl_roads/dataset", "xbd_ida/buildings", "ombria_flood/s2", "dubai_aerial/dataset")
COLUMNS = ("data set", "weights", "score", "against the network", "CPU (ms)", "file (MB)")
Run = Callable[[list[torch.Tensor]], torch.Tensor]


def runs_of(model: STSUN, sample: Sample, folder: Path) -> tuple[dict[str, Run], dict[str, float]]:
    """Return what answers for a sample's configuration, by name, and the megabytes of those that are files."""
    # the number of dates must be settled
    configuration = replace(sample.configuration, bands=sample.configuration.bands_of_dates(len(sample.images)))
    network = specialise(model, configuration)
    runs: dict[str, Run] = {"the network": lambda inputs: network(*inputs)}
    sizes = {}
    for weights in WEIGHTS:
        made = export(model, configuration, folder / f"{weights}.onnx", weights=weights, overwrite=True)
        runs[weights], sizes[weights] = Session(made.path), made.size_bytes / 1e6
    return runs, sizes


def maps_of(run: Run, sample: Sample) -> NDArray[np.int64]:
    """Return the maps of a sample."""
    logits = run(inputs_of(sample))[0]
    maps = logits[:, 0] > 0 if sample.configuration.task == "binary_change" else logits.argmax(dim=1)
    return maps.long().numpy()


def inputs_of(sample: Sample) -> list[torch.Tensor]:
    """Return the tensors of a batch of one."""
    batch = collate([sample])
    return flat((batch.images, batch.valid, batch.days))


def milliseconds(runs: dict[str, Run], sample: Sample, repeats: int = 7) -> dict[str, float]:
    """Return the median CPU time of each, taken in turn."""
    inputs, taken = inputs_of(sample), {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            started = time.process_time()
            run(inputs)
            taken[name].append(1e3 * (time.process_time() - started))
    return {name: statistics.median(times) for name, times in taken.items()}


def compare(model: STSUN, dataset: DataSet, split: str) -> list[dict[str, Any]]:
    """Return a row for the network and for each file."""
    sample = replace(dataset.read(dataset.records(split)[0]), labels=None)
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        runs, sizes = runs_of(model, sample, Path(folder))
        times = milliseconds(runs, sample)
        rows = []
        for name, run in runs.items():
            scores = evaluate_predictor(lambda one, run=run: maps_of(run, one), dataset, split)
            score = float(scores[HEADLINES[dataset.task][0]])
            loss = score - (rows[0]["score"] if rows else score)
            rows.append({"weights": name, "score": score, "loss": loss, "cpu_ms": times[name], "mb": sizes.get(name)})
    return rows


def main() -> None:
    """Print a Markdown table, and write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--root", type=Path, default=Path("../shared/data"))
    parser.add_argument("--data", nargs="+", default=list(DATA_SETS), help="paths below the root, without .yaml")
    parser.add_argument("--split", default="val")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model = load(arguments.checkpoint).eval()
    results = {}
    print(head(COLUMNS, 2))
    for name in arguments.data:
        results[name] = compare(model, open_dataset(arguments.root / f"{name}.yaml"), arguments.split)
        for one in results[name]:
            size = "" if one["mb"] is None else f"{one['mb']:.1f}"
            cells = [name, one["weights"], f"{one['score']:.4f}", f"{one['loss']:+.4f}", f"{one['cpu_ms']:.0f}", size]
            print(row(cells), flush=True)
    if arguments.json is not None:
        write_json(arguments.json, results)


if __name__ == "__main__":
    main()
