"""Rows of ``samples.jsonl``: samples that are listed one by one instead of by patterns."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from stsun.configuration import GSD_RANGE_M
from stsun.data.description import AreaSplit, Row, RowImage
from stsun.data.patterns import check_relative, inside
from stsun.data.record import DateFiles, Record, check_dates, date_problem
from stsun.data.rules import Checked
from stsun.errors import ConfigurationError, DataError
from stsun.raster.grid import Window
from stsun.raster.metadata import parse_day
from stsun.tasks import output_periods
from stsun.yamlfile import listed, read_text, validate

SHOWN = 20
"""How many problems or ids one message lists."""


def read_rows(checked: Checked) -> dict[str, Row]:
    """Return the rows of ``samples`` by their ids; none where the data set has no ``samples``.

    Raises:
        DataError: The file is missing, or lines of it are wrong; lists them.
    """
    rows, problems = examine_rows(checked)
    if problems:
        more = [f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
        raise DataError(listed(listing(checked), problems[:SHOWN] + more))
    return rows


def listing(checked: Checked) -> str:
    """Return where the samples are listed, for messages."""
    file = checked.description.samples_file
    return f"{checked.path}: samples" if file is None else str(checked.root / file)


def examine_rows(checked: Checked) -> tuple[dict[str, Row], list[str]]:
    """Return the rows of ``samples`` that are right by their ids, and what is wrong with the others.

    Raises:
        DataError: The file is missing or no text.
    """
    if checked.description.samples is None:
        return {}, []
    seen: dict[str, Row] = {}
    wrong: set[str] = set()
    problems: list[str] = []
    for where, row in _rows(checked):
        if isinstance(row, DataError):
            problems.append(str(row))
            continue
        found = [f"{where}: {problem}" for problem in _row_problems(checked, row, seen)]
        problems += found
        if found and row.id not in seen:
            wrong.add(row.id)
        seen.setdefault(row.id, row)
    if not seen and not problems:
        problems.append("holds no sample; list at least one")
    return {key: row for key, row in seen.items() if key not in wrong}, problems


def record_of_row(checked: Checked, row: Row, split: str, area: AreaSplit | None) -> Record:
    """Return the sample that a row lists, as a record of ``split``.

    Raises:
        DataError: A path leaves the data set's folder.
    """
    where = f"{listing(checked)}: row {row.id!r}"
    valid = row.valid or [None] * len(row.images)
    dates = tuple(
        DateFiles(
            tuple(
                check_relative(path, where) for path in ([image.path] if isinstance(image.path, str) else image.path)
            ),
            parse_day(image.date) if image.date is not None else None,
            image.sensor,
            check_relative(mask, where) if mask is not None else None,
            tuple(image.bands or ()),
        )
        for image, mask in zip(row.images, valid, strict=True)
    )
    return Record(
        row.id,
        split,
        dates,
        tuple(check_relative(path, where) for path in row.labels),
        row.gsd_m,
        area,
        layers=tuple(row.layers or ()),
        window=None if row.window is None else Window(*row.window),
    )


def _rows(checked: Checked) -> Iterator[tuple[str, Row | DataError]]:
    """Yield where each row stands, and the row, or an error in place of one that cannot be read."""
    samples = checked.description.samples
    if not isinstance(samples, str):
        for number, row in enumerate(samples or (), start=1):
            yield f"row {number}", row
        return
    text = read_text(inside(checked.root, samples), DataError)
    # JSON texts may hold other line breaks, such as U+2028, as they are; the rest of \r\n is space to it
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield f"line {number}", _row(line, f"line {number}")
            except DataError as problem:
                yield f"line {number}", problem


def _row(line: str, where: str) -> Row:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) != len(pairs):
            raise DataError(f"{where}: a key occurs twice in {[key for key, _ in pairs]}; keep one of the two")
        return dict(pairs)

    try:
        data = json.loads(line, object_pairs_hook=unique)
    except (ValueError, RecursionError) as problem:
        raise DataError(f"{where}: no valid JSON: {problem}; write one object a line") from problem
    if not isinstance(data, dict):
        raise DataError(f'{where}: expected an object such as {{"id": ...}}, got a {type(data).__name__}')
    return validate(data, Row, DataError, where)


def _row_problems(checked: Checked, row: Row, rows: Mapping[str, Row]) -> Iterator[str]:
    d = checked.description
    if row.id in rows and rows[row.id].split == row.split:
        yield f"the id {row.id!r} occurs twice; give each row its own"
    elif row.id in rows:
        yield f"the id {row.id!r} is in the splits {rows[row.id].split!r} and {row.split!r}; give each row its own"
    if (row.split is not None) == (d.splits is not None):
        yield (
            f"the row has the split {row.split!r}, and the YAML has splits; keep one of the two"
            if d.splits is not None
            else "the row has no split, and the YAML has no splits; add one of the two"
        )
    yield from _part_problems(row)
    if d.one_hot and row.layers is not None:
        yield "layers are given, but one_hot takes all bands of a label for its classes; leave one of the two out"
    for image in row.images:
        yield from _image_problems(checked, image)
    try:
        maps = len(output_periods(d.task, len(row.images), d.per_date))
        if len(row.labels) != maps:
            yield f"{len(row.labels)} labels for {len(row.images)} images; a {d.task} expects {maps}"
        if not any(date_problem(image.date) for image in row.images):
            check_dates(row.id, d.task, [parse_day(image.date or "") for image in row.images])
    except (ConfigurationError, DataError) as problem:
        yield str(problem)


def _part_problems(row: Row) -> Iterator[str]:
    if row.gsd_m is not None and not GSD_RANGE_M[0] <= row.gsd_m <= GSD_RANGE_M[1]:
        yield f"gsd_m is {row.gsd_m:g}, expected metres per pixel"
    if row.valid is not None and len(row.valid) != len(row.images):
        yield f"valid has {len(row.valid)} entries for {len(row.images)} images; give one mask (or null) for each image"
    if row.layers is not None and (len(row.layers) != len(row.labels) or min(row.layers, default=1) < 1):
        yield f"layers is {row.layers} for {len(row.labels)} labels; give the band, from 1, of each label file"
    if row.window is not None and (min(row.window) < 0 or 0 in row.window[2:]):
        yield f"window is {row.window}, expected first row and column, height and width in pixels"


def _image_problems(checked: Checked, image: RowImage) -> Iterator[str]:
    wrong = date_problem(image.date)
    if wrong is not None:
        yield wrong
    if image.sensor not in checked.channels:
        declared = ", ".join(map(str, checked.channels))
        if checked.description.sensors is None:
            yield f"the sensor {image.sensor!r} is not declared; list its bands under sensors in the YAML"
        else:
            yield f"the sensor is {image.sensor or 'not told'}; expected one of those declared: {declared}"
    if not image.path:
        yield "an image has an empty path; name its file"
    if image.bands is not None and (not isinstance(image.path, str) or min(image.bands, default=0) < 1):
        yield f"bands of an image is {image.bands}; give the numbers, from 1, of bands of one file"
    for path in [image.path] if isinstance(image.path, str) else image.path:
        if path.lower().endswith(".npz"):
            yield f'{path}: a row names rasters; .npz files are read by `images: "{{id}}.npz"` in the YAML'
