"""Hugging Face: ``save_pretrained`` and ``from_pretrained`` on local folders, as ``PyTorchModelHubMixin`` has them."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import yaml

from stsun.errors import CheckpointError
from stsun.files import write_text
from stsun.model import checkpoint
from stsun.model.stsun import STSUN

CONFIG, README = "config.json", "README.md"
TAGS = ("remote-sensing", "earth-observation", "satellite-imagery", "semantic-segmentation", "change-detection")
PIPELINE = "image-segmentation"


def save_pretrained(
    model: STSUN,
    folder: str | Path,
    *,
    card: Mapping[str, Any] | None = None,
    licence: str | None = None,
    tags: Sequence[str] = (),
) -> Path:
    """Write a folder that can be uploaded to the hub as it is; return it.

    Beside the checkpoint (``model.safetensors`` and ``card.json``, which `stsun.load` reads) it holds ``config.json``,
    the architecture, and ``README.md``, a model card with its YAML head.

    Args:
        model: The model.
        folder: Made if need be.
        card: What else is known (see `stsun.model.checkpoint.save`); None = what the checkpoint's card told that the
            model was loaded from, if it was.
        licence: Identifier of the weights' licence on the hub, such as ``apache-2.0``; None = left out of the head.
        tags: Beside those of the field.

    Raises:
        CheckpointError: The folder cannot be written, or the card is no JSON.
    """
    folder = Path(folder)
    if card is None:
        card = {} if model.checkpoint is None else checkpoint.further_facts(model.checkpoint)
    card = {"name": model.name, **card}
    config = {"library_name": "stsun", "architectures": ["STSUN"], **dataclasses.asdict(model.config)}
    checkpoint.save(model, folder, card)
    write_text(folder / CONFIG, json.dumps(config, indent=2) + "\n", CheckpointError)
    write_text(folder / README, model_card(model, card, licence=licence, tags=tags), CheckpointError)
    return folder


def from_pretrained(folder: str | Path, *, device: str | torch.device = "cpu") -> STSUN:
    """Return the model of a folder as it is on the hub, in evaluation mode.

    Args:
        folder: A local folder. Nothing is downloaded: ``huggingface_hub.snapshot_download`` gives one.
        device: Where to put the model.

    Raises:
        CheckpointError: There is no such folder, a file is missing or damaged, or the files do not fit one another.
        ConfigurationError: This machine has no such device.
    """
    if not Path(folder).is_dir():
        raise CheckpointError(
            f"{folder} is no local folder, and nothing is downloaded here; get it first, for example with "
            "huggingface_hub.snapshot_download, and give the folder that this returns"
        )
    return checkpoint.load(folder, device=device)


def model_card(model: STSUN, card: Mapping[str, Any], *, licence: str | None = None, tags: Sequence[str] = ()) -> str:
    """Return the text of a model card: a YAML head as the hub reads it, and what a user must know."""
    head: dict[str, Any] = {
        "library_name": "stsun",
        "pipeline_tag": PIPELINE,
        "tags": list(dict.fromkeys((*TAGS, *tags))),
    }
    if licence is not None:
        head["license"] = licence
    count = sum(parameter.numel() for parameter in model.parameters())
    parts = [
        f"---\n{yaml.safe_dump(head, sort_keys=False)}---",
        f"# {card.get('name') or model.name}",
        f"A spatial-temporal-spectral unified network (arXiv 2505.12280) of size `{model.config.size}`, with {count} "
        "parameters: dense prediction from any bands, dates and size. It takes physical values (reflectance 0 to 1, or "
        "the band's unit) and what the bands are; see the documentation of `stsun`.",
        '## Use\n\n```python\nimport stsun\n\nmodel = stsun.load("path/to/this/folder")\n```',
        *_intended(card),
        *_answers(model),
        *_bands(card),
        *_training(card),
    ]
    return "\n\n".join(parts) + "\n"


def _intended(card: Mapping[str, Any]) -> list[str]:
    """Return what a card says for people: what the weights are for, what they cannot, how they were made."""
    sections = [f"## Intended use\n\n{card['intended_use']}"] if "intended_use" in card else []
    for name, title in (("limits", "Limits"), ("made_by", "How the weights were made")):
        if name in card:
            sections.append("\n".join([f"## {title}\n", *(f"- {one}" for one in card[name])]))
    return sections


def _answers(model: STSUN) -> list[str]:
    answers = model.config.task_categories or (("categories", model.categories),)
    return ["## Answers", "\n".join(f"- {task}: {', '.join(names)}" for task, names in answers)]


def _bands(card: Mapping[str, Any]) -> list[str]:
    bands = card.get("bands", ())
    return ["## Bands seen in training", "\n".join(f"- {band}" for band in bands)] if bands else []


def _training(card: Mapping[str, Any]) -> list[str]:
    data = card.get("training_data", ())
    rows = [f"- {one['name']}: {one.get('title', '')} ({one.get('licence') or 'licence not told'})" for one in data]
    return ["## Training data", "\n".join(rows)] if rows else []
