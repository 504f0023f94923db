"""Tensor layouts of other libraries, told by name or axis by axis, to ``B T C H W`` and back."""

from collections.abc import Mapping

import torch
from einops import rearrange
from torch import Tensor

from stsun.errors import DataError

LAYOUTS = {
    "stsun": "b t c h w",
    "torchgeo": "b t c h w",
    "terratorch": "b c t h w",
    "pangaea": "b c t h w",
    "rslearn": "b c t h w",
    "galileo": "b h w t c",
    "olmoearth": "b h w t c",
}
"""Axes of a batch of image series in each library. Of single images all but the last two have ``b c h w``."""

OURS = "b t c h w"


def to_series(images: Tensor | Mapping[str, Tensor], layout: str) -> Tensor:
    """Return images as ``B T C H W``.

    Args:
        images: A batch of series, or of single images (the axes of the layout without ``t``). A dict of modalities, as
            PANGAEA and TerraTorch have it, is joined band by band, in its order.
        layout: A name from `LAYOUTS`, or axes such as ``b c t h w``.

    Raises:
        DataError: No such layout, or the images have another number of axes, or modalities do not fit one another.
    """
    if isinstance(images, Mapping):
        return _joined({name: to_series(own, layout) for name, own in images.items()})
    axes = axes_of(layout)
    if images.ndim == len(axes) - 1:
        single = [axis for axis in axes if axis != "t"]
        return rearrange(images, f"{' '.join(single)} -> b 1 c h w")
    if images.ndim != len(axes):
        raise DataError(
            f"images have shape {tuple(images.shape)}, but layout {layout!r} has the axes {' '.join(axes)}; "
            "a single sample is a batch of one: images[None]"
        )
    return rearrange(images, f"{' '.join(axes)} -> {OURS}")


def from_series(images: Tensor, layout: str) -> Tensor:
    """Return images ``B T C H W`` in another layout: the inverse of `to_series`.

    Raises:
        DataError: No such layout.
    """
    return rearrange(images, f"{OURS} -> {' '.join(axes_of(layout))}")


def axes_of(layout: str) -> list[str]:
    """Return the axes of a layout, each once.

    Raises:
        DataError: No such layout.
    """
    axes = LAYOUTS.get(layout, layout).lower().split()
    if sorted(axes) != sorted(OURS.split()):
        raise DataError(
            f"no layout {layout!r}; expected one of {', '.join(LAYOUTS)}, or the axes b, t, c, h, w in any order, such "
            "as 'b c t h w'"
        )
    return axes


def _joined(series: Mapping[str, Tensor]) -> Tensor:
    sizes = {name: (*own.shape[:2], *own.shape[3:]) for name, own in series.items()}
    if len(set(sizes.values())) != 1:
        raise DataError(
            f"modalities differ in (batch, dates, height, width): {sizes or 'there are none'}; bring them to one grid "
            "and the same dates, or ask for each by itself"
        )
    return torch.cat(list(series.values()), dim=2)
