"""What is measured: named sizes on inputs of given shapes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.errors import BenchmarkError
from stsun.model.config import SIZES

CATEGORIES = ("water", "forest", "building", "road", "agriculture", "grassland")
DAYS_APART = 10.0

QUICK_SIZES = ("tiny", "small")
QUICK_INPUTS = ("1x3x512x512", "2x3x256x256", "24x10x128x128", "61x10x128x128")
PIXELS = ("1x3x256x256", "1x3x512x512", "1x3x1024x1024")
PAIRS = ("2x3x256x256", "2x3x512x512", "2x3x1024x1024")
DATES = tuple(f"{dates}x10x128x128" for dates in (1, 2, 5, 12, 24, 61))
BANDS = tuple(f"1x{bands}x256x256" for bands in (3, 10, 32, 103, 224))
ALL_INPUTS = tuple(dict.fromkeys((*PIXELS, *PAIRS, *DATES, *BANDS)))
"""RGB images and pairs, Sentinel-2 series of ten bands, and up to 224 bands."""

Request = tuple[Tensor, Tensor, Tensor, Configuration]


@dataclass(frozen=True)
class Case:
    """A model on an input, batch 1.

    Args:
        size: Named size, or a rival's name.
        input: Dates x bands x height x width, such as ``24x10x128x128``.
        specialised: The network for the input's configuration, instead of the generic one.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    size: str
    input: str
    specialised: bool = True

    def __str__(self) -> str:
        return f"{self.size} {self.input}{'' if self.specialised else ' generic'}"


def cases_of(
    sizes: Sequence[str] | None, inputs: Sequence[str] | None, *, everything: bool, specialised: bool
) -> tuple[Case, ...]:
    """Return every size on every input, each once.

    Args:
        sizes: Named sizes; None = ``QUICK_SIZES``, or all.
        inputs: Such as ``24x10x128x128``; None = ``QUICK_INPUTS``, or ``ALL_INPUTS``.
        everything: Which of the two ``None`` means.
        specialised: See ``Case``.

    Raises:
        BenchmarkError: No such size, or an input that is none.
    """
    sizes = sizes if sizes is not None else tuple(SIZES) if everything else QUICK_SIZES
    inputs = inputs if inputs is not None else ALL_INPUTS if everything else QUICK_INPUTS
    for size in sizes:
        if size not in SIZES:
            raise BenchmarkError(f"no size {size!r}; expected one of {', '.join(SIZES)}")
    for text in inputs:
        shape_of(text)
    return tuple(dict.fromkeys(Case(size, text, specialised) for size in sizes for text in inputs))


def shape_of(text: str) -> tuple[int, int, int, int]:
    """Return dates, bands, height and width of a text such as ``24x10x128x128``.

    Raises:
        BenchmarkError: It is none.
    """
    parts = text.split("x")
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() and int(part) for part in parts):
        raise BenchmarkError(
            f"the input {text!r} is none; expected dates x bands x height x width in whole numbers from 1, "
            "such as 24x10x128x128"
        )
    dates, bands, height, width = map(int, parts)
    return dates, bands, height, width


def random_request(text: str) -> Request:
    """Return images, valid, days and configuration of the shape that a text such as ``24x10x128x128`` tells.

    One date asks for a segmentation, two for a binary change, more for a segmentation of the whole series; six
    categories. Bands are spread evenly from 450 to 2400 nm: the cost depends on their number alone.

    Raises:
        BenchmarkError: The text tells no shape.
    """
    dates, bands, height, width = shape_of(text)
    images = torch.rand(1, dates, bands, height, width, generator=torch.Generator().manual_seed(0))
    days = 18_000.0 + DAYS_APART * torch.arange(dates, dtype=torch.float64)[None]
    wavelengths = enumerate(np.linspace(450, 2400, bands))
    of_a_date = [Band(f"band {number}", float(wavelength), 5) for number, wavelength in wavelengths]
    configuration = Configuration(
        [of_a_date] * dates,  # date by date: so a specialised network knows how many there are
        gsd_m=10.0,
        task="binary_change" if dates == 2 else "segmentation",
        categories=("changed",) if dates == 2 else CATEGORIES,
    )
    return images, torch.ones(1, dates, height, width, dtype=torch.bool), days, configuration
