"""Verbs around models: train, evaluate, calibrate."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer

from stsun.cli.app import app
from stsun.cli.options import DeviceOption, JsonFlag, ModelOption, check_apart, many, split
from stsun.errors import StsunError
from stsun.files import check_new, write_text
from stsun.terminal import check_target, printable, progress_bar, to_json


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
    data: Annotated[Path | None, typer.Option("--data", help="Description of the data set (.yaml).")] = None,
    protocol: Annotated[
        str | None, typer.Option("--protocol", help="What papers mean, by name (stsun data list), instead of --data.")
    ] = None,
    root: Annotated[
        Path | None, typer.Option("--root", metavar="DIR", help="With --protocol: the data set as downloaded.")
    ] = None,
    model: ModelOption = None,
    split: Annotated[str | None, typer.Option("--split", help="Which split to score; left out: test.")] = None,
    task: Annotated[str | None, typer.Option("--task", help="Left out: the data set's own.")] = None,
    device: DeviceOption = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the scores as JSON; - prints them.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="DIR", help="Folder for report.html, .md, .json and .tex.")
    ] = None,
    legend: Annotated[
        str | None,
        typer.Option("--legend", help="The data set's categories in the model's words: vegetation=forest+grassland."),
    ] = None,
) -> None:
    """Score a model on a data set."""
    from stsun.model.card import CARD
    from stsun.model.checkpoint import load
    from stsun.report.words import to_text

    _check_choice(data, protocol, root, [split, task, report, legend])
    check_target(json_file)
    network = load(model)
    weights = network.checkpoint
    check_apart(json_file, [data, weights, weights and weights.with_name(CARD)])
    with progress_bar("samples") as progress:
        options: dict[str, Any] = {"device": device, "progress": progress}
        if protocol is not None and root is not None:
            from stsun.protocols.protocol import evaluate_by

            scores = evaluate_by(protocol, network, root, **options)
        elif report is not None and data is not None:
            from stsun.report.write import evaluate_and_report

            options |= {"task": task, "legend": _legend(legend)}
            scores = evaluate_and_report(network, data, split or "test", report, **options)
        elif data is not None:
            from stsun.evaluation.evaluate import evaluate as score

            options |= {"task": task, "legend": _legend(legend)}
            scores = score(network, data, split or "test", **options)
    if json_file is not None and str(json_file) != "-":
        write_text(json_file, to_json(scores) + "\n", StsunError)
    if str(json_file) == "-":
        typer.echo(to_json(scores))
    else:
        typer.echo(printable("\n".join([to_text(scores), *_closing(scores, report)])))


@app.command(
    cls=many("data"),
    epilog="Example: stsun calibrate --model runs/short --data a/dataset.yaml b/dataset.yaml --output calibrated",
)
def calibrate(
    data: Annotated[list[Path], typer.Option("--data", metavar="FILE...", help="Descriptions of data sets (.yaml).")],
    output: Annotated[Path, typer.Option("--output", metavar="DIR", help="Folder for the calibrated checkpoint.")],
    model: ModelOption = None,
    split: Annotated[str, typer.Option("--split", help="One that the model was not trained on.")] = "val",
    device: DeviceOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Find temperatures of tasks and categories that make a model as sure as it is right; save them with it."""
    from dataclasses import asdict

    from stsun.evaluation.temperature import calibrate as find
    from stsun.model.checkpoint import further_facts, load, save

    check_new(output, StsunError)
    network = load(model)
    with progress_bar("samples") as progress:
        found = find(network, data, split, device=device, progress=progress)
    network.temperatures |= found.temperatures
    save(network, output, {**further_facts(model), "calibration": list(found.data_sets)})
    if as_json:
        typer.echo(to_json({"folder": str(output), **asdict(found)}))
        return
    for task, temperature in found.temperatures.items():
        typer.echo(f"{task}: temperature {temperature:.3f}")
    for one in found.data_sets:
        own = f"by itself {one['temperature']:.3f}, gets {one['applied']:.3f}"
        errors = f"calibration error {one['ece_before']:.3f} before, {one['ece_after']:.3f} after"
        typer.echo(f"{one['data_set']}: {own}; {errors}")
    typer.echo(f"wrote {output}")


def _legend(text: str | None) -> dict[str, Any] | None:
    from stsun.configuration import read_categories

    parts = split(text)
    if parts is None:
        return None
    names, merged = read_categories(parts)
    if len(merged) < len(names):
        raise StsunError(f"--legend {text!r}: expected NAME=NAME, such as vegetation=forest+grassland,lake=water")
    return merged


def _check_choice(data: Path | None, protocol: str | None, root: Path | None, own: Sequence[object]) -> None:
    if (data is None) == (protocol is None) or (protocol is None) != (root is None):
        raise StsunError("expected either --data FILE, or --protocol NAME with --root DIR; give one of the two")
    if protocol is not None and any(value is not None for value in own):
        raise StsunError("--split, --task, --report and --legend go with --data: a protocol says itself what is scored")


def _closing(scores: dict[str, Any], report: Path | None) -> Iterator[str]:
    if "quoted" in scores:
        values = (
            f"{key} {'undefined' if value is None else f'{value:.4f}'}" for key, value in scores["quoted"].items()
        )
        yield f"{scores['protocol']} ({scores['title']}; {scores['source']}) quotes {', '.join(values)}"
        if scores["note"]:
            yield scores["note"]
    if report is not None:
        yield f"wrote {report / 'report.html'}, with the same as .md, .json and .tex"
