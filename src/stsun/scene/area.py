"""From a place to a scene: what a catalogue has of it, on one grid, a day for each time that is asked for."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.transform import Affine

from stsun.archives.search import search
from stsun.errors import ConfigurationError
from stsun.raster.covering import covering, utm
from stsun.raster.grid import Grid, Window, overlaps
from stsun.raster.metadata import pixel_size_m
from stsun.scene.archived import dates_of
from stsun.scene.scene import Scene, iso, on_grid
from stsun.scene.sources import SceneDate

LOOK = 256
"""Side of the small picture of a day that tells how clear it is, in pixels."""


@dataclass(frozen=True)
class Request:
    """What is wanted of a catalogue.

    Args:
        catalog: Address of a STAC API.
        collections: Names of its collections.
        bbox: West, south, east, north in degrees; a west greater than the east crosses the antimeridian.
        times: First and last day of each time, such as ``("2020-06-01", "2020-08-31")``. Of a single one all days are
            taken; of several, the clearest day of each.
        bands: Bands to read, by name; None = all.
        gsd_m: Pixel size of the maps in metres; None = that of the finest band of the first time.
        crs: Coordinate system of the maps, in metres; None = the UTM zone of the place.
        max_cloud: Largest cloud cover of an item, in percent; None = any.
        limit: Most items of each time.

    Raises:
        ConfigurationError: No time is asked for, the pixel size is none, or there is no such coordinate system.
    """

    catalog: str
    collections: Sequence[str]
    bbox: tuple[float, float, float, float]
    times: Sequence[tuple[str, str]]
    bands: Sequence[str] | None = None
    gsd_m: float | None = None
    crs: str | None = None
    max_cloud: float | None = None
    limit: int = 20

    def __post_init__(self) -> None:
        if not self.times:
            raise ConfigurationError("no time is asked for; give at least one, such as 2020-06-01/2020-08-31 (--dates)")
        if self.gsd_m is not None and not (math.isfinite(self.gsd_m) and self.gsd_m > 0):
            raise ConfigurationError(f"the pixel size is {self.gsd_m:g}, expected a number of metres above 0 (--gsd)")
        if self.crs is not None:
            _crs(self.crs)


def find_scene(request: Request) -> Scene:
    """Return the scene that a catalogue has of a place, on a north-up grid that holds the box.

    Raises:
        ConfigurationError: The catalogue cannot be asked that, or its files do not tell what is needed.
        RasterError: The catalogue cannot be reached or has nothing, or its files cannot be read.
    """
    dates: list[SceneDate] = []
    notes: list[str] = []
    grid: Grid | None = None
    for time in request.times:
        found, said = _days(request, time)
        if grid is None:
            grid = _grid(request, found)
        shown = [one for day in found if (one := _within(day, grid)) is not None]
        if not shown:
            raise ConfigurationError(f"nothing found from {time[0]} to {time[1]} shows the box; ask for other days")
        dates += shown if len(request.times) == 1 else [_clearest(shown, grid)]
        notes += said
    notes += [f"day taken: {iso(one.day)} ({1 + len(one.beneath)} image(s))" for one in dates]
    return on_grid(dates, grid, None, notes)


def _days(request: Request, time: tuple[str, str]) -> tuple[list[SceneDate], list[str]]:
    found = search(
        request.catalog,
        collections=request.collections,
        bbox=request.bbox,
        dates=time,
        max_cloud=request.max_cloud,
        limit=request.limit,
        only=request.bands,
    )
    placed, notes = dates_of({0: found})
    if len(found) == request.limit:
        notes.append(
            f"{len(found)} items from {time[0]} to {time[1]}, as many as were asked for: there may be more (--limit)"
        )
    return placed[0], notes


def _grid(request: Request, found: Sequence[SceneDate]) -> Grid:
    crs = utm(request.bbox) if request.crs is None else _crs(request.crs)
    if request.gsd_m is not None:
        return covering(request.bbox, crs, request.gsd_m)
    sizes = [pixel_size_m(*_of(file.grid)) for one in found for file in one.files]
    known = [math.sqrt(across * down) for across, down in filter(None, sizes)]
    if not known:
        raise ConfigurationError(f"{found[0].names}: no file tells its pixel size; give that of the maps (--gsd)")
    return covering(request.bbox, crs, float(f"{min(known):.3g}"))


def _crs(text: str) -> CRS:
    try:
        return CRS.from_user_input(text)
    except CRSError as problem:
        raise ConfigurationError(f"no coordinate system {text!r}; write it as EPSG:32633 (--crs)") from problem


def _of(grid: Grid) -> tuple[CRS | None, Affine, int, int]:
    return grid.crs, grid.transform, grid.height, grid.width


def _within(one: SceneDate, grid: Grid) -> SceneDate | None:
    """Return a date without the images that show nothing of a grid; None if none is left."""
    layers = [
        replace(layer, beneath=())
        for layer in (one, *one.beneath)
        if any(overlaps(grid, file.grid) for file in layer.files)
    ]
    return replace(layers[0], beneath=tuple(layers[1:])) if layers else None


def _clearest(days: Sequence[SceneDate], grid: Grid) -> SceneDate:
    """Return the day with most usable pixels, the earliest of equals, judged by its first band and its cloud mask."""
    shrink = max(1.0, max(grid.height, grid.width) / LOOK)
    height, width = max(1, round(grid.height / shrink)), max(1, round(grid.width / shrink))
    across, down, fine = grid.width / width, grid.height / height, grid.transform
    coarse = Affine(fine.a * across, fine.b * down, fine.c, fine.d * across, fine.e * down, fine.f)
    small = Grid(grid.crs, coarse, height, width)

    def clear(day: SceneDate) -> float:
        _, valid = _glance(day).read(Window(0, 0, height, width), small, None)
        return float(valid.mean())

    return max(days, key=clear)


def _glance(one: SceneDate) -> SceneDate:
    """Return a date with its first file only: enough to see where it shows the ground."""
    first = one.files[0]
    return replace(one, files=(first,), beneath=tuple(_glance(other) for other in one.beneath))
