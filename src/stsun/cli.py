"""The command line: each verb parses, calls one library function, and prints. Heavy imports wait inside the verbs."""

import logging
import os
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from stsun import __version__
from stsun.errors import StsunError
from stsun.terminal import check_target, lines_of, progress_bar, to_json, write_text

app = typer.Typer(
    name="stsun",
    help="One network for dense prediction from any remote-sensing imagery.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

ModelOption = Annotated[
    Path | None, typer.Option("--model", help="Checkpoint folder or .safetensors file; left out: the one that ships.")
]
DAY = re.compile(r"\d{4}-\d{2}-\d{2}|\d{8}(T|$)")

TaskOption = Annotated[str, typer.Option("--task", help="segmentation, binary_change or semantic_change.")]
DeviceOption = Annotated[str | None, typer.Option("--device", help="Where to compute, such as cpu or cuda.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def main() -> None:
    """Run the command line; exit with 0 on success, 2 on a user's error, 130 if interrupted, 1 on a bug."""
    logging.getLogger("rasterio").setLevel(logging.CRITICAL)  # what it logs is in our error message, too
    try:
        app(prog_name="stsun")
    except StsunError as error:
        typer.echo(f"stsun: {error}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if os.environ.get("STSUN_DEBUG") == "1":
            traceback.print_exc()
        typer.echo(
            f"stsun: this is a bug: {type(error).__name__}: {error}; "
            "please report it with the output of the same command under STSUN_DEBUG=1",
            err=True,
        )
        sys.exit(1)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"stsun {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """One network for dense prediction from any remote-sensing imagery."""


@app.command(epilog="Example: stsun demo --output demo")
def demo(
    output: Annotated[Path | None, typer.Option("--output", help="Folder for maps, pictures and scores.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Run all tasks on data made on the spot.

    Scores the shipped model, and writes georeferenced maps, pictures and a report.
    """
    from stsun.demo import run

    result = run(output, echo=(lambda _: None) if as_json else typer.echo)
    if as_json:
        typer.echo(to_json(result))


@app.command(epilog="Example: stsun simulate --sensor sentinel-2-l2a --dates 2020-05-01,2020-07-15 --output simulated")
def simulate(
    output: Annotated[Path, typer.Option("--output", help="New folder for the data set.")],
    sensor: Annotated[list[str], typer.Option("--sensor", help="Catalogue name; several: the dates take turns.")],
    dates: Annotated[str, typer.Option("--dates", help="Acquisition dates, comma-separated, YYYY-MM-DD.")],
    size: Annotated[int, typer.Option("--size", help="Side of each scene in pixels.")] = 512,
    task: TaskOption = "segmentation",
    samples: Annotated[int, typer.Option("--samples", help="Number of places.")] = 3,
    seed: Annotated[int, typer.Option("--seed", help="Other seeds give other worlds.")] = 0,
    gsd: Annotated[float | None, typer.Option("--gsd", help="Metres per pixel; left out: the sensor's own.")] = None,
    cloud_cover: Annotated[float, typer.Option("--cloud-cover", help="Largest share under clouds, 0..1.")] = 0.2,
) -> None:
    """Write a labelled data set of simulated scenes: GeoTIFFs and the YAML file that describes them."""
    from stsun.simulation.dataset import write_dataset

    with progress_bar("tiles") as progress:
        path = write_dataset(
            output, sensor, _days_of(dates), size=size, task=task, samples=samples, seed=seed, gsd_m=gsd,
            cloud_cover=cloud_cover, progress=progress,
        )  # fmt: skip
    typer.echo(f"wrote {path}")


def _days_of(text: str) -> list[date]:
    """Return the dates of a comma-separated list."""
    try:
        return [date.fromisoformat(part.strip()) for part in text.split(",")]
    except ValueError as error:
        raise StsunError(f"--dates {text!r}: {error}; write them as 2020-05-01,2021-06-30") from error


@app.command(epilog="Example: stsun info 2018.tif dataset.yaml checkpoints/tiny")
def info(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Rasters, data sets (.yaml) or checkpoints.")],
    as_json: JsonFlag = False,
) -> None:
    """Tell what the model will see in files.

    Bands, wavelengths, GSD, dates, CRS, nodata; categories of data sets and checkpoints.
    """
    facts = {str(path): _facts(path) for path in files}
    typer.echo(to_json(facts) if as_json else "\n".join(lines_of(facts)))


@app.command(epilog="Example: stsun validate levir-cd/dataset.yaml")
def validate(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET.YAML", help="Description of a data set.")],
    as_json: JsonFlag = False,
) -> None:
    """Check a data set whole and list all its problems."""
    from stsun.data.validate import validate as find_problems

    problems = [str(problem) for problem in find_problems(dataset)]
    if as_json:
        typer.echo(to_json({"dataset": str(dataset), "problems": problems}))
    if problems:
        raise StsunError("\n  ".join([f"{dataset}: {len(problems)} problem(s); mend them:", *problems]))
    if not as_json:
        typer.echo(f"{dataset}: no problem found")


@app.command(epilog="Example: stsun train experiment.yaml steps=2000 optimiser.learning_rate=1e-4")
def train(
    experiment: Annotated[Path, typer.Argument(metavar="EXPERIMENT.YAML", help="Description of the experiment.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Values to use in place of the file's.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the last run stopped.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Train one model on one or many data sets together."""
    from stsun.training.experiment import run
    from stsun.training.record import is_first_process

    with redirect_stdout(sys.stderr):  # where progress bars belong
        folder, trained = run(experiment, overrides or [], resume)
    if is_first_process():
        words = f"wrote {folder}" if trained else f"{folder} holds the finished run already; nothing was left to do"
        typer.echo(to_json({"folder": str(folder), "trained": trained}) if as_json else words)


@app.command(epilog="Example: stsun evaluate --data levir-cd/dataset.yaml --split test --json scores.json")
def evaluate(
    data: Annotated[Path, typer.Option("--data", help="Description of the data set (.yaml).")],
    model: ModelOption = None,
    split: Annotated[str, typer.Option("--split", help="Which split to score.")] = "test",
    task: Annotated[str | None, typer.Option("--task", help="Left out: the data set's own.")] = None,
    device: DeviceOption = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the scores as JSON; - prints them.")
    ] = None,
) -> None:
    """Score a model on a data set."""
    from stsun.evaluation.evaluate import evaluate as score
    from stsun.evaluation.report import to_text
    from stsun.model.checkpoint import load

    check_target(json_file)
    with progress_bar("samples") as progress:
        scores = score(load(model), data, split, task=task, device=device, progress=progress)
    if json_file is not None and str(json_file) != "-":
        write_text(json_file, to_json(scores))
    typer.echo(to_json(scores) if str(json_file) == "-" else to_text(scores))


class _ManyDates(TyperCommand):
    """Takes ``--date A B`` for ``--date A --date B``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, list(_each_with_its_option(args)))


@app.command(cls=_ManyDates, epilog="Example: stsun predict --task binary_change --output change.tif 2018.tif 2024.tif")
def predict(
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE", help="One per date, in order; files of one date joined by commas: a.tif,b.tif."
        ),
    ],
    task: TaskOption,
    output: Annotated[Path, typer.Option("--output", help="GeoTIFF to write.")],
    model: ModelOption = None,
    categories: Annotated[str | None, typer.Option("--categories", help="Such as water,forest; left out: all.")] = None,
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
    per_date: Annotated[bool, typer.Option("--per-date", help="Segmentation: one map per date.")] = False,
    tile: Annotated[int, typer.Option("--tile", help="Side of a tile in pixels.")] = 512,
    overlap: Annotated[int, typer.Option("--overlap", help="Overlap of tiles in pixels.")] = 128,
    probabilities: Annotated[
        Path | None, typer.Option("--probabilities", help="Second GeoTIFF, with each category's probability.")
    ] = None,
    device: DeviceOption = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Make maps from GeoTIFFs."""
    from stsun.model.checkpoint import load
    from stsun.prediction.predict import predict as make_maps
    from stsun.prediction.predict import to_text

    with progress_bar("tiles") as progress:
        result = make_maps(
            load(model), [_entry(image) for image in images], task=task, output=output, categories=_split(categories),
            dates=_each(date), sensor=sensor, bands=[_split(own) or [] for own in bands] if bands else None,
            scale=scale, offset=offset, per_date=per_date, tile=tile, overlap=overlap, probabilities=probabilities,
            device=device, progress=progress, overwrite=overwrite,
        )  # fmt: skip
    typer.echo(to_json(asdict(result)) if as_json else to_text(result))


def _split(text: str | None) -> list[str] | None:
    return None if text is None else [part.strip() for part in text.split(",")]


def _each(texts: list[str] | None) -> list[str] | None:
    return None if texts is None else [part for text in texts for part in _split(text) or []]


def _each_with_its_option(arguments: list[str]) -> Iterator[str]:
    """The arguments, with ``--date`` before each date that follows another; a file of such a name stays one."""
    option = ""
    for before, argument in zip(["", *arguments], arguments, strict=False):
        option = argument.partition("=")[0] if argument.startswith("-") else option
        follows = option == "--date" and before != "--date" and argument != "--date"
        if follows and DAY.match(argument) and not Path(argument).exists():
            yield "--date"
        yield argument


def _entry(text: str) -> str | list[str]:
    """The file of a date, or the files that are joined by commas, unless a comma is part of a file's name."""
    return text if "," not in text or Path(text).exists() else [part for part in text.split(",") if part]


def _facts(path: Path) -> dict[str, Any]:
    from stsun.data.info import info
    from stsun.model.checkpoint import read_card

    if not path.is_dir() and path.suffix != ".safetensors":
        return info(path)
    return {"kind": "checkpoint", "path": str(path), **read_card(path)}
