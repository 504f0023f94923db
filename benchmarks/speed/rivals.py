"""What rivals cost beside ours, measured in one run, each case in a process of its own.

Example:
    python benchmarks/speed/rivals.py --inputs 1x3x512x512 2x3x256x256 --json rivals.json

The rivals are networks of MONAI (in the extra dev), two-dimensional, with random weights, six categories. They know no
dates: those of a series are stacked as channels, as is done where such networks are used for change. So their cost of a
series is that of early fusion, not of networks made for series. docs/speed.md explains est. ms and the share of the
GEMM rate.

* unet: MONAI's UNet with residual units, channels 32 to 512.
* basic-unet: BasicUNet with its defaults, two convolutions a level, upsampling to full resolution at 32 channels.
* segresnet: SegResNet, 32 channels at full resolution, blocks 1, 2, 2, 4 and 1, 1, 1.
* swin-unetr: SwinUNETR, 24 channels.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from torch import nn

from stsun.bench.apart import apart
from stsun.bench.cases import CATEGORIES, QUICK_INPUTS, QUICK_SIZES, Case, random_request, shape_of
from stsun.bench.measure import Cost, cost_of, measure
from stsun.bench.tables import cost_table
from stsun.terminal import to_json, write_text


def unet(channels: int, categories: int) -> nn.Module:
    """Return MONAI's UNet."""
    from monai.networks.nets import UNet

    return UNet(2, channels, categories, channels=(32, 64, 128, 256, 512), strides=(2, 2, 2, 2), num_res_units=2)


def basic_unet(channels: int, categories: int) -> nn.Module:
    """Return MONAI's BasicUNet."""
    from monai.networks.nets import BasicUNet

    return BasicUNet(2, channels, categories)


def segresnet(channels: int, categories: int) -> nn.Module:
    """Return MONAI's SegResNet."""
    from monai.networks.nets import SegResNet

    return SegResNet(2, 32, channels, categories, blocks_down=(1, 2, 2, 4), blocks_up=(1, 1, 1))


def swin_unetr(channels: int, categories: int) -> nn.Module:
    """Return MONAI's SwinUNETR."""
    from monai.networks.nets import SwinUNETR

    return SwinUNETR(channels, categories, feature_size=24, spatial_dims=2)


RIVALS: dict[str, Callable[[int, int], nn.Module]] = {
    "unet": unet, "basic-unet": basic_unet, "segresnet": segresnet, "swin-unetr": swin_unetr,
}  # fmt: skip


def main() -> None:
    """Measure our sizes and the rivals on every input, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="*", default=list(QUICK_SIZES))
    parser.add_argument("--rivals", nargs="*", choices=list(RIVALS), default=list(RIVALS))
    parser.add_argument("--inputs", nargs="+", default=list(QUICK_INPUTS), metavar="TxCxHxW")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    how = {"repeats": arguments.repeats, "threads": arguments.threads}
    costs = []
    for text in arguments.inputs:
        for name in (*arguments.sizes, *arguments.rivals):
            print(f"{name} {text}", file=sys.stderr)
            costs.append(apart(measure_rival if name in RIVALS else measure, Case(name, text), **how))
    print(cost_table(costs))
    if arguments.json is not None:
        facts = {"torch": torch.__version__, **how}
        write_text(arguments.json, to_json({**facts, "costs": [asdict(cost) for cost in costs]}))


def measure_rival(case: Case, *, repeats: int, threads: int) -> Cost:
    """Return what a rival costs; changes how many threads this process computes with."""
    torch.set_num_threads(threads)
    dates, bands, _, _ = shape_of(case.input)
    images, *_, configuration = random_request(case.input)
    categories = 1 if configuration.task == "binary_change" else len(CATEGORIES)
    network = RIVALS[case.size](dates * bands, categories).eval()
    return cost_of(case, network, (images.flatten(1, 2),), repeats=repeats)


if __name__ == "__main__":
    main()
