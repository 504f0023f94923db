"""U-Net and SegFormer of segmentation-models-pytorch, which `make rivals-env` puts into build/rivals.

It imports torchvision, whose compiled operators exist for one build of torch only. They are declared here without a
body, as neither network calls one; so any torch will do, and the environment of the library stays as it is.
"""

import sys
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import torch
from torch import nn

from stsun.errors import BenchmarkError

FOLDER = Path(__file__).resolve().parents[2] / "build" / "rivals"
LIBRARY = "segmentation_models_pytorch"
OPERATORS = ("nms", "qnms")
MISSING = "U-Net and SegFormer of segmentation-models-pytorch are not at hand; run: make rivals-env"


def at_hand() -> bool:
    """Return whether the library is in its folder, or installed."""
    return (FOLDER / LIBRARY).is_dir() or find_spec(LIBRARY) is not None


@cache
def library() -> ModuleType:
    """Return segmentation-models-pytorch.

    Raises:
        BenchmarkError: It is not at hand.
    """
    if not at_hand():
        raise BenchmarkError(MISSING)
    installed = find_spec("torchvision") is not None
    sys.path.append(str(FOLDER))  # last: what the environment has comes first
    if not installed:  # one that is brings operators of its own
        operators = torch.library.Library("torchvision", "DEF")
        for name in OPERATORS:
            operators.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _KEPT.append(operators)
    import segmentation_models_pytorch

    return segmentation_models_pytorch


_KEPT: list[torch.library.Library] = []
"""Operators go when what declared them goes."""


def unet_resnet34(channels: int, outputs: int) -> nn.Module:
    """Return U-Net with a ResNet-34 as encoder."""
    return library().Unet("resnet34", encoder_weights=None, in_channels=channels, classes=outputs)


def segformer_b0(channels: int, outputs: int) -> nn.Module:
    """Return SegFormer with the encoder MiT-B0."""
    return library().Segformer("mit_b0", encoder_weights=None, in_channels=channels, classes=outputs)


PEERS: dict[str, Callable[[int, int], nn.Module]] = {
    "smp-unet-resnet34": unet_resnet34, "smp-segformer-mit-b0": segformer_b0,
}  # fmt: skip
"""From numbers of input and output channels to a network of ``B C H W``, sizes in multiples of 32."""
