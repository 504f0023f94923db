"""Files of torch.export (.pt2): written from a traced network, and opened without this package."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.export import ExportedProgram

from stsun.export.portable import quiet

FACTS = "facts.json"


def write(program: ExportedProgram, path: Path, facts: Mapping[str, str]) -> None:
    """Write a traced network, with what it says of itself as its extra file ``facts.json``.

    Raises:
        OSError: The file cannot be written.
    """
    with quiet(), path.open("wb") as file:
        torch.export.save(program, file, extra_files={FACTS: json.dumps(dict(facts), indent=2)})


class Program:
    """A .pt2 file at work."""

    def __init__(self, path: Path) -> None:
        """Open a file."""
        extra = {FACTS: ""}
        with quiet(), path.open("rb") as file:
            program = torch.export.load(file, extra_files=extra)
        self.module = program.module()
        self.facts: dict[str, str] = json.loads(extra[FACTS])

    @torch.no_grad()
    def __call__(self, inputs: Sequence[Tensor]) -> Tensor:
        """Return the logits for input tensors: images (one for each date where sensors differ), valid, days."""
        *images, valid, days = inputs
        logits: Tensor = self.module(images[0] if len(images) == 1 else images, valid, days)
        return logits
