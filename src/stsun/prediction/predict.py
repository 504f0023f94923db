"""Maps from images: a scene goes through the network tile by tile and comes out as georeferenced maps."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import torch
from torch import nn

from stsun.configuration import Configuration
from stsun.data.sample import IGNORE
from stsun.errors import ConfigurationError, RasterError
from stsun.model.inference import evaluating
from stsun.prediction.inference import Progress, infer
from stsun.prediction.outputs import MapCounts, class_output, period_names, probability_output, write_outputs
from stsun.prediction.products import map_categories
from stsun.prediction.scene import Scene, open_scene
from stsun.prediction.tiling import tiles
from stsun.prediction.told import Bands, Entry, entries_of
from stsun.raster.metadata import moment_text
from stsun.raster.writer import check_target
from stsun.tasks import check_task


@dataclass(frozen=True)
class MapSummary:
    """How much of one map is of which category.

    Args:
        period: What the map speaks for, such as ``2018-05-01 to 2024-05-01``.
        pixels: Number of pixels of each category, by its name.
        area_m2: Area of each category in square metres; None where the GSD is unknown.
        nodata_pixels: Number of pixels without data.
    """

    period: str
    pixels: dict[str, int]
    area_m2: dict[str, float] | None
    nodata_pixels: int


@dataclass(frozen=True)
class Prediction:
    """What a prediction has made.

    Args:
        files: The files written: the maps, then the probabilities if asked for.
        maps: One summary per map, in the order of the file's bands.
        notes: What had to be assumed, in words.
        seconds: How long it took.
        configuration: What the network was asked.
    """

    files: tuple[Path, ...]
    maps: tuple[MapSummary, ...]
    notes: tuple[str, ...]
    seconds: float
    configuration: Configuration


def predict(
    model: nn.Module,
    images: Sequence[Entry],
    *,
    task: str,
    output: str | Path,
    categories: Sequence[str] | None = None,
    dates: Sequence[str | date | None] | None = None,
    sensor: str | None = None,
    bands: Bands | Sequence[Bands] | None = None,
    scale: float | None = None,
    offset: float | None = None,
    per_date: bool = False,
    tile: int = 512,
    overlap: int = 128,
    probabilities: str | Path | None = None,
    device: str | torch.device | None = None,
    progress: Progress | None = None,
    overwrite: bool = False,
) -> Prediction:
    """Return a summary of the maps of a scene, and write them as a GeoTIFF on the scene's own grid.

    The GeoTIFF holds one 8-bit band per output map: the index of the category (binary change: 0 unchanged, 1 changed),
    255 where there is no data. A change needs data at both of its dates, a map of one date at that date, a map of a
    series at any of its dates. Each band is described by its period and carries the categories' names and colours.

    Args:
        model: A model from `stsun.load`.
        images: One entry per date: a path, or a list of paths whose bands belong to one date; or one path per date and
            group of bands, where the days are known.
        task: ``segmentation``, ``binary_change`` or ``semantic_change``.
        output: The GeoTIFF to write; missing folders are made.
        categories: What to map; left out = all that the model knows for the task.
        dates: One date or ISO text per entry; left out = from the files' tags.
        sensor: The catalogue's name of the sensor, for files without wavelength tags.
        bands: The bands in file order, for files without wavelength tags (see `stsun.prediction.scene.open_scene`).
        scale: Stored value * scale + offset = physical value, where the file does not say it (see
            `stsun.prediction.scaling.meanings`).
        offset: See ``scale``.
        per_date: Segmentation only: one map per date instead of one for the series.
        tile: Side of the tiles that the network sees at a time, in pixels.
        overlap: By how many pixels tiles overlap at least; there they are blended.
        probabilities: A second GeoTIFF to write, with each category's probability, 0 to 1, NaN where there is no data.
        device: Where to compute, such as ``cuda``; None = where the model is. The model goes back afterwards.
        progress: Called with the numbers of tiles done and in all, after each tile.
        overwrite: Replace files that are there.

    Raises:
        StsunError: Input or options are not usable; nothing is written then.
    """
    started = time.perf_counter()
    targets = [Path(path) for path in (output, probabilities) if path is not None]
    _check_targets(targets, images, overwrite)
    scene = open_scene(images, sensor=sensor, bands=bands, dates=dates, scale=scale, offset=offset)
    _check_dates(scene, task, len(images))
    asked = model.categories_for(task) if categories is None else categories  # type: ignore[operator]
    configuration = Configuration(scene.bands, scene.gsd_m, task, asked, per_date)
    if hasattr(model, "check_categories"):  # before the first tile: a scene without data asks the network nothing
        model.check_categories(configuration)  # type: ignore[operator]
    outputs = [class_output(targets[0], scene, configuration, getattr(model, "colors", {}))]
    outputs += [probability_output(path, scene, configuration) for path in targets[1:]]
    windows = tiles(scene.grid.height, scene.grid.width, tile, overlap)
    with evaluating(model, device) as used:
        rows = infer(model, scene, configuration, windows, device=used, progress=progress)
        counts = write_outputs(rows, outputs, scene.grid, overwrite=overwrite)
    maps = _summaries(counts, scene, configuration)
    return Prediction(tuple(targets), maps, _notes(scene), time.perf_counter() - started, configuration)


def to_text(result: Prediction) -> str:
    """Return the summary of a prediction in words, with the share of each category."""
    lines = []
    for summary in result.maps:
        seen = sum(summary.pixels.values())
        lines.append(f"{summary.period}: {seen} pixels, {summary.nodata_pixels} without data")
        for name, pixels in summary.pixels.items():
            area = "" if summary.area_m2 is None else f"  {summary.area_m2[name] / 1e6:12.4f} km²"
            lines.append(f"  {name:30} {pixels / max(seen, 1):7.2%}{area}")
    lines += [f"note: {note}" for note in result.notes]
    return "\n".join([*lines, *(f"wrote {file}" for file in result.files)])


def _check_targets(targets: Sequence[Path], images: Sequence[Entry], overwrite: bool) -> None:
    for target in targets:
        check_target(target, overwrite=overwrite)
    files = [path for entry in entries_of(images) for path in entry]
    taken = [path.resolve() for path in (*files, *targets)]
    for target in targets:
        if taken.count(target.resolve()) > 1:
            raise RasterError(f"{target} would overwrite an image or another output; choose another name")


def _check_dates(scene: Scene, task: str, entries: int) -> None:
    if len(scene.dates) < min(entries, check_task(task).minimum_dates):
        raise ConfigurationError(
            f"{task} needs at least {check_task(task).minimum_dates} dates, but {scene.dates[0].names} hold different "
            "bands of one day and make one date; give the images of another day, too, or, if each is a date of its "
            "own, write a comma behind each (a.tif, b.tif,), in Python a list"
        )
    known = [date.day for date in scene.dates if date.day is not None]
    if task != "segmentation" and known != sorted(known):
        raise ConfigurationError(
            f"the dates of a change must not decrease, got {', '.join(map(moment_text, known))}; "
            "give the images from the earliest to the latest"
        )


def _summaries(counts: MapCounts, scene: Scene, configuration: Configuration) -> tuple[MapSummary, ...]:
    names = map_categories(configuration)
    pixel_m2 = None if scene.gsd_m is None else scene.gsd_m**2
    summaries = []
    for period, row in zip(period_names(scene, configuration), counts, strict=True):
        pixels = {name: int(row[value]) for value, name in enumerate(names)}
        area_m2 = None if pixel_m2 is None else {name: count * pixel_m2 for name, count in pixels.items()}
        summaries.append(MapSummary(period, pixels, area_m2, int(row[IGNORE])))
    return tuple(summaries)


def _notes(scene: Scene) -> tuple[str, ...]:
    if scene.grid.crs is None or not scene.grid.crs.is_geographic:
        return scene.notes
    return (*scene.notes, "areas are computed with the pixel size at the scene's centre, for its CRS is in degrees")
