"""What adapters have in common: files by their names, lists, tiles, days, bands and classes. Paths are relative."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from stsun.adapters.adapter import Missing, Row
from stsun.errors import ConfigurationError, DataError
from stsun.raster.reader import inspect
from stsun.sensors import sensor
from stsun.yamlfile import read_text

IMAGES = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".jp2")
"""Endings of images; beside them lies what programs leave in folders, such as .aux.xml and Thumbs.db."""


def named(root: Path, folder: str, pattern: str = "*") -> dict[str, str]:
    """Return the files of a folder by their names without suffix, in order; hidden ones are left out.

    Args:
        root: The data set's folder.
        folder: The one to look into.
        pattern: Of the files' names; left out: all images.

    Raises:
        DataError: There is no such folder.
    """
    where = root / folder
    if not where.is_dir():
        raise DataError(f"{where}: there is no such folder; unpack the data set as it was downloaded")
    found = (path for path in sorted(where.glob(pattern)) if path.is_file() and path.name[0] != ".")
    kept = (path for path in found if pattern != "*" or path.suffix.lower() in IMAGES)
    return {path.stem: f"{folder}/{path.name}" for path in kept}


def together(root: Path, *parts: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the images of the first of some folders, by name without suffix, with those of the same name in all.

    Raises:
        DataError: A folder is missing, or one of its files.
    """
    found = [named(root, part) for part in parts]
    for stem in found[0]:
        for part, files in zip(parts, found, strict=True):
            if stem not in files:
                raise DataError(f"{root / part}: lacks {stem!r}, which {parts[0]} has; fetch the data set again")
        yield stem, [files[stem] for files in found]


def folders(root: Path, folder: str) -> list[str]:
    """Return the names of the folders in a folder, in order; none where it is missing."""
    return sorted(path.name for path in (root / folder).glob("*") if path.is_dir() and path.name[0] != ".")


def first(root: Path, *names: str) -> str:
    """Return the first of some files or folders that is there.

    Raises:
        DataError: None is.
    """
    found = next((name for name in names if (root / name).exists()), None)
    if found is None:
        raise DataError(f"{root}: holds neither {' nor '.join(names)}; unpack the data set as it was downloaded")
    return found


def lines(path: Path) -> list[str]:
    """Return the lines of a list that hold something.

    Raises:
        DataError: The file is missing.
    """
    return [line.strip() for line in read_text(path, DataError).splitlines() if line.strip()]


def features(path: Path) -> list[dict[str, Any]]:
    """Return the properties of the features of a GeoJSON file.

    Raises:
        DataError: The file is missing or no GeoJSON.
    """
    try:
        return [feature["properties"] for feature in document(path)["features"]]
    except (KeyError, TypeError) as problem:
        raise DataError(f"{path}: is no GeoJSON ({problem}); fetch it again") from problem


def document(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        DataError: The file is missing or no JSON.
    """
    try:
        return json.loads(read_text(path, DataError))
    except (ValueError, RecursionError) as problem:
        raise DataError(f"{path}: is no JSON ({problem}); fetch it again") from problem


def row(sample: str, split: str, images: Sequence[str | list[str] | Row], labels: Sequence[str], **more: Any) -> Row:
    """Return one row of samples.

    Args:
        sample: Its id.
        split: Its split.
        images: One entry a date: a path, a list of paths that are stacked, or what `dated` gives.
        labels: One path an output map.
        more: Other keys of a row.
    """
    entries = [image if isinstance(image, dict) else dated(image) for image in images]
    return {"id": sample, "split": split, "images": entries, "labels": list(labels), **more}


def dated(path: str | list[str], day: str | None = None, **more: Any) -> Row:
    """Return one date of a row: its file or files, ISO day, and what is not None of other keys."""
    return {key: value for key, value in {"path": path, "date": day, **more}.items() if value is not None}


def series(path: str, days: Iterable[str | None], count: int, **more: Any) -> list[Row]:
    """Return the dates of a file that holds them one after the other, ``count`` bands each."""
    return [
        dated(path, day, bands=[*range(count * number + 1, count * (number + 1) + 1)], **more)
        for number, day in enumerate(days)
    ]


def split_pairs(
    root: Path, splits: Sequence[str], dates: Sequence[Sequence[str]], label: Sequence[str] = ("label",)
) -> Iterator[Row | Missing]:
    """Yield the samples ``{split}/{date}/{name}`` with ``{split}/{label}/{name}``, of the splits that are there.

    Args:
        root: The data set's folder.
        splits: Names of the splits' folders.
        dates: For each date the names that its folder may have.
        label: The names that the labels' folder may have.

    Raises:
        DataError: A folder is missing, or one of its files.
    """
    for split in splits:
        if not (root / split).is_dir():
            yield Missing(split, f"all of {split}")
            continue
        parts = [first(root, *(f"{split}/{name}" for name in names)) for names in (*dates, label)]
        for stem, (*images, labels) in together(root, *parts):
            yield row(f"{split}/{stem}", split, images, [labels])


def listed_pairs(root: Path, splits: Sequence[str], dates: Sequence[str], label: str) -> Iterator[Row]:
    """Yield the samples that ``list/{split}.txt`` names in folders of all splits together."""
    for split in splits:
        for name in lines(root / "list" / f"{split}.txt"):
            yield row(name, split, [f"{date}/{name}" for date in dates], [f"{label}/{name}"])


def scene(image: str, label: str) -> Iterator[Row]:
    """Yield the one sample of a data set that is a single scene, in the split ``all``."""
    yield row("scene", "all", [image], [label])


def tiles(image: Path, side: int) -> Iterator[tuple[str, list[int]]]:
    """Yield the tiles of an image, name and window; those at its right and lower edge are as small as they must be.

    Raises:
        ConfigurationError: The side is no number of pixels.
    """
    if side < 1:
        raise ConfigurationError(f"tile is {side}, expected the side of a tile in pixels, such as 512")
    info = inspect(image)
    for top in range(0, info.height, side):
        for left in range(0, info.width, side):
            yield f"{top:05d}_{left:05d}", [top, left, min(side, info.height - top), min(side, info.width - left)]


def folds(start: int, splits: Sequence[str]) -> dict[int, str]:
    """Return the split of each fold, numbered from 1: that of fold ``start`` is the first, the others take their turn.

    Raises:
        ConfigurationError: There is no such fold.
    """
    if not 1 <= start <= len(splits):
        raise ConfigurationError(f"fold is {start}, expected 1 to {len(splits)}")
    return {(start - 1 + turn) % len(splits) + 1: split for turn, split in enumerate(splits)}


def iso(day: int | str) -> str:
    """Return ``20180917``, or ``2018260`` (year and day of the year), as an ISO day."""
    return datetime.strptime(str(day), "%Y%m%d" if len(str(day)) == 8 else "%Y%j").date().isoformat()


def bands(name: str, chosen: str) -> list[Row]:
    """Return bands of a catalogue sensor as entries of a description, in the order of ``chosen`` (blanks between)."""
    known = {band.name: band for band in sensor(name).bands}
    found = [known[one] for one in chosen.split()]
    return [{"name": b.name, "wavelength_nm": b.wavelength_nm, "bandwidth_nm": b.bandwidth_nm} for b in found]


def spectrum(first_nm: float, last_nm: float, count: int, without: Sequence[int] = ()) -> list[Row]:
    """Return the nominal bands of a spectrometer: evenly spaced centres, without some (numbers from 1)."""
    step_nm = (last_nm - first_nm) / (count - 1)
    kept = (number for number in range(1, count + 1) if number not in without)
    return [{"name": f"B{number}", "wavelength_nm": round(first_nm + (number - 1) * step_nm, 2)} for number in kept]


def numbered(names: str, start: int = 1) -> dict[int, str]:
    """Return classes of consecutive stored values from their names (commas between)."""
    return {value: " ".join(name.split()) for value, name in enumerate(names.split(","), start=start)}
