"""A STAC Item that describes a finished prediction: where, when, what values mean, which model made it, and of what.

SpatioTemporal Asset Catalog 1.1 (https://github.com/radiantearth/stac-spec/tree/v1.1.0) with the extensions listed in
`EXTENSIONS`, above all Machine Learning Model (MLM). It is plain JSON: no package is needed to write it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

from stsun.bands import Band
from stsun.errors import ConfigurationError, RasterError
from stsun.maps.footprint import footprint
from stsun.maps.stac_assets import classes, file_asset, media_type, model_asset, projection, relative
from stsun.raster.grid import Grid
from stsun.raster.opening import opened
from stsun.raster.whole import whole_file
from stsun.raster.writer import SUFFIXES, check_free
from stsun.tasks import check_task

EXTENSIONS = {
    "proj": "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "classification": "https://stac-extensions.github.io/classification/v2.0.0/schema.json",
    "raster": "https://stac-extensions.github.io/raster/v2.0.0/schema.json",
    "file": "https://stac-extensions.github.io/file/v2.1.0/schema.json",
    "processing": "https://stac-extensions.github.io/processing/v1.2.0/schema.json",
    "mlm": "https://stac-extensions.github.io/mlm/v1.4.0/schema.json",
    "eo": "https://stac-extensions.github.io/eo/v2.0.0/schema.json",
}
"""Prefix of the fields -> schema of the extension."""

_TASK = "semantic-segmentation"
"""MLM's list of tasks has none for changes; every one of ours gives a category to each pixel. Which it was is told as a
hyperparameter."""


@dataclass(frozen=True)
class Period:
    """What one map speaks for.

    Args:
        name: Such as ``2018-05-01 to 2024-05-01``.
        start: First day or moment, ISO 8601; None = unknown. Without a time zone it is UTC.
        end: Last day (included) or moment.
    """

    name: str
    start: str | None
    end: str | None


@dataclass(frozen=True)
class ModelFacts:
    """The model that made the maps.

    Args:
        name: Such as ``stsun-tiny``.
        parameters: How many numbers it has learned.
        version: Of the checkpoint, such as the beginning of a hash of its weights.
        checkpoint: Where it lies; None = not told.
    """

    name: str
    parameters: int
    version: str
    checkpoint: Path | None


@dataclass(frozen=True)
class ItemFacts:
    """What an item says that its files do not.

    Args:
        id: Of the item, unique among those it is published with.
        task: ``segmentation``, ``binary_change`` or ``semantic_change``.
        categories: Name and colour (``#rrggbb``) of each pixel value of the maps, from 0 on.
        periods: One per map; at least one start or end is known.
        bands: The bands of each date.
        gsd_m: Ground sample distance in metres; None = unknown.
        model: The model.
        software: Version of this package.
        inputs: The images; a text that is an address (``https://...``, also behind ``/vsicurl/``) stays one.
        created: When, ISO 8601; None leaves it out, so that the same prediction gives the same bytes.

    Raises:
        ConfigurationError: No period has a date, which STAC needs; or there is no such task.
    """

    id: str
    task: str
    categories: Sequence[tuple[str, str]]
    periods: Sequence[Period]
    bands: Sequence[Sequence[Band]]
    gsd_m: float | None
    model: ModelFacts
    software: str
    inputs: Sequence[Path | str]
    created: str | None = None

    def __post_init__(self) -> None:
        check_task(self.task)
        if not any(period.start or period.end for period in self.periods):
            raise ConfigurationError(
                "a STAC item needs a date, but none of the images has a known one; tell the dates (--date)"
            )


def write_stac_item(
    path: Path, *, assets: Mapping[str, Path], facts: ItemFacts, checksums: bool = False, overwrite: bool = False
) -> None:
    """Write a STAC Item that describes the files of one prediction.

    The place is that of the first asset, the map; a raster on another grid says so itself. Without a CRS there is no
    geometry. All files are told relative to the item, and need not lie beside it. The item appears whole or not at all.

    Args:
        path: The JSON file to write; missing folders are made.
        assets: Name -> file, the GeoTIFF of maps first.
        facts: All else.
        checksums: Say each asset's SHA-256, too; every file is then read once.
        overwrite: Replace a file that is there.

    Raises:
        RasterError: The path cannot be written, an asset is missing, or the first is no GeoTIFF.
        ConfigurationError: A date is not ISO 8601.
    """
    check_free(path, (path.suffix.lower(),), overwrite=overwrite)
    first = next(iter(assets.values()), None)
    if first is None or first.suffix.lower() not in SUFFIXES:
        raise RasterError(f"{path}: the first asset is {first}; expected the GeoTIFF of maps ({' or '.join(SUFFIXES)})")
    item = _item(path.parent, assets, facts, checksums=checksums)
    with whole_file(path) as unfinished:
        unfinished.write_text(json.dumps(item, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def _item(folder: Path, assets: Mapping[str, Path], facts: ItemFacts, *, checksums: bool) -> dict[str, Any]:
    with opened(next(iter(assets.values()))) as dataset:
        grid = Grid(dataset.crs, dataset.transform, dataset.height, dataset.width)
    place = footprint(grid)
    described = {
        key: file_asset(folder, file, grid, facts.categories if position == 0 else None, checksum=checksums)
        for position, (key, file) in enumerate(assets.items())
    }
    if facts.model.checkpoint is not None:
        title, bands = f"{facts.model.name} {facts.model.version}", list(chain.from_iterable(facts.bands))
        described["model"] = model_asset(folder, facts.model.checkpoint, title, bands)
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [EXTENSIONS[prefix] for prefix in EXTENSIONS if prefix != "eo" or "model" in described],
        "id": facts.id,
        "geometry": None if place is None else place[0],
        **({} if place is None else {"bbox": place[1]}),
        "properties": _moments(facts.periods) | _common(facts) | projection(grid) | _learned(facts),
        "links": [{"rel": "derived_from", "href": relative(folder, file), **media_type(file)} for file in facts.inputs],
        "assets": described,
    }


def _moments(periods: Sequence[Period]) -> dict[str, str | None]:
    """Return from when to when; one moment alone is STAC's ``datetime``."""
    told = [(text, last) for period in periods for text, last in ((period.start, False), (period.end, True)) if text]
    if len({text for text, _ in told}) == 1:
        return {"datetime": _moment(told[0][0], last=False)}
    moments = [_moment(text, last=last) for text, last in told]
    return {"datetime": None, "start_datetime": min(moments), "end_datetime": max(moments)}


def _moment(text: str, *, last: bool) -> str:
    """Return RFC 3339 in UTC of an ISO date or moment; the last of a period includes its whole day."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(f"{text!r} is no date; expected ISO 8601, such as 2018-05-01") from error
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    if last and re.fullmatch(r"[\d-]+", text):
        moment = moment.replace(hour=23, minute=59, second=59)
    return moment.isoformat().replace("+00:00", "Z")


def _common(facts: ItemFacts) -> dict[str, Any]:
    return {
        **({} if facts.created is None else {"created": _moment(facts.created, last=False)}),
        **({} if facts.gsd_m is None else {"gsd": facts.gsd_m}),
        "processing:software": {"stsun": facts.software},
    }


def _learned(facts: ItemFacts) -> dict[str, Any]:
    maps = len(facts.periods)
    kinds: dict[tuple[Band, ...], int] = {}
    for bands in facts.bands:
        kinds[tuple(bands)] = kinds.get(tuple(bands), 0) + 1
    return {
        "mlm:name": facts.model.name,
        "mlm:architecture": "STSUN",
        "mlm:tasks": [_TASK],
        "mlm:framework": "pytorch",
        "mlm:total_parameters": facts.model.parameters,
        "mlm:hyperparameters": {"task": facts.task, "checkpoint_version": facts.model.version},
        "mlm:input": [
            {
                "name": "images" if len(kinds) == 1 else f"images of kind {number}",
                "bands": [band.name for band in bands],
                "input": _array(dates, len(bands), "float32"),
                "pre_processing_function": None,
            }
            for number, (bands, dates) in enumerate(kinds.items(), start=1)
        ],
        "mlm:output": [
            {
                "name": "maps",
                "tasks": [_TASK],
                "result": _array(maps, 1, "uint8"),
                "classification:classes": classes(dict(enumerate(facts.categories))),
                "post_processing_function": None,
            }
        ],
    }


def _array(times: int, bands: int, data_type: str) -> dict[str, Any]:
    return {
        "shape": [-1, times, bands, -1, -1],
        "dim_order": ["batch", "time", "bands", "height", "width"],
        "data_type": data_type,
    }
