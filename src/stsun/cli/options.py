"""Options that several verbs share, and how their texts are read."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from stsun.errors import StsunError

DAY = re.compile(r"\d{4}-\d{2}-\d{2}|\d{8}(T|$)")

ModelOption = Annotated[
    Path | None, typer.Option("--model", help="Checkpoint folder or .safetensors file; left out: the one that ships.")
]
TaskOption = Annotated[str, typer.Option("--task", help="segmentation, binary_change or semantic_change.")]
DeviceOption = Annotated[str | None, typer.Option("--device", help="Where to compute, such as cpu or cuda.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
CategoriesOption = Annotated[
    str | None,
    typer.Option("--categories", help="Such as water,vegetation=forest+grassland; left out: all that the model knows."),
]
OutputOption = Annotated[Path, typer.Option("--output", help="GeoTIFF of the maps.")]
ProbabilitiesOption = Annotated[
    Path | None, typer.Option("--probabilities", help="GeoTIFF of each category's probability.")
]
ProbabilityTypeOption = Annotated[
    str, typer.Option("--probability-type", help="How they are stored: uint8, float16 or float32.")
]
ConfidenceOption = Annotated[
    Path | None, typer.Option("--confidence", help="GeoTIFF of the probability of what the maps show.")
]
ChangesOption = Annotated[Path | None, typer.Option("--changes", help="GeoTIFF of what became what.")]
PolygonsOption = Annotated[
    Path | None, typer.Option("--polygons", help="Regions of the maps: .gpkg, .parquet or .geojson.")
]
MinAreaOption = Annotated[float, typer.Option("--min-area", help="Leave out polygons smaller than this, in m².")]
TransitionsOption = Annotated[
    Path | None,
    typer.Option("--transitions", help="CSV of hectares from each category to each other, map by map."),
]
ItemOption = Annotated[Path | None, typer.Option("--item", help="STAC Item (.json) that describes the result.")]
PerDateFlag = Annotated[bool, typer.Option("--per-date", help="Segmentation: one map per date.")]
TileOption = Annotated[int, typer.Option("--tile", help="Side of a tile in pixels.")]
OverlapOption = Annotated[int, typer.Option("--overlap", help="Overlap of tiles in pixels.")]
LocalFlag = Annotated[
    bool, typer.Option("--local", help="No attention over whole tiles: maps depend less on where tiles lie.")
]
OnlyOption = Annotated[
    str | None, typer.Option("--only", help="Bands to read from the archive, such as red,nir or B04,B08.")
]
ResumeFlag = Annotated[bool, typer.Option("--resume", help="Go on with an unfinished prediction.")]
AllowMissingFlag = Annotated[
    bool, typer.Option("--allow-missing", help="Blocks that cannot be read count as no data, and are told.")
]
OverwriteFlag = Annotated[
    bool, typer.Option("--overwrite", help="Replace files that are there, and unfinished predictions.")
]
SchedulerOption = Annotated[
    str | None, typer.Option("--scheduler", help="Compute on a Dask cluster, such as tcp://host:8786.")
]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", help="Compute in this many processes on this machine (Dask).")
]


class ManyDates(TyperCommand):
    """Takes ``--date A B`` for ``--date A --date B``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments, with the option before each of several dates."""
        return super().parse_args(ctx, list(_each_with_its_option(args, ("--date",), _is_date)))


class ManyCases(TyperCommand):
    """Takes ``--sizes A B`` for ``--sizes A --sizes B``, and the same of ``--inputs``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments, with the option before each of several values."""
        return super().parse_args(ctx, list(_each_with_its_option(args, ("--sizes", "--inputs"), bool)))


def many(name: str) -> type[TyperCommand]:
    """Return a command that takes ``--NAME A B`` for ``--NAME A --NAME B``, and no arguments."""
    option = f"--{name}"

    class Many(TyperCommand):
        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            given, last = [], ""
            for before, argument in zip(["", *args], args, strict=False):
                last = argument.partition("=")[0] if argument.startswith("-") else last
                follows = last == option and before != option and not argument.startswith("-")
                given += [option, argument] if follows else [argument]
            return super().parse_args(ctx, given)

    return Many


def _each_with_its_option(arguments: list[str], options: Sequence[str], fits: Callable[[str], bool]) -> Iterator[str]:
    """The arguments, with the option before each value that fits and follows another of one of the options."""
    option = ""
    for before, argument in zip(["", *arguments], arguments, strict=False):
        named = argument.startswith("-")
        option = argument.partition("=")[0] if named else option
        if option in options and before != option and not named and fits(argument):
            yield option
        yield argument


def _is_date(argument: str) -> bool:
    """A file of such a name stays one."""
    return DAY.match(argument) is not None and not Path(argument).exists()


def split(text: str | None) -> list[str] | None:
    """Return the parts of a comma-separated text."""
    return None if text is None else [part.strip() for part in text.split(",")]


def check_apart(target: Path | None, inputs: Sequence[Path | None]) -> None:
    """Refuse a file to write that is one of those that are read.

    Raises:
        StsunError: It is, perhaps by another path.
    """
    if target is not None and any(one is not None and target.resolve() == one.resolve() for one in inputs):
        raise StsunError(f"{target} would replace what the command reads; choose another name")


def each(texts: list[str] | None) -> list[str] | None:
    """Return the comma-separated parts of all texts."""
    return None if texts is None else [part for text in texts for part in split(text) or []]


def entry(text: str) -> str | list[str]:
    """Return the file of a date, or the files that are joined by commas, unless a comma is part of a file's name.

    Raises:
        StsunError: The name is empty.
    """
    if not text.strip(" ,"):
        raise StsunError(f"an image is named {text!r}; give the path of a file")
    return text if "," not in text or Path(text).exists() else [part for part in text.split(",") if part]


def days_of(text: str) -> list[date]:
    """Return the dates of a comma-separated list.

    Raises:
        StsunError: One is no ISO date.
    """
    try:
        return [date.fromisoformat(part.strip()) for part in text.split(",")]
    except ValueError as error:
        raise StsunError(f"--dates {text!r}: {error}; write them as 2020-05-01,2021-06-30") from error


def span_of(text: str) -> tuple[str, str]:
    """Return the first and last day of ``2020-06-01/2020-08-31``; a single day is both.

    Raises:
        StsunError: It is neither.
    """
    parts = text.split("/")
    if len(parts) > 2 or not all(DAY.match(part) for part in parts):
        raise StsunError(f"--dates {text!r}: expected a day or two, as in 2020-06-01/2020-08-31")
    return parts[0], parts[-1]


def box_of(text: str) -> tuple[float, float, float, float]:
    """Return west, south, east, north from ``8.4,47.3,8.6,47.5``.

    Raises:
        StsunError: It is not four numbers.
    """
    try:
        west, south, east, north = map(float, text.split(","))
    except ValueError as error:
        raise StsunError(
            f"--bbox {text!r}: expected west,south,east,north in degrees, as in 8.4,47.3,8.6,47.5"
        ) from error
    return west, south, east, north
