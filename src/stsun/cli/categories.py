"""Verbs of ``stsun categories``: what a model knows by name, and one category more."""

from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from stsun.cli.app import app
from stsun.cli.options import JsonFlag, ModelOption, split
from stsun.errors import StsunError
from stsun.files import check_new
from stsun.terminal import lines_of, to_json

categories = typer.Typer(help="What a model knows by name; one category more, without training.", no_args_is_help=True)
app.add_typer(categories, name="categories", epilog="Example: stsun categories list --model runs/short")


@categories.command("list", epilog="Example: stsun categories list --model runs/short")
def list_(model: ModelOption = None, as_json: JsonFlag = False) -> None:
    """List the categories that a model knows, by task."""
    from stsun.model.checkpoint import load
    from stsun.tasks import TASKS

    network = load(model)
    known = {task: list(network.categories_for(task)) for task in TASKS}
    typer.echo(to_json(known) if as_json else "\n".join(lines_of(known)))


@categories.command(
    epilog="Example: stsun categories add glacier --examples glaciers/dataset.yaml --samples 20 --output with-glaciers"
)
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the new category.")],
    output: Annotated[Path, typer.Option("--output", metavar="DIR", help="Folder for the new checkpoint.")],
    model: ModelOption = None,
    examples: Annotated[
        Path | None, typer.Option("--examples", metavar="FILE", help="A data set (.yaml) in which NAME is a class.")
    ] = None,
    split: Annotated[str, typer.Option("--split", help="Of the examples.")] = "train",
    samples: Annotated[int, typer.Option("--samples", min=1, help="So many samples that show it, at most.")] = 20,
    like: Annotated[
        str | None,
        typer.Option("--like", help="Instead of examples: a known category, or words (pip install 'stsun[text]')."),
    ] = None,
) -> None:
    """Teach a model one category more from a few labelled pixels or from words; what it knew stays as it was."""
    from stsun.categories.add import add_category
    from stsun.model.checkpoint import further_facts, load, save

    _check_name(name)
    check_new(output, StsunError)
    if (examples is None) == (like is None):
        raise StsunError("expected either --examples FILE or --like WORDS; give one of the two")
    network, facts = load(model), further_facts(model)
    shown: list[Any] = []
    source: dict[str, Any] = {"like": like}
    if examples is not None:
        shown, source = _showing(name, examples, split, samples)
    grown = add_category(network, name, shown, like=like)
    added = [*facts.get("added_categories", []), {"name": name, **source}]
    save(grown, output, {**facts, "added_categories": added})
    typer.echo(f"wrote {output}, which knows {name!r} from {f'{len(shown)} samples' if shown else f'{like!r}'}")


def _check_name(name: str) -> None:
    """Refuse a name that ``--categories`` could not ask for."""
    if not name.strip():
        raise StsunError("the name of the new category is empty; give it one, such as glacier")
    if split(name) != [name] or "=" in name:
        raise StsunError(
            f"{name!r} could not be asked for: --categories divides its text at commas and equals signs, and drops "
            "spaces around names; choose a name without them"
        )


def _showing(name: str, path: Path, split: str, most: int) -> tuple[list[Any], dict[str, Any]]:
    """Return the first samples that show a category, and what a card says of them."""
    import numpy as np

    from stsun.data.dataset import open_dataset

    dataset = open_dataset(path)
    if name not in dataset.categories:
        raise StsunError(f"{path} has no class {name!r}; it has {', '.join(map(repr, dataset.categories))}")
    value = 1 if dataset.task == "binary_change" else dataset.categories.index(name)
    read = (dataset.read(record) for record in dataset.records(split))
    found = list(islice((sample for sample in read if np.any(sample.labels == value)), most))
    if not found:
        raise StsunError(f"no sample of split {split!r} of {path} shows {name!r}; choose another --split")
    return found, {"examples": dataset.name, "split": split, "samples": len(found)}
