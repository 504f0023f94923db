"""What the user says about the images of a scene: lists with one entry per date, checked."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from stsun.bands import Band
from stsun.errors import ConfigurationError
from stsun.prediction.identify import parse_bands
from stsun.raster.metadata import parse_day

ImagePath = str | Path
Entry = ImagePath | Sequence[ImagePath]
Bands = Sequence[Band | str]


def entries_of(images: Sequence[Entry]) -> list[list[Path]]:
    """Return the files of each date.

    Raises:
        ConfigurationError: There are none, or an entry is neither a path nor a list of paths.
    """
    if isinstance(images, str | Path) or not images:
        raise ConfigurationError(f"images must be a list with one entry per date, got {images!r}; write ['a.tif']")
    return [_files_of(entry) for entry in images]


def _files_of(entry: object) -> list[Path]:
    files = [entry] if isinstance(entry, str | Path) else entry
    if not isinstance(files, Sequence) or not all(isinstance(file, str | Path) for file in files):
        raise ConfigurationError(f"an entry of images is {entry!r}, expected a path, or a list of paths of one date")
    if not files:
        raise ConfigurationError("an entry of images is an empty list; give at least one file per date")
    return [Path(file) for file in files]


def bands_per_date(bands: Bands | Sequence[Bands] | None, dates: int) -> list[tuple[Band, ...] | None]:
    """Return the bands told for each date, None where none are.

    Raises:
        ConfigurationError: A band cannot be read, or there is neither one list nor one for each date.
    """
    if bands is None:
        return [None] * dates
    lists = [bands] if any(isinstance(band, Band | str) for band in bands) else list(bands)
    if len(lists) not in (1, dates):
        raise ConfigurationError(
            f"got {len(lists)} lists of bands for {dates} images; give one for all or one per image"
        )
    parsed: list[tuple[Band, ...] | None] = [parse_bands(own) for own in lists]  # type: ignore[arg-type]
    return parsed if len(parsed) == dates else parsed * dates


def days_of(dates: Sequence[str | date | None] | None, count: int) -> list[float | None]:
    """Return the day told for each date, in days since 1970-01-01 UTC; None where none is.

    Raises:
        ConfigurationError: A date is no ISO day, or their number is another.
    """
    if dates is None:
        return [None] * count
    if isinstance(dates, str) or len(dates) != count:
        raise ConfigurationError(
            f"got {1 if isinstance(dates, str) else len(dates)} dates for {count} images; give one per image"
        )
    return [None if text is None else _day(text) for text in dates]


def _day(text: str | date) -> float:
    day = parse_day(str(text))
    if day is None:
        raise ConfigurationError(f"{str(text)!r} is no ISO date; write it like 2018-05-31 or 2018-05-31T10:20")
    return day
