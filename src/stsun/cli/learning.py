"""Verbs around models: train, evaluate."""

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated

import typer

from stsun.cli.app import app
from stsun.cli.options import DeviceOption, JsonFlag, ModelOption
from stsun.terminal import check_target, progress_bar, to_json, write_text


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
