"""Exports: a model and a configuration become one file, which is tried before it gets its name."""

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from stsun.configuration import Configuration
from stsun.errors import ConfigurationError, ExportError
from stsun.export import onnx_file, pt2_file
from stsun.export.facts import facts_of
from stsun.export.portable import Portable, flat, input_names, scene, traced
from stsun.files import appearing
from stsun.model.specialise import specialise
from stsun.model.stsun import STSUN

FORMATS = ("onnx", "pt2")
WEIGHTS = {"float32": 1e-4, "float16": 0.1, "int8": 2.0}
"""How weights may be stored, and by how much the file's logits may differ from the network's."""

TRIED_SIZE = (65, 47)
"""Odd, so that every padding is needed; not the size that was traced."""


@dataclass(frozen=True)
class Export:
    """A file that was written and tried.

    Args:
        path: The file.
        size_bytes: Its size.
        parameters: Numbers that the specialised network holds.
        difference: The largest difference of its logits from the network's, on random images of an odd size.
        logits: The largest of these logits, to compare with.
    """

    path: Path
    size_bytes: int
    parameters: int
    difference: float
    logits: float


def export(
    model: STSUN,
    configuration: Configuration,
    output: str | Path,
    format: str = "onnx",
    *,
    weights: str = "float32",
    overwrite: bool = False,
) -> Export:
    """Write a model, specialised for a configuration, for runtimes that know nothing of this package.

    The file takes images of any height and width in batches of any size. Its inputs are ``images`` (where the dates'
    sensors differ ``images_0``, ``images_1``, ...), ``valid`` and ``days``, as `STSUN.forward` has them, its output is
    ``logits``. What it is for, its licences and its categories' colours stand in it. It gets its name only once it gave
    the network's logits.

    Args:
        model: The model; it stays as it is.
        configuration: What to export for; its bands must be listed date by date, as the number of dates is fixed.
        output: The file.
        format: ``onnx`` (extra ``onnx``) or ``pt2`` (torch.export).
        weights: How they are stored: ``float32``; for ONNX also ``float16`` or ``int8``.
        overwrite: Replace a file that is there.

    Raises:
        ConfigurationError: No such format or weights, the configuration does not settle the number of dates or is none
            that the model can answer, or a package is missing.
        ExportError: The file cannot be written, or does not give the network's logits.
    """
    output = Path(output)
    _check(format, weights)
    facts = facts_of(model, configuration, weights)
    _check_place(output, overwrite=overwrite)
    if format == "onnx":
        onnx_file.onnx_package("onnxruntime")
    network = Portable(specialise(model, configuration).cpu())
    program = traced(network)
    try:
        with appearing(output) as made:
            if format == "onnx":
                onnx_file.write(program, input_names(network.network), made, facts, weights)
            else:
                pt2_file.write(program, made, facts)
            result = _tried(network, made, output, format, weights)
    except OSError as error:
        raise ExportError(f"{output} cannot be written: {error.strerror or error}; choose another place") from error
    return result


def _tried(network: Portable, made: Path, output: Path, format: str, weights: str) -> Export:
    opened: Callable[[Sequence[Tensor]], Tensor] = (onnx_file.Session if format == "onnx" else pt2_file.Program)(made)
    inputs = scene(network.network, batch=2, height=TRIED_SIZE[0], width=TRIED_SIZE[1], seed=1)
    with torch.no_grad():
        expected: Tensor = network.network(*inputs)
    found = opened(flat(inputs))
    difference = float((found - expected).abs().max()) if found.shape == expected.shape else math.inf
    if not difference <= WEIGHTS[weights]:
        raise ExportError(
            f"the logits of the {format} file differ from the network's by {difference:.2g} (of {weights} at most "
            f"{WEIGHTS[weights]:g}), so it was thrown away; take weights float32, or, if they are, report it"
        )
    held = sum(tensor.numel() for tensor in (*network.parameters(), *network.buffers()))
    return Export(output, made.stat().st_size, held, difference, float(expected.abs().max()))


def _check(format: str, weights: str) -> None:
    if format not in FORMATS:
        raise ConfigurationError(f"no format {format!r}; expected one of {', '.join(FORMATS)}")
    if weights not in WEIGHTS:
        raise ConfigurationError(f"no weights {weights!r}; expected one of {', '.join(WEIGHTS)}")
    if format != "onnx" and weights != "float32":
        raise ConfigurationError(f"weights {weights} are for format onnx; a {format} file holds float32")


def _check_place(output: Path, *, overwrite: bool) -> None:
    if output.is_dir() or not output.parent.is_dir():
        raise ExportError(f"{output} cannot be written: it is a folder, or its folder is missing; choose another name")
    if output.exists() and not overwrite:
        raise ExportError(f"{output} is there already; choose another name, or overwrite it")
    if not os.access(output.parent, os.W_OK):
        raise ExportError(f"{output} cannot be written: {output.parent} takes no files; choose another place")
