"""A small world to look at, whose every pixel is known: images, maps, polygons, a data set; and a simple network."""

import json
import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import rasterio
import torch
import uvicorn
from rasterio.crs import CRS
from rasterio.io import MemoryFile
from rasterio.transform import from_origin
from torch import nn

from stsun.prediction.outputs import transition_names
from stsun.raster.grid import Grid
from stsun.raster.writer import Layer, create
from stsun.tasks import output_periods
from stsun.view.app import create_app
from stsun.view.catalogue import Catalogue
from stsun.view.guard import Rules
from stsun.view.jobs import Jobs
from stsun.view.opening import sights_of
from stsun.view.server import LOOPBACK, listen, settings

SIZE = 128
DAYS = ("2018-05-01", "2021-05-01", "2024-05-01")
CATEGORIES = (("water", "#56b4e9"), ("forest", "#117733"), ("building", "#332288"))
HOSTILE = "<img src=x onerror=window.hacked=1>"
GRID = Grid(CRS.from_epsg(32633), from_origin(500_000, 5_800_000, 10, 10), SIZE, SIZE)
BANDS = {"blue": 490, "green": 560, "red": 665, "nir": 842}
QUARTERS = {"upper left": (0, 0), "upper right": (0, 1), "lower left": (1, 0), "lower right": (1, 1)}
COLORS = {  # of an 8-bit picture at each date, quarter by quarter: red, green, blue
    0: ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)),
    1: ((0, 255, 255), (255, 0, 255), (255, 255, 0), (0, 0, 0)),
}


def quarters(values, size=SIZE):
    """A raster whose four quarters (row by row) hold four values."""
    half = size // 2
    return np.repeat(np.repeat(np.array(values).reshape(2, 2), half, 0), half, 1)


def reflectances(date):
    """Whole numbers of 1e-4, ``4 H W``: band b of date d is 1000 (b + 1) + 100 d, and rises from left to right."""
    ramp = np.linspace(0, 50, SIZE).round().astype(int)
    return np.stack([np.tile(1000 * (band + 1) + 100 * date + ramp, (SIZE, 1)) for band in range(4)]).astype("uint16")


def write_images(folder, dates=DAYS):
    paths = []
    for number, day in enumerate(dates):
        path = folder / f"image_{number + 1}.tif"
        layers = [
            Layer(name, tags={"wavelength": str(nm), "fwhm": "60", "wavelength_units": "nm"}, scale=1e-4)
            for name, nm in BANDS.items()
        ]
        with create(path, GRID, layers, dtype="uint16", nodata=0, tags={"ACQUISITION_DATE": day}) as rows:
            rows(0, reflectances(number))
        paths.append(path)
    return paths


MAPS = (quarters([0, 1, 1, 2]), quarters([0, 2, 1, 255]))
"""Two maps: water, forest, forest, building; then water, building, forest, no data."""


def write_maps(folder, grid=GRID, categories=CATEGORIES):
    tags = {"task": "semantic_change", "software": "stsun 0.1.0"}
    periods = (DAYS[0], DAYS[-1])
    stacked = np.stack(MAPS).astype("uint8")
    with create(folder / "map.tif", grid, [Layer(period, categories, tags) for period in periods],
                dtype="uint8", nodata=255) as rows:  # fmt: skip
        rows(0, stacked)
    shares = [Layer(f"{name}, {period}", (), tags, 1 / 250) for period in periods for name, _ in categories]
    with create(folder / "probabilities.tif", grid, shares, dtype="uint8", nodata=255) as rows:
        rows(0, np.concatenate([[np.where(m == 255, 255, np.where(m == k, 200, 25)) for k in range(3)] for m in MAPS])
             .astype("uint8"))  # fmt: skip
    legend = tuple((name, "#aa3377" if after else "#e6e6e6") for name, after in transition_names(("w", "f", "b")))
    changed = np.where(MAPS[0] == MAPS[1], 0, 1 + 3 * MAPS[0] + MAPS[1])
    changed[MAPS[1] == 255] = 255
    with create(
        folder / "changes.tif", grid, [Layer(" to ".join(periods), legend, tags)], dtype="uint8", nodata=255
    ) as rows:
        rows(0, changed[None].astype("uint8"))
    return folder / "map.tif"


def write_polygons(folder):
    """The lower left quarter as GeoJSON, with hostile attributes."""
    west, north, half = 500_000, 5_800_000 - 640, 640
    ring = [(west, north), (west, north - half), (west + half, north - half), (west + half, north), (west, north)]
    x, y = rasterio.warp.transform("EPSG:32633", "EPSG:4326", *zip(*ring, strict=True))
    feature = {
        "type": "Feature", "geometry": {"type": "Polygon", "coordinates": [list(zip(x, y, strict=True))]},
        "properties": {"category": "forest", "area_m2": 409600.0, "note": HOSTILE},
    }  # fmt: skip
    path = folder / "regions.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return path


def write_pictures(folder):
    """Two PNG files without a place on the earth."""
    paths = []
    for number, name in enumerate(("before", "after")):
        pixels = np.stack([quarters([color[part] for color in COLORS[number]]) for part in range(3)]).astype("uint8")
        path = folder / f"{name}.png"
        with rasterio.open(path, "w", driver="PNG", count=3, height=SIZE, width=SIZE, dtype="uint8") as raster:
            raster.write(pixels)
        paths.append(path)
    return paths


def write_dataset(folder, samples=2):
    """A data set of pairs; its change label is the right half."""
    label = np.zeros((1, SIZE, SIZE), "uint8")
    label[:, :, SIZE // 2 :] = 255
    with rasterio.open(
        folder / "label.png", "w", driver="PNG", count=1, height=SIZE, width=SIZE, dtype="uint8"
    ) as file:
        file.write(label)
    write_pictures(folder)
    (folder / "test.txt").write_text("".join(f"pair-{number}\n" for number in range(samples)))
    for number in range(samples):
        (folder / f"pair-{number}").mkdir()
        for name in ("before.png", "after.png", "label.png"):
            (folder / f"pair-{number}" / name).write_bytes((folder / name).read_bytes())
    (folder / "dataset.yaml").write_text(
        """
name: pairs
task: binary_change
gsd_m: 0.5
bands: [{name: red, wavelength_nm: 665}, {name: green, wavelength_nm: 560}, {name: blue, wavelength_nm: 490}]
images: ["{id}/before.png", "{id}/after.png"]
dates: ["2018-05-01", "2024-05-01"]
labels: ["{id}/label.png"]
classes: {0: unchanged, 255: building change}
splits: {test: test.txt}
"""
    )
    return folder / "dataset.yaml"


class Brightness(nn.Module):
    """Per pixel: category k has the logit -(10 value - k)², of the first band of a map's last date; a change is a rise.

    Each tile waits until the test lets it go on.
    """

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.go_on = threading.Event()
        self.go_on.set()

    def categories_for(self, task):
        return ("flooded",) if task == "binary_change" else tuple(name for name, _ in CATEGORIES)

    def forward(self, images, valid, days, configuration):
        assert self.go_on.wait(30)
        first = [date[:, 0] for date in (images.unbind(1) if isinstance(images, torch.Tensor) else images)]
        maps = []
        for start, end in output_periods(configuration.task, len(first), configuration.per_date):
            if configuration.task == "binary_change":
                maps.append((first[end] - first[start] - 0.001)[:, None])
            else:
                logits = [-((10 * first[end] - k) ** 2) for k in range(len(configuration.categories))]
                maps.append(torch.stack(logits, dim=1))
        return self.scale * torch.stack(maps, dim=1)


def picture_of(png):
    """The bytes of a PNG file as ``H W 4``: red, green, blue, opacity."""
    with MemoryFile(png) as memory, memory.open() as raster:
        bands = raster.read()
        if len(bands) == 3:
            bands = np.concatenate([bands, np.full_like(bands[:1], 255)])
        return np.moveaxis(bands, 0, -1).astype(int)


@contextmanager
def viewing(paths, folder, network=None, **rules):
    """Serve a viewer from this process; yields its address and parts."""
    with listen(LOOPBACK, 0, remote=False) as listening:
        port = listening.getsockname()[1]
        catalogue = Catalogue(sights_of([Path(path) for path in paths], folder / "cache"))
        jobs = Jobs(catalogue, folder / "made", lambda: network)
        server = uvicorn.Server(settings(create_app(catalogue, jobs, Rules(port, **rules))))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{port}", catalogue, jobs
        finally:
            server.should_exit = True
            thread.join(10)
            jobs.close()
