"""How quickly the viewer answers: from its start to the first tile, and many tiles of a large raster at once.

Example:
    python benchmarks/viewer.py --json benchmarks/results/viewer.json

Prints one Markdown table per experiment. The raster is a cloud-optimised GeoTIFF of 10 000 x 10 000 pixels with four
bands of 16 bit: simulated Sentinel-2 ground, repeated. The server is a process of its own; clients keep their
connections.

* start: seconds from the end of the imports to the first tile over HTTP (page, catalogue, place and tile asked for in
  turn), and, where Playwright and Chromium are installed, until a browser that runs already has drawn the page.
* tiles: 200 different tiles of the zooms at which the raster is looked at, 8 at a time, after 40 others have warmed the
  server up; then the same tiles again. Seconds that a client waits, and processor time of the server per tile.
"""

import argparse
import math
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import local
from typing import Any

import httpx
import numpy as np
import rasterio
from rasterio.transform import from_origin
from rasterio.windows import Window

from stsun.raster.mosaic import write_cog
from stsun.simulation.scenes import HELD_OUT, simulate
from tables import head, row, write_json

SIZE, GROUND = 10_000, 500
TILES, WARM_UP, AT_ONCE = 200, 40, 8
STARTS = 3
ZOOMS = (9, 10, 11, 12, 13, 14, 15)
WANTED = {"blue": 490, "green": 560, "red": 665, "nir": 842}
PROGRAM = """
import sys, time
from pathlib import Path
from stsun.view.server import serve
print(time.time(), flush=True)
serve([Path(sys.argv[1])], output=Path(sys.argv[2]), load_model=None, port=0, browser=False,
      echo=lambda line: print(line, flush=True))
"""

Rows = list[dict[str, Any]]
Tile = tuple[int, int, int]


def write_raster(path: Path, size: int = SIZE) -> Path:
    """Write a cloud-optimised GeoTIFF of simulated ground, repeated, in four bands of 16 bit."""
    world = simulate("sentinel2-series", HELD_OUT, GROUND)
    waves = [band.wavelength_nm or 0.0 for band in world.configuration.bands_of_dates(len(world.images))[0]]
    nearest = [min(range(len(waves)), key=lambda place: abs(waves[place] - nm)) for nm in WANTED.values()]
    ground = np.rint(world.images[0][nearest] * 10_000).clip(1, 65_535).astype(np.uint16)
    shape = {"count": len(WANTED), "height": size, "width": size, "dtype": "uint16", "nodata": 0}
    place = {"crs": "EPSG:32633", "transform": from_origin(500_000, 5_800_000, 10, 10)}
    plain = path.with_name("plain.tif")
    with rasterio.open(
        plain, "w", driver="GTiff", tiled=True, blockxsize=512, blockysize=512, **shape, **place
    ) as raster:
        raster.scales = [1e-4] * len(WANTED)
        for band, (name, nm) in enumerate(WANTED.items(), start=1):
            raster.set_band_description(band, name)
            raster.update_tags(band, wavelength=nm, wavelength_units="nm")
        for first in range(0, size, GROUND):
            for column in range(0, size, GROUND):
                part = ground[:, : min(GROUND, size - first), : min(GROUND, size - column)]
                raster.write(part, window=Window(column, first, part.shape[2], part.shape[1]))
    write_cog(plain, path, dtype="uint16", overviews="average")
    plain.unlink()
    return path


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, float, int]]:
    """Serve a folder; yield the address, when the imports had ended, and the number of the process."""
    command = [sys.executable, "-c", PROGRAM, str(folder), str(folder / "made")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        imported = float(process.stdout.readline())
        address = next(word for word in process.stdout.readline().split() if word.startswith("http"))
        try:
            yield address.rstrip("/"), imported, process.pid
        finally:
            process.terminate()


def start(folder: Path) -> Rows:
    """Seconds from the end of the imports to the first tile and, in a browser that runs already, to the drawn page."""
    rows = []
    for number in range(1, STARTS + 1):
        entry: dict[str, Any] = {"start": str(number)}
        with served(folder) as (address, imported, _), httpx.Client(base_url=address) as client:
            client.get("/").raise_for_status()
            layer = _first_layer(client)
            client.get(_path(layer, tiles_of(layer, [11])[0])).raise_for_status()
            entry["first tile (s)"] = time.time() - imported
        with _browser_page() as page, served(folder) as (address, imported, _):
            if page is not None:
                page.goto(address)
                page.wait_for_selector("body.drawn", timeout=120_000)
                entry["page drawn (s)"] = time.time() - imported
        rows.append(entry)
    return rows


def tiles(folder: Path) -> Rows:
    """How long clients wait for tiles."""
    rows = []
    with served(folder) as (address, _, process):
        with httpx.Client(base_url=address) as client:
            layer = _first_layer(client)
        every = tiles_of(layer, ZOOMS)
        random.Random(0).shuffle(every)
        chosen, warm = every[:TILES], every[TILES : TILES + WARM_UP]
        _ask(address, [_path(layer, tile) for tile in warm])
        for name in ("asked for the first time", "again"):
            before = _cpu_seconds(process)
            seconds = _ask(address, [_path(layer, tile) for tile in chosen])
            rows.append(
                {
                    "tiles": f"{len(chosen)}, {name}",
                    "median (ms)": 1e3 * statistics.median(seconds),
                    "p95 (ms)": 1e3 * statistics.quantiles(seconds, n=20)[-1],
                    "longest (ms)": 1e3 * max(seconds),
                    "server's processor time per tile (ms)": 1e3 * (_cpu_seconds(process) - before) / len(chosen),
                }
            )
    return rows


def tiles_of(layer: dict[str, Any], zooms: Sequence[int]) -> list[Tile]:
    """Return tiles that show a layer, the same number of each zoom as far as there are so many."""
    draw, found = random.Random(1), []
    west, south, east, north = layer["bounds"]
    for zoom in zooms:
        corners = [_tile(west, north, zoom), _tile(east, south, zoom)]
        own = [
            (zoom, x, y)
            for x in range(corners[0][0], corners[1][0] + 1)
            for y in range(corners[0][1], corners[1][1] + 1)
        ]
        draw.shuffle(own)
        found += own[: 2 * (TILES + WARM_UP) // len(zooms)]
    return found


def _tile(longitude: float, latitude: float, zoom: int) -> tuple[int, int]:
    down = (1 - math.asinh(math.tan(math.radians(latitude))) / math.pi) / 2
    return int((longitude + 180) / 360 * 2**zoom), int(down * 2**zoom)


def _first_layer(client: httpx.Client) -> dict[str, Any]:
    place = client.get("/api/places").json()["places"][0]["id"]
    layer: dict[str, Any] = client.get(f"/api/places/{place}").json()["layers"][0]
    return layer


def _path(layer: dict[str, Any], tile: Tile) -> str:
    return f"/tiles/{layer['id']}/0/{tile[0]}/{tile[1]}/{tile[2]}.png?look=true"


def _ask(address: str, paths: Sequence[str]) -> list[float]:
    """Return the seconds of each request, so many at once."""
    own = local()

    def ask(path: str) -> float:
        if not hasattr(own, "client"):
            own.client = httpx.Client(base_url=address, timeout=60)
        started = time.perf_counter()
        own.client.get(path).raise_for_status()
        return time.perf_counter() - started

    with ThreadPoolExecutor(AT_ONCE) as clients:
        return list(clients.map(ask, paths))


def _cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


@contextmanager
def _browser_page() -> Iterator[Any]:
    """Yield an empty page of a browser; None where there is none."""
    browser = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        browser = None
    if browser is None:
        yield None
        return
    with sync_playwright() as run:
        opened = run.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        yield opened.new_page()
        opened.close()


def main() -> None:
    """Run the experiments that are named and print their tables."""
    experiments = {"start": start, "tiles": tiles}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "experiments", nargs="*", default=list(experiments), metavar="EXPERIMENT", help=", ".join(experiments)
    )
    parser.add_argument("--json", type=Path, help="write all numbers here, too")
    options = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        write_raster(Path(folder) / "large.tif")
        for name in options.experiments:
            results[name] = experiments[name](Path(folder))
            columns = list(results[name][0])
            print(f"\n{name}\n\n{head(columns, 1)}")
            for entry in results[name]:
                print(row([cell if isinstance(cell, str) else f"{cell:.3g}" for cell in entry.values()]))
    if options.json is not None:
        write_json(options.json, results)


if __name__ == "__main__":
    main()
