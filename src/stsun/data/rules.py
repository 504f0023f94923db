"""The rules that tie the keys of a data set's description together; a broken rule is told in one sentence."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from stsun.configuration import GSD_RANGE_M
from stsun.data.channels import Channels, declared_channels
from stsun.data.description import Description, SensorEntry
from stsun.data.patterns import PLACEHOLDERS, SAMPLE_PLACEHOLDERS, check_relative, placeholders
from stsun.data.record import date_problem
from stsun.errors import ConfigurationError, DataError, StsunError
from stsun.legend import Legend, legend_of
from stsun.tasks import NEUTRAL, check_task, output_periods
from stsun.yamlfile import listed, load_mapping, parse

KEYS = frozenset(field.name for field in fields(Description))


@dataclass(frozen=True)
class Checked:
    """A description that holds together, with what follows from it.

    Args:
        path: The YAML file.
        description: Its content.
        legend: Stored label values, categories and colours.
        channels: What is declared for the dates of each sensor; the key None is for dates without sensor.
    """

    path: Path
    description: Description
    legend: Legend
    channels: dict[str | None, Channels]

    @property
    def root(self) -> Path:
        """The folder that all of the data set's files lie in."""
        return self.path.parent


def read_description(path: Path, mapping: Mapping[str, Any] | None = None) -> Checked:
    """Return the description of a data set.

    Args:
        path: Its YAML file.
        mapping: What the file would hold; given, no file is read, and ``path`` only says where the data lie.

    Raises:
        DataError: The file is missing, is no such YAML, or its keys contradict one another; lists every problem.
    """
    checked, problems = examine(path, mapping)
    if checked is None or problems:
        raise DataError(listed(str(path), problems))
    return checked


def examine(path: Path, mapping: Mapping[str, Any] | None = None) -> tuple[Checked | None, list[str]]:
    """Return the description of a data set with all that is wrong with it; None where it cannot be used at all.

    Unknown keys are told, and then left aside; known ones without a value (null) count as left out. The arguments are
    those of `read_description`.

    Raises:
        DataError: The file is missing or is no YAML with keys and values.
    """
    written = load_mapping(path, DataError) if mapping is None else mapping
    given = {key: value for key, value in written.items() if value is not None or key not in KEYS}
    description, problems = parse(given, Description)
    if description is None:
        return None, problems
    broken = len(problems)
    problems += [problem for rule in RULES for problem in rule(description)]
    legend: list[Legend] = []
    channels: dict[str | None, Channels] = {}
    try:
        legend.append(legend_of(description.classes, description.ignore, description.colors))
    except StsunError as problem:
        problems.append(f"classes: {problem}")
    entries: dict[str | None, Description | SensorEntry] = {None: description}
    if description.sensors:
        entries = dict(description.sensors.items())
    for sensor, entry in entries.items():
        try:
            channels[sensor] = declared_channels(entry, description)
        except ConfigurationError as problem:
            problems.append(f"{'bands' if sensor is None else f'sensors.{sensor}.bands'}: {problem}")
    usable = len(problems) == broken
    return (Checked(path, description, legend[0], channels) if usable else None), problems


def _task(d: Description) -> Iterator[str]:
    if not d.name.strip():
        yield "name is empty; give the data set a name of its own"
    try:
        check_task(d.task)
    except ConfigurationError as problem:
        yield f"task: {problem}"
        return
    if d.task == "binary_change" and len(d.classes) != 2:
        yield (
            f"classes has {len(d.classes)} entries, but a binary_change has two: the first means unchanged, "
            "the second changed; values that are not scored belong under ignore"
        )
    changed = next(iter([*d.classes.values()][1:2]), "")
    if d.task == "binary_change" and changed.strip().lower() in NEUTRAL:
        yield (
            f"classes: the second is {changed!r}, but in a binary_change it means changed, and the first unchanged; "
            "list them in this order"
        )
    if d.per_date and d.task != "segmentation":
        yield f"per_date is true, but the task is {d.task}; per_date is for segmentation only, leave it out"


def _numbers(d: Description) -> Iterator[str]:
    gsds = {"gsd_m": d.gsd_m} | {f"sensors.{name}.gsd_m": sensor.gsd_m for name, sensor in (d.sensors or {}).items()}
    for key, gsd_m in gsds.items():
        if gsd_m is not None and not GSD_RANGE_M[0] <= gsd_m <= GSD_RANGE_M[1]:
            yield f"{key} is {gsd_m:g}, expected metres per pixel; leave it out if it is not known"
    entries = [("", d.scale, d.offset)]
    for where, bands in [("bands", d.bands), *((f"sensors.{n}.bands", s.bands) for n, s in (d.sensors or {}).items())]:
        if isinstance(bands, list):
            entries += [(f"{where}.{number}.", band.scale, band.offset) for number, band in enumerate(bands)]
    for where, scale, offset in entries:
        if scale is not None and (scale == 0 or not math.isfinite(scale)):
            yield f"{where}scale is {scale:g}, expected a number other than 0; stored value * scale = physical value"
        if offset is not None and not math.isfinite(offset):
            yield f"{where}offset is {offset:g}, expected a finite number"


def _sources(d: Description) -> Iterator[str]:
    if d.sensors is not None and d.bands is not None:
        yield "bands and sensors are both given; list the bands of each sensor under sensors, and leave bands out"
    if d.sensors is not None and not d.sensors:
        yield "sensors is empty; name at least one sensor, or give bands"
    if d.splits is not None and not d.splits:
        yield "splits is empty; name at least one, such as {train: train.txt}"
    if d.samples is not None:
        both = [key for key in ("images", "dates", "valid", "labels") if getattr(d, key) is not None]
        if both:
            yield f"samples is given together with {', '.join(both)}; its rows hold these, leave them out"
    elif not d.images:
        yield "neither images nor samples is given; give patterns of the image files, or the name of a samples.jsonl"
    elif d.splits is None:
        yield "splits is missing; give the file that lists each split's samples, such as {train: train.txt}"


def _files(d: Description) -> Iterator[str]:
    if d.archived:
        for key in ("labels", "valid", "dates", "sensors"):
            if getattr(d, key) is not None:
                yield f"{key} is given, but .npz files hold it themselves; leave it out"
    elif d.images and not d.labels:
        yield "labels is missing; give the patterns of the label files"
    if d.nearest and d.one_hot:
        yield "nearest and one_hot are both true; a label that has a band for each class holds no other values"


def _counts(d: Description) -> Iterator[str]:
    if d.samples is not None or d.archived or d.dated_by_name:
        if d.dated_by_name and d.dates is not None:
            yield "dates is given, but the names of the images hold {date}; leave dates out"
        return
    count = len(d.image_patterns)
    if d.dates is not None and len(d.dates) != count:
        yield f"dates has {len(d.dates)} entries for {count} images; give one date (or null) for each image, in order"
    if d.valid is not None and len(d.valid_patterns) != count:
        yield f"valid has {len(d.valid_patterns)} entries for {count} images; give one mask (or null) for each image"
    for number, date in enumerate(d.dates or ()):
        wrong = date_problem(date)
        if wrong is not None:
            yield f"dates.{number}: {wrong}"
    try:
        maps = len(output_periods(d.task, count, d.per_date))
    except ConfigurationError as problem:
        if count:
            yield f"images: {problem}"
        return
    if d.labels and len(d.label_patterns) != maps:
        yield (
            f"labels has {len(d.label_patterns)} entries, but {d.task}{' per date' if d.per_date else ''} "
            f"with {count} images has {maps} maps; give one pattern for each"
        )


def _patterns(d: Description) -> Iterator[str]:
    images = [(f"images.{n}", pattern) for n, files in enumerate(d.image_patterns) for pattern in files]
    labels = [(f"labels.{n}", pattern) for n, pattern in enumerate(d.label_patterns)]
    valid = [(f"valid.{n}", pattern) for n, pattern in enumerate(d.valid_patterns) if pattern is not None]
    for where, pattern in [*images, *labels, *valid]:
        unknown = placeholders(pattern) - set(PLACEHOLDERS)
        if unknown:
            names = " ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            yield f"{where}: {pattern!r} holds {{{sorted(unknown)[0]}}}, expected only {names}"
    for where, pattern in [*labels, *valid]:
        if "date" in placeholders(pattern) and not d.dated_by_name:
            yield f"{where} holds {{date}}, but images is not one pattern with {{date}}; dates are found by the images"
    if any("date" in placeholders(pattern) for _, pattern in images) and not d.dated_by_name:
        yield "images is a list and holds {date}; give one pattern instead of a list, or write the dates under dates"
    if any(not files for files in d.image_patterns):
        yield "images holds an empty list; give the files of each date"
    yield from _sensor_patterns(d)
    yield from _split_patterns(d)


def _sensor_patterns(d: Description) -> Iterator[str]:
    if d.samples is not None or d.archived or not d.images:
        return
    holds = ["sensor" in placeholders(files[0]) for files in d.image_patterns if files]
    others = [*d.label_patterns, *(pattern for pattern in d.valid_patterns if pattern is not None)]
    if not any(holds) and any("sensor" in placeholders(pattern) for pattern in others):
        yield "labels or valid hold {sensor}, but images do not; the sensors are found by the images"
    if any(holds) and not d.sensors:
        yield "images holds {sensor}, but sensors is not given; list the bands of each sensor under sensors"
    if d.sensors and not all(holds):
        yield "sensors is given, but images does not hold {sensor}; say in the pattern where the sensor's name stands"


def _split_patterns(d: Description) -> Iterator[str]:
    if d.samples is not None or not d.images:
        return
    named = [pattern for files in d.image_patterns for pattern in files] + d.label_patterns
    by_sample = any(placeholders(pattern) & set(SAMPLE_PLACEHOLDERS) for pattern in named)
    lists = set(d.splits or ()) - set(d.area_splits)
    if by_sample and d.area_splits:
        yield (
            f"splits {', '.join(d.area_splits)} are areas of one scene, but the patterns name samples by {{id}}; "
            "use patterns without {id}, or give each split a list of ids"
        )
    if lists and not by_sample:
        yield (
            f"splits {', '.join(sorted(lists))} list samples, but no pattern holds {{id}}, so that all would be the "
            "same files; put {id} into the patterns, or split the scene by area: {mask: split.tif, value: 1}"
        )


def _paths(d: Description) -> Iterator[str]:
    named = [("samples", d.samples_file)]
    for name, split in (d.splits or {}).items():
        named.append((f"splits.{name}", split if isinstance(split, str) else split.mask))
    for where, path in named:
        try:
            if path is not None:
                check_relative(path, where)
        except DataError as problem:
            yield str(problem)


RULES: tuple[Callable[[Description], Iterator[str]], ...] = (
    _task,
    _numbers,
    _sources,
    _files,
    _counts,
    _patterns,
    _paths,
)
