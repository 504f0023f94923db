"""The verb that makes files for other runtimes: export."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from stsun.cli.app import app
from stsun.cli.options import CategoriesOption, JsonFlag, ModelOption, split
from stsun.terminal import to_json


@app.command(epilog="Example: stsun export --configuration sentinel-2-l2a --dates 1 --format onnx --output land.onnx")
def export(
    configuration: Annotated[
        str,
        typer.Option(
            "--configuration",
            help="What to export for: a configuration or a data set (.yaml, .json), or a catalogue sensor.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", help="The file to write.")],
    model: ModelOption = None,
    format: Annotated[str, typer.Option("--format", help="onnx, or pt2 (torch.export).")] = "onnx",
    task: Annotated[
        str | None, typer.Option("--task", help="segmentation (default), binary_change or semantic_change.")
    ] = None,
    categories: CategoriesOption = None,
    gsd: Annotated[float | None, typer.Option("--gsd", help="Metres per pixel; left out: the sensor's own.")] = None,
    dates: Annotated[
        int | None, typer.Option("--dates", help="How many dates: 1 for single images, 2 for pairs.")
    ] = None,
    per_date: Annotated[bool | None, typer.Option("--per-date", help="Segmentation: one map per date.")] = None,
    weights: Annotated[str, typer.Option("--weights", help="float32; onnx also float16, int8.")] = "float32",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Write a network for one configuration as a file that runs without this package."""
    from stsun.export.request import read_configuration
    from stsun.export.write import export as write
    from stsun.model.checkpoint import load

    network = load(model)
    told = {"task": task, "categories": split(categories), "gsd_m": gsd, "dates": dates, "per_date": per_date}
    asked = read_configuration(configuration, network.categories_for, **told)
    made = write(network, asked, output, format, weights=weights, overwrite=overwrite)
    words = (
        f"wrote {made.path}: {made.size_bytes / 1e6:.1f} MB, {made.parameters:,} numbers; its logits differ by at most "
        f"{made.difference:.1g} from the network's (largest {made.logits:.3g})"
    )
    typer.echo(to_json(asdict(made)) if as_json else words)
