"""Networks for one image, from MONAI (in the extra dev): two-dimensional, with random weights.

* unet: UNet with residual units, channels 32 to 512.
* basic-unet: BasicUNet with its defaults, two convolutions a level, upsampling to full resolution at 32 channels.
* segresnet: SegResNet, 32 channels at full resolution, blocks 1, 2, 2, 4 and 1, 1, 1.
* swin-unetr: SwinUNETR, 24 channels.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from rival import WIDTH, Periods, Trunk

FEATURES = 32


def unet(channels: int, outputs: int) -> nn.Module:
    """Return MONAI's UNet."""
    from monai.networks.nets import UNet

    return UNet(2, channels, outputs, channels=(32, 64, 128, 256, 512), strides=(2, 2, 2, 2), num_res_units=2)


def basic_unet(channels: int, outputs: int) -> nn.Module:
    """Return MONAI's BasicUNet."""
    from monai.networks.nets import BasicUNet

    return BasicUNet(2, channels, outputs)


def segresnet(channels: int, outputs: int) -> nn.Module:
    """Return MONAI's SegResNet."""
    from monai.networks.nets import SegResNet

    return SegResNet(2, 32, channels, outputs, blocks_down=(1, 2, 2, 4), blocks_up=(1, 1, 1))


def swin_unetr(channels: int, outputs: int) -> nn.Module:
    """Return MONAI's SwinUNETR."""
    from monai.networks.nets import SwinUNETR

    return SwinUNETR(channels, outputs, feature_size=24, spatial_dims=2)


NETWORKS: dict[str, Callable[[int, int], nn.Module]] = {
    "unet": unet, "basic-unet": basic_unet, "segresnet": segresnet, "swin-unetr": swin_unetr,
}  # fmt: skip
"""From numbers of input and output channels to a network of ``B C H W``, sizes in multiples of 32."""


class ImageTrunk(Trunk):
    """A network for one image; the two dates of a change are stacked as channels (early fusion).

    Args:
        make: One of ``NETWORKS``.
        pairs: Whether any map is of two dates. One of a single date then gets that twice.
    """

    def __init__(self, make: Callable[[int, int], nn.Module], *, pairs: bool) -> None:
        super().__init__()
        # where SwinUNETR is coarsest, its norms need more than the one pixel that 32 would leave
        self.outputs, self.multiple = FEATURES, 64 if make is swin_unetr else 32
        self.pairs = pairs
        self.network = make(WIDTH * (2 if pairs else 1), FEATURES)

    def forward(self, features: Tensor, _seen: Tensor, _days: Tensor, periods: Periods) -> Tensor:
        """Return ``B M outputs H W``."""
        stacked = [features[:, list(period) if self.pairs else [period[1]]].flatten(1, 2) for period in periods]
        maps: Tensor = self.network(torch.stack(stacked, 1).flatten(0, 1))
        return maps.unflatten(0, (len(features), len(periods)))
