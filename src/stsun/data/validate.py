"""A data set checked whole: every problem is found, not only the first."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import ParamSpec, TypeVar

from stsun.data.dataset import configuration_of, indexed, read_area, read_label, size_of
from stsun.data.description import AreaSplit
from stsun.data.images import DateFacts, check_sizes, read_date, read_dates
from stsun.data.patterns import inside
from stsun.data.record import DateFiles, Record
from stsun.data.rows import SHOWN, examine_rows
from stsun.data.rules import Checked, examine
from stsun.data.splits import split_entries, split_names
from stsun.errors import StsunError
from stsun.raster.reader import inspect, read_labels

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


def validate(path: str | Path) -> list[Problem]:
    """Return everything that is wrong with a data set; nothing where it can be used as it is.

    Reads every file whole: descriptions and lists, images, masks and labels; sizes, bands and dates must fit, labels
    hold declared values only, and no two splits share a label, an image or an area.

    Args:
        path: The data set's YAML file.
    """
    try:
        checked, told = examine(Path(path))
        problems = [Problem("description", message) for message in told]
        if checked is None:
            return problems
        rows, told = examine_rows(checked)
        problems += [Problem(str(checked.description.samples), message) for message in told]
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
    for record in (record for records in splits.values() for record in records):
        where = f"{record.split} {record.id!r}"
        problems += [Problem(where, message) for message in seen.problems(record)]
    problems += [Problem("splits", message) for message in _overlaps(checked, splits)]
    return problems


@dataclass
class _Seen:
    """Files that were read already: each is read once, and its problem told once."""

    checked: Checked
    dates: dict[tuple[DateFiles, float | None], DateFacts | None] = field(default_factory=dict)
    labels: dict[str, tuple[int, int] | None] = field(default_factory=dict)
    areas: set[tuple[str, AreaSplit]] = field(default_factory=set)

    def problems(self, record: Record) -> list[str]:
        """Return what is wrong with one sample and was not told before."""
        found: list[str] = []
        if record.archive is None:
            dates = [self._date(date, record.gsd_m, found) for date in record.dates]
            labels = [(file, self._label(file, found)) for file in record.labels]
        else:
            dates, labels = self._archive(record, found)
            if not dates:
                return found
        sizes = [(date.source, date.size) for date in dates if date is not None]
        sizes += [(str(self.checked.root / file), size) for file, size in labels if size is not None]
        for one in sizes[1:]:
            _try(found, check_sizes, "the images and labels of one sample", [sizes[0], one])
        known = [date for date in dates if date is not None]
        if len(known) == len(dates):
            _try(found, configuration_of, self.checked, record, known, len(labels))
        for file, size in labels:
            if record.area is not None and size is not None and (file, record.area) not in self.areas:
                self.areas.add((file, record.area))
                _try(found, read_area, self.checked, record.area, (str(self.checked.root / file), size))
        return found

    def _date(self, date: DateFiles, gsd_m: float | None, found: list[str]) -> DateFacts | None:
        key = (date, gsd_m)
        if key not in self.dates:
            self.dates[key] = None
            before = len(found)
            for file in (*date.files, *((date.valid,) if date.valid is not None else ())):
                _try(found, _opens, self.checked, file)
            if len(found) == before:
                image = _try(found, read_date, self.checked, date, gsd_m)
                self.dates[key] = None if image is None else image.facts
        return self.dates[key]

    def _label(self, file: str, found: list[str]) -> tuple[int, int] | None:
        if file not in self.labels:
            labels = _try(found, read_label, self.checked, file)
            self.labels[file] = None if labels is None else size_of(labels)
        return self.labels[file]

    def _archive(
        self, record: Record, found: list[str]
    ) -> tuple[list[DateFacts | None], list[tuple[str, tuple[int, int] | None]]]:
        images = _try(found, read_dates, self.checked, record)
        dates, maps = images if images is not None else ([], None)
        if maps is None:
            return [], []
        file = str(record.archive)
        for labels in maps:
            _try(found, indexed, self.checked.legend, labels, str(self.checked.root / file))
        return [date.facts for date in dates], [(file, size_of(labels)) for labels in maps]


def _try(found: list[str], check: Callable[P, T], *given: P.args, **named: P.kwargs) -> T | None:
    """Return what ``check`` returns, or None with its problem added to ``found``."""
    try:
        return check(*given, **named)
    except StsunError as problem:
        found.append(str(problem))
        return None


def _opens(checked: Checked, file: str) -> None:
    inspect(inside(checked.root, file))


def _overlaps(checked: Checked, splits: Mapping[str, Sequence[Record]]) -> Iterator[str]:
    """Yield what two splits share: a label, all files of a date, or an area."""
    areas = checked.description.area_splits
    holders = {split: _held(checked, records) for split, records in splits.items()}
    for one, other in combinations(splits, 2):
        if one in areas and other in areas:
            yield from _shared_area(checked, one, other)
            continue
        shared = [key for key in holders[one] if key in holders[other]]
        for key in shared[:SHOWN]:
            yield (
                f"{one!r} and {other!r} share {', '.join(key)} (sample {holders[one][key]!r} and sample "
                f"{holders[other][key]!r}), so that scores on one do not speak for unseen data; keep it in one split"
            )
        if len(shared) > SHOWN:
            yield f"{one!r} and {other!r} share {len(shared) - SHOWN} more images or labels"


def _held(checked: Checked, records: Sequence[Record]) -> dict[tuple[str, ...], str]:
    """Return the files that a split holds, links followed, and the first sample that holds them."""
    held: dict[tuple[str, ...], str] = {}
    for record in records:
        keys = [date.files for date in record.dates] + [(file,) for file in record.labels]
        if record.archive is not None:
            keys.append((record.archive,))
        for key in keys:
            held.setdefault(tuple(str((checked.root / file).resolve()) for file in key), record.id)
    return held


def _shared_area(checked: Checked, one: str, other: str) -> Iterator[str]:
    areas = [checked.description.area_splits[split] for split in (one, other)]
    try:
        masks = [read_labels(inside(checked.root, area.mask)) == area.value for area in areas]
    except StsunError:
        return  # told already, where the mask divides a label
    if masks[0].shape == masks[1].shape and (masks[0] & masks[1]).any():
        yield (
            f"{one!r} and {other!r} share {int((masks[0] & masks[1]).sum())} pixels "
            f"({areas[0].mask} = {areas[0].value}, {areas[1].mask} = {areas[1].value}); give each pixel to one split"
        )
