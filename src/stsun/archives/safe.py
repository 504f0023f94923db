"""Sentinel-2 products in ESA's SAFE format, level 1C and 2A, compact naming (since December 2016).

Sources: ESA, Sentinel-2 Products Specification Document (S2-PDGS-TAS-DI-PSD): layout, scale, special values; and its
processing baseline 04.00 for the offsets: reflectance = (stored + offset) / quantification value.
"""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from pathlib import Path

from stsun.archives.acquisition import Acquisition, BandFile, CloudMask
from stsun.archives.documents import number, read_xml
from stsun.archives.selection import Candidate, select
from stsun.errors import RasterError
from stsun.raster.metadata import parse_day
from stsun.sensors import sensor

METADATA = {"MTD_MSIL1C.xml": "1C", "MTD_MSIL2A.xml": "2A"}
"""Product metadata file -> level."""

OFFSETS_SINCE = 4.0
"""The processing baseline from which on products tell an offset for each band."""

_TAGS = {
    "1C": (("QUANTIFICATION_VALUE",), "RADIO_ADD_OFFSET"),
    "2A": (("BOA_QUANTIFICATION_VALUE", "L2A_BOA_QUANTIFICATION_VALUE"), "BOA_ADD_OFFSET"),
}
_IMAGE = re.compile(r".*_(B\d[\dA]|SCL)(?:_([126]0)m)?\.(?:jp2|tiff?)", re.IGNORECASE)


def is_safe(folder: Path) -> bool:
    """Return whether a folder is, or calls itself, a Sentinel-2 product."""
    return folder.suffix.lower() == ".safe" or _metadata(folder) is not None


def open_safe(folder: Path, only: Sequence[str] | None = None) -> Acquisition:
    """Return what a Sentinel-2 product holds: for each band the finest resolution that is there.

    Args:
        folder: The ``.SAFE`` folder.
        only: The bands to take, by name (``B04``, ``B4``) or common name (``red``); None = all.

    Raises:
        RasterError: Metadata or images are missing or malformed.
        ConfigurationError: A band asked for is not there.
    """
    path = _metadata(folder)
    if path is None:
        raise RasterError(
            f"{folder}: is no complete Sentinel-2 product: there is neither {' nor '.join(METADATA)} in it; unpack the "
            "whole product, and give the folder whose name ends in .SAFE (products before December 2016 are not read)"
        )
    level, root = METADATA[path.name], read_xml(path)
    quantification = _quantification(path, root, _TAGS[level][0])
    offsets = _offsets(path, root, _TAGS[level][1])
    images = _images(folder)
    candidates, notes = [], []
    catalogue = sensor(f"sentinel-2-l{level.lower()}")
    for band, common in zip(catalogue.bands, catalogue.common_names, strict=True):
        if band.name not in images:
            notes.append(f"{band.name} is left out, its file is missing")
            continue
        offset = offsets.get(band.name, 0.0)
        file = BandFile(str(images[band.name]), 1, band, 1 / quantification, offset / quantification, 0.0)
        candidates.append(Candidate(file, (common,) if common else ()))
    if not candidates:
        raise RasterError(f"{folder}: holds no band under GRANULE/*/IMG_DATA (.jp2 or .tif); unpack the whole product")
    bands = select(str(folder), candidates, only)
    mask = CloudMask(str(images["SCL"]), 1, "scl") if "SCL" in images and level == "2A" else None
    if mask is None:
        why = "its scene classification is missing" if level == "2A" else "level 1C has no scene classification"
        notes.append(f"clouds are not masked, {why}")
    # which bands there are besides those asked for is nobody's concern
    kept = notes if only is None else notes[len(catalogue.bands) - len(candidates) :]
    return Acquisition(folder.name.removesuffix(".SAFE"), _day(path, root), bands, mask, tuple(kept))


def _metadata(folder: Path) -> Path | None:
    return next((folder / name for name in METADATA if (folder / name).is_file()), None)


def _text(root: ElementTree.Element, *tags: str) -> str | None:
    found = (element.text for tag in tags for element in root.iter(tag))
    return next((text.strip() for text in found if text and text.strip()), None)


def _quantification(path: Path, root: ElementTree.Element, tags: Sequence[str]) -> float:
    value = number(_text(root, *tags), f"{path}: {tags[0]}")
    if not 1 <= value <= 1e6:
        raise RasterError(f"{path}: {tags[0]} is {value:g}, expected a number such as 10000; fetch the product again")
    return value


def _offsets(path: Path, root: ElementTree.Element, tag: str) -> Mapping[str, float]:
    """Return the offset of each band in stored units; empty for products before ``OFFSETS_SINCE``."""
    names = [band.name for band in sensor("sentinel-2-l1c").bands]
    told = {element.get("band_id"): number(element.text, f"{path}: {tag}") for element in root.iter(tag)}
    baseline = number(_text(root, "PROCESSING_BASELINE"), f"{path}: PROCESSING_BASELINE")
    if baseline < OFFSETS_SINCE and not told:
        return {}
    missing = [name for place, name in enumerate(names) if str(place) not in told]
    if missing:
        raise RasterError(
            f"{path}: processing baseline {baseline:05.2f} must tell a {tag} for every band, and does not for "
            f"{', '.join(missing)}; without it reflectances would be 0.1 too high; fetch the product again"
        )
    return {name: told[str(place)] for place, name in enumerate(names)}


def _day(path: Path, root: ElementTree.Element) -> float:
    text = _text(root, "PRODUCT_START_TIME", "DATATAKE_SENSING_START")
    day = parse_day(text) if text is not None else None
    if day is None:
        raise RasterError(
            f"{path}: PRODUCT_START_TIME is {text!r}, expected a time of sensing; fetch the product again"
        )
    return day


def _images(folder: Path) -> Mapping[str, Path]:
    """Return the finest file of each band and of the scene classification."""
    granules = sorted(granule for granule in folder.glob("GRANULE/*") if (granule / "IMG_DATA").is_dir())
    if len(granules) > 1:
        raise RasterError(
            f"{folder}: holds {len(granules)} granules, expected one as in all products since December 2016; fetch the "
            "product again in its compact form"
        )
    found: dict[str, tuple[int, Path]] = {}
    for granule in granules:
        for path in sorted([*granule.glob("IMG_DATA/*.*"), *granule.glob("IMG_DATA/R*m/*.*")]):
            match = _IMAGE.fullmatch(path.name)
            if match is None or not path.is_file():
                continue
            name, metres = match[1].upper(), int(match[2] or 0)
            if name not in found or metres < found[name][0]:
                found[name] = (metres, path)
    return {name: path for name, (_, path) in found.items()}
