"""The card of a checkpoint: JSON from a stranger, bounded in size and depth, and checked before anything is built."""

import dataclasses
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from stsun.bands import Band
from stsun.errors import CheckpointError, ConfigurationError
from stsun.model.config import LONGEST_NAME, STSUNConfig
from stsun.tasks import TASKS

CARD = "card.json"
FORMAT = 1
LARGEST_BYTES = 4_000_000
DEEPEST = 30
"""Levels of lists and objects within one another. A card has seven."""

NORMALISATION = "none: the model takes physical values (reflectance 0..1, or the band's unit), and squashes them itself"


def read(file: Path) -> dict[str, Any]:
    """Return a card; what the package reads of it is of the kind that it expects, the rest is any JSON.

    Raises:
        CheckpointError: The card is missing, too large or too deep, no JSON object of this format, or says what none
            can.
    """
    card = _parsed(file)
    if not isinstance(card, dict) or card.get("library") != "stsun":
        raise CheckpointError(f'{file} is not the card of an STSUN checkpoint (no "library": "stsun" in it)')
    if card.get("format") != FORMAT:
        raise CheckpointError(f"{file} has format {card.get('format')!r}, this version reads {FORMAT}; update stsun")
    for name, (fits, expected) in _FACTS.items():
        if name in card and not fits(card[name]):
            raise CheckpointError(f"{file} has the {name} {card[name]!r:.200}, expected {expected}")
    return card


def architecture_of(card: Mapping[str, Any], file: Path) -> STSUNConfig:
    """Return the architecture that a card describes: every field there, of its type and within its range.

    Raises:
        CheckpointError: It describes another one, or none that can be built.
    """
    told = card.get("architecture")
    names = {field.name for field in dataclasses.fields(STSUNConfig)}
    if not isinstance(told, dict) or set(told) != names:
        found = sorted(told) if isinstance(told, dict) else told
        raise CheckpointError(f"{file} describes the architecture by {found!r:.500}, expected {sorted(names)}")
    try:
        if not (isinstance(told["size"], str) and isinstance(told["task_embedding"], bool)):
            raise TypeError(f"size is {told['size']!r}, task_embedding {told['task_embedding']!r}")
        values = {name: _frozen(value) for name, value in told.items()}
        values["fixed_bands"] = tuple(Band(**band) for band in told["fixed_bands"])
        return STSUNConfig(**values)
    except (ConfigurationError, TypeError, ValueError) as problem:
        raise CheckpointError(f"{file} describes no model that can be built: {problem}") from problem


def _parsed(file: Path) -> Any:
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST_BYTES + 1)
        if len(content) > LARGEST_BYTES:
            raise CheckpointError(f"{file} is larger than a card, which has at most {LARGEST_BYTES} bytes")
        card = json.loads(content.decode("utf-8"), parse_constant=_no_number, object_pairs_hook=_once)
        _check_depth(card)
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"cannot read the card {file}: {error}") from error
    return card


def _check_depth(value: Any) -> None:
    level, depth = [value], 0
    while level:
        inner = [one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)]
        level, depth = [part for one in inner for part in one], depth + bool(inner)
        if depth > DEEPEST:
            raise ValueError(f"it is nested deeper than {DEEPEST} levels")


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number in JSON")


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError(f"a key occurs twice in {[name for name, _ in pairs]!r:.200}")
    return dict(pairs)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_NAME


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _are_colors(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(color, str) and re.fullmatch("#[0-9a-fA-F]{6}", color) for color in value.values()
    )


def _are_temperatures(value: Any) -> bool:
    return isinstance(value, dict) and all(
        key.partition(": ")[0] in TASKS and type(one) in (int, float) and 0.01 <= one <= 100
        for key, one in value.items()
    )


def _are_data_sets(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) and _is_text(one.get("name")) for one in value)


_FACTS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "name": (_is_text, f"a text of at most {LONGEST_NAME} characters"),
    "parameters": (lambda value: type(value) is int, "the number of its weights"),
    "normalisation": (lambda value: value == NORMALISATION, f"{NORMALISATION!r}: it was made for other numbers"),
    "colors": (_are_colors, "'#rrggbb' for each category"),
    "temperatures": (_are_temperatures, f"0.01 to 100 for some of {', '.join(TASKS)}, or for 'task: categories'"),
    "tasks": (_are_texts, "a list of names"),
    "bands": (_are_texts, "a list of descriptions"),
    "training_data": (_are_data_sets, "a list of data sets, each with its name"),
    "training": (lambda value: isinstance(value, dict), "an object"),
    "intended_use": (_is_text, f"a text of at most {LONGEST_NAME} characters"),
    "limits": (_are_texts, "a list of sentences"),
    "made_by": (_are_texts, "a list of commands and words"),
}
"""What the package itself reads, and how it must look. Cards of older versions lack some."""
