"""What maps of large rasters cost, and whether tiles, kills and clusters leave a trace in them.

Example:
    python benchmarks/prediction.py memory seams cost cluster kills --json benchmarks/results/prediction.json

Prints one Markdown table per experiment. The model is the shipped checkpoint, asked for segmentation, unless said.

* memory: peak resident memory of a process that maps a raster of 8-bit RGB, for two sizes and numbers of categories.
  Most of the raster holds no data, so that it takes minutes; tiles along its diagonal and all that is written are real.
* seams: simulated aerial scenes and real photographs mapped whole and in tiles: share of pixels away from the border
  whose category differs, within 8 pixels of where a tile begins or ends, and elsewhere; with and without attention over
  whole tiles.
* cost: seconds of a prediction from file to file against those of the bare forward passes of the same tiles, in turn;
  also their processor seconds, which do not count waiting, and the passes within the very prediction.
* cluster: seconds of the same prediction on one and on two Dask workers of one thread each, workers started before; and
  what the machine itself gives: forward passes per second of two bare processes at once against those of one.
* kills: a prediction is killed at random moments and resumed until it is done, ten times; how many end in the bytes of
  an unbroken one.
"""

import argparse
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import torch
from numpy.typing import NDArray
from rasterio.transform import from_origin
from rasterio.windows import Window as RasterWindow

import stsun
from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.data.dataset import open_dataset
from stsun.model.inference import evaluating
from stsun.model.specialise import fastest
from stsun.model.stsun import STSUN
from stsun.prediction.cluster import cluster_engine
from stsun.prediction.tiling import Layout
from stsun.prediction.workspace import folder_of
from stsun.scene.scene import open_scene, read_scene
from stsun.simulation.scenes import HELD_OUT, simulate
from tables import head, row, write_json

TILE, OVERLAP = 512, 128
SIZES = (4000, 20_000)
COUNTS = (2, 10)
WHOLE = 2048
SCENE = 1536
SCENES = (7, 8, 9)
REAL = Path(__file__).parents[2] / "shared" / "data" / "dubai_aerial" / "dataset.yaml"
BORDER = 8
CATEGORIES = ("building", "road", "bare soil", "vegetation", "water")
MEMORY_PROGRAM = "import sys, prediction; prediction.map_once(sys.argv[1], sys.argv[2], int(sys.argv[3]))"
PASSES_PROGRAM = "import prediction; prediction.pass_tiles()"
KILLED_PROGRAM = "import sys, prediction; prediction.map_once(sys.argv[1], sys.argv[2], 5, resume=True)"

Rows = list[dict[str, Any]]


def write_raster(path: Path, size: int, *, diagonal: bool, seed: int = 0) -> Path:
    """Write an RGB raster of simulated ground, repeated; with ``diagonal`` only blocks on its diagonal hold data."""
    ground = np.rint(simulate("aerial-buildings", HELD_OUT + seed, TILE).images[0] * 254).clip(0, 254).astype(np.uint8)
    shape = {"count": 3, "height": size, "width": size, "dtype": "uint8", "nodata": 255}
    blocks = {"tiled": True, "blockxsize": TILE, "blockysize": TILE, "compress": "deflate", "zlevel": 1}
    place = {"crs": "EPSG:32633", "transform": from_origin(500_000, 5_000_000, 0.5, 0.5)}
    with rasterio.open(path, "w", driver="GTiff", sparse_ok=True, **shape, **blocks, **place) as raster:
        for band, name in enumerate(("red", "green", "blue"), start=1):
            raster.set_band_description(band, name)
        for first in range(0, size, TILE):
            for column in (first,) if diagonal else range(0, size, TILE):
                part = ground[:, : min(TILE, size - first), : min(TILE, size - column)]
                raster.write(part, window=RasterWindow(column, first, part.shape[2], part.shape[1]))
    return path


def map_once(image: str, output: str, categories: int, *, resume: bool = False) -> None:
    """Map one raster in this process and print its peak resident memory in megabytes and the seconds it took."""
    torch.set_num_threads(1)
    model: STSUN = stsun.load()
    names = model.categories_for("segmentation")[:categories]
    result = stsun.predict(model, [image], task="segmentation", categories=names, output=output, resume=resume)
    print(_peak_mb(), result.seconds)


def pass_tiles(count: int = 20) -> None:
    """Send random tiles through the network in one thread and print the forward passes per second."""
    torch.set_num_threads(1)
    bands = [Band(name, nm) for name, nm in (("red", 665), ("green", 560), ("blue", 490))]
    network = fastest(stsun.load(), Configuration(bands, 0.5, "segmentation", CATEGORIES))
    images = torch.rand(1, 1, 3, TILE, TILE, generator=torch.Generator().manual_seed(0))
    scene = images, torch.ones(1, 1, TILE, TILE, dtype=torch.bool), torch.zeros(1, 1, dtype=torch.float64)
    with torch.inference_mode():
        network(*scene)
        started = time.perf_counter()
        for _ in range(count):
            network(*scene)
    print(count / (time.perf_counter() - started))


def _passes_per_second(processes: int) -> float:
    """Return the forward passes per second of so many processes at once, all together."""
    here, command = Path(__file__).parent, [sys.executable, "-c", PASSES_PROGRAM]
    running = [subprocess.Popen(command, cwd=here, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    return sum(float(process.communicate()[0]) for process in running)


def _peak_mb() -> float:
    """Return this process's peak resident memory; `getrusage` would count what the process that started it had."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def memory(folder: Path, _: int) -> Rows:
    """Peak memory of a process for each size and number of categories."""
    rows = []
    for size in SIZES:
        image = write_raster(folder / f"{size}.tif", size, diagonal=True)
        for count in COUNTS:
            command = [
                sys.executable,
                "-c",
                MEMORY_PROGRAM,
                str(image),
                str(folder / f"{size}-{count}.tif"),
                str(count),
            ]
            done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
            peak, seconds = map(float, done.stdout.split())
            rows.append({"size": f"{size} x {size}", "categories": count, "peak RSS (MB)": peak, "seconds": seconds})
    for entry in rows:
        small = next(one for one in rows if one["categories"] == entry["categories"])
        entry["against the smaller"] = entry["peak RSS (MB)"] / small["peak RSS (MB)"]
    return rows


def seams(folder: Path, threads: int) -> Rows:
    """Where maps of tiles differ from the map of the whole scene, over simulated scenes and real ones, if at hand."""
    torch.set_num_threads(threads)
    images = [simulate("aerial-buildings", HELD_OUT + seed, SCENE).images[0] for seed in SCENES]
    kinds = {"simulated": [(image, 0.5, CATEGORIES) for image in images], "dubai_aerial": list(_real_scenes())}
    rows = []
    for kind, scenes in kinds.items():
        for number, (image, gsd_m, _) in enumerate(scenes):
            _write_scene(folder / f"{kind}-{number}.tif", image, gsd_m)
        for local in (False, True) if scenes else ():
            differs = [_differences(folder / f"{kind}-{n}.tif", one[2], local) for n, one in enumerate(scenes)]
            near, apart = (np.concatenate(parts) for parts in zip(*differs, strict=True))
            shares = [float(np.concatenate(parts).mean()) for parts in differs]
            rows.append(
                {
                    "scenes": f"{kind} ({len(scenes)})", "attention over whole tiles": "no" if local else "yes",
                    "pixels that differ": float(np.concatenate([near, apart]).mean()),
                    "near tile borders": float(near.mean()), "elsewhere": float(apart.mean()),
                    "most in one scene": max(shares),
                }
            )  # fmt: skip
    return rows


def _real_scenes() -> Iterator[tuple[NDArray[np.float32], float | None, tuple[str, ...]]]:
    """Yield aerial photographs of a validation split that are larger than a tile, where the data set is at hand."""
    if REAL.is_file():
        dataset = open_dataset(REAL)
        for sample in map(dataset.read, dataset.records("val")):
            if min(sample.images[0].shape[1:]) > TILE:
                yield sample.images[0], sample.configuration.gsd_m, sample.configuration.categories


def _write_scene(path: Path, image: NDArray[np.float32], gsd_m: float | None) -> None:
    shape = {"count": 3, "height": image.shape[1], "width": image.shape[2], "dtype": "float32"}
    place = {"crs": "EPSG:32633", "transform": from_origin(500_000, 5_000_000, gsd_m or 1.0, gsd_m or 1.0)}
    with rasterio.open(path, "w", driver="GTiff", **place, **shape) as raster:
        raster.write(image)
        raster.descriptions = ("red", "green", "blue")


def _differences(image: Path, categories: Sequence[str], local: bool) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which pixels differ near tile borders, and which elsewhere, away from the scene's own border."""
    model = stsun.load()
    whole, tiled = (_map(model, image, categories, tile, local) for tile in (WHOLE, TILE))
    inner = (slice(OVERLAP, -OVERLAP), slice(OVERLAP, -OVERLAP))
    differs, near = (whole != tiled)[inner], _near_borders(*whole.shape)[inner]
    return differs[near], differs[~near]


def _map(model: STSUN, image: Path, categories: Sequence[str], tile: int, local: bool) -> NDArray[np.uint8]:
    output = image.with_suffix(".map.tif")
    options = {"task": "segmentation", "categories": categories, "output": output, "overwrite": True}
    stsun.predict(model, [image], tile=tile, overlap=OVERLAP, local=local, **options)
    with rasterio.open(output) as raster:
        return raster.read(1)


def _near_borders(height: int, width: int) -> NDArray[np.bool_]:
    near = np.zeros((height, width), bool)
    for window in Layout(height, width, TILE, OVERLAP).windows:
        for edge in (window.row, window.row + window.height):
            near[max(0, edge - BORDER) : edge + BORDER] = True
        for edge in (window.column, window.column + window.width):
            near[:, max(0, edge - BORDER) : edge + BORDER] = True
    return near


class Timed(torch.nn.Module):
    """A network, and how long it has been at work: seconds, and seconds of all processors of this process."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network, self.seconds, self.processor_s = network, 0.0, 0.0

    def forward(self, *scene: Any) -> torch.Tensor:
        """Return what the network returns."""
        wall, processor = time.perf_counter(), time.process_time()
        logits: torch.Tensor = self.network(*scene)
        self.seconds += time.perf_counter() - wall
        self.processor_s += time.process_time() - processor
        return logits


def cost(folder: Path, threads: int, repeats: int = 5) -> Rows:
    """What a prediction takes from file to file, and its forward passes alone: by themselves, and within it."""
    torch.set_num_threads(threads)
    image = write_raster(folder / "cost.tif", 3000, diagonal=False)
    model = stsun.load()
    options = {"task": "segmentation", "categories": CATEGORIES, "output": folder / "cost-map.tif", "overwrite": True}
    configuration = stsun.predict(model, [image], **options).configuration
    found: dict[str, list[float]] = {name: [] for name in ("whole", "whole cpu", "bare", "bare cpu", "within")}
    for _ in range(repeats):
        wall, processor = time.perf_counter(), time.process_time()
        network = Timed(fastest(model, configuration))
        stsun.predict(network, [image], **options)
        found["whole"].append(time.perf_counter() - wall)
        found["whole cpu"].append(time.process_time() - processor)
        found["within"].append(network.seconds)
        alone = Timed(network.network)
        _pass_scene(alone, image, configuration)
        found["bare"].append(alone.seconds)
        found["bare cpu"].append(alone.processor_s)
    medians = {name: statistics.median(values) for name, values in found.items()}

    def ratio(one: str, other: str) -> float:
        return statistics.median(a / b for a, b in zip(found[one], found[other], strict=True))

    return [
        {
            "threads": threads, "forward passes alone (s)": medians["bare"], "file to file (s)": medians["whole"],
            "ratio (median of pairs)": ratio("whole", "bare"), "least of one to least of the other":
            min(found["whole"]) / min(found["bare"]), "of processor seconds": ratio("whole cpu", "bare cpu"),
            "to the passes within": ratio("whole", "within"),
        }
    ]  # fmt: skip


def _pass_scene(network: torch.nn.Module, image: Path, configuration: Configuration) -> None:
    """Send every tile of a raster through a network."""
    scene = open_scene([image])
    days = torch.full((1, 1), float("nan"), dtype=torch.float64)
    with evaluating(network, None), torch.inference_mode():
        for window in Layout(scene.grid.height, scene.grid.width, TILE, OVERLAP).windows:
            images, valid = read_scene(scene, window)
            tensors = [torch.from_numpy(one)[None] for one in images]
            network(tensors, torch.from_numpy(valid)[None], days, configuration)


def cluster(folder: Path, _: int, repeats: int = 3) -> Rows:
    """Seconds on one and on two workers, in turn."""
    image = write_raster(folder / "cluster.tif", 4000, diagonal=False)
    model = stsun.load()
    options = {
        "task": "segmentation",
        "categories": CATEGORIES,
        "output": folder / "cluster-map.tif",
        "overwrite": True,
    }
    seconds: dict[int, list[float]] = {1: [], 2: []}
    bare = []
    for _ in range(repeats):
        bare.append(_passes_per_second(2) / _passes_per_second(1))
        for workers, taken in seconds.items():
            with cluster_engine(workers=workers) as engine:
                small = write_raster(folder / "warm.tif", 600, diagonal=False)
                stsun.predict(model, [small], engine=engine, **options)  # the workers load torch and the model
                taken.append(stsun.predict(model, [image], engine=engine, **options).seconds)
    speedups = [one / two for one, two in zip(seconds[1], seconds[2], strict=True)]
    return [
        {
            "one worker (s)": statistics.median(seconds[1]), "two workers (s)": statistics.median(seconds[2]),
            "speed-up (median of pairs)": statistics.median(speedups),
            "of two bare processes": statistics.median(bare),
        }
    ]  # fmt: skip


def kills(folder: Path, _: int, times: int = 10) -> Rows:
    """Kill a prediction at random moments, resume it until it is done, and compare with an unbroken one."""
    image = write_raster(folder / "kills.tif", 1600, diagonal=False)
    command = [sys.executable, "-c", KILLED_PROGRAM, str(image)]
    here = Path(__file__).parent
    started = time.perf_counter()
    subprocess.run([*command, str(folder / "unbroken.tif")], cwd=here, check=True, capture_output=True)
    longest = time.perf_counter() - started
    expected = (folder / "unbroken.tif").read_bytes()
    draw, same, killed = random.Random(0), 0, 0
    for number in range(times):
        output = folder / f"killed-{number}.tif"
        while not output.exists() or folder_of(output).exists():
            process = subprocess.Popen(
                [*command, str(output)], cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
            try:
                process.communicate(timeout=draw.uniform(0.2, 1.1) * longest)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                killed += 1
        same += output.read_bytes() == expected
    return [{"predictions": times, "kills": killed, "same bytes as unbroken": same, "unbroken (s)": longest}]


EXPERIMENTS: dict[str, Callable[[Path, int], Rows]] = {
    "memory": memory, "seams": seams, "cost": cost, "cluster": cluster, "kills": kills,
}  # fmt: skip


def table(rows: Rows) -> str:
    """Return rows as a Markdown table."""
    lines = [head(list(rows[0]), 1)]
    for entry in rows:
        lines.append(row([f"{value:.4g}" if isinstance(value, float) else str(value) for value in entry.values()]))
    return "\n".join(lines)


def main() -> None:
    """Run the experiments asked for and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiments", nargs="+", choices=EXPERIMENTS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.experiments:
            results[name] = EXPERIMENTS[name](Path(folder), arguments.threads)
            print(f"\n{name}\n\n{table(results[name])}", flush=True)
    if arguments.json is not None:
        write_json(arguments.json, results)


if __name__ == "__main__":
    main()
