"""Features of another network, a frozen backbone, as something to add to the levels of the encoder."""

from collections.abc import Sequence

import torch
from einops import einsum, rearrange
from torch import Tensor, nn


class BackboneLevels(nn.Module):
    """A backbone's map to what is added to each level: a learned projection, brought to the level's stride.

    Projections start at zero, so that training starts from the answers of the model alone.

    Args:
        channels: Of the backbone's map, c.
        stride: Pixels of the image along one side of a cell of the map, s.
        strides: Of the encoder's levels, finest first.
        widths: Channels of these levels.
    """

    def __init__(self, channels: int, stride: int, strides: Sequence[int], widths: Sequence[int]) -> None:
        super().__init__()
        self.channels, self.stride, self.strides = channels, stride, tuple(strides)
        self.norm = nn.LayerNorm(channels)
        self.projections = nn.ModuleList(nn.Linear(channels, width) for width in widths)
        for parameter in self.projections.parameters():
            nn.init.zeros_(parameter)

    def forward(self, maps: Tensor, size: tuple[int, int]) -> list[Tensor]:
        """Return ``B T H' W' C`` for each level.

        Args:
            maps: ``B T c h w``; the cell in row i and column j is that of the pixels from row i s, column j s on.
            size: Height and width in pixels that the levels cover, multiples of their strides.
        """
        cells = self.norm(rearrange(maps, "b t c h w -> b t h w c"))
        return [
            resampled(project(cells), self.stride, (size[0] // stride, size[1] // stride), stride)
            for project, stride in zip(self.projections, self.strides, strict=True)
        ]


def cells_of(size: Sequence[int], stride: int) -> tuple[int, int]:
    """Return how many cells of a stride cover a height and width in pixels."""
    height, width = size
    return -(-height // stride), -(-width // stride)


def resampled(cells: Tensor, stride: int, size: tuple[int, int], target: int) -> Tensor:
    """Return ``B T H W C`` at another stride from ``B T h w C``: linear between centres, a mean where it gets coarser.

    Args:
        cells: The map.
        stride: Its own, in pixels.
        size: H and W.
        target: The stride wanted, in pixels.
    """
    rows, columns = (
        _weights(count, stride, wanted, target).to(cells) for count, wanted in zip(cells.shape[2:4], size, strict=True)
    )
    return einsum(einsum(cells, rows, "b t h w c, i h -> b t i w c"), columns, "b t i w c, j w -> b t i j c")


def _weights(count: int, stride: int, wanted: int, target: int) -> Tensor:
    """Return ``[wanted, count]``: triangles around the new centres; beyond the outermost centre its value goes on."""
    centres = (torch.arange(count) + 0.5) * stride
    places = ((torch.arange(wanted) + 0.5) * target).clamp(centres[0], centres[-1])
    weights = (1 - (places[:, None] - centres).abs() / max(stride, target)).clamp(min=0)
    return weights / weights.sum(dim=1, keepdim=True)
