"""A folder with all files that the documentation names, at toy size, and the library cut down to it."""

import shutil
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
import rasterio
import yaml
from rasterio.transform import from_origin

from stsun.data.sample import Sample
from stsun.model import checkpoint
from stsun.model.stsun import create
from stsun.raster.writer import write_picture
from stsun.simulation.dataset import write_dataset
from stsun.simulation.scenes import HELD_OUT, simulate
from stsun.simulation.write import write_scene
from stsun.training import experiment

SIZE = 32
TOY = (
    "steps=2", "stream.crop=32", "stream.batch_size=1", "stream.accumulate=1", "optimiser.warmup=1", "validate_every=0",
    "checkpoint_every=1", "accelerator=cpu", "workers=0", "threads=1",
)  # fmt: skip
"""What an experiment is cut down to."""

COLORS = {"red": 665, "green": 560, "blue": 490, "nir": 842}


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """The files, made once."""
    folder = tmp_path_factory.mktemp("docs") / "world"
    path = write_dataset(folder, ["sentinel-2-l2a"], [date(2020, 5, 1), date(2020, 7, 15)], size=SIZE, samples=5)
    shutil.copytree(folder, folder / "data" / "roofs")
    categories = list(yaml.safe_load(path.read_text())["classes"].values())
    for name in ("short", "roofs-and-change"):
        checkpoint.save(create("nano", categories), folder / "runs" / name, {})
    plan = {"name": "first", "model": {"size": "nano"}, "data": [{"dataset": "dataset.yaml", "validation": "val"}]}
    (folder / "experiment.yaml").write_text(yaml.safe_dump(plan), encoding="utf-8")
    write_scenes(folder)
    write_bare(folder)
    write_ponds(folder / "ponds")
    return folder


def write_scenes(folder):
    """Images that say all of themselves: a pair, a series, one with four bands, a cube."""
    save(simulate("sentinel2-semantic-change", HELD_OUT, SIZE), folder, ["2018", "2024"])
    series = simulate("sentinel2-series", HELD_OUT, SIZE)
    save(series, folder, ["spring", "summer", "autumn"])
    save(simulate("hyperspectral", HELD_OUT, SIZE), folder, ["cube"])
    bands = series.configuration.bands
    nearest = [min(range(len(bands)), key=lambda i: abs(bands[i].wavelength_nm - nm)) for nm in COLORS.values()]
    save(with_bands(series, nearest), folder, ["scene"])


def save(sample, folder, names):
    dates = slice(len(names))
    short = replace(
        sample, images=sample.images[dates], valid=sample.valid[dates], days=sample.days[dates], labels=None
    )
    for path, name in zip(write_scene(short, folder, "written"), names, strict=True):
        path.rename(folder / f"{name}.tif")


def with_bands(sample: Sample, places) -> Sample:
    configuration = replace(sample.configuration, bands=[sample.configuration.bands[place] for place in places])
    return replace(sample, images=[image[places] for image in sample.images], configuration=configuration)


def write_bare(folder):
    """Rasters that say nothing of themselves, or little."""
    rng = np.random.default_rng(0)
    for name in ("bare", "later"):
        write(folder / f"{name}.tif", rng.integers(0, 200, (4, SIZE, SIZE)).astype(np.uint8))
    write(folder / "stored.tif", rng.integers(0, 4000, (4, SIZE, SIZE)).astype(np.uint16))
    for name in ("scl_2018", "scl_spring"):
        write(folder / f"{name}.tif", rng.choice([4, 9], (1, SIZE, SIZE)).astype(np.uint8))
    decibels = rng.normal(-12, 3, (4, SIZE, SIZE)).astype(np.float32)
    for place, name in enumerate(("vv_1", "vh_1", "vv_2", "vh_2")):
        write(folder / f"{name}.tif", decibels[[place]], [name[:2].upper()])
    write(folder / "radar_before.tif", decibels[:2])
    write(folder / "radar_after.tif", decibels[2:])


def write(path, values, descriptions=()):
    count, height, width = values.shape
    grid = {"crs": "EPSG:32633", "transform": from_origin(500_000, 5_800_000, 10, 10)}
    shape = {"count": count, "height": height, "width": width, "dtype": values.dtype.name}
    with rasterio.open(path, "w", driver="GTiff", **shape, **grid) as raster:
        raster.write(values)
        for band, text in enumerate(descriptions, start=1):
            raster.set_band_description(band, text)


def write_ponds(folder):
    rng = np.random.default_rng(1)
    for name in "ab":
        write_picture(folder / "images" / f"{name}.png", rng.integers(0, 255, (SIZE, SIZE, 3), np.uint8))
        (folder / "labels").mkdir(exist_ok=True)
        profile = {"driver": "PNG", "count": 1, "height": SIZE, "width": SIZE, "dtype": "uint8"}
        with rasterio.open(folder / "labels" / f"{name}.png", "w", **profile) as raster:
            raster.write(rng.choice(np.array([0, 1, 255], np.uint8), (1, SIZE, SIZE)))
    (folder / "train.txt").write_text("a\n")
    (folder / "test.txt").write_text("b\n")


@pytest.fixture(scope="session")
def shipped():
    return checkpoint.load()


@pytest.fixture
def toy(monkeypatch, shipped):
    """Training of two updates, simulated data sets of small scenes, the shipped checkpoint read once.

    Whoever asks for more gets less.
    """
    load = checkpoint.load
    monkeypatch.setattr(checkpoint, "load", lambda path=None, **more: shipped if path is None else load(path, **more))
    read = experiment.read_experiment
    monkeypatch.setattr(experiment, "read_experiment", lambda path, overrides=(): read(path, [*overrides, *TOY]))

    def small(*places, size=SIZE, samples=3, **options):
        return write_dataset(*places, size=min(size, SIZE), samples=min(samples, 5), **options)

    monkeypatch.setattr("stsun.simulation.dataset.write_dataset", small)


@pytest.fixture
def place(world, tmp_path, monkeypatch):
    """A copy of the files, as the folder where one stands."""
    folder = tmp_path / "here"
    shutil.copytree(world, folder)
    monkeypatch.chdir(folder)
    return folder
