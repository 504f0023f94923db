"""Verbs around data: demo, simulate, info, validate."""

from pathlib import Path
from typing import Annotated, Any

import typer

from stsun.cli.app import app
from stsun.cli.options import JsonFlag, TaskOption, days_of
from stsun.errors import StsunError
from stsun.terminal import lines_of, progress_bar, to_json


@app.command(epilog="Example: stsun demo --output demo")
def demo(
    output: Annotated[
        Path | None, typer.Option("--output", help="Folder for all it makes: new, empty or an earlier demo's.")
    ] = None,
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
    cloud_cover: Annotated[
        float,
        typer.Option("--cloud-cover", help="Largest share under clouds and shadows, 0..1; near it above 512 pixels."),
    ] = 0.2,
) -> None:
    """Write a labelled data set of simulated scenes: GeoTIFFs and the YAML file that describes them."""
    from stsun.simulation.dataset import write_dataset

    with progress_bar("tiles") as progress:
        path = write_dataset(
            output, sensor, days_of(dates), size=size, task=task, samples=samples, seed=seed, gsd_m=gsd,
            cloud_cover=cloud_cover, progress=progress,
        )  # fmt: skip
    typer.echo(f"wrote {path}")


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


def _facts(path: Path) -> dict[str, Any]:
    from stsun.data.info import info
    from stsun.model.checkpoint import load, read_card

    if not path.is_dir() and path.suffix != ".safetensors":
        return info(path)
    load(path)  # a card beside weights that are damaged, or another model's, tells nothing
    return {"kind": "checkpoint", "path": str(path), **read_card(path)}
