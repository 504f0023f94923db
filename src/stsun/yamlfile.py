"""YAML files into frozen dataclasses: nothing unknown, nothing twice, every problem told at once."""

import copy
import dataclasses
import difflib
import re
import typing
from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BeforeValidator, TypeAdapter, ValidationError

from stsun.errors import StsunError

T = TypeVar("T")

UNKNOWN_KEY = ("unexpected_keyword_argument", "extra_forbidden")
MAXIMUM_DEPTH = 30
MAXIMUM_VALUES = 100_000
LARGEST_YAML, LARGEST_TEXT = 2**24, 2**30
"""Bytes of a YAML file, 160 for each of its values; and of a list of samples."""


def _no_truth(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("expected a number")
    return value


Number = Annotated[float, BeforeValidator(_no_truth)]
"""A number; true and false are none."""
Whole = Annotated[int, BeforeValidator(_no_truth)]
"""A whole number; true and false are none."""

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    """Safe YAML without repeated keys.

    Days stay text, so that one reader of dates decides what they mean. Words and whole numbers are those of YAML 1.2:
    `nodata: no` must not become the number 0, nor `010` the number 8.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                problem = f"the key {key!r} is a list or a mapping; keys are plain words or numbers"
                raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
            if key in seen:
                problem = f"the key {key!r} occurs twice; keep one of the two"
                raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
            seen.add(key)
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return mapping


class _Dumper(yaml.SafeDumper):
    """Plain YAML without anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_DAY, _TRUTH, _WHOLE = (f"tag:yaml.org,2002:{kind}" for kind in ("timestamp", "bool", "int"))
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in (_DAY, _TRUTH, _WHOLE)]
    for first, resolvers in _Base.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_TRUTH, re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_Loader.add_implicit_resolver(_WHOLE, re.compile(r"[-+]?(?:0|[1-9][0-9]*|0x[0-9a-fA-F]{1,16})$"), list("-+0123456789"))
_SIXTIES = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")


def load_mapping(path: Path, error: type[StsunError]) -> dict[Any, Any]:
    """Return the keys and values of a file, as ``load_yaml`` does.

    Raises:
        StsunError: Of the kind ``error``: as ``load_yaml``, or the file holds something else than keys and values.
    """
    data = load_yaml(path, error)
    if not isinstance(data, dict):
        found = "an empty file" if data is None else f"a {type(data).__name__}"
        raise error(f"{path}: expected keys and values such as 'name: ...', got {found}")
    return data


def load_yaml(path: Path, error: type[StsunError]) -> Any:
    """Return the file's content as plain lists, mappings, numbers and text.

    Raises:
        StsunError: Of the kind ``error``: the file is missing, is no UTF-8 or no YAML, or repeats a key.
    """
    return _plain(read_text(path, error, LARGEST_YAML), error, f"{path}: this is no valid YAML")


def value_of(text: str, error: type[StsunError]) -> Any:
    """Return one value written as in a YAML file.

    Raises:
        StsunError: Of the kind ``error``: it is none.
    """
    return _plain(text, error, f"{text!r:.200} is no YAML value")


def dump(mapping: Mapping[str, Any]) -> str:
    """Return a mapping as the text of a YAML file, in its order, innermost lists and mappings on one line each."""
    return yaml.dump(dict(mapping), Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=120)


def read_text(path: Path, error: type[StsunError], most: int = LARGEST_TEXT) -> str:
    """Return the text of a UTF-8 file of at most so many bytes.

    Raises:
        StsunError: Of the kind ``error``: the file is missing, no file, not readable, too large or not UTF-8.
    """
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for, a device never end
            raise OSError(None, "it is no file")
        with path.open("rb") as file:
            content = file.read(most + 1)
        if len(content) > most:
            raise error(f"{path}: has more than {most} bytes, which is the most that is read; split it")
        return content.decode("utf-8-sig")
    except FileNotFoundError as problem:
        raise error(f"{path}: there is no such file; check the path") from problem
    except OSError as problem:
        raise error(f"{path}: cannot be read ({problem.strerror}); give a text file that is readable") from problem
    except UnicodeDecodeError as problem:
        raise error(f"{path}: byte {problem.start} is not UTF-8 text; save the file as UTF-8") from problem


def validate(data: object, kind: type[T], error: type[StsunError], where: str) -> T:
    """Return plain data as ``kind``, a standard dataclass.

    Raises:
        StsunError: Of the kind ``error``, with ``where`` and every field that does not fit.
    """
    value, problems = parse(data, kind)
    if value is None or problems:
        raise error(listed(where, problems))
    return value


def parse(data: object, kind: type[T]) -> tuple[T | None, list[str]]:
    """Return plain data as ``kind`` with all that does not fit; None where more than unknown keys is wrong."""
    adapter = _adapter(typing.cast(Hashable, kind))
    try:
        return adapter.validate_python(data), []
    except ValidationError as problem:
        lines = _problems(problem, data, kind)
        known = _without_unknown_keys(problem, data)
    try:
        return adapter.validate_python(known), lines
    except ValidationError:
        return None, lines


@cache
def _adapter(kind: Hashable) -> TypeAdapter[Any]:  # as dear as checking a hundred rows
    return TypeAdapter(typing.cast(Any, kind))


def listed(where: str, problems: Sequence[str]) -> str:
    """Return problems as one message: a single one in its line, several below one another."""
    if len(problems) == 1:
        return f"{where}: {problems[0]}"
    return f"{where}: {len(problems)} problems\n" + "\n".join(f"  - {problem}" for problem in problems)


def _plain(text: str, error: type[StsunError], where: str) -> Any:
    try:
        _check_events(text)
        return _bounded(yaml.load(text, Loader=_Loader))
    except (yaml.YAMLError, ValueError) as problem:  # a ValueError: a number of thousands of digits
        raise error(f"{where}: {' '.join(str(problem).split())}") from problem


def _check_events(text: str) -> None:
    # before anything is built, because the parser itself recurses, and a tag says what is to be built
    depth = 0
    for event in yaml.parse(text, Loader=_Base):
        if (tag := getattr(event, "tag", None)) is not None:
            raise yaml.YAMLError(f"it holds the tag {tag!r:.200}, expected plain values; take it out")
        if isinstance(event, yaml.ScalarEvent) and event.implicit[0] and _SIXTIES.fullmatch(event.value):
            raise yaml.YAMLError(f"{event.value:.50} would be a number to the base of 60; put it in quotes")
        depth += isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent)
        depth -= isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent)
        if depth > MAXIMUM_DEPTH:
            raise yaml.YAMLError(f"nested deeper than {MAXIMUM_DEPTH} levels; flatten it")


def _bounded(data: Any) -> Any:
    """Refuse aliases that repeat a value without end, or so often that checking it would not end."""
    waiting, count = [(data, 0)], 0
    while waiting:
        value, depth = waiting.pop()
        count += 1
        if depth > MAXIMUM_DEPTH or count > MAXIMUM_VALUES:
            raise yaml.YAMLError(f"its aliases stand for more than {MAXIMUM_VALUES} values; write them out, once each")
        children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        waiting.extend((child, depth + 1) for child in children)
    return data


def _problems(problem: ValidationError, data: object, kind: type[Any]) -> list[str]:
    found: dict[tuple[Hashable, ...], list[str]] = {}
    branches: set[tuple[Hashable, ...]] = set()
    for item in problem.errors(include_url=False, include_context=False):
        path, union = _real_path(item["loc"], data, missing=item["type"] in ("missing", "missing_argument"))
        if union is not None:
            branches.add(union)
        found.setdefault(path, []).append(_sentence(item, path, kind))
    # where a value may take several forms, the form that it fits best tells the problem: the one that got deepest
    hidden = branches & {deep[:length] for deep in found for length in range(len(deep))}
    return [
        f"{_dotted(path)}: {' or '.join(dict.fromkeys(messages))}"
        for path, messages in found.items()
        if path not in hidden
    ]


def _without_unknown_keys(problem: ValidationError, data: object) -> object:
    copied = copy.deepcopy(data)
    for item in problem.errors(include_url=False, include_context=False):
        if item["type"] in UNKNOWN_KEY:
            *parents, key = _real_path(item["loc"], data, missing=False)[0]
            place: Any = copied
            for part in parents:
                place = place[part]
            place.pop(key, None)
    return copied


def _real_path(
    location: Sequence[int | str], data: object, *, missing: bool
) -> tuple[tuple[Hashable, ...], tuple[Hashable, ...] | None]:
    """Return the keys and indices in the data, and where the first choice between several forms was."""
    path: list[Hashable] = []
    union: tuple[Hashable, ...] | None = None
    for number, part in enumerate(location):
        known, data = _step(data, part)
        if known or (missing and number == len(location) - 1):
            path.append(part)
        elif union is None:
            union = tuple(path)
    return tuple(path), union


def _step(data: object, part: int | str) -> tuple[bool, object]:
    if isinstance(data, dict) and part in data:
        return True, data[part]
    if isinstance(data, list | tuple) and isinstance(part, int) and 0 <= part < len(data):
        return True, data[part]
    return False, data


def _sentence(item: Any, path: tuple[Hashable, ...], kind: type[Any]) -> str:
    if item["type"] in UNKNOWN_KEY:
        names = _fields_at(kind, path[:-1])
        close = difflib.get_close_matches(str(path[-1]), names, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"expected one of {', '.join(names)}"
        return f"unknown key {path[-1]!r}; {hint}"
    if item["type"] in ("missing", "missing_argument"):
        return "required, but missing; add it"
    message = item["msg"].removeprefix("Value error, ").replace("Input should be ", "expected ")
    return f"got {_short(item['input'])}, {message}"


def _fields_at(kind: type[Any], path: Iterable[Hashable]) -> list[str]:
    kinds = [kind]
    for part in path:
        hints = [
            typing.get_type_hints(one)[part]
            for one in kinds
            if isinstance(part, str) and part in typing.get_type_hints(one)
        ]
        if hints:
            kinds = [one for hint in hints for one in _dataclasses_in(hint)]
    return [field.name for one in kinds for field in dataclasses.fields(one)]


def _dataclasses_in(hint: Any) -> list[Any]:
    if dataclasses.is_dataclass(hint):
        return [hint]
    return [one for argument in typing.get_args(hint) for one in _dataclasses_in(argument)]


def _dotted(path: Iterable[Hashable]) -> str:
    return ".".join(str(part) for part in path) or "the file"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
