"""YAML into dataclasses: nothing unknown, nothing twice, all problems at once, each with its place."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar

import pytest

from stsun.errors import DataError, ExperimentError
from stsun.yamlfile import load_mapping, validate


@dataclass(frozen=True)
class Part:
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    name: str
    wavelength_nm: float | None = None


@dataclass(frozen=True)
class Whole:
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    name: str
    count: int = 1
    parts: list[Part] | str | None = None
    days: list[str | None] = field(default_factory=list)
    values: dict[int, str] = field(default_factory=dict)


def read(tmp_path, text, error=DataError):
    path = tmp_path / "file.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return validate(load_mapping(path, error), Whole, error, str(path))


def test_a_right_file_becomes_the_dataclass(tmp_path):
    whole = read(tmp_path, "name: a\ncount: 2\nparts: [{name: red, wavelength_nm: 665}]\nvalues: {0: x, 255: y}\n")
    assert whole == Whole("a", 2, [Part("red", 665.0)], [], {0: "x", 255: "y"})


def test_days_stay_text_and_numbers_may_be_written_1e_4(tmp_path):
    whole = read(tmp_path, "name: a\ndays: [2019-09-18, null]\nparts: [{name: x, wavelength_nm: 1e3}]")
    assert whole.days == ["2019-09-18", None] and whole.parts[0].wavelength_nm == 1000


def test_a_value_may_be_repeated_by_an_alias(tmp_path):
    assert read(tmp_path, "name: &n a\nparts: [{name: *n}]").parts == [Part("a")]


@pytest.mark.parametrize(
    "text, message",
    [
        ("name: a\nname: b", "the key 'name' occurs twice"),
        ("name: a\nparts: [{name: b, name: c}]", "the key 'name' occurs twice"),
        ("name: [", "no valid YAML"),
        ("name: a\nparts: [{? [x] : y}]", "is a list or a mapping"),
        ("name: !!python/object/apply:os.getcwd []", "no valid YAML"),
        ("[" * 50 + "]" * 50, "nested deeper"),
        ("a: &a [" + "x," * 9 + "]\n" + "".join(f"{c}: &{c} [{f'*{p},' * 9}]\n" for p, c in pairwise("abcdefgh")), "aliases stand for more"),
        ("a: &a [*a]", "aliases stand for more"),
        ("", "got an empty file"),
        ("- a", "expected keys and values .*got a list"),
        (b"name: \xff", "byte 6 is not UTF-8"),
        ("count: 1", "name: required, but missing"),
        ("name: a\ncuont: 1", "cuont: unknown key 'cuont'; did you mean 'count'?"),
        ("name: a\nzzz: 1", "unknown key 'zzz'; expected one of name, count, parts, days, values"),
        ("name: a\nparts: [{name: b, wavelength: 1}]", "parts.0.wavelength: unknown key 'wavelength'; did you mean 'wavelength_nm'"),
        ("name: a\ncount: many", "count: got 'many', expected a valid integer"),
        ("name: 3", "name: got 3, expected a valid string"),
        ("name: a\nvalues: {x: y}", "values.x: got 'x', expected a valid integer"),
    ],
)  # fmt: skip
def test_wrong_files_are_refused_with_the_place_and_the_remedy(tmp_path, text, message):
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path, text)
    assert str(tmp_path / "file.yaml") in str(caught.value)


def test_all_problems_are_told_at_once_and_once_each(tmp_path):
    with pytest.raises(ExperimentError) as caught:
        read(
            tmp_path, "count: many\nparts: [{name: b, wavelength: 1}, {wavelength_nm: red}]\nother: 1", ExperimentError
        )
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("6 problems") and len(lines) == 7
    for place in ("name", "count", "parts.0.wavelength", "parts.1.name", "parts.1.wavelength_nm", "other"):
        assert sum(line.startswith(f"  - {place}: ") for line in lines) == 1


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.yaml: there is no such file"):
        load_mapping(tmp_path / "none.yaml", DataError)
    with pytest.raises(DataError, match="cannot be read"):
        load_mapping(tmp_path, DataError)


def test_yes_no_on_and_off_are_words(tmp_path):
    whole = read(tmp_path, "name: no\nvalues: {0: off, 1: yes}")
    assert (whole.name, whole.values) == ("no", {0: "off", 1: "yes"})
    with pytest.raises(DataError, match=r"parts\.0\.wavelength_nm: got 'no', expected a valid number"):
        read(tmp_path, "name: a\nparts: [{name: b, wavelength_nm: no}]")
