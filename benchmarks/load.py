"""Much at once: what the package bears, in which time and memory, and what it refuses.

Example:
    OMP_NUM_THREADS=1 python benchmarks/load.py --json benchmarks/results/load.json

Prints one Markdown table per experiment, and exits with 1 where a result is wrong or a promise is not kept.

* predictions: 8 predictions at once, each a process; the same bytes as one alone. And 8 that would make the same file:
  one does, the others are refused.
* clients: 200 clients of the viewer, each with a connection of its own, asking for the page, the catalogue and tiles.
* samples: a data set of 100 000 samples, as rows of a list and as names with patterns: to open it, and to read some.
* categories: 10 000 classes in a YAML file, 10 000 categories asked for.
* dates, bands: a map of 365 dates, and of an image with 500 bands.

Memory is the most that a process had resident, imports and all; time is the wall clock's.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import rasterio
import yaml
from rasterio.transform import from_origin

import viewer
from stsun.model.checkpoint import save
from stsun.model.stsun import create
from tables import head, row, write_json

Rows = list[dict[str, Any]]
STSUN = (sys.executable, "-m", "stsun")
OPEN = """
import json, sys, time
from pathlib import Path
from stsun.data.dataset import open_dataset
def most():
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])

before = most()
started = time.perf_counter()
dataset = open_dataset(sys.argv[1])
opened = time.perf_counter() - started
records = dataset.records("train")
held = most() - before
for record in records[:: max(1, len(records) // int(sys.argv[2]))]:
    dataset.read(record)
read = time.perf_counter() - started - opened
more = most() - before - held
print(json.dumps([len(records), opened, held * 1024, read, more * 1024]))
"""


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    predictions: int = 8
    side: int = 1024
    clients: int = 200
    tiles: int = 10
    samples: int = 100_000
    read: int = 2000
    categories: int = 10_000
    dates: int = 365
    bands: int = 500
    model: str = ""


SMALL = Size(2, 96, 20, 2, 300, 30, 300, 24, 60, "nano")
"""What the tests try."""

MOST_MB = {"predictions": 1500, "clients": 1500, "samples": 600, "categories": 1500, "dates": 2500, "bands": 2500}
"""What is promised of each experiment: megabytes of one process."""


@dataclass(frozen=True)
class Ran:
    """How a program ended."""

    code: int
    seconds: float
    megabytes: float
    err: str


def ran(command: Sequence[str], folder: Path) -> Ran:
    """Run a program to its end, and tell how long it took and how much memory it had."""
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=err)
        most = 0.0
        while process.poll() is None:  # what the system tells at the end counts this process, too
            most = max(most, _resident_mb(process.pid))
            time.sleep(0.02)
        err.seek(0)
        return Ran(process.returncode, time.perf_counter() - started, most, err.read().strip())


def _resident_mb(process: int) -> float:
    """Return the most memory that a process has had, in megabytes; 0 where it has ended."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return int((status.partition("VmHWM:")[2].split() or ["0"])[0]) * 1024 / 1e6


def write_image(path: Path, bands: int, side: int, day: str | None = None, seed: int = 0) -> Path:
    """Write a raster of noise whose bands are spread from 400 to 2500 nm."""
    values = np.random.default_rng(seed).integers(200, 5000, (bands, side, side), np.int16)
    shape = {"driver": "GTiff", "count": bands, "height": side, "width": side, "dtype": "int16", "tiled": True}
    place = {"crs": "EPSG:32633", "transform": from_origin(500_000, 5_800_000, 10, 10)}
    with rasterio.open(path, "w", interleave="band", blockxsize=256, blockysize=256, **shape, **place) as raster:
        raster.write(values)
        raster.scales = [1e-4] * bands
        for band, wavelength in enumerate(np.linspace(400, 2500, bands), start=1):
            raster.update_tags(band, wavelength=f"{wavelength:.2f}", wavelength_units="nm", fwhm="8")
        if day is not None:
            raster.update_tags(ACQUISITION_DATE=day)
    return path


def predict_command(size: Size, images: Sequence[str], output: str, *options: str) -> list[str]:
    """Return the command line of a prediction."""
    model = ["--model", size.model] if size.model else []
    return [*STSUN, "predict", *images, "--task", "segmentation", "--output", output, *model, *options]


def predictions(size: Size, folder: Path) -> Rows:
    """Many predictions at once: their maps, and what they take."""
    write_image(folder / "image.tif", 4, size.side)
    options = ("--categories", "water,forest", "--tile", "256", "--overlap", "64")
    alone = ran(predict_command(size, ["image.tif"], "alone.tif", *options), folder)
    rows = [_told("one alone", [alone], wrong=alone.code != 0)]
    for words, names in (("at once", range(size.predictions)), ("at once, of the same file", [0] * size.predictions)):
        shutil.rmtree(folder / "many", ignore_errors=True)
        commands = [predict_command(size, ["image.tif"], f"many/{name}.tif", *options) for name in names]
        with ThreadPoolExecutor(size.predictions) as threads:
            ended = list(threads.map(lambda command: ran(command, folder), commands))
        same = all(path.read_bytes() == (folder / "alone.tif").read_bytes() for path in (folder / "many").glob("*.tif"))
        made = sum(one.code == 0 for one in ended)
        wrong = not same or made != len(set(names)) or any(one.code not in (0, 2) for one in ended)
        rows.append(_told(f"{size.predictions} {words}", ended, wrong=wrong))
    return rows


def clients(size: Size, folder: Path) -> Rows:
    """Many clients of the viewer at once."""
    viewer.write_raster(folder / "large.tif", 4 * size.side)
    with viewer.served(folder) as (address, _, process):
        with httpx.Client(base_url=address, timeout=60) as first:
            layer = viewer._first_layer(first)
        tiles = viewer.tiles_of(layer, viewer.ZOOMS)

        def visit(number: int) -> list[tuple[int, float]]:
            own = [
                viewer._path(layer, tiles[(number * size.tiles + place) % len(tiles)]) for place in range(size.tiles)
            ]
            with httpx.Client(base_url=address, timeout=120) as client:
                return [_asked(client, path) for path in ("/", "/api/places", *own)]

        started = time.perf_counter()
        with ThreadPoolExecutor(size.clients) as threads:
            answers = [answer for visited in threads.map(visit, range(size.clients)) for answer in visited]
        seconds = time.perf_counter() - started
        most = _resident_mb(process)
    codes, waits = Counter(code for code, _ in answers), [wait for _, wait in answers]
    return [
        {
            "what": f"{size.clients} clients",
            "requests": len(answers),
            "answered": ", ".join(f"{count} x {code}" for code, count in codes.items()),
            "seconds": seconds,
            "median (s)": statistics.median(waits),
            "p95 (s)": statistics.quantiles(waits, n=20)[-1],
            "longest (s)": max(waits),
            "MB": most,
            "wrong": set(codes) != {200},
        }
    ]


def _asked(client: httpx.Client, path: str) -> tuple[int, float]:
    started = time.perf_counter()
    code = client.get(path).status_code
    return code, time.perf_counter() - started


def samples(size: Size, folder: Path) -> Rows:
    """A data set of many small samples: the index, and some samples read."""
    side = 8 * int(np.ceil(size.samples**0.5))
    write_image(folder / "scene.tif", 3, side)
    shape = {"driver": "GTiff", "count": 1, "height": side, "width": side, "dtype": "uint8", "compress": "deflate"}
    with rasterio.open(folder / "scene_label.tif", "w", tiled=True, blockxsize=256, blockysize=256, **shape) as raster:
        raster.write(np.random.default_rng(1).integers(0, 2, (1, side, side), np.uint8))
    places = [(number // (side // 8) * 8, number % (side // 8) * 8) for number in range(size.samples)]
    lines = [
        {"id": f"s{number:06}", "images": [{"path": "scene.tif", "date": "2020-05-01"}], "labels": ["scene_label.tif"],
         "window": [*place, 8, 8], "split": "train"}
        for number, place in enumerate(places)
    ]  # fmt: skip
    (folder / "samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    ids = [f"t{number % 50:02}/s{number:06}" for number in range(size.samples)]
    _write_named(folder, ids)
    common = {"name": "many", "task": "segmentation", "classes": {0: "water", 1: "land"}, "gsd_m": 10.0}
    listed = {**common, "samples": "samples.jsonl"}
    named = {
        **common,
        "images": ["small/{id}.tif"],
        "labels": ["small/{id}_label.tif"],
        "splits": {"train": "train.txt"},
    }
    return [
        _opened(folder, words, content, size)
        for words, content in (("rows of a list, windows of one scene", listed), ("names and patterns", named))
    ]


def _write_named(folder: Path, ids: Sequence[str]) -> None:
    """Write the files of samples: a few true ones, and the others as links to them."""
    (folder / "train.txt").write_text("\n".join(ids) + "\n", encoding="utf-8")
    write_image(folder / "one.tif", 3, 16)
    shape = {"driver": "GTiff", "count": 1, "height": 16, "width": 16, "dtype": "uint8"}
    with rasterio.open(folder / "one_label.tif", "w", **shape) as raster:
        raster.write(np.zeros((1, 16, 16), np.uint8))
    for name in ids:
        target = folder / "small" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.with_name(f"{target.name}.tif").symlink_to(folder / "one.tif")
        target.with_name(f"{target.name}_label.tif").symlink_to(folder / "one_label.tif")


def _opened(folder: Path, words: str, content: dict[str, Any], size: Size) -> dict[str, Any]:
    path = folder / "dataset.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    command = [sys.executable, "-c", OPEN, str(path), str(size.read)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    count, opened, held, read, more = json.loads(done.stdout)
    return {
        "what": f"{count} samples, {words}",
        "opened (s)": opened,
        "index (MB)": held / 1e6,
        f"{size.read} read (s)": read,
        "MB": (held + more) / 1e6,
        "wrong": count != size.samples,
    }


def categories(size: Size, folder: Path) -> Rows:
    """Many categories: refused where a map could not tell them apart."""
    names = [f"kind {number}" for number in range(size.categories)]
    description = {"name": "kinds", "task": "segmentation", "bands": "aerial-rgb", "images": ["{id}.tif"],
                   "labels": ["{id}_label.tif"], "gsd_m": 1.0, "classes": dict(enumerate(names))}  # fmt: skip
    (folder / "kinds.yaml").write_text(yaml.safe_dump(description), encoding="utf-8")
    save(create("nano", names), folder / "kinds", {})
    write_image(folder / "image.tif", 4, 64)
    asked = [*STSUN, "predict", "image.tif", "--task", "segmentation", "--model", "kinds", "--output", "kinds.tif"]
    some = [*asked[:-1], "some.tif", "--categories", ",".join(names[:255])]
    refused = [
        _told(
            f"a YAML file of {size.categories} classes", [ran([*STSUN, "validate", "kinds.yaml"], folder)], wrong=False
        ),
        _told(f"a map of the {size.categories} categories of a model", [ran(asked, folder)], wrong=False),
    ]
    for entry in refused:
        entry["wrong"] = entry["ended"] != "1 x 2" or "255" not in entry["said"]
    made = ran(some, folder)
    return [*refused, _told("a map of 255 of them", [made], wrong=made.code != 0)]


def dates(size: Size, folder: Path) -> Rows:
    """A series of many dates, as one map."""
    days = np.arange(size.dates) + np.datetime64("2020-01-01")
    names = [write_image(folder / f"{day}.tif", 4, 128, str(day), place).name for place, day in enumerate(days)]
    return [_mapped(size, folder, f"{size.dates} dates of 4 bands, 128 x 128 pixels, tiles of {tile}", names, tile)
            for tile in (64, 128)]  # fmt: skip


def bands(size: Size, folder: Path) -> Rows:
    """An image of many bands."""
    write_image(folder / "many.tif", size.bands, 256)
    return [_mapped(size, folder, f"{size.bands} bands, 256 x 256 pixels, tiles of {tile}", ["many.tif"], tile)
            for tile in (128, 256)]  # fmt: skip


def _mapped(size: Size, folder: Path, words: str, images: Sequence[str], tile: int) -> dict[str, Any]:
    options = ("--categories", "water,forest", "--tile", str(tile), "--overlap", "16")
    made = ran(predict_command(size, images, f"map{tile}.tif", *options), folder)
    return _told(words, [made], wrong=made.code != 0)


def _told(what: str, ended: Sequence[Ran], *, wrong: bool) -> dict[str, Any]:
    codes = Counter(one.code for one in ended)
    return {
        "what": what,
        "ended": ", ".join(f"{count} x {code}" for code, count in sorted(codes.items())),
        "seconds": max(one.seconds for one in ended),
        "MB": max(one.megabytes for one in ended),
        "said": next((one.err[:300] for one in ended if one.code), ""),
        "wrong": wrong,
    }


EXPERIMENTS = {
    "predictions": predictions, "clients": clients, "samples": samples, "categories": categories, "dates": dates,
    "bands": bands,
}  # fmt: skip


def run(name: str, size: Size, scratch: Path) -> Rows:
    """Return the rows of one experiment; those that do not keep what is promised are wrong."""
    folder = scratch / name
    folder.mkdir()
    if size.model:
        save(create(size.model, ["water", "forest"]), folder / size.model, {})
    rows = EXPERIMENTS[name](size, folder)
    shutil.rmtree(folder)
    for entry in rows:
        entry["wrong"] = entry["wrong"] or entry["MB"] > MOST_MB[name]
    return rows


def main() -> None:
    """Run the experiments that are named, and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ", ".join(EXPERIMENTS)
    parser.add_argument("experiments", nargs="*", default=list(EXPERIMENTS), metavar="EXPERIMENT", help=names)
    parser.add_argument("--small", action="store_true", help="little of everything, as in the tests")
    parser.add_argument("--json", type=Path, help="write all numbers here, too")
    options = parser.parse_args()
    results: dict[str, Rows] = {}
    with tempfile.TemporaryDirectory(prefix="stsun-load-") as scratch:
        for name in options.experiments:
            results[name] = run(name, SMALL if options.small else Size(), Path(scratch))
            print(f"\n{name}\n\n{head(list(results[name][0]), 1)}", flush=True)
            for entry in results[name]:
                print(row([str(cell) if isinstance(cell, str | bool) else f"{cell:.3g}" for cell in entry.values()]))
    if options.json is not None:
        write_json(options.json, results)
    sys.exit(any(entry["wrong"] for rows in results.values() for entry in rows))


if __name__ == "__main__":
    main()
