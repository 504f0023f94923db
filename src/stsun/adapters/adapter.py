"""An adapter: from a public data set's folder to the same description that a YAML file gives."""

import inspect
import json
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

from stsun.adapters import sets
from stsun.data.dataset import open_dataset
from stsun.data.description import Description
from stsun.errors import ConfigurationError, DataError
from stsun.raster.whole import whole_file
from stsun.sensors import sensor
from stsun.yamlfile import dump, value_of

Row = dict[str, Any]


@dataclass(frozen=True)
class Missing:
    """What a data set has officially, and a folder lacks: a sample, an image, or all of a split."""

    split: str
    what: str


Rows = Callable[..., Iterable[Row | Missing]]
"""From the data set's folder, and parameters with defaults, to rows as those of ``samples.jsonl``."""


@dataclass(frozen=True)
class Adapter:
    """A public data set: what is known of it, and how its folder is read.

    Args:
        name: Its name, that of its module with dashes.
        title: Its name as people write it, and what it is.
        licence: Under which terms it may be used.
        citation: The paper to cite.
        sources: Where the facts are from.
        layout: The files that the rows are made from, relative to the data set's folder.
        dates: How many dates a sample has, in words.
        splits: The official splits that have labels.
        description: Keys of a data set's description (docs/datasets.md), all but ``name``, ``samples`` and the above.
        rows: From the folder to its samples.
        doubts: What could not be confirmed, and the parameter or key that corrects it.
        tested: What the tests read it from.
    """

    name: str
    title: str
    licence: str
    citation: str
    sources: tuple[str, ...]
    layout: tuple[str, ...]
    dates: str
    splits: tuple[str, ...]
    description: Mapping[str, Any]
    rows: Rows
    doubts: tuple[str, ...] = ()
    tested: str = "miniature"

    @property
    def parameters(self) -> dict[str, Any]:
        """What can be chosen, with the defaults."""
        given = list(inspect.signature(self.rows).parameters.values())[1:]
        return {parameter.name: parameter.default for parameter in given}

    def facts(self) -> dict[str, Any]:
        """Return all that is known of the data set, but for its files, as plain values."""
        description = dict(self.description)
        return {
            "name": self.name,
            "title": self.title,
            "task": description["task"],
            "dates": self.dates,
            "bands": bands_in_words(description),
            "gsd_m": description.get("gsd_m"),
            "classes": dict(description["classes"]),
            "ignored": list(description.get("ignore", ())),
            "splits": list(self.splits),
            "licence": self.licence,
            "citation": self.citation,
            "layout": list(self.layout),
            "parameters": self.parameters,
            "sources": list(self.sources),
            "doubts": list(self.doubts),
            "tested_on": self.tested,
        }

    def describe(self, root: Path, /, **given: Any) -> dict[str, Any]:
        """Return what a YAML file in the data set's folder would hold.

        Args:
            root: The data set's folder, as downloaded and unpacked.
            given: Parameters of the adapter, or keys of the description to use in place of its own.

        Raises:
            DataError: The folder lacks files that the samples are listed by, or holds no sample.
            ConfigurationError: There is no such parameter or key, or a parameter cannot have this value.
        """
        rows = [entry for entry in self._entries(root, given) if not isinstance(entry, Missing)]
        if not rows:
            raise DataError(f"{root}: holds no sample of {self.name}; expected {', '.join(self.layout)}")
        head = {"name": self.name, "title": self.title, "licence": self.licence, "source": self.citation}
        changed = {name: value for name, value in given.items() if name not in self.parameters}
        return {**head, **self.description, **changed, "samples": rows}

    def missing(self, root: Path, /, **given: Any) -> list[Missing]:
        """Return what the folder lacks of the official data set, as far as that is known.

        The arguments and errors are those of `describe`.
        """
        return [entry for entry in self._entries(root, given) if isinstance(entry, Missing)]

    def _entries(self, root: Path, given: Mapping[str, Any]) -> list[Row | Missing]:
        self._check(given)
        if not root.is_dir():
            raise DataError(f"{root}: there is no such folder; give the one that {self.name} was unpacked to")
        try:
            return list(self.rows(root, **{name: value for name, value in given.items() if name in self.parameters}))
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as problem:
            raise DataError(
                f"{root}: cannot be read as {self.name} ({type(problem).__name__}: {problem}); expected "
                f"{', '.join(self.layout)} as they were downloaded"
            ) from problem

    def _check(self, given: Mapping[str, Any]) -> None:
        keys = {field.name for field in fields(Description)} - {"samples", "images", "labels", "dates", "valid"}
        unknown = sorted(set(given) - set(self.parameters) - keys)
        if unknown:
            has = ", ".join(f"{name}={default!r}" for name, default in self.parameters.items()) or "none"
            raise ConfigurationError(
                f"{self.name} has no parameter {unknown[0]!r}; it has {has}, and takes keys of a description"
            )
        for name, default in self.parameters.items():
            if name in given and type(given[name]) is not type(default):
                kind = "a whole number" if isinstance(default, int) else f"text (a number in quotes: {name}=\"'15'\")"
                raise ConfigurationError(f"{name} of {self.name} is {given[name]!r}, expected {kind} as {default!r}")


def given_of(texts: Iterable[str]) -> dict[str, Any]:
    """Return parameters from texts ``key=value``, the value as YAML.

    Raises:
        ConfigurationError: One is not of this form.
    """
    given: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise ConfigurationError(f"{text!r} is not of the form key=value, such as fold=2 or gsd_m=0.5")
        given[key] = value_of(value, ConfigurationError)
    return given


def name_of(module: str) -> str:
    """Return the data set's name that a module of ``sets`` stands for."""
    return module.replace("_", "-")


def adapter_names() -> tuple[str, ...]:
    """Return the names of all data sets that have an adapter."""
    return tuple(sorted(name_of(module.name) for module in pkgutil.iter_modules(sets.__path__)))


def adapter(name: str) -> Adapter:
    """Return the adapter of that name.

    Raises:
        ConfigurationError: There is none.
    """
    if name not in adapter_names():
        raise ConfigurationError(f"no data set {name!r} has an adapter; {instead_of(name, adapter_names())}")
    found: Adapter = import_module(f"{sets.__name__}.{name.replace('-', '_')}").ADAPTER
    return found


def instead_of(name: str, known: Sequence[str]) -> str:
    """Return what may be meant by a name that is not known: those like it, or all."""
    close = get_close_matches(name.lower().replace("_", "-"), known)
    return f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(known)}"


def bands_in_words(description: Mapping[str, Any]) -> str:
    """Return what a description says of bands: how many of which sensor, or their names."""
    if "sensors" in description:
        return "; ".join(f"{name}: {bands_in_words(entry)}" for name, entry in description["sensors"].items())
    bands = description["bands"]
    if isinstance(bands, str):
        return f"{len(sensor(bands).bands)} of {bands}"
    names = [band["name"] for band in bands]
    return f"{len(names)}: {', '.join(names)}" if len(names) <= 15 else f"{len(names)}: {names[0]} to {names[-1]}"


def described_at(name: str, root: Path) -> Path:
    """Return where the YAML file of a data set lies, or would lie."""
    return root / f"{name}.yaml"


def write_yaml(path: Path, mapping: Mapping[str, Any]) -> Path:
    """Write a description: a YAML file, and beside it the samples as ``.jsonl``; return the path of the latter.

    Raises:
        DataError: The description is wrong; nothing is written.
        RasterError: They cannot be written.
    """
    open_dataset(path, mapping)
    samples = path.with_suffix(".jsonl")
    with whole_file(path) as described, whole_file(samples) as listed:  # both are whole before one has its name
        listed.write_text("".join(json.dumps(row) + "\n" for row in mapping["samples"]), encoding="utf-8")
        described.write_text(dump({**mapping, "samples": samples.name}), encoding="utf-8")
    return samples
