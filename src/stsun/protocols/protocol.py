"""A protocol by name: the data set, the split, what is not scored, and which scores are quoted."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn

from stsun.adapters.adapter import Row, adapter, described_at, instead_of
from stsun.adapters.folders import tiles
from stsun.data.dataset import DataSet, open_dataset
from stsun.errors import ConfigurationError, DataError
from stsun.evaluation.boundary import Boundaries
from stsun.evaluation.evaluate import Progress, evaluate
from stsun.yamlfile import load_mapping, validate


@dataclass(frozen=True)
class Protocol:
    """A YAML file of this folder.

    Args:
        title: What is scored, in words.
        source: Who does so.
        data_set: Name of an adapter.
        scores: The scores that are quoted, by their keys (docs/scores.md), the most important first;
            ``categories.NAME.iou`` for one of a category.
        parameters: Of the adapter: fold, tile, domain, ...
        split: The split that is scored.
        crop: Side in pixels of the parts that its images are cut into, without overlap; 0 = they are scored whole.
        ignore: Categories that are not scored.
        boundary: Whether boundary IoU is counted, too.
        folds: The data set's folds, each with a protocol of its own, whose name and title end with its number.
        note: What else to know.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    title: str
    source: str
    data_set: str
    scores: list[str]
    parameters: dict[str, Any] = field(default_factory=dict)
    split: str = "test"
    crop: int = 0
    ignore: list[str] = field(default_factory=list)
    boundary: bool = False
    folds: list[int] = field(default_factory=list)
    note: str = ""

    def open(self, root: Path) -> DataSet:
        """Return the data set as the protocol wants it; with ``crop``, the split that is scored alone.

        Args:
            root: The data set's folder, as downloaded.

        Raises:
            DataError: The folder is not that of the data set, lacks samples of the split that is scored, or a category
                to ignore is none of it.
        """
        public = adapter(self.data_set)
        lacking = [one.what for one in public.missing(root, **self.parameters) if one.split == self.split]
        if lacking:
            raise DataError(
                f"{root}: lacks {len(lacking)} of what {self.split} of {self.data_set} has officially, such as "
                f"{lacking[0]}; scores without it are of another benchmark: add it, or score what is there with "
                "stsun data yaml and stsun evaluate --data"
            )
        mapping = _without(public.describe(root, **self.parameters), self.ignore)
        if self.crop:
            scored = [row for row in mapping["samples"] if row["split"] == self.split]
            mapping["samples"] = [part for row in scored for part in _cut(row, root, self.crop)]
        return open_dataset(described_at(self.data_set, root), mapping)


def protocol_names() -> tuple[str, ...]:
    """Return the names of all protocols."""
    return tuple(_shipped())


def protocol(name: str) -> Protocol:
    """Return the protocol of that name.

    Raises:
        ConfigurationError: There is none.
    """
    if name not in _shipped():
        raise ConfigurationError(f"no protocol {name!r}; {instead_of(name, protocol_names())}")
    return _shipped()[name]


@cache
def _shipped() -> dict[str, Protocol]:
    """Return the protocols of all files by their names, in order."""
    found: dict[str, Protocol] = {}
    for file in files(__package__ or "stsun.protocols").iterdir():
        if file.name.endswith(".yaml"):
            path = Path(str(file))
            one = validate(load_mapping(path, ConfigurationError), Protocol, ConfigurationError, str(path))
            folds = {
                str(fold): replace(one, title=f"{one.title} {fold}", parameters={"fold": fold}) for fold in one.folds
            }
            found |= {f"{path.stem}{number}": each for number, each in (folds or {"": one}).items()}
    return dict(sorted(found.items()))


def evaluate_by(
    name: str,
    model: nn.Module,
    root: str | Path,
    *,
    device: str | torch.device | None = None,
    progress: Progress | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Return the scores of a model as a protocol asks for them.

    Args:
        name: Of the protocol.
        model: As in ``stsun.evaluate``.
        root: The data set's folder, as downloaded.
        device: As in ``stsun.evaluate``.
        progress: As in ``stsun.evaluate``.
        seed: As in ``stsun.evaluate``.

    Returns:
        What ``stsun.evaluate`` gives, with ``protocol`` and its ``title``, ``source`` and ``note``, ``quoted``: the
        scores that it quotes, and, where it counts boundaries, what `stsun.evaluation.boundary.Boundaries` gives.

    Raises:
        StsunError: There is no such protocol, or as ``stsun.evaluate``.
    """
    chosen = protocol(name)
    boundaries = Boundaries() if chosen.boundary else None
    scores = evaluate(
        model, chosen.open(Path(root)), chosen.split, device=device, progress=progress, watch=boundaries, seed=seed
    )
    if boundaries is not None:
        scores |= boundaries.scores(list(scores["categories"]), seed=seed)
    told = {"protocol": name, "title": chosen.title, "source": chosen.source, "note": chosen.note}
    return {**told, "quoted": {key: quoted(scores, key) for key in chosen.scores}, **scores}


def quoted(scores: Mapping[str, Any], key: str) -> float | None:
    """Return one score by its key; None where it is undefined.

    Raises:
        ConfigurationError: The scores have no such key.
    """
    found: Any = scores
    for part in key.split("."):
        if not isinstance(found, Mapping) or part not in found:
            raise ConfigurationError(f"the protocol quotes {key!r}, but there is no {part!r} among the scores")
        found = found[part]
    return None if found is None else float(found)


def _cut(row: Row, root: Path, side: int) -> Iterator[Row]:
    """Yield the parts of a sample whose files are of one size."""
    file = row["images"][0]["path"]
    for place, window in tiles(root / (file if isinstance(file, str) else file[0]), side):
        yield {**row, "id": f"{row['id']}/{place}", "window": window}


def _without(mapping: dict[str, Any], categories: list[str]) -> dict[str, Any]:
    """Return a description in which some categories are not scored."""
    values = {name: value for value, name in mapping["classes"].items()}
    unknown = [name for name in categories if name not in values]
    if unknown:
        raise DataError(f"the protocol ignores {unknown[0]!r}, which is none of {', '.join(values)}")
    classes = {value: name for value, name in mapping["classes"].items() if name not in categories}
    return {
        **mapping,
        "classes": classes,
        "ignore": [*mapping.get("ignore", ()), *(values[name] for name in categories)],
    }
