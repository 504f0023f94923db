"""Verbs that make maps: predict, map."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stsun.cli.app import app
from stsun.cli.options import (
    AllowMissingFlag,
    CategoriesOption,
    ChangesOption,
    ConfidenceOption,
    DeviceOption,
    ItemOption,
    JsonFlag,
    LocalFlag,
    ManyDates,
    MinAreaOption,
    ModelOption,
    OnlyOption,
    OutputOption,
    OverlapOption,
    OverwriteFlag,
    PerDateFlag,
    PolygonsOption,
    ProbabilitiesOption,
    ProbabilityTypeOption,
    ResumeFlag,
    SchedulerOption,
    TaskOption,
    TileOption,
    TransitionsOption,
    WorkersOption,
    box_of,
    each,
    entry,
    span_of,
    split,
)  # fmt: skip
from stsun.terminal import ProgressBar, printable, progress_bar, to_json

if TYPE_CHECKING:
    from stsun.prediction.publish import Stage
    from stsun.prediction.results import Prediction
    from stsun.prediction.run import Engine


@app.command(cls=ManyDates, epilog="Example: stsun predict --task binary_change --output change.tif 2018.tif 2024.tif")
def predict(
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE",
            help="One per date, in order; files of one date joined by commas: a.tif,b.tif. Or folders from the archive "
            "(Sentinel-2 .SAFE, Landsat, HLS) and STAC files (.json). Or addresses (https://...), with --remote.",
        ),
    ],
    task: TaskOption,
    output: OutputOption,
    model: ModelOption = None,
    categories: CategoriesOption = None,
    date: Annotated[
        list[str] | None, typer.Option("--date", metavar="DATE...", help="ISO dates, one per image, in order.")
    ] = None,
    sensor: Annotated[str | None, typer.Option("--sensor", help="Catalogue name, such as sentinel-2-l2a.")] = None,
    bands: Annotated[
        list[str] | None,
        typer.Option("--bands", help="In file order, such as red:665:70,nir:842,vv; once, or once per image."),
    ] = None,
    scale: Annotated[float | None, typer.Option("--scale", help="Stored value * scale + offset = physical.")] = None,
    offset: Annotated[float | None, typer.Option("--offset", help="See --scale.")] = None,
    like: Annotated[Path | None, typer.Option("--like", help="Raster whose grid the maps shall have.")] = None,
    only: OnlyOption = None,
    mask: Annotated[
        list[str] | None,
        typer.Option(
            "--mask",
            help="Which pixels are usable, one per image, - for none: a raster, non-zero = usable, or scl:FILE, "
            "qa_pixel:FILE, fmask:FILE, clouds:FILE.",
        ),
    ] = None,
    remote: Annotated[
        bool, typer.Option("--remote", help="Allow files on servers, also the bands of STAC items.")
    ] = False,
    per_date: PerDateFlag = False,
    tile: TileOption = 512,
    overlap: OverlapOption = 128,
    local: LocalFlag = False,
    probabilities: ProbabilitiesOption = None,
    probability_type: ProbabilityTypeOption = "uint8",
    confidence: ConfidenceOption = None,
    changes: ChangesOption = None,
    polygons: PolygonsOption = None,
    min_area: MinAreaOption = 0.0,
    transitions: TransitionsOption = None,
    item: ItemOption = None,
    device: DeviceOption = None,
    scheduler: SchedulerOption = None,
    workers: WorkersOption = None,
    resume: ResumeFlag = False,
    allow_missing: AllowMissingFlag = False,
    overwrite: OverwriteFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Make maps from rasters of any size."""
    from stsun.model.checkpoint import load
    from stsun.prediction.predict import predict as make_maps

    with progress_bar("tiles") as progress, _engine(scheduler, workers) as engine:
        result = make_maps(
            load(model), [entry(image) for image in images], task=task, output=output, categories=split(categories),
            dates=each(date), sensor=sensor, bands=[split(own) or [] for own in bands] if bands else None,
            scale=scale, offset=offset, like=like, only=split(only), remote=remote, masks=each(mask),
            per_date=per_date, tile=tile, overlap=overlap, local=local, probabilities=probabilities,
            probability_type=probability_type,
            confidence=confidence, changes=changes, polygons=polygons, min_area_m2=min_area, transitions=transitions,
            item=item, device=device, progress=progress, overwrite=overwrite, resume=resume,
            allow_missing=allow_missing, engine=engine, **_told(progress),
        )  # fmt: skip
    _tell(result, as_json)


@app.command(
    name="map",
    epilog="Example: stsun map --catalog https://earth-search.aws.element84.com/v1 --collection sentinel-2-l2a "
    "--bbox 8.4,47.3,8.6,47.5 --dates 2023-06-01/2023-08-31 --task segmentation --categories water,forest "
    "--output cover.tif",
)
def map_area(
    catalog: Annotated[str, typer.Option("--catalog", help="Address of a STAC API.")],
    collection: Annotated[list[str], typer.Option("--collection", help="Name of a collection; may be repeated.")],
    bbox: Annotated[str, typer.Option("--bbox", help="West,south,east,north in degrees.")],
    dates: Annotated[
        list[str],
        typer.Option(
            "--dates", help="First/last day. Once: all days between; repeated: the clearest day of each, in order."
        ),
    ],
    task: TaskOption,
    output: OutputOption,
    model: ModelOption = None,
    categories: CategoriesOption = None,
    only: OnlyOption = None,
    max_cloud: Annotated[float | None, typer.Option("--max-cloud", help="Largest cloud cover of an item, %.")] = None,
    limit: Annotated[int, typer.Option("--limit", help="Most items of each time.")] = 20,
    gsd: Annotated[float | None, typer.Option("--gsd", help="Metres per pixel; left out: the finest band's.")] = None,
    crs: Annotated[str | None, typer.Option("--crs", help="Such as EPSG:32632; left out: the UTM zone.")] = None,
    per_date: PerDateFlag = False,
    tile: TileOption = 512,
    overlap: OverlapOption = 128,
    local: LocalFlag = False,
    probabilities: ProbabilitiesOption = None,
    probability_type: ProbabilityTypeOption = "uint8",
    confidence: ConfidenceOption = None,
    changes: ChangesOption = None,
    polygons: PolygonsOption = None,
    min_area: MinAreaOption = 0.0,
    transitions: TransitionsOption = None,
    item: ItemOption = None,
    device: DeviceOption = None,
    scheduler: SchedulerOption = None,
    workers: WorkersOption = None,
    resume: ResumeFlag = False,
    allow_missing: AllowMissingFlag = False,
    overwrite: OverwriteFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Make maps of a place: search a STAC catalogue, load, align, mask clouds, predict."""
    from stsun.model.checkpoint import load
    from stsun.prediction.predict import predict_scene
    from stsun.prediction.run import Settings
    from stsun.prediction.targets import Targets
    from stsun.scene.area import Request, find_scene
    from stsun.tasks import check_task

    targets = Targets(
        output, probabilities, probability_type, confidence, changes, polygons, min_area, transitions, item
    )
    request = Request(
        catalog, collection, box_of(bbox), [span_of(text) for text in dates], split(only), gsd, crs, max_cloud, limit
    )
    network, asked = load(model), check_task(task)  # before the search, which may take minutes
    if not resume:
        targets.check_places(overwrite=overwrite)
    scene = find_scene(request)
    with progress_bar("tiles") as progress, _engine(scheduler, workers) as engine:
        settings = Settings(
            tile, overlap, local, device=device, allow_missing=allow_missing, overwrite=overwrite, resume=resume,
            progress=progress, engine=engine, **_told(progress),
        )  # fmt: skip
        result = predict_scene(
            network, scene, task=asked.name, categories=split(categories), per_date=per_date, targets=targets,
            settings=settings,
        )  # fmt: skip
    _tell(result, as_json)


def _told(progress: ProgressBar | None) -> "dict[str, Stage]":
    """Return what tells the stages behind the tiles on a progress bar, where there is one."""
    return {} if progress is None else {"stage": progress.tell}


@contextmanager
def _engine(scheduler: str | None, workers: int | None) -> "Iterator[Engine | None]":
    if scheduler is None and workers is None:
        yield None
        return
    from stsun.prediction.cluster import cluster_engine

    with cluster_engine(scheduler, workers) as engine:
        yield engine


def _tell(result: "Prediction", as_json: bool) -> None:
    from stsun.prediction.results import to_text

    plain: dict[str, Any] = asdict(result) if as_json else {}
    typer.echo(to_json(plain) if as_json else printable(to_text(result)))
