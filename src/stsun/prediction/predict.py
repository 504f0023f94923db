"""Maps from images: the one function that users call."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import torch
from torch import nn

from stsun.configuration import Configuration, read_categories
from stsun.errors import ConfigurationError
from stsun.prediction.publish import Stage
from stsun.prediction.results import Prediction
from stsun.prediction.run import Engine, Progress, Settings, run, silent
from stsun.prediction.targets import Targets
from stsun.prediction.workspace import folder_of, own_files
from stsun.raster.grid import Grid
from stsun.raster.metadata import moment_text
from stsun.scene.scene import Scene, open_scene
from stsun.scene.told import Bands, Entry, entries_of
from stsun.tasks import check_task


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
    like: Grid | str | Path | None = None,
    only: Sequence[str] | None = None,
    remote: bool = False,
    masks: Sequence[str | Path | None] | None = None,
    per_date: bool = False,
    tile: int = 512,
    overlap: int = 128,
    local: bool = False,
    probabilities: str | Path | None = None,
    probability_type: str = "uint8",
    confidence: str | Path | None = None,
    changes: str | Path | None = None,
    polygons: str | Path | None = None,
    min_area_m2: float = 0.0,
    transitions: str | Path | None = None,
    item: str | Path | None = None,
    device: str | torch.device | None = None,
    progress: Progress | None = None,
    overwrite: bool = False,
    resume: bool = False,
    allow_missing: bool = False,
    engine: Engine | None = None,
    stage: Stage = silent,
) -> Prediction:
    """Return a summary of the maps of a scene, and write them as a cloud-optimised GeoTIFF.

    The GeoTIFF holds one 8-bit band per output map: the index of the category (binary change: 0 unchanged, 1 changed),
    255 where there is no data. A change needs data at both of its dates, a map of one date at that date, a map of a
    series at any of its dates. Each band is described by its period and carries the categories' names and colours.

    Memory does not grow with the raster. What is done is kept beside the output until the end, in a folder named
    ``.NAME.unfinished``: a run that was killed goes on with ``resume`` and ends in the same bytes.

    Args:
        model: A model from `stsun.load`.
        images: One entry per date: a path, or a list of paths whose bands belong to one date; or one path per date and
            group of bands, where the days are known; or folders and STAC files from the archive; or xarray objects (see
            `stsun.scene.arrays.array_infos`) in the place of paths; or ``https://...``; or a ``pystac.Item`` or
            ``ItemCollection``.
        task: ``segmentation``, ``binary_change`` or ``semantic_change``.
        output: The GeoTIFF to write; missing folders are made.
        categories: What to map; left out = all that the model knows for the task. ``vegetation=forest+grassland``
            merges some that the model knows into one, ``woods=forest`` gives one another name.
        dates: One date or ISO text per entry; left out = from the files' tags.
        sensor: The catalogue's name of the sensor, for files without wavelength tags.
        bands: The bands in file order, for files without wavelength tags (see `stsun.scene.scene.open_scene`).
        scale: Stored value * scale + offset = physical value, where the file does not say it (see
            `stsun.scene.scaling.meanings`).
        offset: See ``scale``.
        like: The grid of the maps, or a raster that lies on it; left out = that of the first date's finest file. Images
            on another grid are resampled to it.
        only: Bands to read of what is from the archive, by name; left out = all.
        remote: Allow files on servers, also the bands of STAC items.
        masks: One raster per entry that says which pixels are usable: non-zero where they are; or ``scl:``,
            ``qa_pixel:``, ``fmask:``, ``clouds:`` before its path says what its codes mean. None = no mask.
        per_date: Segmentation only: one map per date instead of one for the series.
        tile: Side of the tiles that the network sees at a time, in pixels.
        overlap: By how many pixels tiles overlap; there they are blended.
        local: No attention over whole tiles, so that maps depend less on where tiles lie.
        probabilities: A GeoTIFF to write, with each category's probability.
        probability_type: How they are stored: ``uint8`` (multiples of 1/250), ``float16`` or ``float32``.
        confidence: A GeoTIFF to write, with the probability of what the maps show.
        changes: A GeoTIFF to write, with what became what between consecutive maps.
        polygons: A .gpkg, .parquet or .geojson file to write, with the maps' regions; of a change, those that changed.
        min_area_m2: Polygons smaller than this are left out.
        transitions: A .csv file to write, with the areas that went from each category to each other, from each map
            to the next and from the first to the last.
        item: A STAC Item (.json) to write, which describes the result.
        device: Where to compute, such as ``cuda``; None = where the model is. The model goes back afterwards.
        progress: Called with the numbers of tiles done and in all, after each tile.
        overwrite: Replace files that are there, and throw away an unfinished prediction.
        resume: Go on with an unfinished prediction.
        allow_missing: Blocks that cannot be read count as no data and are reported, instead of ending the prediction.
        engine: What computes; None = this process (see `stsun.prediction.cluster`).
        stage: Called after the last tile, with words that say which file is being written.

    Raises:
        StsunError: Input or options are not usable, and nothing is written; or something failed on the way, and what is
            done waits for ``resume``.
    """
    targets = Targets(
        Path(output), _path(probabilities), probability_type, _path(confidence), _path(changes), _path(polygons),
        min_area_m2, _path(transitions), _path(item),
    )  # fmt: skip
    scene = open_scene(
        images,
        sensor=sensor,
        bands=bands,
        dates=dates,
        scale=scale,
        offset=offset,
        like=like,
        only=only,
        remote=remote,
        masks=masks,
    )
    if len(scene.dates) < min(len(images), check_task(task).minimum_dates):
        raise ConfigurationError(
            f"{task} needs at least {check_task(task).minimum_dates} dates, but {scene.dates[0].names} hold different "
            "bands of one day and make one date; give the images of another day, too, or, if each is a date of its "
            "own, write a comma behind each (a.tif, b.tif,), in Python a list"
        )
    settings = Settings(tile, overlap, local, device, allow_missing, overwrite, resume, progress, engine, stage)
    return predict_scene(
        model, scene, task=task, categories=categories, per_date=per_date, targets=targets, settings=settings,
        inputs=[Path(one) for entry in (*entries_of(images), [like]) for one in entry if isinstance(one, str | Path)],
    )  # fmt: skip


def predict_scene(
    model: nn.Module,
    scene: Scene,
    *,
    task: str,
    categories: Sequence[str] | None,
    per_date: bool,
    targets: Targets,
    settings: Settings,
    inputs: Sequence[Path] = (),
) -> Prediction:
    """Make the maps of a scene that is open, as `predict` does; ``inputs`` are more files that must not be replaced.

    Raises:
        StsunError: See `predict`.
    """
    known = [date.day for date in scene.dates if date.day is not None]
    if task != "segmentation" and known != sorted(known):
        raise ConfigurationError(
            f"the dates of a change must not decrease, got {', '.join(map(moment_text, known))}; "
            "give the images from the earliest to the latest"
        )
    asked = model.categories_for(task) if categories is None else categories  # type: ignore[operator]
    names, merged = read_categories(asked, getattr(model, "categories", ()))
    configuration = Configuration(scene.bands, scene.gsd_m, task, names, per_date, merged)
    own = own_files(folder_of(targets.maps)) if settings.resume else ()
    targets.check_places(overwrite=settings.overwrite, own=own)
    targets.check([*map(Path, scene.files), *inputs], scene, configuration)
    return run(model, scene, configuration, targets, settings)


def _path(path: str | Path | None) -> Path | None:
    return None if path is None else Path(path)
