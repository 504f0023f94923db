"""ISSUM, the input spatial-spectral unification: any bands to a fixed number of virtual bands, then to tokens."""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from stsun.bands import Band, describe
from stsun.configuration import Bands
from stsun.errors import ConfigurationError
from stsun.model.blocks import pool_valid
from stsun.model.config import STSUNConfig
from stsun.model.encodings import BAND_FEATURES, encode_bands, encode_cells, encode_positions
from stsun.model.hypernetwork import BasisGenerator, TransformerGenerator
from stsun.model.strips import VALUES, at_once, joined, parts

TOKEN_WIDTH = 16
CELL_FEATURES = 4
BIAS_SCALE = 0.1
SCALES = (0.1, 10.0)
"""Each value x enters as max(s, 1) x / (s + |x|) for these s: the first tells reflectances apart (it is nearly
logarithmic there, so that sums of it act as band ratios), the second decibels, metres and degrees."""
OPTICAL = ((0.6, 0.15), (0.2, 0.2))
TOKEN = ((0.4, 0.4), (0.0, 3.0))
"""Typical centre and spread of these two for reflectances and for bands without wavelength. Constants, not statistics
of any data: without them the network sees small contrasts on a large constant, and learns many times slower."""


class SpectralUnification(nn.Module):
    """Mix C bands into R virtual bands with weights made from each band's wavelength, bandwidth or token.

    A virtual band is a weighted mean over the spectrum (the weights' absolute values sum to one), so that it means the
    same for 4 and for 224 bands. Equation: v_r = g_r sum_ci w_rci (f_i(x_c) - centre_i) / spread_i + mean_c b_rc.
    """

    def __init__(self, config: STSUNConfig) -> None:
        super().__init__()
        self.patch, self.virtual = config.patch, config.virtual_bands
        self.weights = _GENERATORS[config.spectral](config, (len(SCALES) + 1) * self.virtual)
        self.gain = nn.Parameter(torch.full((self.virtual,), 3.0))

    def forward(self, bands: Bands) -> "Mixing":
        """Return the weights made for these bands, ready for images of them."""
        generated = rearrange(self.weights(bands), "n (i r) -> i r n", i=len(SCALES) + 1)
        weight, bias = generated[:-1], BIAS_SCALE * generated[-1].mean(dim=-1)
        weight = self.gain[:, None] * weight / (weight.abs().sum(dim=(0, 2), keepdim=True) + 1e-6)
        typical = torch.tensor([OPTICAL if band.token is None else TOKEN for band in bands], device=weight.device)
        centre, spread = rearrange(typical.repeat_interleave(self.patch**2, dim=0), "n i two -> two i 1 n")
        weight = weight / spread
        return Mixing(self.patch, weight, bias - (weight * centre).sum(dim=(0, 2)))


class Mixing(nn.Module):
    """Bands to virtual bands by given weights ``[scales, R, C p p]`` and bias ``[R]``."""

    weight: Tensor
    bias: Tensor

    def __init__(self, patch: int, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.patch = patch
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)

    def forward(self, image: Tensor, valid: Tensor) -> Tensor:
        """Map ``N C H W`` to ``N H/p W/p R``; only ``valid`` N H W is read, cells without a valid pixel are 0."""
        if at_once(image):
            return self._mixed(image, valid)
        side = self.patch
        rows = parts(valid.shape[1] // side, VALUES // image[:, :, :side].numel())
        strips = [slice(side * first, side * last) for first, last in rows]
        return joined([self._mixed(image[:, :, strip], valid[:, strip]) for strip in strips], dim=1)

    def _mixed(self, image: Tensor, valid: Tensor) -> Tensor:
        clean, seen = torch.where(valid[:, None], image.float(), 0.0), pool_valid(valid, self.patch)
        cells = rearrange(clean, "n c (h p) (w q) -> n (h w) (c p q)", p=self.patch, q=self.patch)
        # where nothing is seen all values are 0, so that only the bias is to be kept away
        mixed = seen.flatten(1)[..., None] * self.bias
        for scale, part in zip(SCALES, self.weight, strict=True):
            scaled = cells / cells.abs().add_(scale)
            mixed = mixed.baddbmm_(scaled, (max(scale, 1.0) * part.mT).expand(scaled.shape[0], -1, -1))
        return rearrange(mixed, "n (h w) r -> n h w r", h=seen.shape[1], w=seen.shape[2])


class _Generated(nn.Module):
    """Weights from metadata: wavelength and bandwidth, or the token's learned code, and the place in the cell."""

    def __init__(self, config: STSUNConfig, out: int, generator: type[nn.Module]) -> None:
        super().__init__()
        self.tokens, self.patch = config.tokens, config.patch
        # row 0 stands for every band with a wavelength, so that the table is part of every forward
        self.table = nn.Parameter(torch.randn(1 + len(config.tokens), TOKEN_WIDTH))
        self.generator = generator(BAND_FEATURES + TOKEN_WIDTH + (CELL_FEATURES if self.patch > 1 else 0), out)

    def forward(self, bands: Bands) -> Tensor:
        device = self.table.device
        rows = torch.tensor([self._row(band) for band in bands], device=device)
        features = torch.cat([encode_bands(bands, device), self.table[rows]], dim=-1)
        if self.patch > 1:
            cells = encode_cells(self.patch, device)
            features = torch.cat(
                [features.repeat_interleave(len(cells), dim=0), cells.repeat(len(bands), 1)], dim=-1
            )  # C p p, F
        return self.generator(features)

    def _row(self, band: Band) -> int:
        if band.token is None:
            return 0
        if band.token not in self.tokens:
            raise ConfigurationError(
                f"band {band.name!r} has no wavelength and is not a token this model knows "
                f"({', '.join(self.tokens)}); give its wavelength in nm, or train with it"
            )
        return 1 + self.tokens.index(band.token)


class _Basis(_Generated):
    def __init__(self, config: STSUNConfig, out: int) -> None:
        super().__init__(config, out, BasisGenerator)


class _Hypernetwork(_Generated):
    def __init__(self, config: STSUNConfig, out: int) -> None:
        super().__init__(config, out, TransformerGenerator)


class _Fixed(nn.Module):
    """One learned row for each known band: the rigid alternative, for ablation."""

    def __init__(self, config: STSUNConfig, out: int) -> None:
        super().__init__()
        self.bands, self.patch = config.fixed_bands, config.patch
        self.table = nn.Parameter(torch.randn(len(self.bands) * self.patch**2, out))

    def forward(self, bands: Bands) -> Tensor:
        for band in bands:
            if band not in self.bands:
                raise ConfigurationError(
                    f"this model has fixed spectral rows and none for {describe(band)}; "
                    f"it has {len(self.bands)} bands; use a model with spectral 'basis' for other sensors"
                )
        area = self.patch**2
        rows = [self.bands.index(band) * area + cell for band in bands for cell in range(area)]
        return self.table[torch.tensor(rows, device=self.table.device)]


_GENERATORS = {"basis": _Basis, "hypernetwork": _Hypernetwork, "fixed": _Fixed}


def unify_dates(
    mixings: Mapping[Bands, nn.Module], dates: Sequence[Tensor], valid: Tensor, bands: Sequence[Bands]
) -> Tensor:
    """Return virtual bands ``B T H/p W/p R`` of dates ``B C_t H W``, of which ``valid`` B T H W is read."""
    unified = [mixings[own](date, seen) for own, date, seen in zip(bands, dates, valid.unbind(1), strict=True)]
    return torch.stack(unified, dim=1)


class PyramidStem(nn.Module):
    """Two strided convolutions: virtual bands and their valid mask to tokens at stride 4."""

    def __init__(self, config: STSUNConfig) -> None:
        super().__init__()
        width = config.widths[0]
        self.first = nn.Conv2d(config.virtual_bands + 1, width // 2, 3, stride=2, padding=1)
        self.norm_first = nn.LayerNorm(width // 2)
        self.second = nn.Conv2d(width // 2, width, 3, stride=2, padding=1)
        self.norm = nn.LayerNorm(width)

    def forward(self, pixels: Tensor, context: Tensor | None = None) -> Tensor:
        """Map ``N R+1 H W``, and what is to be added to it as ``N H/4 W/4 width``, to ``N H/4 W/4 width``."""
        half = F.gelu(self.norm_first(rearrange(self.first(pixels), "n c h w -> n h w c")))
        quarter = self.second(rearrange(half, "n h w c -> n c h w"))
        tokens = rearrange(quarter, "n c h w -> n h w c")
        return self.norm(tokens if context is None else tokens + context)


class PlainStem(nn.Module):
    """The paper's stem: conv 3, conv 12 with stride 8, conv 3, and a position code for any size; layer norms."""

    def __init__(self, config: STSUNConfig) -> None:
        super().__init__()
        width, hidden = config.widths[0], 64
        self.convs = nn.ModuleList(
            [
                nn.Conv2d(config.virtual_bands + 1, hidden, 3, padding=1),
                nn.Conv2d(hidden, width, 12, stride=8, padding=2),
                nn.Conv2d(width, width, 3, padding=1),
            ]
        )
        self.norms = nn.ModuleList([nn.LayerNorm(hidden), nn.LayerNorm(width), nn.LayerNorm(width)])

    def forward(self, pixels: Tensor, context: None = None) -> Tensor:
        """Map ``N R+1 h w`` to ``N h/8 w/8 width``."""
        for conv, norm in zip(self.convs, self.norms, strict=True):
            tokens = F.silu(norm(rearrange(conv(pixels), "n c h w -> n h w c")))
            pixels = rearrange(tokens, "n h w c -> n c h w")
        return tokens + encode_positions(tokens.shape[1], tokens.shape[2], tokens.shape[3], tokens.device)
