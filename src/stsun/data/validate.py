"""A data set checked whole: every problem is found, not only the first."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, TypeVar

import numpy as np

from stsun.data.dataset import configuration_of
from stsun.data.description import AreaSplit
from stsun.data.images import DateFacts, DateImage, check_sizes, read_date, read_dates
from stsun.data.labels import indexed, read_area, read_label, size_of
from stsun.data.patterns import inside
from stsun.data.record import DateFiles, Record
from stsun.data.rows import SHOWN, examine_rows
from stsun.data.rules import Checked, examine
from stsun.data.sample import IGNORE
from stsun.data.splits import split_entries, split_names
from stsun.errors import StsunError
from stsun.raster.grid import Window
from stsun.raster.reader import inspect, read_labels

WHOLE = Window(0, 0, 2**62, 2**62)
"""In place of no window."""

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

    Reads every file whole: descriptions and lists, images, masks and labels; sizes, bands and dates must fit, images
    hold data, labels hold declared values only and in each split some that are scored, and no two splits share a label,
    an image or an area.

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
    problems += [Problem("splits", message) for message in _overlaps(checked, splits)]
    return problems


class _Part(NamedTuple):
    """Which part of files a sample is; no bands = all, no window = all of it."""

    sample: str
    bands: frozenset[int]
    window: Window | None

    def __str__(self) -> str:
        return f"sample {self.sample!r}" + (f" of the window {list(self.window)}" if self.window is not None else "")


class _Date(NamedTuple):
    """One date as it was read."""

    facts: DateFacts
    holds: bool
    """Whether any of its pixels is valid."""


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
    labels: dict[_Map, tuple[tuple[int, int], bool] | None] = field(default_factory=dict)
    """The size of each label, and whether any of its pixels is scored."""
    wrong: set[_Map] = field(default_factory=set)
    """Labels that cannot be read, whatever the area."""
    scored: dict[tuple[str, str], bool | None] = field(default_factory=dict)
    """Whether any pixel of a sample, by split and id, is scored; None where its labels cannot be read."""

    def problems(self, record: Record) -> list[str]:
        """Return what is wrong with one sample and was not told before."""
        found: list[str] = []
        self.scored[record.split, record.id] = None
        if record.archive is None:
            dates = [self._date(date, record.gsd_m, record.window, found) for date in record.dates]
            image = next((date.facts.size for date in dates if date is not None), None)
            maps = [_Map(file, layer, record.window, image, record.area) for file, layer in record.label_layers]
            labels = [(one.file, self._label(one, found)) for one in maps]
        else:
            dates, labels = self._archive(record, found)
            if not dates:
                return found
        known = [date for date in dates if date is not None]
        told = [(file, facts) for file, facts in labels if facts is not None]
        sizes = [(date.facts.source, date.facts.size) for date in known]
        sizes += [(str(self.checked.root / file), size) for file, (size, _) in told]
        for one in sizes[1:]:
            _try(found, check_sizes, "the images and labels of one sample", [sizes[0], one])
        if len(known) == len(dates):
            _try(found, configuration_of, self.checked, record, [date.facts for date in known], len(labels))
            found += self._without_data(record, known)
        if len(told) == len(labels):
            self.scored[record.split, record.id] = any(scored for _, (_, scored) in told)
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

    def _label(self, one: _Map, found: list[str]) -> tuple[tuple[int, int], bool] | None:
        if one not in self.labels:
            self.labels[one] = None
            whole = one._replace(area=None)
            labels = None
            if whole not in self.wrong:
                read = partial(read_label, window=one.window, image=one.image)
                labels = _try(found, read, self.checked, one.file, one.layer)
            if labels is None:
                self.wrong.add(whole)
                return None
            scored = labels != IGNORE
            if one.area is not None:
                label = (str(self.checked.root / one.file), size_of(labels))
                inside_split = _try(found, read_area, self.checked, one.area, label, one.window)
                scored = scored if inside_split is None else scored & inside_split
            self.labels[one] = (size_of(labels), bool(scored.any()))
        return self.labels[one]

    def _archive(
        self, record: Record, found: list[str]
    ) -> tuple[list[_Date | None], list[tuple[str, tuple[tuple[int, int], bool] | None]]]:
        images = _try(found, read_dates, self.checked, record)
        dates, maps = images if images is not None else ([], None)
        if maps is None:
            return [], []
        file = str(record.archive)
        labels = [_try(found, indexed, self.checked, one, str(self.checked.root / file)) for one in maps]
        facts = [None if one is None else (size_of(one), bool((one != IGNORE).any())) for one in labels]
        return [_noted(date) for date in dates], [(file, one) for one in facts]

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


def _overlaps(checked: Checked, splits: Mapping[str, Sequence[Record]]) -> Iterator[str]:
    """Yield what two splits share: a label, all files of a date, or an area."""
    areas = checked.description.area_splits
    holders = {split: _held(checked, records) for split, records in splits.items()}
    for one, other in combinations(splits, 2):
        if one in areas and other in areas:
            yield from _shared_area(checked, one, other)
            continue
        pairs = {key: _shared(held, holders[other].get(key, ())) for key, held in holders[one].items()}
        shared = [(key, pair) for key, pair in pairs.items() if pair is not None]
        for key, (mine, theirs) in shared[:SHOWN]:
            yield (
                f"{one!r} and {other!r} share {', '.join(key)} ({mine} and {theirs}), so that scores on one do not "
                "speak for unseen data; keep it in one split"
            )
        if len(shared) > SHOWN:
            yield f"{one!r} and {other!r} share {len(shared) - SHOWN} more images or labels"


def _held(checked: Checked, records: Sequence[Record]) -> dict[tuple[str, ...], list[_Part]]:
    """Return the files that a split holds, links followed, and which parts of them its samples are."""
    held: dict[tuple[str, ...], list[_Part]] = {}
    for record in records:
        keys = [(date.files, date.bands) for date in record.dates]
        keys += [((file,), () if layer is None else (layer,)) for file, layer in record.label_layers]
        if record.archive is not None:
            keys.append(((record.archive,), ()))
        for files, bands in keys:
            names = tuple(str((checked.root / file).resolve()) for file in files)
            held.setdefault(names, []).append(_Part(record.id, frozenset(bands), record.window))
    return held


def _shared(parts: Sequence[_Part], others: Sequence[_Part]) -> tuple[_Part, _Part] | None:
    """Return the first two parts of the same files that share a pixel of a band, or None."""
    if not others:
        return None
    top, left, height, width = np.array([other.window or WHOLE for other in others]).T
    for part in parts:
        row, column, high, wide = part.window or WHOLE
        meet = (top < row + high) & (row < top + height) & (left < column + wide) & (column < left + width)
        for other in (others[place] for place in np.flatnonzero(meet).tolist()):
            if not part.bands or not other.bands or part.bands & other.bands:
                return part, other
    return None


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
