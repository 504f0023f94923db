"""A record: the files that make up one sample."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from stsun.data.description import AreaSplit
from stsun.errors import ConfigurationError, DataError
from stsun.raster.grid import Window
from stsun.raster.metadata import moment_text, parse_day


@dataclass(frozen=True)
class DateFiles:
    """The files of one date.

    Args:
        files: Paths relative to the data set's folder; the bands of several files are stacked in this order.
        day: Days since 1970-01-01 UTC as the description tells, or None.
        sensor: The date's entry of ``sensors``, or None.
        valid: The mask that is non-zero where the date holds data, or None.
        bands: Numbers of the bands of its one file that belong to it, from 1; empty = all of its files.
    """

    files: tuple[str, ...]
    day: float | None = None
    sensor: str | None = None
    valid: str | None = None
    bands: tuple[int, ...] = ()


@dataclass(frozen=True)
class Record:
    """One sample as files.

    Args:
        id: Unique within its data set and split.
        split: The split it belongs to.
        dates: The dates in order; empty where the sample is one archive.
        labels: Label files, one for each output map; empty where the sample is one archive.
        gsd_m: Ground sample distance in metres of this sample alone, or None.
        area: The part of the label that belongs to the split, or None for all.
        archive: The ``.npz`` file that holds everything, or None.
        layers: The band of each label file that holds the map, from 1; empty = its only one.
        window: The part of its files that it is, or None for all.
    """

    id: str
    split: str
    dates: tuple[DateFiles, ...] = ()
    labels: tuple[str, ...] = ()
    gsd_m: float | None = None
    area: AreaSplit | None = None
    archive: str | None = None
    layers: tuple[int, ...] = ()
    window: Window | None = None

    @property
    def label_layers(self) -> list[tuple[str, int | None]]:
        """Each label file with the band that holds the map; None = its only one."""
        return list(zip(self.labels, self.layers or (None,) * len(self.labels), strict=True))


def check_dates(where: str, task: str, days: Sequence[float | None]) -> None:
    """Refuse the dates of a change whose first image is later than its second.

    Raises:
        DataError: Known days decrease in a change task.
    """
    known = [day for day in days if day is not None]
    for before, after in pairwise(known):
        if task != "segmentation" and after < before:
            raise DataError(
                f"{where}: the dates are in the wrong order, {moment_text(before)} before {moment_text(after)}; "
                f"a {task} goes from the first image to the last, list the images from early to late"
            )


def date_problem(text: str | None) -> str | None:
    """Return what is wrong with the text of a date; None where nothing is, or nothing is told."""
    try:
        if text is None or parse_day(text) is not None:
            return None
    except ConfigurationError as problem:
        return str(problem)
    return f"the date {text!r} is no ISO day such as '2019-09-18'; correct it, or write null"
