"""What describes a data set (docs/datasets.md): the keys of its YAML file and of a row of ``samples.jsonl``."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, WrapValidator

from stsun.data.patterns import placeholders
from stsun.errors import DataError
from stsun.legend import color_value
from stsun.yamlfile import Number, Whole

FORBID: dict[str, str] = {"extra": "forbid"}


def _number_of_color(value: object) -> object:
    if not (isinstance(value, str) and value.startswith("#")):
        return value
    try:
        return color_value(value)
    except DataError as problem:
        raise ValueError(str(problem)) from problem


StoredValue = Annotated[Whole, BeforeValidator(_number_of_color)]
"""A stored label value: a whole number, or a colour ``#rrggbb``, which becomes one."""


def _each_value_once(classes: object, validated: Callable[[object], dict[int, str]]) -> dict[int, str]:
    counts = Counter(str(value).lower() for value in classes) if isinstance(classes, dict) else Counter[str]()
    twice = sorted(value for value, count in counts.items() if count > 1)
    if twice:
        raise ValueError(f"expected each stored value once, but {', '.join(twice)} occurs twice")
    result = validated(classes)
    if isinstance(classes, dict) and len(result) < len(classes):
        raise ValueError("expected each stored value once, but one is written in two ways, such as 10 and '010'")
    return result


@dataclass(frozen=True)
class BandEntry:
    """One entry of ``bands``: the band, and how its values are stored where that differs from the data set's."""

    __pydantic_config__: ClassVar[dict[str, str]] = FORBID

    name: str
    wavelength_nm: Number | None = None
    bandwidth_nm: Number | None = None
    scale: Number | None = None
    offset: Number | None = None
    nodata: Number | None = None


@dataclass(frozen=True)
class SensorEntry:
    """One entry of ``sensors``: the bands of the dates that this sensor took."""

    __pydantic_config__: ClassVar[dict[str, str]] = FORBID

    bands: list[BandEntry] | str
    gsd_m: Number | None = None


@dataclass(frozen=True)
class AreaSplit:
    """A split by area: the pixels where the mask raster holds the value."""

    __pydantic_config__: ClassVar[dict[str, str]] = FORBID

    mask: str
    value: Whole


@dataclass(frozen=True)
class RowImage:
    """One date of a row: its file (or files, where its bands are spread over several), day and sensor.

    ``bands`` are the numbers of those of a single file that belong to the date, where it holds more than that.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = FORBID

    path: str | list[str]
    date: str | None = None
    sensor: str | None = None
    bands: list[Whole] | None = None


@dataclass(frozen=True)
class Row:
    """One line of ``samples.jsonl``: one sample.

    ``layers`` are the bands of the label files that hold the maps, where these have more than one; ``window`` is the
    part of all its files that the sample is: first row, first column, height, width.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = FORBID

    id: Annotated[str, Field(min_length=1)]
    images: list[RowImage]
    labels: list[str]
    split: str | None = None
    valid: list[str | None] | None = None
    gsd_m: Number | None = None
    layers: list[Whole] | None = None
    window: Annotated[list[Whole], Field(min_length=4, max_length=4)] | None = None


@dataclass(frozen=True)
class Description:
    """A data set's YAML file as written; every field is a key of it."""

    __pydantic_config__: ClassVar[dict[str, str]] = FORBID

    name: Annotated[str, Field(min_length=1)]
    task: str
    classes: Annotated[dict[StoredValue, str], WrapValidator(_each_value_once)]
    title: str = ""
    licence: str = ""
    source: str = ""
    per_date: bool = False
    gsd_m: Number | None = None
    bands: list[BandEntry] | str | None = None
    sensors: dict[str, SensorEntry] | None = None
    scale: Number | None = None
    offset: Number | None = None
    nodata: Number | None = None
    images: str | list[str | list[str]] | None = None
    dates: list[str | None] | None = None
    valid: str | list[str | None] | None = None
    labels: str | list[str] | None = None
    samples: str | list[Row] | None = None
    ignore: list[StoredValue] = field(default_factory=list)
    nearest: bool = False
    one_hot: bool = False
    colors: dict[str, str] = field(default_factory=dict)
    splits: dict[str, str | AreaSplit] | None = None

    @property
    def samples_file(self) -> str | None:
        """The name of the file that lists the samples; None where there is none, or they stand in the description."""
        return self.samples if isinstance(self.samples, str) else None

    @property
    def archived(self) -> bool:
        """True where each sample is one ``.npz`` file."""
        patterns = self.image_patterns
        return [len(files) for files in patterns] == [1] and patterns[0][0].lower().endswith(".npz")

    @property
    def dated_by_name(self) -> bool:
        """True where the images are found by their names, which hold the date."""
        return isinstance(self.images, str) and "date" in placeholders(self.images)

    @property
    def image_patterns(self) -> list[list[str]]:
        """The patterns of each date's files; empty with ``samples``."""
        entries = [self.images] if isinstance(self.images, str) else self.images or []
        return [[entry] if isinstance(entry, str) else list(entry) for entry in entries]

    @property
    def label_patterns(self) -> list[str]:
        """The patterns of the label files; empty with ``samples`` and ``.npz``."""
        return [self.labels] if isinstance(self.labels, str) else list(self.labels or [])

    @property
    def valid_patterns(self) -> list[str | None]:
        """The patterns of the valid masks, None for a date without; empty where there are none."""
        return [self.valid] if isinstance(self.valid, str) else list(self.valid or [])

    @property
    def area_splits(self) -> dict[str, AreaSplit]:
        """The splits that are areas of one scene."""
        return {name: split for name, split in (self.splits or {}).items() if isinstance(split, AreaSplit)}
