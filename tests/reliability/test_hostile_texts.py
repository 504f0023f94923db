"""Descriptions of strangers: YAML, JSON, XML and lists that want to run, to grow, to reach elsewhere, or never to end."""

import os
import time
from dataclasses import dataclass

import pytest

from stsun.adapters.folders import document, features
from stsun.archives.documents import read_json, read_xml
from stsun.archives.mtl import read_mtl
from stsun.bench.run import read_run
from stsun.errors import BenchmarkError, DataError, ExperimentError, RasterError
from stsun.raster.labels import read_polygons
from stsun.terminal import lines_of, printable
from stsun.yamlfile import LARGEST_YAML, load_yaml, read_text, validate, value_of

DEEP = "[" * 100_000
LONG_NUMBER = '{"features": ' + "9" * 5000 + "}"
SECONDS = 5.0


def soon(work, *arguments):
    """What is refused is refused soon, on however busy a machine."""
    started = time.process_time()
    with pytest.raises((DataError, RasterError, BenchmarkError, ExperimentError)) as caught:
        work(*arguments)
    assert time.process_time() - started < SECONDS
    return str(caught.value)


MERGES = "a: &a {k: 1}\n" + "".join(
    f"{n}: &{n} {{<<: [{', '.join(['*' + p] * 9)}]}}\n" for p, n in zip("abcdefg", "bcdefgh", strict=True)
)
PAIRS = "a: &a [1, 2]\n" + "".join(
    f"{n}: &{n} !!pairs [{', '.join([f'x: *{p}'] * 9)}]\n" for p, n in zip("abcdefg", "bcdefgh", strict=True)
)


@pytest.mark.parametrize(
    "text, message",
    [
        (MERGES, "no valid YAML"),
        (PAIRS, "holds the tag 'tag:yaml.org,2002:pairs'"),
        ("a: !!set {b, c}", "holds the tag"),
        ("a: !!binary aGk=", "holds the tag"),
        ("a: !!int '1'", "holds the tag"),
        ("a: !!python/object/apply:os.system ['true']", "holds the tag"),
        ("a: 12:30", "12:30 would be a number to the base of 60; put it in quotes"),
        ("a: " + "1:" * 300 + "1.5", "base of 60"),
        ("a: " + "9" * 5000, "no valid YAML"),
        ("&a [*a, *a]", "aliases stand for more"),
        ("a: \0", "no valid YAML"),
    ],
    ids=range(11),
)  # fmt: skip
def test_yaml_is_plain_values_or_nothing(tmp_path, text, message):
    (tmp_path / "a.yaml").write_text(text)
    assert message in soon(load_yaml, tmp_path / "a.yaml", DataError)
    assert message.removeprefix("no valid YAML") in soon(value_of, text, DataError)


def test_a_yaml_file_has_a_largest_size(tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"# " + b"x" * LARGEST_YAML)
    assert f"more than {LARGEST_YAML} bytes" in soon(load_yaml, tmp_path / "a.yaml", DataError)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "train.txt")
    assert "it is no file" in soon(read_text, tmp_path / "train.txt", DataError)


@dataclass(frozen=True)
class Row:
    path: str | list[str]


@dataclass(frozen=True)
class Rows:
    rows: list[Row]


def test_ten_thousand_wrong_rows_are_told_soon():
    message = soon(validate, {"rows": [{"path": {"a": 1}}] * 10_000}, Rows, DataError, "rows")
    assert message.startswith("rows: 10000 problems")


@pytest.mark.parametrize("text", [DEEP, LONG_NUMBER, "\ud800".encode("utf-8", "surrogatepass"), "[1", ""], ids=range(5))
def test_json_is_read_by_nobody_without_a_net(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    soon(document, path)
    soon(features, path)
    soon(read_json, path)
    soon(read_run, path)
    soon(read_polygons, path, 4, 4)


ENTITIES = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>'
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>'


@pytest.mark.parametrize(
    "content, message",
    [
        (ENTITIES, "declares a document type"), (OUTSIDE, "declares a document type"), (ENTITIES.encode("utf-16"), "is not UTF-8"),
        (ENTITIES.encode("utf-16-le"), "zero bytes"), ("<a>" + "<b/>" * 1_100_000 + "</a>", "elements"), ("<a>&lol;</a>", "is no XML"),
    ],
    ids=range(6),
)  # fmt: skip
@pytest.mark.parametrize("name", ["MTD_MSIL2A.xml", "LC08_MTL.xml"])
def test_xml_expands_nothing_and_names_nothing(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert message in soon(read_xml if name.startswith("MTD") else read_mtl, path)


def test_deeply_nested_xml_is_no_landsat_scene_and_crashes_nothing(tmp_path):
    (tmp_path / "LC08_MTL.xml").write_text("<a>" * 100_000 + "</a>" * 100_000)
    assert "expected the groups" in soon(read_mtl, tmp_path / "LC08_MTL.xml")


def test_names_move_no_cursor_and_hide_nothing():
    hostile = "\x1b]0;title\x07\x1b[2Jwater\x9b31m\u202egnp.exe"
    assert printable(f"caf\u00e9 {hostile}") == r"café \x1b]0;title\x07\x1b[2Jwater\x9b31m\u202egnp.exe"
    assert all(line == printable(line) for line in lines_of({hostile: {"bands": [{"name": hostile}], "crs": hostile}}))
