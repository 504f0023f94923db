"""Checkpoints: safetensors weights and a JSON card in one folder; strict to load, and never unpickled."""

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.overrides import TorchFunctionMode

from stsun import __version__
from stsun.errors import CheckpointError
from stsun.files import filled
from stsun.model.card import CARD, FORMAT, NORMALISATION, architecture_of, read
from stsun.model.inference import usable
from stsun.model.stsun import STSUN
from stsun.tasks import TASKS

WEIGHTS = "model.safetensors"

SLACK = 1_000_000
"""Numbers that a card may want beside twice those in its file, so that what differs can be told by its name."""


def save(model: STSUN, folder: str | Path, card: Mapping[str, Any]) -> Path:
    """Write a model as ``model.safetensors`` and ``card.json``; return the folder.

    Args:
        model: The model; its architecture, vocabulary and tasks go into the card, and this package's version.
        folder: Made if need be; files in it are replaced whole, never half.
        card: What else is known: name, colours, training data and licences, bands seen, scores, seed. JSON values.

    Raises:
        CheckpointError: The folder cannot be written, the card is no JSON, or a weight is not finite.
    """
    folder = Path(folder)
    content = {
        "format": FORMAT,
        "library": "stsun",
        "version": __version__,
        "architecture": dataclasses.asdict(model.config),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "normalisation": NORMALISATION,
        "tasks": [task for task, _ in model.config.task_categories] or list(TASKS),
        "colors": model.colors,
        "temperatures": model.temperatures,
        **card,
    }
    try:
        text = json.dumps(content, indent=2, allow_nan=False)
        weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
        _check_finite(weights, folder)
        with filled(folder, last=WEIGHTS) as unfinished:  # where weights are, there is their card
            save_file(weights, unfinished / WEIGHTS, metadata={"format": "pt"})
            (unfinished / CARD).write_text(text + "\n", encoding="utf-8")
    except (OSError, TypeError, ValueError, SafetensorError) as error:
        raise CheckpointError(f"cannot write the checkpoint {folder}: {error}") from error
    return folder


def load(path: str | Path | None = None, *, device: str | torch.device = "cpu") -> STSUN:
    """Return the model of a checkpoint, in evaluation mode; without a path the one that ships with the package.

    Args:
        path: The folder, or a ``.safetensors`` file with its card beside it.
        device: Where to put the model.

    Raises:
        CheckpointError: A file is missing or damaged, or weights and card do not fit each other.
        ConfigurationError: This machine has no such device.
    """
    home = usable(device)
    folder, weights = _files(path)
    card = read_card(path)
    held = _header(weights)
    model = _built(card, folder / CARD, sum(math.prod(shape) for shape, _ in held.values()))
    tensors = _read_weights(weights, held, model.state_dict())
    count = sum(tensor.numel() for tensor in tensors.values())
    if card.get("parameters", count) != count:
        raise CheckpointError(f"the card of {folder} tells {card['parameters']} parameters, there are {count}")
    model.load_state_dict(tensors, strict=True)
    model.name, model.colors = str(card.get("name") or folder.name), dict(card.get("colors", {}))
    model.temperatures = {task: float(value) for task, value in card.get("temperatures", {}).items()}
    model.checkpoint = weights
    return model.to(home).eval()


def read_card(path: str | Path | None = None) -> dict[str, Any]:
    """Return the card of a checkpoint.

    Raises:
        CheckpointError: The card is missing, too large or too deep, no JSON object of this format, or says what none
            can.
    """
    return read(_files(path)[0] / CARD)


def further_facts(path: str | Path | None = None) -> dict[str, Any]:
    """Return what a checkpoint's card tells beside what `save` knows of a model: to save the model anew, changed.

    Raises:
        CheckpointError: As in `read_card`.
    """
    own = {
        "format", "library", "version", "architecture", "parameters", "normalisation", "tasks", "colors",
        "temperatures",
    }  # fmt: skip
    return {name: value for name, value in read_card(path).items() if name not in own}


def _files(path: str | Path | None) -> tuple[Path, Path]:
    """Return the folder of a checkpoint, which holds its card, and the file of its weights."""
    path = Path(str(resources.files("stsun") / "checkpoints" / "tiny")) if path is None else Path(path)
    if path.suffix == ".safetensors" and not path.is_dir():
        folder, weights = path.parent, path
    else:
        folder, weights = path, path / WEIGHTS
    for file in (weights, folder / CARD):
        if not file.is_file():
            raise CheckpointError(
                f"{path} is no checkpoint: {folder} has no {file.name}; expected {weights.name} and {CARD} in it"
            )
    return folder, weights


class _Budget(TorchFunctionMode):
    """Ends the making of layers that want more than so many numbers, before there is memory for them."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._left = most

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function in (torch.empty, torch.randn):
            self._left -= torch.empty(*args).numel()  # what is not written to has no memory yet
            if self._left < 0:
                raise CheckpointError("its weights do not fit the card, expected many more")
        return function(*args, **(kwargs or {}))


def _built(card: Mapping[str, Any], file: Path, held: int) -> STSUN:
    """Return the model that a card describes, with random weights, if the file holds about as many as it wants."""
    config = architecture_of(card, file)
    try:
        with torch.random.fork_rng(devices=[]), _Budget(SLACK + 2 * held):
            return STSUN(config)
    except (ValueError, RuntimeError, ZeroDivisionError, CheckpointError) as error:
        raise CheckpointError(f"{file} describes no model that can be built: {error}") from error


def _header(file: Path) -> dict[str, tuple[tuple[int, ...], str]]:
    """Return shape and type of each weight in a file, read from its header alone."""
    with _explained(file), safe_open(file, framework="pt") as weights:
        parts = {name: weights.get_slice(name) for name in weights.keys()}
        return {name: (tuple(part.get_shape()), part.get_dtype()) for name, part in parts.items()}


def _read_weights(
    file: Path, held: Mapping[str, tuple[tuple[int, ...], str]], expected: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    wanted = {name: (tuple(tensor.shape), "F32") for name, tensor in expected.items()}
    differing = sorted(name for name in held.keys() | wanted.keys() if held.get(name) != wanted.get(name))
    if differing:
        first = differing[0]
        raise CheckpointError(
            f"{file}: {len(differing)} weights do not fit the card, first {first!r}: "
            f"found {held.get(first, 'nothing')}, expected {wanted.get(first, 'nothing')}"
        )
    with _explained(file), safe_open(file, framework="pt") as weights:
        tensors = {name: weights.get_tensor(name) for name in wanted}
    _check_finite(tensors, file)
    return tensors


@contextmanager
def _explained(file: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"cannot read the weights {file}: {error}; the file may be truncated") from error


def _check_finite(weights: Mapping[str, Tensor], where: Path) -> None:
    broken = [name for name, tensor in weights.items() if not tensor.isfinite().all()]
    if broken:
        raise CheckpointError(f"{where}: weights that are not finite: {', '.join(broken[:5])}; train again")
