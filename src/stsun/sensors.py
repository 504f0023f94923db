"""The sensor catalogue: bands, GSD and stored scale of well-known sensors, and the STAC common band names.

The numbers and the documents they are from stand in ``sensors.toml`` beside this module. A file's own wavelength
tags are always better than the catalogue.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from stsun.bands import TOKENS, Band, check_bands
from stsun.errors import ConfigurationError


@dataclass(frozen=True)
class Sensor:
    """One sensor's standard product.

    Args:
        name: Its key in the catalogue, such as ``sentinel-2-l2a``.
        title: Its name in words.
        bands: Its bands, in the product's order.
        gsd_m: Ground sample distance in metres per pixel; None where it differs from image to image.
        common_names: The STAC common name of each band, None where a band has none.
        scale: Stored value * scale + offset = reflectance (0..1) or the band's physical unit.
        offset: See ``scale``.
        source: The document the numbers are from.
        note: What to know before use: nominal numbers, product versions, units; may be empty.
    """

    name: str
    title: str
    bands: tuple[Band, ...]
    gsd_m: float | None
    common_names: tuple[str | None, ...]
    scale: float
    offset: float
    source: str
    note: str = ""


@cache
def sensors() -> Mapping[str, Sensor]:
    """Return every sensor of the catalogue by its name."""
    return MappingProxyType({name: _sensor(name, entry) for name, entry in _catalogue()["sensors"].items()})


def sensor(name: str) -> Sensor:
    """Return the catalogue's sensor of that name.

    Raises:
        ConfigurationError: There is no such sensor; the message lists those there are.
    """
    catalogue = sensors()
    key = name.strip().lower().replace("_", "-").replace(" ", "-") if isinstance(name, str) else ""
    if key not in catalogue:
        close = get_close_matches(key, catalogue, n=3)
        hint = f"did you mean {' or '.join(close)}? It" if close else "it"
        raise ConfigurationError(
            f"no sensor {name!r} in the catalogue; {hint} knows {', '.join(catalogue)}; "
            "or list the bands with their wavelengths instead"
        )
    return catalogue[key]


@cache
def common_bands() -> Mapping[str, Band]:
    """Return the nominal band of each STAC common name."""
    return MappingProxyType({name: Band(name, **entry) for name, entry in _catalogue()["common_names"].items()})


def common_band(name: str) -> Band | None:
    """Return the nominal band of a STAC common name (``red``, ``nir``, ``swir16``, ...), or None if it is not one."""
    return common_bands().get(name.strip().lower())


def named_band(name: str) -> Band | None:
    """Return the band that a name alone tells: a named token, or a STAC common name's nominal band; None for others."""
    token = name.strip().lower()
    return Band(token) if token in TOKENS else common_band(token)


@cache
def _catalogue() -> dict[str, Any]:
    return tomllib.loads(files("stsun").joinpath("sensors.toml").read_text(encoding="utf-8"))


def _sensor(name: str, entry: Mapping[str, Any]) -> Sensor:
    rows = [*entry.get("bands", ()), *(row for grid in entry.get("grids", ()) for row in _grid_rows(grid))]
    bands = tuple(Band(row["name"], row.get("wavelength_nm"), row.get("bandwidth_nm")) for row in rows)
    check_bands(bands)
    return Sensor(
        name=name,
        title=entry["title"],
        bands=bands,
        gsd_m=entry.get("gsd_m"),
        common_names=tuple(row.get("common_name") for row in rows),
        scale=entry.get("scale", 1.0),
        offset=entry.get("offset", 0.0),
        source=entry["source"],
        note=entry.get("note", ""),
    )


def _grid_rows(grid: Mapping[str, Any]) -> list[dict[str, Any]]:
    step_nm = (grid["last_nm"] - grid["first_nm"]) / (grid["count"] - 1)
    return [
        {
            "name": f"{grid['prefix']}{index + 1}",
            "wavelength_nm": round(grid["first_nm"] + index * step_nm, 3),
            "bandwidth_nm": grid["bandwidth_nm"],
        }
        for index in range(grid["count"])
    ]
