"""Checkpoints: safetensors weights and a JSON card in one folder; strict to load, and never unpickled."""

import dataclasses
import json
import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from stsun.bands import Band
from stsun.errors import CheckpointError, ConfigurationError
from stsun.model.config import STSUNConfig
from stsun.model.inference import usable
from stsun.model.stsun import STSUN
from stsun.tasks import TASKS

WEIGHTS, CARD = "model.safetensors", "card.json"
FORMAT = 1
CARD_LIMIT_BYTES = 4_000_000
NORMALISATION = "none: the model takes physical values (reflectance 0..1, or the band's unit), and squashes them itself"


def save(model: STSUN, folder: str | Path, card: Mapping[str, Any]) -> Path:
    """Write a model as ``model.safetensors`` and ``card.json``; return the folder.

    Args:
        model: The model; its architecture and vocabulary go into the card.
        folder: Made if need be; files in it are replaced whole, never half.
        card: What else is known: name, colours, training data and licences, bands seen, scores, seed. JSON values.

    Raises:
        CheckpointError: The folder cannot be written, or the card is no JSON.
    """
    folder = Path(folder)
    content = {
        "format": FORMAT,
        "library": "stsun",
        "architecture": dataclasses.asdict(model.config),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "normalisation": NORMALISATION,
        "colors": model.colors,
        "temperatures": model.temperatures,
        **card,
    }
    try:
        text = json.dumps(content, indent=2, allow_nan=False)
        folder.mkdir(parents=True, exist_ok=True)
        weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
        save_file(weights, folder / (WEIGHTS + ".part"), metadata={"format": "pt"})
        (folder / (CARD + ".part")).write_text(text + "\n", encoding="utf-8")
        for name in (WEIGHTS, CARD):
            (folder / (name + ".part")).replace(folder / name)
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
    model = _build(card, folder)
    model.name, model.colors = str(card.get("name") or folder.name), _colors(card, folder)
    model.temperatures = _temperatures(card, folder)
    model.checkpoint = weights
    model.load_state_dict(_read_weights(weights, model.state_dict()), strict=True)
    return model.to(home).eval()


def read_card(path: str | Path | None = None) -> dict[str, Any]:
    """Return the card of a checkpoint.

    Raises:
        CheckpointError: The card is missing, too large, or no JSON object of this format.
    """
    file = _files(path)[0] / CARD
    try:
        if file.stat().st_size > CARD_LIMIT_BYTES:
            raise CheckpointError(f"{file} has {file.stat().st_size} bytes; a card has at most {CARD_LIMIT_BYTES}")
        card = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"cannot read the card {file}: {error}") from error
    if not isinstance(card, dict) or card.get("library") != "stsun":
        raise CheckpointError(f'{file} is not the card of an STSUN checkpoint (no "library": "stsun" in it)')
    if card.get("format") != FORMAT:
        raise CheckpointError(f"{file} has format {card.get('format')!r}, this version reads {FORMAT}; update stsun")
    return card


def further_facts(path: str | Path | None = None) -> dict[str, Any]:
    """Return what a checkpoint's card tells beside what `save` knows of a model: to save the model anew, changed.

    Raises:
        CheckpointError: As in `read_card`.
    """
    own = ("format", "library", "architecture", "parameters", "normalisation", "colors", "temperatures")
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


def _build(card: Mapping[str, Any], folder: Path) -> STSUN:
    architecture = card.get("architecture")
    names = {field.name for field in dataclasses.fields(STSUNConfig)}
    if not isinstance(architecture, dict) or set(architecture) != names:
        found = sorted(architecture) if isinstance(architecture, dict) else architecture
        raise CheckpointError(f"the card of {folder} describes the architecture by {found}, expected {sorted(names)}")
    try:
        values = {name: _frozen(value) for name, value in architecture.items()}
        values["fixed_bands"] = tuple(Band(**band) for band in architecture["fixed_bands"])
        return STSUN(STSUNConfig(**values))
    except (ConfigurationError, TypeError, ValueError, RuntimeError, ZeroDivisionError) as error:
        raise CheckpointError(f"the card of {folder} describes no model that can be built: {error}") from error


def _colors(card: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Return the colours of categories; none in the card of an older version."""
    colors = card.get("colors", {})
    if not isinstance(colors, dict) or not all(
        re.fullmatch("#[0-9a-fA-F]{6}", str(color)) for color in colors.values()
    ):
        raise CheckpointError(f"the card of {folder} has the colors {colors!r}, expected '#rrggbb' for each category")
    return dict(colors)


def _temperatures(card: Mapping[str, Any], folder: Path) -> dict[str, float]:
    """Return the temperature of each task; none in the card of a model that is not calibrated."""
    found = card.get("temperatures", {})
    if not isinstance(found, dict) or not all(
        task in TASKS and type(value) in (int, float) and 0.01 <= value <= 100 for task, value in found.items()
    ):
        raise CheckpointError(
            f"the card of {folder} has the temperatures {found!r}, expected 0.01 to 100 for some of {', '.join(TASKS)}"
        )
    return {task: float(value) for task, value in found.items()}


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def _read_weights(file: Path, expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Read the weights after comparing names, shapes and types in the header, before anything is allocated."""
    try:
        with safe_open(file, framework="pt") as weights:
            found = {name: (tuple(part.get_shape()), part.get_dtype()) for name, part in _slices(weights)}
            wanted = {name: (tuple(tensor.shape), "F32") for name, tensor in expected.items()}
            differing = sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
            if differing:
                first = differing[0]
                raise CheckpointError(
                    f"{file}: {len(differing)} weights do not fit the card, first {first!r}: "
                    f"found {found.get(first, 'nothing')}, expected {wanted.get(first, 'nothing')}"
                )
            tensors = {name: weights.get_tensor(name) for name in wanted}
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"cannot read the weights {file}: {error}; the file may be truncated") from error
    broken = [name for name, tensor in tensors.items() if not tensor.isfinite().all()]
    if broken:
        raise CheckpointError(f"{file}: weights that are not finite: {', '.join(broken[:5])}; train again")
    return tensors


def _slices(weights: Any) -> list[tuple[str, Any]]:
    return [(name, weights.get_slice(name)) for name in weights.keys()]
