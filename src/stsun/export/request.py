"""What an export is asked for: a configuration, told by a file, a data set or a sensor of the catalogue."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from stsun.bands import Band
from stsun.configuration import Bands, Configuration, read_categories
from stsun.data.dataset import open_dataset
from stsun.errors import ConfigurationError
from stsun.sensors import sensor
from stsun.tasks import check_task
from stsun.yamlfile import Number, Whole, load_mapping, validate

FORBID: dict[str, str] = {"extra": "forbid"}
SUFFIXES = (".yaml", ".yml", ".json")

MOST_DATES = 10_000
"""A network for more is a slip of the pen: what it is traced with would not fit into memory."""

Known = Callable[[str], Sequence[str]]
"""All categories that a model knows for a task."""


@dataclass(frozen=True)
class BandEntry:
    """One band of a configuration file."""

    __pydantic_config__: ClassVar[dict[str, str]] = FORBID

    name: str
    wavelength_nm: Number | None = None
    bandwidth_nm: Number | None = None


@dataclass(frozen=True)
class Request:
    """A configuration file as written, and what the command line says in its place.

    Args:
        bands: A sensor of the catalogue, or the bands of every date, or one such list per date.
        gsd_m: Ground sample distance; left out = the sensor's, or unknown.
        task: ``segmentation``, ``binary_change`` or ``semantic_change``.
        categories: Names, or ``name=part+part`` for merged ones; left out = all that the model knows for the task.
        per_date: Segmentation only: one map per date.
        dates: How many dates there are; may be left out where bands are listed date by date.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = FORBID

    bands: str | list[BandEntry] | list[list[BandEntry]]
    gsd_m: Number | None = None
    task: str = "segmentation"
    categories: list[str] | None = None
    per_date: bool = False
    dates: Whole | None = None


def read_configuration(source: str, known: Known, **told: Any) -> Configuration:
    """Return the configuration that a text stands for, with a settled number of dates.

    Args:
        source: A configuration file or a data set (.yaml, .json), or the name of a catalogue sensor.
        known: Gives the categories where none are named.
        **told: Fields of `Request` in the place of what the source says; None = as it says.

    Raises:
        StsunError: There is no such file or sensor, or it does not say all, or what it says is implausible.
    """
    fields = {name: value for name, value in told.items() if value is not None}
    path = Path(source)
    if path.suffix.lower() not in SUFFIXES and not path.is_file():
        return _configuration(Request(source, **fields), known, source)
    written = load_mapping(path, ConfigurationError)
    if "classes" in written:
        written = _of_dataset(path)
    return _configuration(validate(written | fields, Request, ConfigurationError, source), known, source)


def as_written(configuration: Configuration) -> dict[str, Any]:
    """Return a configuration of a settled number of dates as a file of it would have it."""
    merged = {name: f"{name}={'+'.join(parts)}" for name, parts in configuration.merged}
    return {
        "bands": [
            [
                {"name": band.name, "wavelength_nm": band.wavelength_nm, "bandwidth_nm": band.bandwidth_nm}
                for band in date
            ]
            for date in configuration.bands_of_dates(configuration.dates or 1)
        ],
        "gsd_m": configuration.gsd_m,
        "task": configuration.task,
        "categories": [merged.get(name, name) for name in configuration.categories],
        "per_date": configuration.per_date,
        "dates": configuration.dates,
    }


def _configuration(request: Request, known: Known, source: str) -> Configuration:
    bands, gsd_m = _bands(request), request.gsd_m
    if isinstance(request.bands, str) and gsd_m is None:
        gsd_m = sensor(request.bands).gsd_m
    dates = request.dates if request.dates is not None else len(bands) if len(bands) > 1 else None
    if dates is None:
        raise ConfigurationError(
            f"{source} does not say how many dates there are, which is fixed in an export; give dates (--dates 1 for "
            "single images, --dates 2 for pairs)"
        )
    if dates > MOST_DATES:
        raise ConfigurationError(f"{source}: dates is {dates}, expected at most {MOST_DATES}; give fewer dates")
    if dates < 1 or len(bands) not in (1, dates):
        raise ConfigurationError(
            f"{source}: dates is {dates}, but bands are listed for {len(bands)}; give one list of bands for all dates, "
            "or one for each"
        )
    check_task(request.task)
    all_known = known(request.task)
    names, merged = read_categories(all_known if request.categories is None else request.categories, all_known)
    each = bands if len(bands) == dates else bands * dates
    return Configuration(each, gsd_m, request.task, names, request.per_date, merged)


def _bands(request: Request) -> list[Bands]:
    """Return the bands of each date, or once for all."""
    if isinstance(request.bands, str):
        return [sensor(request.bands).bands]
    lists: Any = request.bands if all(isinstance(entry, list) for entry in request.bands) else [request.bands]
    return [tuple(Band(band.name, band.wavelength_nm, band.bandwidth_nm) for band in date) for date in lists]


def _of_dataset(path: Path) -> dict[str, Any]:
    """Return what a data set's first sample is, as a configuration file would say it."""
    dataset = open_dataset(path)
    sample = dataset.read(dataset.records(dataset.splits[0])[0])
    bands = sample.configuration.bands_of_dates(len(sample.images))
    fixed = Configuration(bands, sample.configuration.gsd_m, dataset.task, dataset.categories, dataset.per_date)
    return as_written(fixed)
