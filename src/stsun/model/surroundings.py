"""Pixels and what surrounds them: how they differ within a neighbourhood, and what the neighbourhood has in common."""

import torch
import torch.nn.functional as F
from einops import rearrange, reduce
from torch import Tensor, nn

from stsun.model.config import STSUNConfig
from stsun.model.strips import VALUES, at_once, joined, parts

CELL = 16
"""Side in pixels of the cells that sums are taken of; the sizes of images are multiples of it."""
REACH = 5
"""Side in cells of a neighbourhood: 80 pixels."""
STEP = 4
"""Stride that neighbourhoods are brought to: that of the finest tokens."""
FAINT = 0.01
"""Added to each variance: what differs less is noise."""


class Surroundings(nn.Module):
    """Part virtual bands into what a neighbourhood has in common and how its pixels differ from that.

    Light, haze, season and sensor move all pixels of a neighbourhood alike, and by more than most of what is to be told
    apart: a change, a road. Relative to their neighbourhood pixels are the same under all of these, from the first step
    of training on. It is a window around each pixel, and not the image, so that a result does not depend on where a
    tile ends. Equation: u = (v - m) / s, s = sqrt(variance + FAINT), with mean m and variance of the valid pixels of
    REACH x REACH cells; m and -log(s) become the context of the tokens, so that nothing is lost. Not the paper's
    (docs/design.md).
    """

    def __init__(self, config: STSUNConfig) -> None:
        super().__init__()
        self.project = nn.Linear(2 * config.virtual_bands, config.widths[0])

    def forward(self, pixels: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Return relative virtual bands and where they are seen, ``N H W R+1``, and context ``N H/4 W/4 width``.

        Args:
            pixels: ``N H W R`` virtual bands, zero where nothing is seen.
            seen: ``N H W 1``, 1 where a pixel is valid, else 0.
        """
        strips = _strips(pixels)
        sums = joined([_sums(_rows(pixels, CELL, strip), _rows(seen, CELL, strip)) for strip in strips], dim=1)
        mean, variance = _statistics(sums)
        sharpness = (variance + FAINT).rsqrt()
        context = self.project(torch.cat([mean, sharpness.log()], dim=-1))
        factor = _finer(sharpness)
        shift = -_finer(mean) * factor
        stepped = ((pixels, CELL), (seen, CELL), (shift, CELL // STEP), (factor, CELL // STEP))
        relative = [_relative(*(_rows(tensor, step, strip) for tensor, step in stepped)) for strip in strips]
        return joined(relative, dim=1), _finer(context)


def _strips(pixels: Tensor) -> list[tuple[int, int]]:
    """Return first and last rows of cells, the latter excluded, to work on one after the other."""
    height = pixels.shape[1] // CELL
    return [(0, height)] if at_once(pixels) else list(parts(height, VALUES // pixels[:, :CELL].numel()))


def _rows(tensor: Tensor, step: int, strip: tuple[int, int]) -> Tensor:
    """Return the rows of a strip, of a tensor ``N H W C`` with so many rows in a cell."""
    first, last = strip
    return tensor[:, step * first : step * last]


def _sums(pixels: Tensor, seen: Tensor) -> Tensor:
    """Map rows to sums over cells, ``N h w 2R+1``: of where something is seen, of values, of their squares."""
    sums = []
    for each in (seen, pixels, pixels.square()):
        rows = reduce(each, "n (h p) w r -> n h w r", "sum", p=CELL)  # both at once takes longer on CPUs
        sums.append(reduce(rows, "n h (w q) r -> n h w r", "sum", q=CELL))
    return torch.cat(sums, dim=-1)


def _statistics(sums: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and variance ``N h w R`` of what is seen around each cell; 0 where nothing is."""
    maps = rearrange(sums, "n h w c -> n c h w")
    around = rearrange(F.avg_pool2d(maps, REACH, stride=1, padding=REACH // 2), "n c h w -> n h w c")
    count = around[..., :1].clamp(min=REACH**-2)  # of a neighbourhood with one pixel
    mean, square = (around[..., 1:] / count).chunk(2, dim=-1)
    return mean, (square - mean.square()).clamp(min=0)


def _relative(pixels: Tensor, seen: Tensor, shift: Tensor, factor: Tensor) -> Tensor:
    """Map rows to ``pixels * factor + shift``, these two at the stride STEP, and where they are seen beside."""
    cells = rearrange(pixels, "n (h p) (w q) r -> n h p w q r", p=STEP, q=STEP)
    moved = torch.addcmul(shift[:, :, None, :, None], cells, factor[:, :, None, :, None])
    return torch.cat([rearrange(moved, "n h p w q r -> n (h p) (w q) r") * seen, seen], dim=-1)


def _finer(cells: Tensor) -> Tensor:
    """Map ``N h w C`` of cells to ``N 4h 4w C``, linearly between their centres."""
    maps = rearrange(cells, "n h w c -> n c h w")
    finer = F.interpolate(maps, scale_factor=CELL // STEP, mode="bilinear", align_corners=False)
    return rearrange(finer, "n c h w -> n h w c")
