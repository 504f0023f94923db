"""Splits: which samples they hold, as records. Only names are looked at; no image is opened."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

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
                    f"{checked.path}: split {split!r} lists {sample!r}, which {d.samples} does not hold; "
                    "add the row, or take the id out of the list"
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
    lines = [line.split("#")[0].strip() for line in read_text(path, DataError).splitlines()]
    ids = [line for line in lines if line]
    twice = sorted({sample for sample in ids if ids.count(sample) > 1}) if len(set(ids)) < len(ids) else []
    if twice:
        raise DataError(f"{path}: lists {', '.join(twice[:SHOWN])} more than once; list each sample once")
    return ids


def _record_of_patterns(checked: Checked, sample: str, split: str, area: AreaSplit | None) -> Record:
    d = checked.description
    where = f"{checked.path}: sample {sample!r} of split {split!r}"
    if d.archived:
        return Record(sample, split, archive=_path(str(d.images), sample, split, where), area=area)
    if d.dated_by_name:
        dates = _dates_by_name(checked, sample, split, where)
    else:
        dates = tuple(_date(checked, number, sample, split, where) for number in range(len(d.image_patterns)))
    check_dates(where, d.task, [date.day for date in dates])
    try:
        periods = output_periods(d.task, len(dates), d.per_date)
    except ConfigurationError as problem:
        raise DataError(f"{where}: {problem}") from problem
    patterns = d.label_patterns
    if d.dated_by_name and len(patterns) == 1 and "date" in placeholders(patterns[0]):
        # a change is named by its later date, a map of one date by that date
        whole_series = d.task == "segmentation" and not d.per_date
        days = [None if whole_series else dates[end].day for _, end in periods]
        labels = _files_by_date(checked, patterns[0], sample, split, days, where)
    else:
        labels = tuple(_path(pattern, sample, split, where) for pattern in patterns)
    if len(labels) != len(periods):
        raise DataError(
            f"{where}: {len(dates)} images need {len(periods)} labels for {d.task}, got {len(labels)}; "
            "give one pattern for each, or one that holds {date}"
        )
    return Record(sample, split, dates, labels, area=area)


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
    masks = _files_by_date(checked, d.valid_patterns[0], sample, split, [date.day for date in dates], where)
    return tuple(replace(date, valid=mask) for date, mask in zip(dates, masks, strict=True))


def _files_by_date(
    checked: Checked, pattern: str, sample: str, split: str, days: list[float | None], where: str
) -> tuple[str, ...]:
    """Return the file of each day that a pattern with ``{date}`` finds; a day without file is refused."""
    found = find(checked.root, _path(pattern, sample, split, where), checked.description.sensors or ())
    if days == [None]:
        return (_only(found, pattern, where).path,)
    exact = {file.day: file.path for file in found}
    whole = {math.floor(file.day): file.path for file in found if file.day is not None}
    paths = [exact.get(day, whole.get(math.floor(day))) for day in days if day is not None]
    missing = [str(number) for number, path in enumerate(paths) if path is None]
    if missing:
        raise DataError(
            f"{where}: {pattern!r} finds no file for the date of image {', '.join(missing[:SHOWN])}; "
            "add it, or take these images away"
        )
    return tuple(path for path in paths if path is not None)


def _only(found: list[Found], pattern: str, where: str) -> Found:
    if len(found) != 1:
        names = ", ".join(file.path for file in found[:SHOWN]) or "none"
        raise DataError(f"{where}: {pattern!r} should find one file, found {names}; make the pattern tell them apart")
    return found[0]


def _path(pattern: str, sample: str, split: str, where: str) -> str:
    return check_relative(fill(pattern, sample, split), where)
