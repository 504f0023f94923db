"""What the stored numbers of a STAC item's band mean: as the item tells, half tells, or leaves to its product.

Sources: ESA, Sentinel-2 processing baseline 04.00 (offset -1000 at quantification value 10000); USGS, LSDS-1619
(Landsat Collection 2 level 2); Element 84, earth-search issue 9: the flag that the offset is applied is right where
``raster:offset`` contradicts it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stsun.archives.documents import number
from stsun.archives.landsat import LEVEL_2_SCALES
from stsun.archives.safe import OFFSETS_SINCE
from stsun.bands import Band, reflective
from stsun.errors import RasterError
from stsun.raster.reader import inspect
from stsun.raster.storage import unspoken

SENTINEL_2_SCALE, SENTINEL_2_OFFSET = 1e-4, -0.1

_APPLIED = ("earthsearch:boa_offset_applied", "sentinel:boa_offset_applied")
_BASELINES = ("s2:processing_baseline", "sentinel:processing_baseline", "processing:version")
_BASELINE = re.compile(r"\d{2}\.\d{2}")
_LANDSAT_LEVEL_2 = re.compile(r"landsat.*c2.*l2", re.IGNORECASE)
_DATA_TYPES = {f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)} | {"float32", "float64"}


@dataclass(frozen=True)
class Told:
    """What an item says of one band's numbers; None where it says nothing.

    Args:
        scale: Stored value * scale + offset = physical value.
        offset: See ``scale``.
        data_type: How numbers are stored, in the item's word for it.
    """

    scale: float | None
    offset: float | None
    data_type: str


def meaning(
    where: str, item: Mapping[str, Any], band: Band, told: Told, place: tuple[str, int]
) -> tuple[float, float, str | None]:
    """Return scale, offset, and what was assumed for them, or None.

    Args:
        where: The item and asset, for messages.
        item: The item's properties, and its collection's name as ``collection``.
        band: What the band measures.
        told: What the item says of its numbers.
        place: Path or address of the file, and the band's number in it.

    Raises:
        RasterError: Nobody says what the numbers mean, or what the item says is no scale.
    """
    if told.scale == 0:
        raise RasterError(f"{where}: the scale is 0, which makes all values equal; correct the item")
    if _is_sentinel_2(item) and reflective(band):
        return _sentinel_2(where, item, told)
    if told.scale is not None or told.offset is not None:
        return 1.0 if told.scale is None else told.scale, told.offset or 0.0, None
    if _is_landsat_level_2(item):
        return *LEVEL_2_SCALES[reflective(band)], "scale and offset are those of Landsat Collection 2 level 2"
    return _as_the_file_says(where, band, told, *place)


def _sentinel_2(where: str, item: Mapping[str, Any], told: Told) -> tuple[float, float, str | None]:
    scale = SENTINEL_2_SCALE if told.scale is None else told.scale
    assumed = [] if told.scale is not None else [f"scale {SENTINEL_2_SCALE:g}, the item tells none"]
    offset = told.offset or 0.0
    baseline = _baseline(where, item)
    if any(item.get(flag) is True for flag in _APPLIED):
        assumed += [f"offset {offset:g} is already applied, as the item says elsewhere"] if offset else []
        offset = 0.0
    elif told.offset is None and baseline is None:
        assumed.append("no offset, the item tells neither offset nor processing baseline")
    elif told.offset is None and baseline is not None and baseline >= OFFSETS_SINCE:
        offset = SENTINEL_2_OFFSET
        assumed.append(f"offset {offset:g} of processing baseline {baseline:05.2f}, the item tells none")
    return scale, offset, "; ".join(assumed) or None


def _as_the_file_says(where: str, band: Band, told: Told, path: str, index: int) -> tuple[float, float, str | None]:
    dtype = told.data_type if told.data_type in _DATA_TYPES else None
    if Path(path).is_file():
        info = inspect(path, bands=[index])
        if (info.scales[0], info.offsets[0]) != (1.0, 0.0):
            return info.scales[0], info.offsets[0], None
        dtype = info.dtypes[0]
    fix = "add raster:scale and raster:offset to the item"
    if dtype is None:
        raise RasterError(f"{where}: the item tells neither scale nor data type of {band.name!r}; {fix}")
    found = unspoken(where, band, dtype, None, fix)
    return found.scale, found.offset, found.why


def _is_sentinel_2(item: Mapping[str, Any]) -> bool:
    names = (str(item.get(key, "")).lower() for key in ("platform", "constellation"))
    return any(name.startswith("sentinel-2") for name in names)


def _is_landsat_level_2(item: Mapping[str, Any]) -> bool:
    told = str(item.get("landsat:correction", "")).upper() in ("L2SP", "L2SR")
    return told or _LANDSAT_LEVEL_2.match(str(item.get("collection", ""))) is not None


def _baseline(where: str, item: Mapping[str, Any]) -> float | None:
    for key in _BASELINES:
        text = item.get(key)
        # a version of some other software is no processing baseline
        if text is not None and (key != _BASELINES[-1] or _BASELINE.fullmatch(str(text))):
            return number(text, f"{where}: {key}")
    return None
