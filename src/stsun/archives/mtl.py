"""Landsat's metadata files (MTL): groups of keys and values, the same in all three formats.

Source: USGS, Landsat 8-9 OLI/TIRS Collection 2 Level 1 Data Format Control Book (LSDS-1822).
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from stsun.archives.documents import number, read_json, read_text, read_xml
from stsun.errors import RasterError

Groups: TypeAlias = Mapping[str, Mapping[str, str]]
"""Group -> key -> value. A level 2 product repeats keys of level 1 in other groups, with other values."""

MTL_ENDINGS = ("MTL.json", "MTL.txt", "MTL.xml")
"""What the files' names end in, in the order in which they are taken."""

_LINE = re.compile(r"\s*(\w+)\s*=\s*(.*?)\s*")
_ROOT = "LANDSAT_METADATA_FILE"


def read_mtl(path: Path) -> Groups:
    """Return what a metadata file tells.

    Raises:
        RasterError: It cannot be read, is malformed, or is not of Collection 2.
    """
    read = {".json": _of_json, ".txt": _of_text, ".xml": _of_xml}[path.suffix.lower()]
    groups = read(path)
    if "IMAGE_ATTRIBUTES" not in groups or "PRODUCT_CONTENTS" not in groups:
        found = ", ".join(list(groups)[:5]) or "nothing"
        raise RasterError(
            f"{path}: expected the groups PRODUCT_CONTENTS and IMAGE_ATTRIBUTES of Landsat Collection 2, got {found}; "
            "fetch the scene again (Collection 1 is not read)"
        )
    return groups


def told(groups: Groups, group: str, key: str, where: str) -> float | None:
    """Return a number that the metadata tells, or None where it does not.

    Raises:
        RasterError: What it tells is no number; ``where`` is the file, for the message.
    """
    value = groups.get(group, {}).get(key)
    return None if value is None else number(value, f"{where}: {key}")


def _of_json(path: Path) -> Groups:
    root = read_json(path).get(_ROOT)
    groups = root if isinstance(root, dict) else {}
    return {
        name: {key: str(value) for key, value in group.items()}
        for name, group in groups.items()
        if isinstance(group, dict)
    }


def _of_xml(path: Path) -> Groups:
    return {group.tag: {entry.tag: (entry.text or "").strip() for entry in group} for group in read_xml(path)}


def _of_text(path: Path) -> Groups:
    groups: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in read_text(path).splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        key, value = match[1], match[2].strip('"')
        if key == "GROUP":
            current = groups.setdefault(value, {})
        elif key != "END_GROUP":
            current[key] = value
    return groups
