"""A scene: the images of one place, date by date, on one grid, with their bands known."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import rasterio.windows
from numpy.typing import NDArray

from stsun.bands import Band
from stsun.errors import RasterError
from stsun.prediction.dates import SceneDate, SceneFile, inspected, joined, scene_dates
from stsun.prediction.identify import Told
from stsun.prediction.scaling import FIX
from stsun.prediction.tiling import Window
from stsun.prediction.told import Bands, Entry, bands_per_date, days_of, entries_of
from stsun.raster.grid import Grid, difference
from stsun.raster.reader import RasterInfo, read
from stsun.raster.storage import check_reflectance
from stsun.sensors import sensor as find_sensor


@dataclass(frozen=True)
class Scene:
    """Images of one place on one grid.

    Args:
        dates: In the order given; files of one day with different bands are one of them.
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
        images: One entry per date: a path, or a list of paths whose bands belong to one date. Paths of one known day
            with different bands are one date, too; a list is a date of its own.
        sensor: The catalogue's name of the sensor that took the files whose tags do not tell all bands.
        bands: The bands of all dates alike, in file order; or one such list per date. A band is a `Band`, or a text
            like ``red:665:70`` or ``vv``.
        dates: One date or ISO text per entry, None = unknown; left out = from the files' tags.
        scale: Stored value * scale + offset = physical value, for bands whose file does not say it and who need it (see
            `stsun.prediction.scaling.meanings`); left out = the file's, the sensor's, or for 8 bit 1/255.
        offset: See ``scale``.

    Raises:
        RasterError: A file cannot be read, its bands are unknown, or the files do not lie on one grid.
        ConfigurationError: The bands or dates given do not fit the images.
    """
    entries = entries_of(images)
    catalogued = None if sensor is None else find_sensor(sensor)
    told = [Told(catalogued, own) for own in bands_per_date(bands, len(entries))]
    given = days_of(dates, len(entries))
    infos = [inspected(entry, own) for entry, own in zip(entries, told, strict=True)]
    grid = _common_grid([info for date in infos for info in date])
    opened, notes = scene_dates(infos, told, given, scale, offset)
    opened, joints = joined(opened, [not isinstance(entry, str | Path) for entry in images])
    notes += joints
    gsd_m = infos[0][0].gsd_m
    if gsd_m is None:
        gsd_m = None if catalogued is None else catalogued.gsd_m
        taken = "unknown" if gsd_m is None else f"{gsd_m:g} m, as {sensor} has it"
        notes.append(f"no CRS gives the pixel size; GSD {taken}")
    return Scene(tuple(opened), grid, gsd_m, tuple(dict.fromkeys(notes)))


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
    values, valid = read(file.path, window=window, bands=file.indexes, scale=file.scales, offset=file.offsets)
    check_reflectance(file.path, file.doubtful, values, valid, FIX)
    return values, valid


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
