"""What stored numbers mean where neither their file nor its user says: one rule for predictions and data sets."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stsun.bands import Band, describe, reflective
from stsun.errors import RasterError

EIGHT_BIT = 1 / 255
LARGEST_REFLECTANCE = 3.0
"""Sunlit snow and glint reach 1.5; a band whose median is above this holds other units."""

LOOKED_AT = 4096
"""Pixels of an image, at the least where it has them, that tell what a band usually holds."""


class Meaning(NamedTuple):
    """How the stored numbers of one band become physical values.

    Args:
        scale: Stored value * scale + offset = physical value.
        offset: See ``scale``.
        why: Who says so, in words.
        doubtful: Neither the file nor the user says so: the values must look like reflectances.
    """

    scale: float
    offset: float
    why: str
    doubtful: bool = False


def unspoken(where: str | Path, band: Band, dtype: str, nominal: Meaning | None, fix: str) -> Meaning:
    """Return what a band's numbers mean if nobody says: whole ones as the sensor's, 8 bit 1/255, else as stored.

    Args:
        where: The file, for messages.
        band: What the band measures.
        dtype: How its numbers are stored.
        nominal: What whole numbers mean in the sensor's product, or None where it does not say.
        fix: How the user can say what they mean, for messages.

    Raises:
        RasterError: Whole numbers of more than 8 bit stand for a reflectance: nobody knows on which scale.
    """
    if is_whole(dtype):
        if nominal is not None:
            return nominal._replace(doubtful=reflective(band))
        if dtype == "uint8":
            return Meaning(EIGHT_BIT, 0.0, "8 bit without a scale of its own")
        if reflective(band):
            raise RasterError(
                f"{where}: {describe(band)} is stored as {dtype}, and nobody says what the numbers mean; expected "
                f"reflectance (0 to 1): {fix}"
            )
    return Meaning(1.0, 0.0, "as stored", doubtful=reflective(band))


def check_reflectance(
    where: str | Path, doubtful: Sequence[int], values: NDArray[np.float32], valid: NDArray[np.bool_], fix: str
) -> None:
    """Refuse bands that hold something else than reflectance.

    Args:
        where: The file, for messages.
        doubtful: The places of the bands to look at.
        values: ``C H W``, physical values.
        valid: ``H W``, where they hold data.
        fix: How the user can say what they mean, for messages.

    Raises:
        RasterError: The median of a band is above any reflectance.
    """
    if not (doubtful and valid.any()):
        return
    pixels = np.flatnonzero(valid)
    seen = values.reshape(len(values), -1)[:, pixels[:: 1 + len(pixels) // LOOKED_AT]]
    for place in doubtful:
        usual = float(np.median(seen[place]))
        if abs(usual) > LARGEST_REFLECTANCE:
            raise RasterError(
                f"{where}: band {place + 1} holds values around {usual:g}, expected reflectance (0 to 1); {fix}"
            )


def is_whole(dtype: str) -> bool:
    """Return whether a data type holds whole numbers."""
    return np.dtype(dtype).kind in "iu"
