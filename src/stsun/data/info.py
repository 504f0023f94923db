"""What the model will see in a raster or a data set, as plain values for printing or JSON."""

import math
from pathlib import Path
from typing import Any

from stsun.bands import Band
from stsun.data.dataset import DataSet, open_dataset
from stsun.data.record import Record
from stsun.data.sample import Sample
from stsun.legend import value_text
from stsun.raster.metadata import moment_text
from stsun.raster.reader import RasterInfo, inspect
from stsun.sensors import named_band

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
    bands: list[dict[str, Any]] = []
    for number, index in enumerate(raster.indexes):
        tagged, name = raster.bands[number], raster.descriptions[number]
        band = tagged or named_band(name or "")
        known_by = "its tags" if tagged else "its name, at the nominal wavelength" if band else "nothing"
        bands.append(
            {
                "index": index,
                "description": name,
                "band": None if band is None else _band(band),
                "known_by": known_by,
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
        "bands_known": all(band["band"] is not None for band in bands),
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
            {"value": value_text(value) if legend.colored else value, "name": name, "color": color}
            for value, name, color in zip(legend.values, legend.names, legend.colors, strict=True)
        ],
        "ignore": [value_text(value) if legend.colored else value for value in legend.ignore],
        "splits": {
            split: {"samples": len(records), "first": _sample(dataset.read(records[0]), records[0])}
            for split, records in dataset.samples.items()
        },
    }


def _sample(sample: Sample, record: Record) -> dict[str, Any]:
    configuration = sample.configuration
    same = not configuration.mixed_sensors
    return {
        "id": sample.id,
        "dates": [_moment(float(day)) for day in sample.days],
        "height": sample.size[0],
        "width": sample.size[1],
        "gsd_m": configuration.gsd_m,
        "bands": [_band(band) for band in configuration.bands] if same else _bands_by_sensor(sample, record),
        "valid_fraction": float(sample.valid.mean()),
    }


def _band(band: Band) -> dict[str, Any]:
    return {"name": band.name, "wavelength_nm": band.wavelength_nm, "bandwidth_nm": band.bandwidth_nm}


def _bands_by_sensor(sample: Sample, record: Record) -> list[dict[str, Any]]:
    """Return each list of bands once, with the dates that have it."""
    places: dict[Any, list[int]] = {}
    for place, bands in enumerate(sample.configuration.bands):
        places.setdefault((record.dates[place].sensor, bands), []).append(place)
    return [
        {
            "sensor": sensor,
            "dates": [_moment(float(sample.days[place])) or f"date {place + 1}" for place in own],
            "bands": [_band(band) for band in bands],
        }
        for (sensor, bands), own in places.items()
    ]


def _moment(day: float | None) -> str | None:
    """Return days since 1970-01-01 UTC as an ISO day, with the time of day where there is one."""
    return None if day is None or math.isnan(day) else moment_text(day)


def _finite(value: float | None) -> float | str | None:
    return value if value is None or math.isfinite(value) else str(value)
