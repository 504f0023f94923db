"""Simulated data sets on disk: GeoTIFFs of any size, made tile by tile, and the YAML file that describes them."""

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import yaml
from numpy.typing import NDArray

from stsun.data.sample import IGNORE
from stsun.errors import ConfigurationError, DataError
from stsun.files import check_new, filled
from stsun.legend import color_of
from stsun.raster.whole import explained
from stsun.raster.writer import BLOCK, Layer, WriteRows, create
from stsun.sensors import sensor
from stsun.simulation.days import day_of
from stsun.simulation.kinds import AERIAL_COVER, CHANGING_COVER, LAND_COVER, Kind, Legend
from stsun.simulation.scenes import SIZE_RANGE, Scene, categories_of, plan_scene, sample_of
from stsun.simulation.sensor import thinned
from stsun.simulation.write import day_tag, grid_of_window, layer_of
from stsun.tasks import TASKS, check_task, output_periods

TILE = 256
FINE_GSD_M = 3.0
"""Below this pixel size single buildings are told apart, from it on only land cover."""
LEAST_CACHE_MB = 64
DESCRIPTION = "dataset.yaml"
LARGEST = 100_000
YEARS = (1950, 2050)
FEWEST_TO_SPLIT = 3
"""With fewer samples all are for training."""

Told = Callable[[int, int], None]


def write_dataset(
    output: Path,
    sensors: Sequence[str],
    dates: Sequence[date],
    *,
    size: int = 512,
    task: str = "segmentation",
    samples: int = 3,
    seed: int = 0,
    gsd_m: float | None = None,
    cloud_cover: float = 0.2,
    progress: Told | None = None,
) -> Path:
    """Write a labelled data set of simulated scenes and return the path of its YAML file.

    Every sample is another place. Scenes are made in tiles, which join seamlessly, and written row of tiles by row of
    tiles: memory grows with a scene's width only. The data set is there whole, or not at all.

    Args:
        output: Folder for the data set; must be new or empty.
        sensors: Catalogue names; where there are several, the dates take turns.
        dates: Acquisition dates, increasing.
        size: Side of each scene in pixels.
        task: ``segmentation``, ``binary_change`` or ``semantic_change``.
        samples: How many places. From three on the last fifth (at least one) is the test split, and the fifth before it
            validates; fewer all train.
        seed: Of the worlds; no two seeds share one.
        gsd_m: Metres per pixel; None = the first sensor's own.
        cloud_cover: Largest share of a date that clouds and their shadows hide, 0..1; scenes of more than 512 pixels a
            side are judged by some of their rows and may exceed it a little. Aerial pictures have no clouds.
        progress: Gets the tiles done and the tiles in all.

    Raises:
        ConfigurationError: An unknown sensor or task, or values out of range.
        DataError: The folder holds files.
        RasterError: A file cannot be written.
    """
    plan = _plan(sensors, dates, task, gsd_m, cloud_cover)
    _check(plan, dates, size, samples, seed)
    check_new(output, DataError)
    days = [day_of(day.year, day.month, day.day) for day in dates]
    tiles = len(_tile_starts(size)) ** 2
    with (
        explained(output),
        filled(output, last=DESCRIPTION) as unfinished,
        rasterio.Env(GDAL_CACHEMAX=_cache_mb(plan, len(dates), size)),
    ):
        for number in range(samples):
            scene = _sample_scene(plan, (seed, number), size, days)
            told = functools.partial(_tell, progress, number * tiles, samples * tiles)
            _write_sample(unfinished, f"{number:03d}", scene, plan, told)
        _describe(unfinished, plan, dates, samples, seed)
    return output / DESCRIPTION


def _plan(sensors: Sequence[str], dates: Sequence[date], task: str, gsd_m: float | None, cloud_cover: float) -> Kind:
    instruments = [sensor(name) for name in sensors]
    if not instruments or not dates:
        raise ConfigurationError(
            "a simulated data set needs at least one sensor and one date; give --sensor and --dates"
        )
    gsd = instruments[0].gsd_m if gsd_m is None else gsd_m
    if gsd is None:
        raise ConfigurationError(
            f"{instruments[0].title} has no ground sample distance of its own; give --gsd in metres"
        )
    if not 0.1 <= gsd <= 1000 or not 0 <= cloud_cover <= 1:
        raise ConfigurationError(
            f"got a GSD of {gsd:g} m and a cloud cover of {cloud_cover:g}; expected 0.1 to 1000 m and 0 to 1"
        )
    fine, picture = gsd < FINE_GSD_M, all(instrument.name.startswith("aerial") for instrument in instruments)
    legend: Legend = AERIAL_COVER if fine else CHANGING_COVER if task != "segmentation" else LAND_COVER
    if fine and check_task(task).name == "binary_change":
        legend = {"building change": ("building",)}
    return Kind(
        tuple(instrument.name for instrument in instruments),
        check_task(task).name,
        legend,
        gsd,
        site="town" if fine else "varied" if task == "segmentation" else "fire",
        cloud_cover=0.0 if picture else cloud_cover,
        eight_bit=picture,
        skip=frozenset({"cirrus"}),  # sees no ground
    )


def _check(plan: Kind, dates: Sequence[date], size: int, samples: int, seed: int) -> None:
    if not SIZE_RANGE[0] <= size <= LARGEST or samples < 1 or seed < 0:
        raise ConfigurationError(
            f"got size {size}, {samples} samples and seed {seed}; expected {SIZE_RANGE[0]} to {LARGEST} pixels, at "
            "least one sample, and a seed of 0 or more"
        )
    if any(not YEARS[0] <= day.year <= YEARS[1] for day in dates):
        raise ConfigurationError(
            f"got {', '.join(map(str, dates))}; worlds are made for {YEARS[0]} to {YEARS[1]}; give --dates there"
        )
    least = TASKS[plan.task].minimum_dates
    if len(dates) < least or any(a >= b for a, b in itertools.pairwise(dates)):
        listed = ", ".join(day.isoformat() for day in dates)
        raise ConfigurationError(
            f"{plan.task} needs at least {least} increasing dates, got {listed}; give them in order"
        )


def _sample_scene(plan: Kind, sample: tuple[int, int], size: int, days: Sequence[float]) -> Scene:
    """Return the scene of a sample (seed and number): of a world that no other has, its clouds within the limit."""
    # the number first: zeros at the end of a sequence do not count
    mixed = np.random.SeedSequence(sample[::-1]).generate_state(1, np.uint64)[0]
    scene = plan_scene(plan, int(mixed) % 2**53, size, days)  # what a world makes of its seed has 63 bits
    return replace(scene, conditions=tuple(thinned(scene.window, date, plan.cloud_cover) for date in scene.conditions))


def _cache_mb(plan: Kind, dates: int, size: int) -> int:
    """Return how much GDAL may keep back before it writes: a row of blocks of all files, which are taller than tiles.

    Its own choice is a share of the machine's memory.
    """
    bands = sum(len(sensor(plan.sensors[date % len(plan.sensors)]).bands) for date in range(dates))
    pixel_bytes = bands * (1 if plan.eight_bit else 2) + dates + len(output_periods(plan.task, dates))
    return max(LEAST_CACHE_MB, math.ceil(1.2e-6 * BLOCK * size * pixel_bytes))


def _tile_starts(size: int) -> range:
    return range(0, size, TILE)


def _tell(progress: Told | None, before: int, tiles: int, done: int) -> None:
    if progress is not None:
        progress(before + done, tiles)


def _write_sample(output: Path, name: str, scene: Scene, plan: Kind, told: Callable[[int], object]) -> None:
    """Write images, masks and labels of one scene, a row of tiles at a time."""
    size, done = scene.window.height, 0
    with ExitStack() as stack:
        writers = [stack.enter_context(file) for file in _files(output, name, scene, plan)]
        for top in _tile_starts(size):
            tiles = []
            for left in _tile_starts(size):
                part = scene.window.part(slice(top, min(top + TILE, size)), slice(left, min(left + TILE, size)))
                tiles.append(_stored_tile(replace(scene, window=part), plan))
                done += 1
                told(done)
            for write_rows, parts in zip(writers, zip(*tiles, strict=True), strict=True):
                write_rows(top, np.concatenate(parts, axis=-1))


def _files(output: Path, name: str, scene: Scene, plan: Kind) -> Iterator[AbstractContextManager[WriteRows]]:
    """Give the files of one sample, to be opened: an image and a mask for each date, then a label for each map."""
    grid = grid_of_window(scene.window, south=scene.world.latitude < 0)
    for number, (bands, conditions) in enumerate(zip(scene.bands, scene.conditions, strict=True)):
        layers = [layer_of(band, picture=plan.eight_bit) for band in bands]
        dtype, tags = "uint8" if plan.eight_bit else "int16", day_tag(conditions.day)
        yield create(output / "images" / f"{name}_{number}.tif", grid, layers, dtype=dtype, nodata=None, tags=tags)
    for number in range(len(scene.bands)):
        yield create(output / "masks" / f"{name}_{number}.tif", grid, [Layer("valid")], dtype="uint8", nodata=None)
    key = tuple((category, color_of(category)) for category in _classes(plan).values())
    for number in range(len(output_periods(plan.task, len(scene.bands)))):
        layer = Layer("label", categories=key)
        yield create(output / "labels" / f"{name}_{number}.tif", grid, [layer], dtype="uint8", nodata=None)


def _stored_tile(scene: Scene, plan: Kind) -> list[NDArray[Any]]:
    """Return a part of a scene as it is stored, in the order of ``_files``."""
    sample = sample_of(scene, plan.task, plan.legend, "tile")
    assert sample.labels is not None  # what is simulated is labelled
    images = []
    for image, bands in zip(sample.images, scene.bands, strict=True):
        scales = np.array([layer_of(band, picture=plan.eight_bit).scale for band in bands])
        images.append(np.rint(image / scales[:, None, None]).astype(np.uint8 if plan.eight_bit else np.int16))
    return [
        *images,
        *(mask[None].astype(np.uint8) for mask in sample.valid),
        *(label[None].astype(np.uint8) for label in sample.labels),
    ]


def _classes(plan: Kind) -> dict[int, str]:
    """Return the label values and what they stand for."""
    names = categories_of(plan.task, plan.legend)
    return dict(enumerate(("unchanged", *names) if plan.task == "binary_change" else names))


def _describe(output: Path, plan: Kind, dates: Sequence[date], samples: int, seed: int) -> None:
    """Write the split lists and the YAML file."""
    held = max(1, samples // 5) if samples >= FEWEST_TO_SPLIT else 0
    names, splits = [f"{number:03d}" for number in range(samples)], {}
    ends = {
        "train": (0, samples - 2 * held),
        "val": (samples - 2 * held, samples - held),
        "test": (samples - held, samples),
    }
    for split, (first, last) in ends.items():
        if last > first:
            (output / f"{split}.txt").write_text("\n".join(names[first:last]) + "\n", encoding="utf-8")
            splits[split] = f"{split}.txt"
    count = len(dates)
    classes = _classes(plan)
    content = {
        "name": f"simulated-{'-'.join(dict.fromkeys(plan.sensors))}-{plan.task.replace('_', '-')}-{seed}",
        "title": f"Simulated scenes as {', '.join(dict.fromkeys(plan.sensors))} would see them",
        "licence": "Apache-2.0",
        "source": f"stsun simulate, seed {seed}",
        "task": plan.task,
        "images": [f"images/{{id}}_{number}.tif" for number in range(count)],
        "dates": [day.isoformat() for day in dates],
        "valid": [f"masks/{{id}}_{number}.tif" for number in range(count)],
        "labels": [f"labels/{{id}}_{number}.tif" for number in range(len(output_periods(plan.task, count)))],
        "classes": classes,
        "ignore": [IGNORE],
        "colors": {name: color_of(name) for name in classes.values()},
        "splits": splits,
    }
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    (output / DESCRIPTION).write_text(text, encoding="utf-8")
