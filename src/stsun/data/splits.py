"""Splits: which samples they hold, as records. Only names are looked at; no image is opened."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from stsun.data.description import AreaSplit, Row
from stsun.data.patterns import Found, check_relative, fill, find, inside, placeholders
from stsun.data.record import DateFiles, Record, check_dates
from stsun.data.rows import SHOWN, record_of_row
from stsun.data.rules import Checked
from stsun.errors import ConfigurationError, DataError
from stsun.raster.metadata import parse_day
from stsun.tasks import output_periods
from stsun.yamlfile import read_text


def split_names(checked: Checked, rows: Mapping[str, Row]) -> tuple[str, ...]:
    """Return the names of the splits, in the order of the description or of the rows of ``samples``."""
    if checked.description.splits is not None:
        return tuple(checked.description.splits)
    return tuple(dict.fromkeys(row.split for row in rows.values() if row.split is not None))


def split_records(checked: Checked, rows: Mapping[str, Row], split: str) -> tuple[Record, ...]:
    """Return the samples of one split, in the order of its list.

    Raises:
        DataError: A list or row is wrong, a file cannot be found by its pattern, or the split is empty.
    """
    records = []
    for entry in split_entries(checked, rows, split):
        if isinstance(entry, DataError):
            raise entry
        records.append(entry)
    return tuple(records)


def split_entries(checked: Checked, rows: Mapping[str, Row], split: str) -> Iterator[Record | DataError]:
    """Yield the samples of one split, and an error in place of each that cannot be one.

    Raises:
        DataError: The split's list is wrong or empty.
    """
    d = checked.description
    area = d.area_splits.get(split)
    ids = _ids(checked, rows, split)
    if not ids:
        raise DataError(f"{checked.path}: split {split!r} is empty; list its samples, or take the split out")
    for sample in ids:
        try:
            if d.samples is None:
                yield _record_of_patterns(checked, sample, split, area)
            elif sample in rows:
                yield record_of_row(checked, rows[sample], split, area)
            else:
                yield DataError(
                    f"{checked.path}: split {split!r} lists {sample!r}, which {d.samples_file or 'samples'} does not "
                    "hold; add the row, or take the id out of the list"
                )
        except DataError as problem:
            yield problem


def _ids(checked: Checked, rows: Mapping[str, Row], split: str) -> list[str]:
    d = checked.description
    if d.splits is None:
        return [key for key, row in rows.items() if row.split == split]
    if split in d.area_splits:
        return [d.name] if d.samples is None else list(rows)
    return _listed(checked, split)


def _listed(checked: Checked, split: str) -> list[str]:
    path = inside(checked.root, str((checked.description.splits or {})[split]))
    lines = [line.split("#")[0].strip() for line in read_text(path, DataError).split("\n")]
    ids = [line for line in lines if line]
    twice = sorted(sample for sample, count in Counter(ids).items() if count > 1)
    if twice:
        raise DataError(f"{path}: lists {', '.join(twice[:SHOWN])} more than once; list each sample once")
    return ids


def _record_of_patterns(checked: Checked, sample: str, split: str, area: AreaSplit | None) -> Record:
    d = checked.description
    where = f"{checked.path}: sample {sample!r} of split {split!r}"
    if d.archived:
        return Record(sample, split, archive=_path(d.image_patterns[0][0], sample, split, where), area=area)
    if d.dated_by_name:
        dates = _dates_by_name(checked, sample, split, where)
    else:
        dates = tuple(_date(checked, number, sample, split, where) for number in range(len(d.image_patterns)))
    check_dates(where, d.task, [date.day for date in dates])
    try:
        periods = output_periods(d.task, len(dates), d.per_date)
    except ConfigurationError as problem:
        raise DataError(f"{where}: {problem}") from problem
    search = _Search(checked, sample, split, where)
    return Record(sample, split, dates, _labels(search, dates, periods), area=area)


@dataclass(frozen=True)
class _Search:
    """For which sample files are searched; ``where`` names it in messages."""

    checked: Checked
    sample: str
    split: str
    where: str

    def find(self, pattern: str) -> list[Found]:
        filled = _path(pattern, self.sample, self.split, self.where)
        return find(self.checked.root, filled, self.checked.description.sensors or ())


def _labels(search: _Search, dates: Sequence[DateFiles], periods: Sequence[tuple[int, int]]) -> tuple[str, ...]:
    d = search.checked.description
    patterns = d.label_patterns
    whole_series = d.task == "segmentation" and not d.per_date
    if d.dated_by_name and len(patterns) == 1 and "date" in placeholders(patterns[0]):
        if whole_series:
            return (_only(search.find(patterns[0]), patterns[0], search.where).path,)
        # a change is named by its later date, a map of one date by that date
        return _files_by_date(search, patterns[0], [dates[end] for _, end in periods])
    if len(patterns) != len(periods):
        raise DataError(
            f"{search.where}: {len(dates)} images need {len(periods)} labels for {d.task}, got {len(patterns)}; "
            "give one pattern for each, or one that holds {date}"
        )
    labels = []
    for pattern, (start, end) in zip(patterns, periods, strict=True):
        if "sensor" in placeholders(pattern) and start != end:
            labels.append(_only(search.find(pattern), pattern, search.where).path)
        else:
            filled = pattern.replace("{sensor}", str(dates[end].sensor))
            labels.append(_path(filled, search.sample, search.split, search.where))
    return tuple(labels)


def _date(checked: Checked, number: int, sample: str, split: str, where: str) -> DateFiles:
    d = checked.description
    patterns = d.image_patterns[number]
    sensor = None
    if d.sensors:
        sensor = _only(
            find(checked.root, _path(patterns[0], sample, split, where), d.sensors), patterns[0], where
        ).sensor
        patterns = [pattern.replace("{sensor}", str(sensor)) for pattern in patterns]
    mask = d.valid_patterns[number] if d.valid is not None else None
    return DateFiles(
        tuple(_path(pattern, sample, split, where) for pattern in patterns),
        parse_day(d.dates[number] or "") if d.dates is not None else None,
        sensor,
        None if mask is None else _path(mask.replace("{sensor}", str(sensor)), sample, split, where),
    )


def _dates_by_name(checked: Checked, sample: str, split: str, where: str) -> tuple[DateFiles, ...]:
    d = checked.description
    pattern = _path(str(d.images), sample, split, where)
    found = find(checked.root, pattern, d.sensors or ())
    if not found:
        raise DataError(f"{where}: no file fits {pattern!r}; correct the pattern, or take the sample out of its list")
    dates = tuple(DateFiles((file.path,), file.day, file.sensor) for file in found)
    if d.valid is None:
        return dates
    if len(d.valid_patterns) != 1 or d.valid_patterns[0] is None:
        raise DataError(f"{where}: valid has {len(d.valid_patterns)} entries; give one pattern that holds {{date}}")
    mask = d.valid_patterns[0]
    if "date" in placeholders(mask):
        masks = _files_by_date(_Search(checked, sample, split, where), mask, dates)
    else:
        masks = tuple(_path(mask.replace("{sensor}", str(date.sensor)), sample, split, where) for date in dates)
    return tuple(replace(date, valid=mask) for date, mask in zip(dates, masks, strict=True))


def _files_by_date(search: _Search, pattern: str, dates: Sequence[DateFiles]) -> tuple[str, ...]:
    """Return the file of each date that a pattern with ``{date}`` finds; a date without file is refused."""
    found = search.find(pattern)
    matches = [_matches(found, date) for date in dates]
    missing = [date.files[0] for date, files in zip(dates, matches, strict=True) if not files]
    if missing:
        raise DataError(
            f"{search.where}: {pattern!r} finds no file for the date of {', '.join(missing[:SHOWN])}; "
            "add it, or take these images away"
        )
    return tuple(_only(files, pattern, search.where).path for files in matches)


def _matches(found: Sequence[Found], date: DateFiles) -> list[Found]:
    """Return the files of the date's sensor that are of its moment, else those of its day."""
    same = [file for file in found if file.sensor in (None, date.sensor) and file.day is not None]
    exact = [file for file in same if file.day == date.day]
    return exact or [file for file in same if math.floor(file.day or 0) == math.floor(date.day or 0)]


def _only(found: list[Found], pattern: str, where: str) -> Found:
    if len(found) != 1:
        names = ", ".join(file.path for file in found[:SHOWN]) or "none"
        raise DataError(f"{where}: {pattern!r} should find one file, found {names}; make the pattern tell them apart")
    return found[0]


def _path(pattern: str, sample: str, split: str, where: str) -> str:
    return check_relative(fill(pattern, sample, split), where)
