"""What the user says about the images of a scene: lists with one entry per date, checked."""

import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from stsun.archives.acquisition import CloudMask
from stsun.archives.hrefs import is_remote
from stsun.archives.masks import KINDS
from stsun.bands import Band
from stsun.errors import ConfigurationError
from stsun.raster.metadata import parse_day
from stsun.raster.reader import inspect
from stsun.scene.identify import parse_bands

if TYPE_CHECKING:
    import pystac
    import xarray

Image: TypeAlias = "str | Path | xarray.DataArray | xarray.Dataset | pystac.Item | pystac.ItemCollection"
Entry: TypeAlias = "Image | Sequence[Image]"
Bands = Sequence[Band | str]


def entries_of(images: Sequence[Entry]) -> list[list[Any]]:
    """Return what each entry holds: paths, addresses as GDAL reads them, xarray objects, and STAC items.

    Raises:
        ConfigurationError: There are none, or an entry is none of these, nor a list of them.
    """
    if isinstance(images, str | Path) or is_array(images) or is_items(images) or not images:
        got = type(images).__name__ if is_array(images) else repr(images)
        raise ConfigurationError(f"images must be a list with one entry per date, got {got}; write ['a.tif']")
    return [_images_of(entry) for entry in images]


def is_array(image: object) -> bool:
    """Return whether something is an xarray object; nobody has one where xarray was never imported."""
    loaded = sys.modules.get("xarray")
    return loaded is not None and isinstance(image, loaded.DataArray | loaded.Dataset)


def is_items(image: object) -> bool:
    """Return whether something is a STAC item or some items of pystac."""
    loaded = sys.modules.get("pystac")
    return loaded is not None and isinstance(image, loaded.Item | loaded.ItemCollection)


def is_list(entry: object) -> bool:
    """Return whether an entry was given as a list of images, which is a date of its own."""
    return isinstance(entry, Sequence) and not isinstance(entry, str)


def _images_of(entry: Any) -> list[Any]:
    if is_items(entry):
        return [entry]
    images = entry if is_list(entry) else [entry]
    if not all(isinstance(image, str | Path) or is_array(image) for image in images):
        raise ConfigurationError(
            f"an entry of images is {entry!r}, expected a path or an xarray object, or a list of these of one date, or "
            "an item of pystac"
        )
    if not images:
        raise ConfigurationError("an entry of images is an empty list; give at least one file per date")
    return [_place(image) if isinstance(image, str) else image for image in images]


def _place(text: str) -> str | Path:
    """Return an http(s) address as GDAL reads it; all else is a path."""
    address = text.removeprefix("/vsicurl/")
    return f"/vsicurl/{address}" if is_remote(address) else Path(text)


def bands_per_date(bands: Bands | Sequence[Bands] | None, dates: int) -> list[tuple[Band, ...] | None]:
    """Return the bands told for each date, None where none are.

    Raises:
        ConfigurationError: A band cannot be read, or there is neither one list nor one for each date.
    """
    if bands is None:
        return [None] * dates
    lists = [bands] if any(isinstance(band, Band | str) for band in bands) else list(bands)
    if len(lists) not in (1, dates):
        raise ConfigurationError(
            f"got {len(lists)} lists of bands for {dates} images; give one for all or one per image"
        )
    parsed: list[tuple[Band, ...] | None] = [parse_bands(own) for own in lists]  # type: ignore[arg-type]
    return parsed if len(parsed) == dates else parsed * dates


def days_of(dates: Sequence[str | date | None] | None, count: int) -> list[float | None]:
    """Return the day told for each date, in days since 1970-01-01 UTC; None where none is.

    Raises:
        ConfigurationError: A date is no ISO day, or their number is another.
    """
    if dates is None:
        return [None] * count
    if isinstance(dates, str) or len(dates) != count:
        raise ConfigurationError(
            f"got {1 if isinstance(dates, str) else len(dates)} dates for {count} images; give one per image"
        )
    return [None if text is None else _day(text) for text in dates]


def _day(text: str | date) -> float:
    day = parse_day(str(text))
    if day is None:
        raise ConfigurationError(f"{str(text)!r} is no ISO date; write it like 2018-05-31 or 2018-05-31T10:20")
    return day


def masks_of(masks: Sequence[str | Path | None] | None, count: int) -> list[CloudMask | None]:
    """Return the mask told for each image, None where none is.

    Args:
        masks: One per image: a path, whose raster is non-zero where a pixel is usable, or ``KIND:path`` with one of
            `stsun.archives.masks.KINDS`; None or ``-`` = no mask.
        count: Number of images.

    Raises:
        ConfigurationError: Their number is another.
        RasterError: A mask is no raster.
    """
    if masks is None:
        return [None] * count
    if isinstance(masks, str | Path) or len(masks) != count:
        got = 1 if isinstance(masks, str | Path) else len(masks)
        raise ConfigurationError(f"got {got} masks for {count} images; give one per image, - where there is none")
    return [None if mask is None or str(mask) == "-" else _mask(str(mask)) for mask in masks]


def _mask(text: str) -> CloudMask:
    kind, colon, path = text.partition(":")
    if not colon or kind not in KINDS:
        kind, path = "valid", text
    inspect(path)
    return CloudMask(path, 1, kind)
