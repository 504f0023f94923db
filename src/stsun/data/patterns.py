"""Patterns of file names (interfaces: section 5): filled in for one sample, or searched for by date and sensor."""

import posixpath
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from stsun.errors import ConfigurationError, DataError
from stsun.raster.metadata import parse_day

SAMPLE_PLACEHOLDERS = ("id", "parent", "stem")
PLACEHOLDERS = (*SAMPLE_PLACEHOLDERS, "split", "date", "sensor")

LONGEST_NAME, LONGEST_PATH = 255, 1024
"""Bytes of a file's name, characters of a path: systems take no longer names, and not many longer paths."""

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_DATE = r"(?P<date>(?:\d{4}-\d{2}-\d{2}|\d{8})(?:_\d{6})?)"


@dataclass(frozen=True)
class Found:
    """One file that a pattern found.

    Args:
        path: Relative to the data set's folder.
        day: Days since 1970-01-01 UTC that its name tells, or None where the pattern holds no ``{date}``.
        sensor: The sensor that its name tells, or None where the pattern holds no ``{sensor}``.
    """

    path: str
    day: float | None
    sensor: str | None


def placeholders(pattern: str) -> frozenset[str]:
    """Return the names in braces that a pattern holds, known or not."""
    return frozenset(_PLACEHOLDER.findall(pattern))


def fill(pattern: str, sample: str, split: str) -> str:
    """Return the pattern with ``{id}``, ``{parent}``, ``{stem}`` and ``{split}`` replaced for one sample."""
    parent, _, stem = sample.rpartition("/")
    if not parent:
        pattern = pattern.replace("{parent}/", "")
    values = {"id": sample, "parent": parent, "stem": stem, "split": split}
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), pattern)


def check_relative(path: str, where: str) -> str:
    """Return the path with ``.`` and ``..`` resolved.

    Raises:
        DataError: It is absolute, leads out of the data set's folder, or is too long; ``where`` says who named it.
    """
    normal = posixpath.normpath(path)
    if not path or "\0" in path or posixpath.isabs(path) or normal == ".." or normal.startswith("../"):
        raise DataError(
            f"{where}: the path {path!r} leaves the folder of the YAML file; "
            "put the data beside the YAML file and give paths relative to it"
        )
    longest = max(len(name.encode("utf-8", "surrogatepass")) for name in normal.split("/"))
    if longest > LONGEST_NAME or len(normal) > LONGEST_PATH:
        raise DataError(
            f"{where}: the path {path[:100]!r}... has a name of {longest} bytes and {len(normal)} characters in all, "
            f"expected at most {LONGEST_NAME} and {LONGEST_PATH}; shorten it"
        )
    return normal


def inside(root: Path, path: str) -> Path:
    """Return a file of the data set, links followed.

    Raises:
        DataError: A link leads out of the data set's folder.
    """
    whole = root / path
    if not whole.resolve().is_relative_to(root.resolve()):
        raise DataError(
            f"{whole}: leads to {whole.resolve()}, outside the data set's folder {root.resolve()}; "
            "put the file itself into the folder"
        )
    return whole


def find(root: Path, pattern: str, sensors: Collection[str]) -> list[Found]:
    """Return the files whose names fit a pattern with ``{date}`` or ``{sensor}``, in the order of their dates.

    Args:
        root: The data set's folder.
        pattern: Relative to it; everything but ``{date}`` and ``{sensor}`` is taken literally.
        sensors: The names that ``{sensor}`` can be.

    Raises:
        DataError: A name holds a date that is no day, or the sensor is none of ``sensors``.
    """
    known = "|".join(re.escape(name) for name in sorted(sensors, key=len, reverse=True))
    found = [_found(path, values) for path, values in _walk(root, "", pattern.split("/"), known, {})]
    if not found and known:
        others = {values["sensor"] for _, values in _walk(root, "", pattern.split("/"), r"[A-Za-z0-9-]+", {})}
        if others:
            raise DataError(
                f"{root / pattern}: found files of the sensors {', '.join(sorted(others))}, "
                f"but sensors declares {', '.join(sensors)}; declare the sensors as the files name them"
            )
    return sorted(found, key=lambda file: (file.day or 0.0, file.sensor or "", file.path))


def _found(path: str, values: dict[str, str]) -> Found:
    day = None
    if "date" in values:
        try:
            day = parse_day(values["date"].replace("-", "").replace("_", "T"))
        except ConfigurationError as problem:
            raise DataError(f"{path}: its name tells the day: {problem}") from problem
        if day is None:
            raise DataError(f"{path}: {values['date']!r} in its name is no day of the calendar; rename the file")
    return Found(path, day, values.get("sensor"))


def _walk(
    root: Path, prefix: str, parts: list[str], sensor: str, values: dict[str, str]
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the files that fit ``parts`` below ``root / prefix``, with the date and sensor in their names."""
    if not parts:
        if (root / prefix).is_file():
            yield prefix, values
        return
    if not placeholders(parts[0]):
        yield from _walk(root, posixpath.join(prefix, parts[0]), parts[1:], sensor, values)
        return
    expression = _expression(parts[0], sensor, values)
    folder = root / prefix
    for name in sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else ():
        match = expression.fullmatch(name)
        if match:
            yield from _walk(root, posixpath.join(prefix, name), parts[1:], sensor, values | match.groupdict())


def _expression(part: str, sensor: str, values: dict[str, str]) -> re.Pattern[str]:
    """Return one path component as a regular expression; what is bound already must recur as it was."""
    pieces, bound = [], dict(values)
    for number, piece in enumerate(_PLACEHOLDER.split(part)):
        if number % 2 == 0:
            pieces.append(re.escape(piece))
        elif piece in bound:
            pieces.append(f"(?P={piece})" if bound[piece] == "" else re.escape(bound[piece]))
        else:
            pieces.append(_DATE if piece == "date" else f"(?P<sensor>{sensor})")
            bound[piece] = ""
    return re.compile("".join(pieces))
