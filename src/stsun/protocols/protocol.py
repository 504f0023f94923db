"""A protocol by name: the data set, the split, what is not scored, and which scores are quoted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn

from stsun.adapters.adapter import adapter, described_at
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
        task: Asked for instead of the data set's own.
        ignore: Categories that are not scored.
        boundary: Whether boundary IoU is counted, too.
        folds: The protocols whose scores are averaged; empty = it stands alone.
        note: What else to know.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    title: str
    source: str
    data_set: str
    scores: list[str]
    parameters: dict[str, Any] = field(default_factory=dict)
    split: str = "test"
    task: str | None = None
    ignore: list[str] = field(default_factory=list)
    boundary: bool = False
    folds: list[str] = field(default_factory=list)
    note: str = ""

    def open(self, root: Path) -> DataSet:
        """Return the data set as the protocol wants it.

        Args:
            root: The data set's folder, as downloaded.

        Raises:
            DataError: The folder is not that of the data set, or a category to ignore is none of it.
        """
        mapping = _without(adapter(self.data_set).describe(root, **self.parameters), self.ignore)
        return open_dataset(described_at(self.data_set, root), mapping)


def protocol_names() -> tuple[str, ...]:
    """Return the names of all protocols."""
    shipped = files(__package__ or "stsun.protocols").iterdir()
    return tuple(sorted(file.name.removesuffix(".yaml") for file in shipped if file.name.endswith(".yaml")))


def protocol(name: str) -> Protocol:
    """Return the protocol of that name.

    Raises:
        ConfigurationError: There is none.
    """
    if name not in protocol_names():
        raise ConfigurationError(f"no protocol {name!r}; there are {', '.join(protocol_names())}")
    path = Path(str(files(__package__ or "stsun.protocols").joinpath(f"{name}.yaml")))
    return validate(load_mapping(path, ConfigurationError), Protocol, ConfigurationError, str(path))


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
        What ``stsun.evaluate`` gives, with ``protocol``, ``quoted``: the scores that the protocol quotes, and, where it
        counts boundaries, what `stsun.evaluation.boundary.Boundaries` gives.

    Raises:
        StsunError: There is no such protocol, or as ``stsun.evaluate``.
    """
    chosen = protocol(name)
    boundaries = Boundaries() if chosen.boundary else None
    scores = evaluate(
        model, chosen.open(Path(root)), chosen.split, task=chosen.task, device=device, progress=progress,
        watch=boundaries, seed=seed,
    )  # fmt: skip
    if boundaries is not None:
        scores |= boundaries.scores(list(scores["categories"]), seed=seed)
    return {"protocol": name, "quoted": {key: quoted(scores, key) for key in chosen.scores}, **scores}


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
