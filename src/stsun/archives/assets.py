"""The bands in the assets of a STAC item, in the words of STAC 1.0 and of 1.1.

Sources: STAC 1.1 common metadata (``bands``), EO extension 1.1 and 2.0, raster extension 1.1 and 2.0. Wavelengths
there are in micrometres.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stsun.archives.documents import number
from stsun.archives.scaling import Told
from stsun.bands import TOKENS, Band
from stsun.errors import ConfigurationError, RasterError
from stsun.sensors import common_band

NM_PER_UM = 1000.0

_NOT_BANDS = {"overview", "thumbnail", "visual", "metadata"}
_DATA = {"data", "reflectance"}
_PICTURE = re.compile(r"(visual|thumbnail|overview|preview|rendered_preview|tci)([-_].*)?", re.IGNORECASE)
_MASK = re.compile(r"(scl|qa_pixel|fmask)([-_].*)?", re.IGNORECASE)


@dataclass(frozen=True)
class AssetBand:
    """One band of one asset.

    Args:
        asset: The asset's key.
        href: Where its file is, as written.
        index: The band's number in the file, from 1.
        name: What the item calls it.
        band: What it measures; None where nobody says.
        common_name: Its STAC common name, or None.
        nominal: True where the common name alone tells the wavelength.
        told: What the item says of its numbers.
        nodata: Stored value that means 'no data', or None.
        gsd_m: Ground sample distance in metres; infinite where the item does not say.
    """

    asset: str
    href: str
    index: int
    name: str
    band: Band | None
    common_name: str | None
    nominal: bool
    told: Told
    nodata: float | None
    gsd_m: float


def mask_kind(key: str) -> str | None:
    """Return the kind of cloud mask that an asset's key stands for (``SCL_20m`` -> ``scl``), or None."""
    match = _MASK.fullmatch(key)
    return match[1].lower() if match else None


def asset_bands(where: str, key: str, asset: Mapping[str, Any]) -> list[AssetBand]:
    """Return the bands of one asset; none where it is a mask, a picture or metadata.

    Args:
        where: The item, for messages.
        key: The asset's key.
        asset: Its fields.

    Raises:
        RasterError: The fields are malformed, or tell wavelengths that cannot be.
    """
    where = f"{where}: asset {key!r}"
    declared = _dicts(where, asset, "bands") or _dicts(where, asset, "eo:bands")
    raster = _dicts(where, asset, "raster:bands")
    if not _holds_bands(key, asset, bool(declared)):
        return []
    bands = declared or [{}]
    if len(raster) > 1 and len(raster) != len(bands):
        if declared:
            raise RasterError(f"{where}: lists {len(bands)} bands, and {len(raster)} in raster:bands; correct the item")
        return []
    spread = list(raster) if len(raster) == len(bands) else list(raster) * len(bands)
    fields = [
        (band, {**_plain(asset), **(_raster(extra)), **_plain(band)})
        for band, extra in zip(bands, spread or [{}] * len(bands), strict=True)
    ]
    return [_asset_band(where, key, asset, place, *pair) for place, pair in enumerate(fields, start=1)]


def gsd_of(where: str, fields: Mapping[str, Any]) -> float:
    """Return the ground sample distance in metres that fields tell, infinite where they do not."""
    value = fields.get("gsd", fields.get("raster:spatial_resolution"))
    return float("inf") if value is None else number(value, f"{where}: gsd")


def _asset_band(
    where: str, key: str, asset: Mapping[str, Any], index: int, declared: Mapping[str, Any], fields: Mapping[str, Any]
) -> AssetBand:
    common = declared.get("eo:common_name", declared.get("common_name"))
    common = common if isinstance(common, str) else None
    alone = index == 1 and len(asset.get("bands") or asset.get("eo:bands") or ()) <= 1
    name = str(declared.get("name") or (key if alone else common or f"{key} {index}")).strip()
    try:
        band, nominal = _band(where, name, key if alone else None, common, declared)
    except ConfigurationError as problem:
        raise RasterError(f"{where}: {problem}; wavelengths in STAC are micrometres") from problem
    scale, offset = _number(where, fields, "raster:scale"), _number(where, fields, "raster:offset")
    told = Told(scale, offset, str(fields.get("data_type")))
    return AssetBand(
        key, str(asset.get("href", "")), index, name, band, common, nominal, told, _nodata(where, fields),
        gsd_of(where, fields),
    )  # fmt: skip


def _band(
    where: str, name: str, key: str | None, common: str | None, declared: Mapping[str, Any]
) -> tuple[Band | None, bool]:
    """Return what a band measures, and whether only its common name tells."""
    centre = _number(where, declared, "eo:center_wavelength", "center_wavelength")
    width = _number(where, declared, "eo:full_width_half_max", "full_width_half_max")
    if centre is not None:
        width_nm = None if width is None else round(width * NM_PER_UM, 6)
        return Band(name, round(centre * NM_PER_UM, 6), width_nm), False
    words = [word for word in (name, common, key) if word]
    token = next((word.strip().lower() for word in words if word.strip().lower() in TOKENS), None)
    if token is not None:
        return Band(token), False
    nominal = next((band for word in words if (band := common_band(word)) is not None), None)
    return (None, False) if nominal is None else (Band(name, nominal.wavelength_nm, nominal.bandwidth_nm), True)


def _holds_bands(key: str, asset: Mapping[str, Any], declared: bool) -> bool:
    roles = asset.get("roles") if isinstance(asset.get("roles"), list) else []
    if _PICTURE.fullmatch(key) or mask_kind(key) or _NOT_BANDS & {str(role).lower() for role in roles or ()}:
        return False
    image = str(asset.get("type") or "image/").startswith("image/")
    return declared or (image and bool(_DATA & {str(role).lower() for role in roles or ()}))


def _dicts(where: str, asset: Mapping[str, Any], field: str) -> Sequence[Mapping[str, Any]]:
    value = asset.get(field) or []
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise RasterError(f"{where}: {field} is no list of bands; correct the item")
    return value


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return those fields that a band may also get from its asset."""
    wanted = ("raster:scale", "raster:offset", "nodata", "data_type", "gsd", "raster:spatial_resolution")
    return {name: fields[name] for name in wanted if fields.get(name) is not None}


def _raster(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry of ``raster:bands`` in the words of STAC 1.1."""
    words = {"scale": "raster:scale", "offset": "raster:offset", "spatial_resolution": "raster:spatial_resolution"}
    return _plain({words.get(name, name): value for name, value in fields.items()})


def _number(where: str, fields: Mapping[str, Any], *names: str) -> float | None:
    value = next((fields[name] for name in names if fields.get(name) is not None), None)
    return None if value is None else number(value, f"{where}: {names[0]}")


def _nodata(where: str, fields: Mapping[str, Any]) -> float | None:
    # NaN and infinity count as no data in any case
    return None if fields.get("nodata") in ("nan", "inf", "-inf") else _number(where, fields, "nodata")
