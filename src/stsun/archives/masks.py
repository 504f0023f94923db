"""Cloud masks: which codes of the published quality layers mean a pixel that can be used."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stsun.errors import RasterError

SCL_CLEAR = (2, 4, 5, 6, 7, 11)
"""Classes of the Sentinel-2 scene classification that show the ground.

Kept: 2 dark area (shadow of the relief, since baseline 04.00), 4 vegetation, 5 not vegetated, 6 water, 7 unclassified
(often called cloud of low probability), 11 snow or ice. Not kept: 0 no data, 1 saturated or defective, 3 cloud shadow,
8 and 9 cloud of medium and high probability, 10 thin cirrus.
Source: ESA, Sentinel-2 Products Specification Document (S2-PDGS-TAS-DI-PSD), level 2A scene classification.
"""

QA_PIXEL_UNUSABLE = 0b1_1111
"""Bits of Landsat Collection 2 QA_PIXEL, any of which spoils a pixel.

0 fill, 1 dilated cloud, 2 cirrus (not used before Landsat 8), 3 cloud, 4 cloud shadow. Snow (5), clear (6), water (7)
and the confidences (8 to 15) do not matter.
Source: USGS, Landsat 8-9 Collection 2 Level 2 Science Product Guide (LSDS-1619), and that of Landsat 4-7 (LSDS-1618).
"""

FMASK_UNUSABLE = 0b1111
"""Bits of the HLS 2.0 Fmask layer, any of which spoils a pixel; the fill value 255 has them all.

0 cirrus (reserved, not set in version 2.0), 1 cloud, 2 adjacent to cloud or shadow, 3 cloud shadow. Snow (4), water (5)
and the aerosol level (6, 7) do not matter.
Source: NASA, Harmonized Landsat Sentinel-2 Product User Guide, version 2.0, quality assessment layer.
"""

KINDS = ("scl", "qa_pixel", "fmask", "valid", "clouds")
"""What a mask's values can mean; ``valid`` is non-zero where a pixel is usable, ``clouds`` where it is not."""


def clear(values: NDArray[Any], kind: str) -> NDArray[np.bool_]:
    """Return which pixels are usable, in the shape of ``values``.

    Args:
        values: A mask as stored, whole numbers, of any shape; codes that the tables do not know are not usable.
        kind: One of ``KINDS``.

    Raises:
        RasterError: The kind is unknown, or the values are no codes.
    """
    if kind not in KINDS:
        raise RasterError(f"unknown kind of cloud mask {kind!r}; expected one of {', '.join(KINDS)}")
    if values.dtype.kind not in "iub":
        raise RasterError(
            f"a cloud mask of kind {kind!r} holds whole numbers, these are {values.dtype}; resample masks by the "
            "nearest neighbour, and check that the file is the mask"
        )
    usable: NDArray[np.bool_]
    if kind == "scl":
        usable = np.isin(values, SCL_CLEAR)
    elif kind in ("qa_pixel", "fmask"):
        spoilt = QA_PIXEL_UNUSABLE if kind == "qa_pixel" else FMASK_UNUSABLE
        # two's complement keeps the low bits of files that store the codes as signed numbers
        usable = (values.astype(np.int64) & spoilt) == 0
    else:
        usable = (values != 0) == (kind == "valid")
    return usable
