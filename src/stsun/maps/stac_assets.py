"""The assets of a STAC Item: files, the grid and bands of rasters, what their values mean, and the model's weights."""

import hashlib
import math
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from rasterio.crs import CRS

from stsun.bands import Band
from stsun.errors import RasterError
from stsun.raster.grid import Grid
from stsun.raster.opening import opened
from stsun.raster.writer import SUFFIXES

_MEDIA_TYPES = {
    **dict.fromkeys(SUFFIXES, "image/tiff; application=geotiff"),
    ".gpkg": "application/geopackage+sqlite3",
    ".parquet": "application/vnd.apache.parquet",
    ".geojson": "application/geo+json",
    ".json": "application/json",
    ".csv": "text/csv",
    ".md": "text/markdown",
    ".html": "text/html",
    ".png": "image/png",
    ".jpg": "image/jpeg",
}


Categories: TypeAlias = Sequence[tuple[str, str]]
"""Name and colour (``#rrggbb``, or nothing) of each value from 0 on."""


def file_asset(
    folder: Path, file: Path, grid: Grid, categories: Categories | None, *, checksum: bool
) -> dict[str, Any]:
    """Return the asset of one file.

    Args:
        folder: Of the item.
        file: The file.
        grid: The item's; a raster on another one says so.
        categories: What the values of all bands mean; None = as the bands' own tags say (``category_0``, ``color_0``).
        checksum: Say the file's SHA-256.

    Raises:
        RasterError: There is no such file, or it is a raster that cannot be read.
    """
    if not file.is_file():
        raise RasterError(f"{file}: there is no such file; write the item after its files")
    asset: dict[str, Any] = {"href": relative(folder, file), **media_type(file), "roles": ["data"]}
    asset["file:size"] = file.stat().st_size
    if checksum:
        with file.open("rb") as stream:
            # a multihash: code of SHA-256, its length, the hash
            asset["file:checksum"] = f"1220{hashlib.file_digest(stream, 'sha256').hexdigest()}"
    if file.suffix.lower() not in SUFFIXES:
        return asset
    with opened(file) as dataset:
        own = Grid(dataset.crs, dataset.transform, dataset.height, dataset.width)
        if own != grid:
            asset |= projection(own)
        asset["bands"] = [_band(dataset, number, categories) for number in range(1, dataset.count + 1)]
    return asset


def model_asset(folder: Path, checkpoint: Path, title: str, bands: Sequence[Band]) -> dict[str, Any]:
    """Return the asset of a model's weights, with the wavelengths in micrometres of the bands that it was given."""
    by_name = {band.name: band for band in bands}
    return {
        "href": relative(folder, checkpoint),
        "type": "application/octet-stream",
        "title": title,
        "roles": ["mlm:model", "mlm:weights"],
        "mlm:artifact_type": "safetensors",
        "bands": [
            {
                "name": band.name,
                **({} if band.wavelength_nm is None else {"eo:center_wavelength": round(band.wavelength_nm / 1000, 7)}),
                **({} if band.bandwidth_nm is None else {"eo:full_width_half_max": round(band.bandwidth_nm / 1000, 7)}),
            }
            for band in by_name.values()
        ],
    }


def media_type(file: Path | str) -> dict[str, str]:
    """Return the ``type`` of an asset or link as far as the file's suffix tells it."""
    known = _MEDIA_TYPES.get(Path(file).suffix.lower())
    return {} if known is None else {"type": known}


def relative(folder: Path, file: Path | str) -> str:
    """Return where a file lies, seen from a folder; a file on a server has its whole address."""
    address = str(file).removeprefix("/vsicurl/")
    if isinstance(file, str) and re.match("https?://", address):
        return address
    return Path(os.path.relpath(Path(file).resolve(), folder.resolve())).as_posix()


def projection(grid: Grid) -> dict[str, Any]:
    """Return the fields of the projection extension that tell a grid."""
    place: dict[str, Any] = {"proj:code": None}
    if grid.crs is not None:
        code = _code(grid.crs)
        place = {"proj:code": code} if code else {"proj:code": None, "proj:wkt2": grid.crs.to_wkt(version="WKT2_2019")}
    return place | {"proj:shape": [grid.height, grid.width], "proj:transform": list(grid.transform)[:6]}


def classes(categories: Mapping[int, tuple[str, str]]) -> list[dict[str, Any]]:
    """Return what each value means: name and colour (``#rrggbb``, or nothing) as the classification extension has them.

    Its names are letters, digits, - and _ only; ours are the descriptions.
    """
    told: list[dict[str, Any]] = []
    for value, (name, color) in sorted(categories.items()):
        plain = re.sub(r"[^0-9A-Za-z_-]+", "_", name).strip("_")
        if not plain or plain in {entry["name"] for entry in told}:
            plain = f"{plain or 'category'}_{value}"
        hint = {"color_hint": color.lstrip("#").upper()} if color else {}
        told.append({"value": value, "name": plain, "description": name, **hint})
    return told


def _code(crs: CRS) -> str | None:
    """Return ``EPSG:n`` where that is the very system, not one that looks like it."""
    epsg = crs.to_epsg()
    return f"EPSG:{epsg}" if epsg and CRS.from_epsg(epsg) == crs else None


def _band(dataset: Any, number: int, categories: Categories | None) -> dict[str, Any]:
    nodata, scale = dataset.nodatavals[number - 1], dataset.scales[number - 1]
    offset = dataset.offsets[number - 1]
    known = _tagged(dataset.tags(number)) if categories is None else dict(enumerate(categories))
    return {
        "name": dataset.descriptions[number - 1] or f"band {number}",
        "data_type": dataset.dtypes[number - 1],
        **({} if nodata is None else {"nodata": _number(nodata)}),
        **({} if scale == 1 else {"raster:scale": scale}),
        **({} if offset == 0 else {"raster:offset": offset}),
        **({"classification:classes": classes(known)} if known else {}),
    }


def _tagged(tags: Mapping[str, str]) -> dict[int, tuple[str, str]]:
    """Return the categories that a band's tags tell."""
    values = [int(key.removeprefix("category_")) for key in tags if re.fullmatch(r"category_\d+", key)]
    return {value: (tags[f"category_{value}"], tags.get(f"color_{value}", "")) for value in values}


def _number(value: float) -> float | str:
    """Return a number as STAC has it in JSON, which knows no NaN and no infinity."""
    if not math.isfinite(value):
        return str(value)
    return int(value) if value == int(value) else value
