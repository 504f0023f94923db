"""A scene: the images of one place, date by date, on one grid, with their bands known."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import rasterio.windows
from numpy.typing import NDArray

from stsun.bands import Band
from stsun.errors import ConfigurationError, RasterError
from stsun.prediction.identify import Told, identify, is_assumed, parse_bands, reflective, scaling
from stsun.prediction.tiling import Window
from stsun.raster.grid import Grid, difference
from stsun.raster.metadata import parse_day
from stsun.raster.reader import RasterInfo, inspect, read
from stsun.sensors import sensor as find_sensor

ImagePath = str | Path
Entry = ImagePath | Sequence[ImagePath]
Bands = Sequence[Band | str]

LARGEST_REFLECTANCE = 3.0
"""Sunlit snow and glint reach 1.5; a band whose median is above this holds other units."""

LOOKED_AT = 4096
"""Pixels of a window, at the least where it has them, that tell what a band usually holds."""


@dataclass(frozen=True)
class SceneFile:
    """One file of a date.

    Args:
        path: Where it is.
        indexes: The numbers of its bands that are used, from 1.
        scale: Replaces the file's own scale; None = the file's own is right.
        offset: Replaces the file's own offset; None = the file's own is right.
        doubtful: Its bands whose values must look like reflectances, by their place, as nobody says that they are.
    """

    path: Path
    indexes: tuple[int, ...]
    scale: float | None
    offset: float | None
    doubtful: tuple[int, ...] = ()


@dataclass(frozen=True)
class SceneDate:
    """One acquisition.

    Args:
        files: Its files, whose bands are stacked in this order.
        bands: All its bands.
        day: Days since 1970-01-01 UTC; None = unknown.
    """

    files: tuple[SceneFile, ...]
    bands: tuple[Band, ...]
    day: float | None


@dataclass(frozen=True)
class Scene:
    """Images of one place on one grid.

    Args:
        dates: In the order given.
        grid: CRS, transform and size of all of them.
        gsd_m: Ground sample distance in metres, the side of a square as large as a pixel; None = unknown.
        notes: What had to be assumed, in words.
    """

    dates: tuple[SceneDate, ...]
    grid: Grid
    gsd_m: float | None
    notes: tuple[str, ...]

    @property
    def bands(self) -> list[tuple[Band, ...]]:
        """The bands of each date."""
        return [date.bands for date in self.dates]

    @property
    def days(self) -> NDArray[np.float64]:
        """Days since 1970-01-01 UTC of each date, NaN = unknown."""
        return np.array([np.nan if date.day is None else date.day for date in self.dates])


def open_scene(
    images: Sequence[Entry],
    *,
    sensor: str | None = None,
    bands: Bands | Sequence[Bands] | None = None,
    dates: Sequence[str | date | None] | None = None,
    scale: float | None = None,
    offset: float | None = None,
) -> Scene:
    """Return the scene that some files show; their pixels are read later, window by window.

    Args:
        images: One entry per date: a path, or a list of paths whose bands belong to one date.
        sensor: The catalogue's name of the sensor that took them all.
        bands: The bands of all dates alike, in file order; or one such list per date. A band is a `Band`, or a text
            like ``red:665:70`` or ``vv``.
        dates: One date or ISO text per entry, None = unknown; left out = from the files' tags.
        scale: Stored value * scale + offset = physical value; left out = the file's, the sensor's, or for 8 bit 1/255.
        offset: See ``scale``.

    Raises:
        RasterError: A file cannot be read, its bands are unknown, or the files do not lie on one grid.
        ConfigurationError: The bands or dates given do not fit the images.
    """
    entries = _entries(images)
    catalogued = None if sensor is None else find_sensor(sensor)
    _check_scale(scale, offset)
    told = [Told(catalogued, own, scale, offset) for own in _bands_per_date(bands, len(entries))]
    infos = [_inspected(entry, own) for entry, own in zip(entries, told, strict=True)]
    grid = _common_grid([info for date in infos for info in date])
    given = _days(dates, len(entries))
    opened = [_date(*one) for one in zip(infos, told, given, strict=True)]
    notes = [note for _, own in opened for note in own]
    notes += _same_days([date for date, _ in opened])
    gsd_m = infos[0][0].gsd_m
    if gsd_m is None:
        gsd_m = None if catalogued is None else catalogued.gsd_m
        taken = "unknown" if gsd_m is None else f"{gsd_m:g} m, as {sensor} has it"
        notes.append(f"no CRS gives the pixel size; GSD {taken}")
    return Scene(tuple(date for date, _ in opened), grid, gsd_m, tuple(dict.fromkeys(notes)))


def read_scene(scene: Scene, window: Window) -> tuple[list[NDArray[np.float32]], NDArray[np.bool_]]:
    """Return the physical values of each date in a window, ``C_t h w``, and where they are valid, ``T h w``.

    Raises:
        RasterError: A file cannot be read.
    """
    part = rasterio.windows.Window(window.column, window.row, window.width, window.height)
    images, valid = [], []
    for one in scene.dates:
        files = [_read(file, part) for file in one.files]
        images.append(np.concatenate([values for values, _ in files]))
        valid.append(np.logical_and.reduce([mask for _, mask in files]))
    return images, np.stack(valid)


def iso(day: float | None) -> str:
    """Return a day in words: ``2018-05-01``, or ``unknown``."""
    return "unknown" if day is None else str(np.datetime64(0, "D") + int(np.floor(day)))


def _read(file: SceneFile, window: rasterio.windows.Window) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    values, valid = read(file.path, window=window, bands=file.indexes, scale=file.scale, offset=file.offset)
    if not (file.doubtful and valid.any()):
        return values, valid
    pixels = np.flatnonzero(valid)
    seen = values.reshape(len(values), -1)[:, pixels[:: 1 + len(pixels) // LOOKED_AT]]
    for place in file.doubtful:
        usual = float(np.median(seen[place]))
        if abs(usual) > LARGEST_REFLECTANCE:
            raise RasterError(
                f"{file.path}: band {place + 1} holds values around {usual:g}, expected reflectance (0 to 1); "
                "give the scale (--scale 1e-4 where 10000 means 1, and --offset), or --scale 1 if they are right"
            )
    return values, valid


def _check_scale(scale: float | None, offset: float | None) -> None:
    for what, value in (("scale", scale), ("offset", offset)):
        if value is not None and (not math.isfinite(value) or (what == "scale" and value == 0)):
            raise ConfigurationError(
                f"{what} is {value:g}, expected a finite number{', not 0' if what == 'scale' else ''}; "
                "stored value * scale + offset = physical value, such as 1e-4 for reflectance * 10000"
            )


def _same_days(dates: Sequence[SceneDate]) -> list[str]:
    """Return a note for neighbours that look like parts of one date."""
    notes = []
    for one, other in pairwise(dates):
        if one.day is not None and one.day == other.day and not set(one.bands) & set(other.bands):
            names = [str(date.files[0].path) for date in (one, other)]
            notes.append(
                f"{names[0]} and {names[1]} have different bands of the same day and count as two dates; "
                f"join them if they are one ({','.join(names)})"
            )
    return notes


def _entries(images: Sequence[Entry]) -> list[list[Path]]:
    if isinstance(images, str | Path) or not images:
        raise ConfigurationError(f"images must be a list with one entry per date, got {images!r}; write ['a.tif']")
    entries = [[entry] if isinstance(entry, str | Path) else list(entry) for entry in images]
    if not all(entries):
        raise ConfigurationError("an entry of images is an empty list; give at least one file per date")
    return [[Path(path) for path in entry] for entry in entries]


def _bands_per_date(bands: Bands | Sequence[Bands] | None, dates: int) -> list[tuple[Band, ...] | None]:
    if bands is None:
        return [None] * dates
    lists = [bands] if any(isinstance(band, Band | str) for band in bands) else list(bands)
    if len(lists) not in (1, dates):
        raise ConfigurationError(
            f"got {len(lists)} lists of bands for {dates} images; give one for all or one per image"
        )
    parsed: list[tuple[Band, ...] | None] = [parse_bands(own) for own in lists]  # type: ignore[arg-type]
    return parsed if len(parsed) == dates else parsed * dates


def _days(dates: Sequence[str | date | None] | None, count: int) -> list[float | None]:
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


def _common_grid(infos: Sequence[RasterInfo]) -> Grid:
    first, *others = [Grid(info.crs, info.transform, info.height, info.width) for info in infos]
    for info, grid in zip(infos[1:], others, strict=True):
        differing = difference(first, grid)
        if differing is not None:
            raise RasterError(
                f"{infos[0].path} and {info.path} do not lie on one grid: {differing}; "
                "bring them to one grid first (for example with gdalwarp -t_srs, -te and -ts)"
            )
    return first


def _inspected(paths: Sequence[Path], told: Told) -> list[RasterInfo]:
    """Return what the files of one date say, of as many bands as are told.

    A fourth band is often marked as transparency by mistake; whoever counts it among the bands is believed.
    """
    infos = [inspect(path) for path in paths]
    listed = told.bands or (told.sensor.bands if told.sensor else ())
    whole = [
        info if info.alpha is None else inspect(info.path, bands=sorted((*info.indexes, info.alpha))) for info in infos
    ]
    return whole if sum(info.count for info in whole) == len(listed) else infos


def _date(infos: Sequence[RasterInfo], told: Told, given: float | None) -> tuple[SceneDate, list[str]]:
    bands, notes = identify(infos, told)
    day = _agreed_day(infos, given, notes)
    files, first = [], 0
    for info in infos:
        own = bands[first : first + info.count]
        instead, note = scaling(info, told, own)
        scale, offset = instead or (None, None)
        doubtful = instead is None and is_assumed(info)
        places = tuple(place for place, band in enumerate(own) if doubtful and reflective(band))
        files.append(SceneFile(info.path, info.indexes, scale, offset, places))
        notes.append(note)
        first += info.count
    return SceneDate(tuple(files), bands, day), notes


def _agreed_day(infos: Sequence[RasterInfo], given: float | None, notes: list[str]) -> float | None:
    tagged = [info.day for info in infos if info.day is not None]
    where = " + ".join(str(info.path) for info in infos)
    if given is not None and tagged and np.floor(given) not in np.floor(tagged):
        raise ConfigurationError(
            f"{where}: the date given is {iso(given)}, but the file's own is {iso(tagged[0])}; "
            "leave the date out, or put the images and dates into the same order"
        )
    day = given if given is not None else next(iter(tagged), None)
    if day is None:
        notes.append(f"{where}: date unknown (give it with --date)")
    elif len({iso(one) for one in tagged}) > 1:
        notes.append(f"{where}: files of {', '.join(map(iso, tagged))} taken as one date, {iso(day)}")
    return day
