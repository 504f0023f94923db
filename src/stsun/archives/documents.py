"""Metadata documents, XML and JSON, read without trust: bounded in size, with no entities, errors in words."""

import json
import math
import xml.etree.ElementTree as ElementTree
from numbers import Real
from pathlib import Path
from typing import Any, NoReturn

from stsun.errors import RasterError

LARGEST_DOCUMENT = 50_000_000
"""Bytes. Product metadata is below one megabyte, a collection of thousands of STAC items some tens."""

MOST_ELEMENTS = 500_000
"""Of an XML document: a Sentinel-2 product has some thousands."""

_AGAIN = "fetch the product again"


def read_text(path: Path) -> str:
    """Return a document's text.

    Raises:
        RasterError: It cannot be read, is too large, or is not UTF-8.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_DOCUMENT + 1)
    except (OSError, ValueError) as problem:
        raise RasterError(f"{path}: cannot be opened ({problem}); check the path and who may read it") from problem
    if len(content) > LARGEST_DOCUMENT:
        raise RasterError(f"{path}: is larger than {LARGEST_DOCUMENT} bytes, which no metadata is; check the file")
    if b"\0" in content:  # XML in UTF-16 passes for text here, and its declarations go unseen
        raise RasterError(f"{path}: is not UTF-8 text (it holds zero bytes), as metadata is; {_AGAIN}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise RasterError(f"{path}: is not UTF-8 text ({problem.reason}), as metadata is; {_AGAIN}") from problem


def read_xml(path: Path) -> ElementTree.Element:
    """Return the root of an XML document.

    Raises:
        RasterError: As ``read_text``; it is not XML; has too many elements; or declares a document type, and so perhaps
            entities that expand without bound or name other files.
    """
    text = read_text(path)
    if "<!doctype" in text.lower() or "<!entity" in text.lower():
        raise RasterError(f"{path}: declares a document type or entities, which product metadata never does; {_AGAIN}")
    if text.count("<") > 2 * MOST_ELEMENTS:
        raise RasterError(f"{path}: has more than {MOST_ELEMENTS} elements, unlike any product metadata; check it")
    try:
        return ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as problem:
        raise RasterError(f"{path}: is no XML that can be read ({problem}); {_AGAIN}") from problem


def read_json(path: Path) -> dict[str, Any]:
    """Return the keys and values of a JSON document.

    Raises:
        RasterError: As ``read_text``; it is not JSON, or holds something else than keys and values.
    """
    try:
        content = json.loads(read_text(path), parse_constant=_no_number)
    except (ValueError, RecursionError) as problem:
        raise RasterError(f"{path}: is no JSON that can be read ({problem}); {_AGAIN}") from problem
    if not isinstance(content, dict):
        raise RasterError(f"{path}: expected keys and values in braces, got a {type(content).__name__}; check the file")
    return content


def number(value: object, what: str) -> float:
    """Return a number that a document tells, as text or as a number.

    Args:
        value: What it tells.
        what: Where it stands, for the message.

    Raises:
        RasterError: It is not a finite number.
    """
    try:
        if isinstance(value, str | Real) and not isinstance(value, bool) and math.isfinite(float(value)):
            return float(value)
    except (ValueError, OverflowError):
        pass
    raise RasterError(f"{what} is {str(value)[:80]!r}, expected a number; {_AGAIN}")


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number in JSON")
