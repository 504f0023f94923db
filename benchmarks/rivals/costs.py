"""Parameters and GFLOPs of STSUN and its rivals on the same inputs; exact, and counted in seconds.

Example:
    python benchmarks/rivals/costs.py --json benchmarks/results/rival_costs.json

Shapes alone go through the networks (torch's meta device), so nothing is computed and a busy machine does not matter.
STSUN is specialised for the input; its parameters are those of the generic model, which serves all inputs.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

sys.path.append(str(Path(__file__).resolve().parents[1]))  # programs are no package: what they share is one folder up

from rival import Port, key_of
from roster import ROSTER, build, suits
from stsun.bench.cases import CATEGORIES, random_request, shape_of
from stsun.bench.flops import count_gflops, parameter_count
from stsun.model.specialise import specialise
from stsun.model.stsun import create
from tables import head, row, write_json

INPUTS = ("1x3x256x256", "2x3x256x256", "12x10x128x128")
WINDOW = 96


def main() -> None:
    """Count, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="*", default=["tiny", "small"])
    parser.add_argument("--inputs", nargs="+", default=list(INPUTS), metavar="TxCxHxW")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    counted = [entry for text in arguments.inputs for entry in costs_on(text, arguments.sizes)]
    print(head(("network", "input", "parameters (M)", "GFLOPs"), texts=2))
    for one in counted:
        print(row([one["network"], one["input"], f"{one['parameters'] / 1e6:.2f}", f"{one['gflops']:.2f}"]))
    if arguments.json is not None:
        write_json(arguments.json, {"window": WINDOW, "torch": torch.__version__, "costs": counted})


def costs_on(text: str, sizes: list[str]) -> Iterator[dict[str, Any]]:
    """Yield what each size of STSUN and each rival that suits costs on an input such as ``2x3x256x256``."""
    configuration = random_request(text)[-1]
    for size in sizes:
        model = create(size, CATEGORIES).eval()
        yield counted_on(text, f"stsun {size}", specialise(model, configuration), parameter_count(model))
    port = port_for(text)
    for name in ROSTER:
        if suits(name, [port]):
            rival = build(name, [port], window=WINDOW, seed=0).eval()
            yield counted_on(text, name, rival, parameter_count(rival))


def counted_on(text: str, name: str, network: nn.Module, parameters: int) -> dict[str, Any]:
    """Return the operations of a network on an input, with what it is called and its parameters."""
    *tensors, configuration = random_request(text)
    gflops = count_gflops(
        network.requires_grad_(False).to("meta"), *(tensor.to("meta") for tensor in tensors), configuration
    )
    return {"network": name, "input": text, "parameters": parameters, "gflops": gflops}


def port_for(text: str) -> Port:
    """Return the port of a data set of such inputs; its statistics do not matter here."""
    configuration, dates = random_request(text)[-1], shape_of(text)[0]
    bands = tuple(dict.fromkeys(key_of(band) for own in configuration.sensors for band in own))
    return Port(
        bands,
        (0.0,) * len(bands),
        (1.0,) * len(bands),
        configuration.task,
        configuration.categories,
        configuration.per_date,
        dates,
    )


if __name__ == "__main__":
    main()
