"""Verbs of ``stsun data``: public data sets by name, and what a data set is like."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from stsun.cli.app import app
from stsun.cli.options import DeviceOption, JsonFlag, ModelOption
from stsun.errors import StsunError
from stsun.terminal import lines_of, progress_bar, to_json

data = typer.Typer(help="Public data sets by name; statistics and quality of any data set.", no_args_is_help=True)
app.add_typer(data, name="data", epilog="Example: stsun data check levir-cd LEVIR-CD")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A public data set; see stsun data list.")]
RootArgument = Annotated[Path, typer.Argument(metavar="ROOT", help="Its folder, as downloaded and unpacked.")]
GivenArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Its parameters, or keys of a description.")
]
DataSetArgument = Annotated[Path, typer.Argument(metavar="DATASET.YAML", help="Description of a data set.")]
OverwriteFlag = Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")]
SplitOption = Annotated[str | None, typer.Option("--split", help="Left out: all splits.")]


@data.command("list", epilog="Example: stsun data list")
def list_(
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the data sets as a table.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """List the public data sets and protocols that are known by name."""
    from stsun.adapters.adapter import adapter, adapter_names
    from stsun.adapters.table import table
    from stsun.protocols.protocol import protocol, protocol_names

    known = {
        "data_sets": {name: adapter(name).title for name in adapter_names()},
        "protocols": {name: protocol(name).title for name in protocol_names()},
    }
    typer.echo(to_json(known) if as_json else table() if markdown else "\n".join(lines_of(known)))


@data.command(epilog="Example: stsun data describe pastis")
def describe(name: NameArgument, as_json: JsonFlag = False) -> None:
    """Tell what is known of a public data set: task, bands, classes, splits, licence, sources, and what is in doubt."""
    from stsun.adapters.adapter import adapter

    facts = adapter(name).facts()
    typer.echo(to_json(facts) if as_json else "\n".join(lines_of(facts)))


@data.command(epilog="Example: stsun data check pastis PASTIS fold=2")
def check(name: NameArgument, root: RootArgument, given: GivenArgument = None, as_json: JsonFlag = False) -> None:
    """Read a public data set whole, and list all its problems."""
    from stsun.adapters.adapter import adapter, described_at, given_of
    from stsun.data.validate import validate

    chosen = given_of(given or ())
    mapping = adapter(name).describe(root, **chosen)
    missing = [one.what for one in adapter(name).missing(root, **chosen)]
    problems = [str(problem) for problem in validate(described_at(name, root), mapping)]
    if as_json:
        found = {"data_set": name, "samples": len(mapping["samples"]), "missing": missing, "problems": problems}
        typer.echo(to_json(found))
    elif missing:
        typer.echo(f"{root}: lacks {len(missing)} of what {name} has officially, such as {', '.join(missing[:3])}")
    if problems:
        raise StsunError("\n  ".join([f"{root}: {len(problems)} problem(s); mend them:", *problems]))
    if not as_json:
        typer.echo(f"{root}: {len(mapping['samples'])} samples of {name}, no problem found")


@data.command("yaml", epilog="Example: stsun data yaml pastis PASTIS fold=2 --output PASTIS/fold2.yaml")
def yaml_(
    name: NameArgument,
    root: RootArgument,
    given: GivenArgument = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="A .yaml in ROOT; left out: NAME.yaml there; - prints it.")
    ] = None,
    overwrite: OverwriteFlag = False,
) -> None:
    """Write the YAML file that describes a public data set, and the list of its samples beside it."""
    from stsun.adapters.adapter import adapter, described_at, given_of, write_yaml
    from stsun.yamlfile import dump

    path = output or described_at(name, root)
    if str(output) != "-":
        _check_output(path, root, (".jsonl",), overwrite=overwrite)
    mapping = adapter(name).describe(root, **given_of(given or ()))
    if str(output) == "-":
        typer.echo(dump(mapping))
        return
    samples = write_yaml(path, mapping)
    typer.echo(f"wrote {path} and {samples}, {len(mapping['samples'])} samples")


@data.command(epilog="Example: stsun data stats levir-cd/dataset.yaml --split train --json")
def stats(
    dataset: DataSetArgument,
    split: SplitOption = None,
    workers: Annotated[int, typer.Option("--workers", help="Threads that read.", min=1)] = 1,
    as_json: JsonFlag = False,
) -> None:
    """Tell mean, spread and quantiles of each band, the share of valid pixels, and shares and weights of classes."""
    from stsun.data.dataset import open_dataset
    from stsun.quality.statistics import statistics

    with progress_bar("samples") as progress:
        found = statistics(open_dataset(dataset), split, workers=workers, progress=progress)
    typer.echo(to_json(found) if as_json else "\n".join(lines_of(found)))


@data.command(epilog="Example: stsun data leaks levir-cd/dataset.yaml")
def leaks(dataset: DataSetArgument, as_json: JsonFlag = False) -> None:
    """List samples of different splits that look the same or show the same ground; exit 2 if there are any."""
    from dataclasses import asdict

    from stsun.data.dataset import open_dataset
    from stsun.quality.leaks import find_leaks

    with progress_bar("samples") as progress:
        found = find_leaks(open_dataset(dataset), progress=progress)
    if as_json:
        typer.echo(to_json({"dataset": str(dataset), "leaks": [asdict(leak) for leak in found]}))
    if found:
        raise StsunError("\n  ".join([f"{dataset}: {len(found)} leak(s) between splits:", *map(str, found)]))
    if not as_json:
        typer.echo(f"{dataset}: no leak found")


@data.command(epilog="Example: stsun data blocks pavia-university.yaml --side 32 --buffer 4 --output blocks.yaml")
def blocks(
    dataset: DataSetArgument,
    output: Annotated[Path, typer.Option("--output", help="A .yaml beside the data set's.")],
    side: Annotated[int, typer.Option("--side", help="Side of a block in pixels.")] = 64,
    buffer: Annotated[int, typer.Option("--buffer", help="Pixels left out on each side of a border.")] = 8,
    shares: Annotated[str, typer.Option("--shares", help="Splits and their shares.")] = "train=0.6,val=0.2,test=0.2",
    seed: Annotated[int, typer.Option("--seed", help="Other seeds give other blocks.")] = 0,
    overwrite: OverwriteFlag = False,
) -> None:
    """Split a data set of a single scene by area: whole blocks, with a strip between splits that belongs to none."""
    from stsun.adapters.adapter import given_of, write_yaml
    from stsun.data.dataset import open_dataset
    from stsun.quality.blocks import by_blocks

    _check_output(output, dataset.parent, (".jsonl", ".tif"), overwrite=overwrite)
    if output.with_suffix("").resolve() == dataset.with_suffix("").resolve():
        raise StsunError(
            f"--output {output}: is the data set itself, or would replace its samples; choose another name"
        )
    wanted = given_of(shares.split(","))
    if not all(isinstance(share, int | float) for share in wanted.values()):
        raise StsunError(f"--shares {shares!r}: expected numbers, such as train=0.6,val=0.2,test=0.2")
    mask = output.with_suffix(".tif")
    options: dict[str, Any] = {"side": side, "buffer": buffer, "seed": seed, "overwrite": overwrite}
    write_yaml(output, by_blocks(open_dataset(dataset), wanted, mask, **options))
    typer.echo(f"wrote {output}, with {output.with_suffix('.jsonl').name} and {mask.name}")


@data.command(epilog="Example: stsun data doubts levir-cd/dataset.yaml --model runs/levir --split train")
def doubts(
    dataset: DataSetArgument,
    model: ModelOption = None,
    split: Annotated[str, typer.Option("--split", help="Whose labels to look at.")] = "train",
    count: Annotated[int, typer.Option("--count", help="How many samples to list.")] = 20,
    device: DeviceOption = None,
    as_json: JsonFlag = False,
) -> None:
    """List the samples that a trained model disagrees with most: hints at wrong labels, or at what it cannot do."""
    from stsun.data.dataset import open_dataset
    from stsun.model.checkpoint import load
    from stsun.quality.doubts import doubts as find_doubts

    with progress_bar("samples") as progress:
        options: dict[str, Any] = {"count": count, "device": device, "progress": progress}
        found = find_doubts(load(model), open_dataset(dataset), split, **options)
    typer.echo(to_json(found) if as_json else "\n".join(lines_of({"doubts": found})))


def _check_output(path: Path, folder: Path, beside: Sequence[str], *, overwrite: bool) -> None:
    """Refuse a description outside its data set's folder, or one that is there with what is written beside it."""
    if path.suffix not in (".yaml", ".yml") or path.resolve().parent != folder.resolve():
        raise StsunError(f"--output {path}: expected a .yaml in {folder}, as its paths are relative to its own folder")
    for file in (path, *(path.with_suffix(ending) for ending in beside)):
        if file.exists() and not overwrite:
            raise StsunError(f"{file} is already there; allow it to be replaced (--overwrite) or choose another name")
