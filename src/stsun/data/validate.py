"""A data set checked whole: every problem is found, not only the first."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, TypeVar

from stsun.data.alignment import Cover, misaligned
from stsun.data.dataset import configuration_of
from stsun.data.description import AreaSplit
from stsun.data.images import DateFacts, DateImage, read_date, read_dates
from stsun.data.labels import indexed, label_cover, read_area, read_label, size_of
from stsun.data.patterns import inside
from stsun.data.record import DateFiles, Record
from stsun.data.rows import examine_rows
from stsun.data.rules import Checked, examine
from stsun.data.sample import IGNORE
from stsun.data.sharing import overlaps, repeats
from stsun.data.splits import split_entries, split_names
from stsun.errors import StsunError
from stsun.raster.grid import Window
from stsun.raster.reader import inspect

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a data set.

    Args:
        where: The split and sample it was met in, or the description.
        message: What was found, what was expected, and what to do.
    """

    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


def validate(path: str | Path, mapping: Mapping[str, Any] | None = None) -> list[Problem]:
    """Return everything that is wrong with a data set; nothing where it can be used as it is.

    Reads every file whole: descriptions and lists, images, masks and labels; sizes, places, bands and dates must fit,
    images hold data, labels hold declared values only and in each split some that are scored, no sample holds an image
    or label twice, and no two splits share a label, an image or an area.

    Args:
        path: The data set's YAML file.
        mapping: What the file would hold; given, no file is read, and ``path`` only says where the data lie.
    """
    try:
        checked, told = examine(Path(path), mapping)
        problems = [Problem("description", message) for message in told]
        if checked is None:
            return problems
        rows, told = examine_rows(checked)
        problems += [Problem(checked.description.samples_file or "samples", message) for message in told]
    except StsunError as problem:
        return [Problem("description", str(problem))]
    splits: dict[str, list[Record]] = {}
    for split in split_names(checked, rows):
        splits[split] = []
        try:
            for entry in split_entries(checked, rows, split):
                if isinstance(entry, Record):
                    splits[split].append(entry)
                else:
                    problems.append(Problem(f"split {split!r}", str(entry)))
        except StsunError as problem:
            problems.append(Problem(f"split {split!r}", str(problem)))
    seen = _Seen(checked)
    for split, records in splits.items():
        for record in records:
            problems += [Problem(f"{split} {record.id!r}", message) for message in seen.problems(record)]
        if records and all(seen.scored[split, record.id] is False for record in records):
            message = "no label holds a value that is scored: all are ignored; correct the labels, classes or ignore"
            problems.append(Problem(f"split {split!r}", message))
    problems += [Problem("splits", message) for message in overlaps(checked, splits)]
    return problems


class _Date(NamedTuple):
    """One date as it was read."""

    facts: DateFacts
    holds: bool
    """Whether any of its pixels is valid."""


class _Label(NamedTuple):
    """One label as it was read."""

    cover: Cover
    scored: bool
    """Whether any of its pixels is scored."""


class _Map(NamedTuple):
    """A label file, and which part of it one map is."""

    file: str
    layer: int | None
    window: Window | None
    image: tuple[int, int] | None
    area: AreaSplit | None


@dataclass
class _Seen:
    """Files that were read already: each is read once, and its problem told once."""

    checked: Checked
    dates: dict[tuple[DateFiles, float | None, Window | None], _Date | None] = field(default_factory=dict)
    empty: set[tuple[str, Window | None]] = field(default_factory=set)
    """The dates without a valid pixel that were told, and which part of them."""
    labels: dict[_Map, _Label | None] = field(default_factory=dict)
    wrong: set[_Map] = field(default_factory=set)
    """Labels that cannot be read, whatever the area."""
    scored: dict[tuple[str, str], bool | None] = field(default_factory=dict)
    """Whether any pixel of a sample, by split and id, is scored; None where its labels cannot be read."""

    def problems(self, record: Record) -> list[str]:
        """Return what is wrong with one sample and was not told before."""
        found = list(repeats(self.checked, record))
        self.scored[record.split, record.id] = None
        if record.archive is None:
            dates = [self._date(date, record.gsd_m, record.window, found) for date in record.dates]
            image = next((date.facts.size for date in dates if date is not None), None)
            maps = [_Map(file, layer, record.window, image, record.area) for file, layer in record.label_layers]
            labels = [self._label(one, found) for one in maps]
        else:
            dates, labels = self._archive(record, found)
            if not dates:
                return found
        known = [date for date in dates if date is not None]
        told = [label for label in labels if label is not None]
        covers = [*(date.facts.cover for date in known), *(label.cover for label in told)]
        found += misaligned("the images and labels of one sample", covers)
        if len(known) == len(dates):
            _try(found, configuration_of, self.checked, record, [date.facts for date in known], len(labels))
            found += self._without_data(record, known)
        if len(told) == len(labels):
            self.scored[record.split, record.id] = any(label.scored for label in told)
        return found

    def _date(self, date: DateFiles, gsd_m: float | None, window: Window | None, found: list[str]) -> _Date | None:
        key = (date, gsd_m, window)
        if key not in self.dates:
            self.dates[key] = None
            before = len(found)
            for file in (*date.files, *((date.valid,) if date.valid is not None else ())):
                _try(found, _opens, self.checked, file)
            if len(found) == before:
                image = _try(found, read_date, self.checked, date, gsd_m, window)
                self.dates[key] = None if image is None else _noted(image)
        return self.dates[key]

    def _label(self, one: _Map, found: list[str]) -> _Label | None:
        if one not in self.labels:
            self.labels[one] = None
            whole = one._replace(area=None)
            labels = cover = None
            if whole not in self.wrong:
                read = partial(read_label, window=one.window, image=one.image)
                labels = _try(found, read, self.checked, one.file, one.layer)
            if labels is not None:
                cover = _try(found, label_cover, self.checked, one.file, labels)
            if labels is None or cover is None:
                self.wrong.add(whole)
                return None
            scored = labels != IGNORE
            if one.area is not None:
                inside_split = _try(found, read_area, self.checked, one.area, cover, one.window)
                scored = scored if inside_split is None else scored & inside_split
            self.labels[one] = _Label(cover, bool(scored.any()))
        return self.labels[one]

    def _archive(self, record: Record, found: list[str]) -> tuple[list[_Date | None], list[_Label | None]]:
        images = _try(found, read_dates, self.checked, record)
        dates, maps = images if images is not None else ([], None)
        if maps is None:
            return [], []
        file = str(self.checked.root / str(record.archive))
        labels = [_try(found, indexed, self.checked, one, file) for one in maps]
        return [_noted(date) for date in dates], [
            None if one is None else _Label(Cover(file, size_of(one)), bool((one != IGNORE).any())) for one in labels
        ]

    def _without_data(self, record: Record, dates: Sequence[_Date]) -> Iterator[str]:
        """Yield the dates that leave a map without data: any of its own, or all of those of a whole series."""
        description = self.checked.description
        series = description.task == "segmentation" and not description.per_date
        if series and any(date.holds for date in dates):
            return
        for number, date in enumerate(dates, start=1):
            place = "" if record.archive is None else f", date {number} of {len(dates)}"
            part = (date.facts.source + place, record.window)
            if not date.holds and part not in self.empty:
                self.empty.add(part)
                yield (
                    f"{date.facts.source}{place}: has no valid pixel, all are nodata, NaN or masked; "
                    "correct nodata or the mask, or take the image out"
                )


def _noted(image: DateImage) -> _Date:
    return _Date(image.facts, bool(image.valid.any()))


def _try(found: list[str], check: Callable[P, T], *given: P.args, **named: P.kwargs) -> T | None:
    """Return what ``check`` returns, or None with its problem added to ``found``."""
    try:
        return check(*given, **named)
    except StsunError as problem:
        found.append(str(problem))
        return None


def _opens(checked: Checked, file: str) -> None:
    inspect(inside(checked.root, file))
