"""GFLOPs of specialised networks against what they may cost; exact, and counted in seconds.

Example:
    python benchmarks/speed/limits.py

Shapes alone go through the networks (torch's meta device), so nothing is computed and a busy machine does not matter.
`stsun bench` gives the same numbers. * marks what is above its limit.
"""

import argparse

from stsun.bench.cases import CATEGORIES, random_request
from stsun.bench.flops import count_gflops, parameter_count
from stsun.model.specialise import specialise
from stsun.model.stsun import STSUN, create

PARAMETERS = {"tiny": 5, "small": 11}
"""Millions of the generic model, at most."""
GFLOPS = {
    "1x3x512x512": {"tiny": 10, "small": 25},
    "2x3x256x256": {"tiny": 4, "small": 10},
    "24x10x128x128": {"tiny": 10, "small": 25},
    "61x10x128x128": {"tiny": 25, "small": 60},
}


def main() -> None:
    """Print a Markdown table."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print(f"| size | parameters (M) | {' | '.join(f'{text} (GFLOP)' for text in GFLOPS)} |")
    print(f"| --- |{' ---: |' * (1 + len(GFLOPS))}")
    for size, most in PARAMETERS.items():
        model = create(size, CATEGORIES).eval()
        cells = [against(parameter_count(model) / 1e6, most)]
        cells += [against(gflops(model, text), limits[size]) for text, limits in GFLOPS.items()]
        print(f"| {size} | {' | '.join(cells)} |")


def gflops(model: STSUN, text: str) -> float:
    """Return the FLOPs of the specialised network on an input, in 1e9."""
    images, valid, days, configuration = random_request(text)
    network = specialise(model, configuration).to("meta")
    return count_gflops(network, images.to("meta"), valid.to("meta"), days.to("meta"), configuration)


def against(found: float, most: float) -> str:
    """Return a cell with what was found and its limit."""
    return f"{found:.2f} of {most:g}{' *' if found > most else ''}"


if __name__ == "__main__":
    main()
