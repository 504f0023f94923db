"""A scene: the images of one place, date by date, on one grid, with their bands known."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stsun.archives.acquisition import Acquisition, CloudMask
from stsun.archives.hrefs import readable
from stsun.archives.opening import open_archive
from stsun.archives.stac import open_items
from stsun.bands import Band
from stsun.errors import ConfigurationError, RasterError
from stsun.raster.grid import Grid, Window, difference, overlaps
from stsun.raster.metadata import pixel_size_m
from stsun.raster.reader import files_of, inspect
from stsun.scene.archived import dates_of
from stsun.scene.dates import inspected, joined, scene_dates
from stsun.scene.identify import Told
from stsun.scene.sources import OnMissing, SceneDate
from stsun.scene.told import Bands, Entry, bands_per_date, days_of, entries_of, is_array, is_items, is_list, masks_of
from stsun.sensors import Sensor
from stsun.sensors import sensor as find_sensor


@dataclass(frozen=True)
class Scene:
    """Images of one place on one grid.

    Args:
        dates: In the order given; files of one day with different bands are one of them.
        grid: CRS, transform and size of the maps; images on another grid are resampled to it.
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
    def paths(self) -> list[str]:
        """The names of all files that it is read from, each once."""
        return list(dict.fromkeys(path for date in self.dates for path in date.paths))

    @property
    def files(self) -> list[str]:
        """All files that these are made of: masks and metadata beside them, a virtual raster's sources, too."""
        made_of = [files_of(path) if Path(path).is_file() else [path] for path in self.paths]
        return list(dict.fromkeys(file for files in made_of for file in files))

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
    like: Grid | str | Path | None = None,
    only: Sequence[str] | None = None,
    remote: bool = False,
    masks: Sequence[str | Path | None] | None = None,
) -> Scene:
    """Return the scene that some images show; their pixels are read later, window by window.

    Args:
        images: One entry per date: a path, or a list of paths whose bands belong to one date. Paths of one known day
            with different bands are one date, too; a list is a date of its own. A folder or STAC file from the archive
            (see `stsun.archives.opening.open_archive`) is as many dates as it holds. An xarray object may stand for a
            path (see `stsun.scene.arrays.array_infos`); as an entry of its own it is a date per time step. A text
            ``https://...`` is a file on a server. A ``pystac.Item`` or ``ItemCollection`` is what its file would be.
        sensor: The catalogue's name of the sensor that took the files whose tags do not tell all bands.
        bands: The bands of all dates alike, in file order; or one such list per date. A band is a `Band`, or a text
            like ``red:665:70`` or ``vv``.
        dates: One date or ISO text per entry, None = unknown; left out = from the files' tags.
        scale: Stored value * scale + offset = physical value, for bands whose file does not say it and who need it (see
            `stsun.scene.scaling.meanings`); left out = the file's, the sensor's, or for 8 bit 1/255.
        offset: See ``scale``.
        like: The grid of the maps, or a raster that lies on it; left out = that of the first date's finest file.
        only: The bands to read of what is from the archive, by name; left out = all.
        remote: Allow files on servers, also the bands of STAC items.
        masks: One raster per entry that says which pixels are usable (see `stsun.scene.told.masks_of`).

    Raises:
        RasterError: A file cannot be read, its bands are unknown, or the images do not overlap.
        ConfigurationError: The bands or dates given do not fit the images.
    """
    entries = entries_of(images)
    catalogued = None if sensor is None else find_sensor(sensor)
    told = [Told(catalogued, own) for own in bands_per_date(bands, len(entries))]
    given = days_of(dates, len(entries))
    archives = {
        i: found for i, entry in enumerate(entries) if (found := _archive(entry, only, remote=remote)) is not None
    }
    _check_told(archives, images, told, given, only)
    loose = [i for i in range(len(entries)) if i not in archives]
    shown = [(i, infos) for i in loose for infos in inspected(entries[i], told[i], i + 1)]
    places = [i for i, _ in shown]
    _check_days(places, given)
    placed: dict[int, list[SceneDate]] = {}
    notes: list[str] = []
    if shown:
        infos = [own for _, own in shown]
        opened, notes = scene_dates(infos, [told[i] for i in places], [given[i] for i in places], scale, offset)
        merged, joints = joined(opened, [is_list(images[i]) for i in places])
        notes += joints
        for number, one in merged.items():
            placed.setdefault(places[number], []).append(one)
    acquired, said = dates_of(archives)
    made = [[*placed.get(i, ()), *acquired.get(i, ())] for i in range(len(entries))]
    every = _masked(made, masks_of(masks, len(entries)))
    return on_grid(every, _grid_like(like), catalogued, [*notes, *said])


def on_grid(dates: Sequence[SceneDate], grid: Grid | None, sensor: Sensor | None, notes: Sequence[str]) -> Scene:
    """Return the scene of some dates on one grid, with notes on what is resampled to it.

    Args:
        dates: In order.
        grid: The grid of the maps; None = that of the first date's finest file.
        sensor: Tells the GSD where the grid has no CRS.
        notes: What had to be assumed so far.

    Raises:
        RasterError: A date shows nothing of the grid, or lies on another one and nobody knows where.
    """
    notes = list(notes)
    chosen = min((file.grid for file in dates[0].files), key=_pixel_area) if grid is None else grid
    for one in dates:
        notes += _fitted(one, chosen)
    if grid is None and any(one.beneath for one in dates):
        notes.append(
            "several images of one day are joined on the grid of the first date's finest file; ground that lies beyond "
            "it is not mapped: give a raster that covers all (--like), or let stsun map join them"
        )
    size = pixel_size_m(chosen.crs, chosen.transform, chosen.height, chosen.width)
    gsd_m = None if size is None else math.sqrt(size[0] * size[1])
    if gsd_m is None:
        gsd_m = None if sensor is None else sensor.gsd_m
        taken = "unknown" if sensor is None or gsd_m is None else f"{gsd_m:g} m, as {sensor.name} has it"
        notes.append(f"no CRS gives the pixel size; GSD {taken}")
    return Scene(tuple(dates), chosen, gsd_m, tuple(dict.fromkeys(notes)))


def read_scene(
    scene: Scene, window: Window, on_missing: OnMissing = None
) -> tuple[list[NDArray[np.float32]], NDArray[np.bool_]]:
    """Return the physical values of each date in a window, ``C_t h w``, and where they are valid, ``T h w``.

    Args:
        scene: What to read.
        window: Where.
        on_missing: Told of each block that cannot be read, which then counts as no data; None: it is an error.

    Raises:
        RasterError: A file cannot be read.
    """
    images, valid = zip(*(one.read(window, scene.grid, on_missing) for one in scene.dates), strict=True)
    return list(images), np.stack(valid)


def iso(day: float | None) -> str:
    """Return a day in words: ``2018-05-01``, or ``unknown``."""
    return "unknown" if day is None else str(np.datetime64(0, "D") + int(np.floor(day)))


def _archive(entry: Sequence[Any], only: Sequence[str] | None, *, remote: bool) -> list[Acquisition] | None:
    """Return what a folder, file or items from the archive hold; None for rasters and arrays."""
    for image in entry:
        if isinstance(image, str):
            readable("images", image.removeprefix("/vsicurl/"), remote)
    if len(entry) > 1 or is_array(entry[0]):
        return None
    if is_items(entry[0]):
        return open_items(entry[0], only, remote=remote)
    return open_archive(entry[0], only, remote=remote)


def _check_days(places: Sequence[int], given: Sequence[float | None]) -> None:
    """Refuse one date for an xarray object that holds many."""
    for i, steps in Counter(places).items():
        if steps > 1 and given[i] is not None:
            raise ConfigurationError(
                f"image {i + 1} holds {steps} time steps, but one date is given for it; give None there, and the dates "
                "as its coordinate time"
            )


def _check_told(
    archives: Mapping[int, object],
    images: Sequence[Entry],
    told: Sequence[Told],
    days: Sequence[float | None],
    only: Sequence[str] | None,
) -> None:
    """Refuse what is told of images whose metadata tell it, and a choice of bands where there is none."""
    for i in archives:
        if told[i].bands is not None or days[i] is not None:
            raise ConfigurationError(
                f"{images[i]}: its metadata tell bands and date; leave --bands and --date out (--only chooses bands)"
            )
    if only is not None and not archives:
        raise ConfigurationError(
            "bands can be chosen by name (--only) from archive folders and STAC items; of rasters all bands are read"
        )


def _masked(made: Sequence[Sequence[SceneDate]], masks: Sequence[CloudMask | None]) -> list[SceneDate]:
    """Return the dates of all entries in order, each with the mask that is told for its entry."""
    for number, (dates, mask) in enumerate(zip(made, masks, strict=True), start=1):
        if mask is not None and len(dates) != 1:
            raise ConfigurationError(
                f"a mask is told for image {number}, but that makes {len(dates)} dates (0: its bands were joined to "
                "another image of the day); give masks of images that are one date each"
            )
    return [
        one if mask is None else replace(one, clouds=mask)
        for dates, mask in zip(made, masks, strict=True)
        for one in dates
    ]


def _grid_like(like: Grid | str | Path | None) -> Grid | None:
    if like is None or isinstance(like, Grid):
        return like
    info = inspect(like)
    return Grid(info.crs, info.transform, info.height, info.width)


def _pixel_area(grid: Grid) -> float:
    return abs(grid.transform.determinant)


def _fitted(one: SceneDate, grid: Grid) -> list[str]:
    """Return a note on each way in which files of a date are resampled to a grid."""
    layers = (one, *one.beneath)
    files = [file for layer in layers for file in layer.files]
    apart = {file.name: words for file in files if (words := difference(grid, file.grid)) is not None}
    for file in files:
        if file.name in apart and (grid.crs is None) is not (file.grid.crs is None):
            raise RasterError(
                f"{file.name} does not lie on the grid of the maps ({apart[file.name]}), and without a CRS nobody "
                "knows where it lies; give the images their CRS, or bring them to one grid (for example with gdalwarp)"
            )
    if not any(overlaps(grid, file.grid) for file in files):
        raise RasterError(
            f"{one.names} does not overlap the grid of the maps ({apart[files[0].name]}); give images of one place, or "
            "another grid (--like)"
        )
    ways: dict[str, list[str]] = {}
    for name, words in apart.items():
        ways.setdefault(words, []).append(name)
    return [
        f"{names[0]}{f' and {len(names) - 1} more' if names[1:] else ''}: resampled to the grid of the maps ({words})"
        for words, names in ways.items()
    ]
