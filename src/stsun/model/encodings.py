"""Metadata to numbers: pure functions without state. What is not known becomes zeros beside a 'known' flag of 0."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from stsun.bands import Band

YEAR_DAYS = 365.2425
ROLES = ("own", "start", "end", "other")
BAND_FEATURES = 22
GSD_FEATURES = 8
DATE_FEATURES = len(ROLES) + 19
PERIOD_FEATURES = 16


def fourier(value: Tensor, octaves: int) -> Tensor:
    """Return sines and cosines of ``value`` (in turns) at 1, 2, 4, ... times it: ``[...]`` to ``[..., 2 octaves]``."""
    angles = 2 * math.pi * value[..., None] * 2.0 ** torch.arange(octaves, device=value.device, dtype=value.dtype)
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


def known(features: Tensor, mask: Tensor) -> Tensor:
    """Zero the features where ``mask`` is false and append the mask: ``[..., F]`` to ``[..., F + 1]``."""
    return torch.cat([torch.where(mask[..., None], features, 0.0), mask[..., None].to(features.dtype)], dim=-1)


def encode_bands(bands: Sequence[Band], device: torch.device) -> Tensor:
    """Return ``[C, BAND_FEATURES]``: log wavelength and log bandwidth as Fourier features, as Copernicus-FM does."""
    nan = math.nan
    wavelength = torch.tensor([nan if b.wavelength_nm is None else b.wavelength_nm for b in bands], device=device)
    bandwidth = torch.tensor([nan if b.bandwidth_nm is None else b.bandwidth_nm for b in bands], device=device)
    octave = torch.log(wavelength / 300) / math.log(50)  # 300 nm -> 0, 15 um -> 1
    width = torch.log(bandwidth) / math.log(10_000)  # 1 nm -> 0, 10 um -> 1
    return torch.cat(
        [
            known(torch.cat([octave[:, None], fourier(octave, 6)], dim=-1), wavelength.isfinite()),
            known(torch.cat([width[:, None], fourier(width, 3)], dim=-1), bandwidth.isfinite()),
        ],
        dim=-1,
    )


def encode_gsd(gsd_m: float | None, device: torch.device) -> Tensor:
    """Return ``[GSD_FEATURES]``: Fourier features of log10 of the GSD in metres."""
    decades = torch.tensor(math.nan if gsd_m is None else math.log10(gsd_m), device=device)
    return known(torch.cat([decades[None] / 3, fourier(decades / 8, 3)]), decades.isfinite())


def encode_dates(days: Tensor, usable: Tensor, periods: Sequence[tuple[int, int]], whole: bool) -> Tensor:
    """Return what each date is to each output map: its role, distance in time, and season.

    Args:
        days: ``B T`` float64, days since 1970-01-01, NaN = unknown.
        usable: ``B T`` bool, false for a date without any valid pixel: it must not move the period's ends.
        periods: (start, end) date indices of each of the M maps.
        whole: The one map speaks for the whole series: the order of dates must not matter, only their days.

    Returns:
        ``B M T DATE_FEATURES`` float32.
    """
    start, end = _period_days(days, usable, periods, whole)  # B M
    distance = [_distance(days[:, None] - start[..., None]), _distance(end[..., None] - days[:, None])]  # B M T 7
    season = _season(days, 2)[:, None].expand(-1, len(periods), -1, -1)
    roles = _roles(days.shape[1], periods, whole).to(days.device)[None].expand(days.shape[0], -1, -1, -1)
    return torch.cat([roles, *distance, season], dim=-1)


def encode_periods(days: Tensor, usable: Tensor, periods: Sequence[tuple[int, int]], whole: bool) -> Tensor:
    """Return kind, length and season of the period of each output map: ``B M PERIOD_FEATURES`` float32."""
    start, end = _period_days(days, usable, periods, whole)
    kind = torch.zeros(len(periods), 3, device=days.device)
    for index, (first, last) in enumerate(periods):
        kind[index, 0 if whole else (1 if first == last else 2)] = 1
    ends = [_season(day, 1) for day in (start, end)]
    return torch.cat([kind[None].expand(days.shape[0], -1, -1), _distance(end - start), *ends], dim=-1)


def encode_positions(height: int, width: int, channels: int, device: torch.device) -> Tensor:
    """Return the 2-D sine-cosine position code ``H W channels`` for any size (channels a multiple of 4)."""
    frequencies = 10_000 ** (-torch.arange(channels // 4, device=device) / (channels / 4))
    rows = torch.arange(height, device=device)[:, None] * frequencies  # H F
    columns = torch.arange(width, device=device)[:, None] * frequencies
    rows = torch.cat([rows.sin(), rows.cos()], dim=-1)[:, None].expand(-1, width, -1)
    columns = torch.cat([columns.sin(), columns.cos()], dim=-1)[None].expand(height, -1, -1)
    return torch.cat([rows, columns], dim=-1)


def encode_cells(patch: int, device: torch.device) -> Tensor:
    """Return ``[patch * patch, 4]``: where a sub-pixel lies in its cell, row-major."""
    turn = (torch.arange(patch, device=device) + 0.5) / (2 * patch)
    grid = torch.cartesian_prod(turn, turn)  # p*p 2
    return fourier(grid, 1).flatten(1)


def _period_days(
    days: Tensor, usable: Tensor, periods: Sequence[tuple[int, int]], whole: bool
) -> tuple[Tensor, Tensor]:
    if not whole:
        first, last = zip(*periods, strict=True)
        return days[:, list(first)], days[:, list(last)]
    seen = usable & days.isfinite()
    any_seen = seen.any(dim=1, keepdim=True)
    first_day = torch.where(seen, days, math.inf).amin(dim=1, keepdim=True)
    last_day = torch.where(seen, days, -math.inf).amax(dim=1, keepdim=True)
    return torch.where(any_seen, first_day, math.nan), torch.where(any_seen, last_day, math.nan)


def _distance(days: Tensor) -> Tensor:
    """Return ``[..., 7]`` float32 features of a signed time distance, from days to decades."""
    years = (days / YEAR_DAYS).float()
    scaled = torch.stack([torch.tanh(years * 12), torch.tanh(years), torch.asinh(years)], dim=-1)
    sines = fourier(years.clamp(-20, 20) / 4, 3)[..., :3]
    return known(torch.cat([scaled, sines], dim=-1), years.isfinite())


def _season(days: Tensor, octaves: int) -> Tensor:
    """Return ``[..., 2 octaves + 1]`` float32 features of the time of the year."""
    return known(fourier((days / YEAR_DAYS).frac().float(), octaves), days.isfinite())


def _roles(dates: int, periods: Sequence[tuple[int, int]], whole: bool) -> Tensor:
    roles = torch.zeros(len(periods), dates, len(ROLES))
    roles[..., ROLES.index("other")] = 1
    if not whole:
        for index, (start, end) in enumerate(periods):
            for date, role in ((start, "start"), (end, "end")) if start != end else ((start, "own"),):
                roles[index, date] = 0
                roles[index, date, ROLES.index(role)] = 1
    return roles
