"""What the model will see in a raster or a data set, as plain values for printing or JSON."""

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from stsun.bands import Band
from stsun.data.dataset import DataSet, open_dataset
from stsun.data.sample import Sample
from stsun.raster.reader import RasterInfo, inspect

YAML_SUFFIXES = (".yaml", ".yml")


def info(path: str | Path) -> dict[str, Any]:
    """Return what the model will see in a raster or a data set; every value fits JSON.

    Args:
        path: A GeoTIFF, PNG or JPEG, or a data set's YAML file (ends with .yaml or .yml).

    Raises:
        DataError: The data set's description, or the first sample of a split, is wrong.
        RasterError: The raster cannot be read.
    """
    if Path(path).suffix.lower() in YAML_SUFFIXES:
        return _dataset(open_dataset(path))
    return _raster(inspect(path))


def _raster(raster: RasterInfo) -> dict[str, Any]:
    bands = []
    for number, index in enumerate(raster.indexes):
        band = raster.bands[number]
        bands.append(
            {
                "index": index,
                "description": raster.descriptions[number],
                "band": None if band is None else _band(band),
                "dtype": raster.dtypes[number],
                "scale": raster.scales[number],
                "offset": raster.offsets[number],
                "nodata": _finite(raster.nodata[number]),
            }
        )
    return {
        "kind": "raster",
        "path": str(raster.path),
        "format": raster.driver,
        "height": raster.height,
        "width": raster.width,
        "crs": None if raster.crs is None else raster.crs.to_string(),
        "pixel_size_m": None if raster.pixel_size_m is None else list(raster.pixel_size_m),
        "gsd_m": raster.gsd_m,
        "date": _moment(raster.day),
        "colour_table": raster.palette,
        "mask": raster.masked,
        "alpha_band": raster.alpha,
        "bands_known": all(band is not None for band in raster.bands),
        "bands": bands,
    }


def _dataset(dataset: DataSet) -> dict[str, Any]:
    legend, description = dataset.legend, dataset.checked.description
    return {
        "kind": "dataset",
        "path": str(dataset.path),
        "name": dataset.name,
        "title": dataset.title,
        "licence": dataset.licence,
        "source": description.source,
        "task": dataset.task,
        "per_date": dataset.per_date,
        "categories": list(dataset.categories),
        "classes": [
            {"value": value, "name": name, "color": color}
            for value, name, color in zip(legend.values, legend.names, legend.colors, strict=True)
        ],
        "ignore": list(legend.ignore),
        "splits": {
            split: {"samples": len(records), "first": _sample(dataset.read(records[0]))}
            for split, records in dataset.samples.items()
        },
    }


def _sample(sample: Sample) -> dict[str, Any]:
    configuration = sample.configuration
    bands = (
        [[_band(band) for band in date] for date in configuration.bands]
        if configuration.mixed_sensors
        else [_band(band) for band in configuration.bands]
    )
    return {
        "id": sample.id,
        "dates": [_moment(float(day)) for day in sample.days],
        "height": sample.size[0],
        "width": sample.size[1],
        "gsd_m": configuration.gsd_m,
        "bands": bands,
        "valid_fraction": float(sample.valid.mean()),
    }


def _band(band: Band) -> dict[str, Any]:
    return {"name": band.name, "wavelength_nm": band.wavelength_nm, "bandwidth_nm": band.bandwidth_nm}


def _moment(day: float | None) -> str | None:
    """Return days since 1970-01-01 UTC as an ISO day, with the time of day where there is one."""
    if day is None or math.isnan(day):
        return None
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=round(day * 86_400))
    return moment.date().isoformat() if day == math.floor(day) else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _finite(value: float | None) -> float | str | None:
    return value if value is None or math.isfinite(value) else str(value)
