"""A part of a scene as a scene: what a prediction of a box needs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from rasterio.crs import CRS
from rasterio.transform import Affine

from stsun.errors import ConfigurationError
from stsun.raster.grid import Grid, Window, located
from stsun.scene.scene import Scene, on_grid
from stsun.scene.sources import OnMissing, Pixels, SceneDate, Source
from stsun.view.frames import corner, is_flat, on_map

OUTLINE = 33


@dataclass(frozen=True)
class Cut:
    """A part of a source without a place on the earth, which cannot be told by coordinates.

    Args:
        whole: The source.
        part: The part, in its pixels.
    """

    whole: Source
    part: Window

    @property
    def name(self) -> str:
        """What the source is called."""
        return self.whole.name

    @property
    def grid(self) -> Grid:
        """The part's grid: moved by whole pixels, so that results know where they belong."""
        column, row = corner(self.whole.grid)
        moved = Affine.translation(column + self.part.column, row + self.part.row)
        return Grid(None, moved, self.part.height, self.part.width)

    def read(self, window: Window, grid: Grid, on_missing: OnMissing) -> Pixels:
        """Return the pixels in a window of the part; ``grid`` is its own.

        Raises:
            RasterError: They cannot be read.
        """
        there = Window(self.part.row + window.row, self.part.column + window.column, window.height, window.width)
        return self.whole.read(there, self.whole.grid, on_missing)


def cropped(dates: Sequence[SceneDate], box: tuple[float, float, float, float] | None, gsd_m: float | None) -> Scene:
    """Return the scene of dates on one grid within a box.

    Args:
        dates: Of a layer.
        box: West, south, east, north in degrees on the page's map; None = all.
        gsd_m: Ground sample distance where the files do not tell it.

    Raises:
        ConfigurationError: The box shows nothing of them.
        RasterError: They do not fit one another.
    """
    scene = on_grid(dates, None, None, ())
    part = None if box is None else _part(scene.grid, box)
    if part is not None and is_flat(scene.grid):
        scene = on_grid([_cut(date, part) for date in dates], None, None, ())
    elif part is not None:
        moved = scene.grid.transform @ Affine.translation(part.column, part.row)
        scene = on_grid(dates, Grid(scene.grid.crs, moved, part.height, part.width), None, ())
    return scene if scene.gsd_m is not None else replace(scene, gsd_m=gsd_m)


def _cut(date: SceneDate, part: Window) -> SceneDate:
    return replace(date, files=tuple(Cut(file, part) for file in date.files))


def _part(grid: Grid, box: tuple[float, float, float, float]) -> Window:
    """Return the pixels of a grid that a box on the map covers.

    Raises:
        ConfigurationError: There are none.
    """
    west, south, east, north = box
    degrees = Grid(CRS.from_epsg(4326), Affine.identity(), 1, 1)
    x, y = np.meshgrid(np.linspace(west, east, OUTLINE), np.linspace(south, north, OUTLINE))
    columns, rows = located(x, y, degrees, on_map(grid))
    if np.isnan(columns).all():
        raise ConfigurationError("the box shows nothing of the images; draw it over them")
    first = [max(0, math.floor(np.nanmin(side))) for side in (rows, columns)]
    last = [min(most, math.ceil(np.nanmax(side))) for side, most in ((rows, grid.height), (columns, grid.width))]
    if first[0] >= last[0] or first[1] >= last[1]:
        raise ConfigurationError("the box shows nothing of the images; draw it over them")
    return Window(first[0], first[1], last[0] - first[0], last[1] - first[1])
