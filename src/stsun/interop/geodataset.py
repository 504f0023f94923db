"""Rasters as TorchGeo's ``GeoDataset``: a scene that is asked by slices of x, y and t, as TorchGeo asks."""

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import numpy as np
import torch
from rasterio.transform import from_origin

from stsun.errors import ConfigurationError, RasterError
from stsun.raster.grid import Grid, Window
from stsun.scene.scene import Scene, open_scene

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
EVER = datetime(1678, 1, 1, tzinfo=UTC), datetime(2262, 1, 1, tzinfo=UTC)
"""When images without a date were taken: what 64 bits of nanoseconds reach, as TorchGeo has it."""

Query = Sequence[slice] | slice


class GeoScene:
    """Images of one place, asked for any window in coordinates of their CRS.

    TorchGeo's samplers take it as they take a ``GeoDataset``. `index` and `bounds` need pandas and geopandas, which it
    brings; all else needs neither of them.

    Args:
        *images: See `stsun.scene.scene.open_scene`.
        **told: What the files do not say of themselves: ``bands``, ``dates``, ``sensor``, ``scale``.

    Raises:
        RasterError: A file cannot be read, or has no CRS or a grid that is turned.
        ConfigurationError: What is told does not fit the images.
    """

    def __init__(self, *images: Any, **told: Any) -> None:
        self.scene: Scene = open_scene(images, **told)
        grid = self.scene.grid
        if grid.crs is None or grid.transform.b or grid.transform.d:
            raise RasterError(
                f"{', '.join(self.scene.paths)}: has no CRS or a turned grid, so slices of x and y say nothing; bring "
                "it to a north-up grid (for example with gdalwarp)"
            )

    @property
    def crs(self) -> Any:
        """Coordinate reference system, of rasterio."""
        return self.scene.grid.crs

    @property
    def res(self) -> tuple[float, float]:
        """Size of a pixel along x and y, in units of the CRS."""
        return abs(self.scene.grid.transform.a), abs(self.scene.grid.transform.e)

    @property
    def bounds(self) -> tuple[slice, slice, slice]:
        """What there is along x, y (step: size of a pixel) and t (``pandas.Timestamp`` in UTC, without a time zone)."""
        x, y, t = self._extent()
        timestamp = import_module("pandas").Timestamp
        first, last = (timestamp(moment.replace(tzinfo=None)) for moment in (t.start, t.stop))
        return x, y, slice(first, last, t.step)

    @property
    def index(self) -> Any:
        """The scene as TorchGeo indexes one file: a ``GeoDataFrame`` of one row, its box at the interval of its dates.

        So a sampler gives a window with all of its dates; of a ``toi`` those within.
        """
        (x, y, t), pandas = self.bounds, import_module("pandas")
        interval = pandas.IntervalIndex.from_tuples([(t.start, t.stop)], closed="both", name="datetime")
        box = import_module("shapely").box(x.start, y.start, x.stop, y.stop)
        rows = {"filepath": [self.scene.paths[0]]}
        return import_module("geopandas").GeoDataFrame(rows, index=interval, geometry=[box], crs=self.crs.to_wkt())

    def __len__(self) -> int:
        """Return how many rows `index` has."""
        return 1

    def __getitem__(self, query: Query) -> dict[str, Any]:
        """Return the dates within ``[x, y, t]``, slices of which each may be left out, with their step.

        Returns:
            ``image`` ``T C H W`` (``C H W`` of a single date), physical values, zero where invalid; ``valid``
            ``T H W``; ``days`` ``T``; ``crs``; ``bounds``, nine numbers as TorchGeo has them (times in seconds since
            1970).

        Raises:
            RasterError: A file cannot be read, or the dates have different bands.
            IndexError: There is nothing within the slices.
        """
        x, y, t = self._whole(query)
        height, width = round((y.stop - y.start) / y.step), round((x.stop - x.start) / x.step)
        chosen = [one for one in self.scene.dates if one.day is None or t.start <= EPOCH + DAY * one.day <= t.stop]
        if not chosen or height < 1 or width < 1:
            raise IndexError(f"nothing within {query}; there is {self._extent()}")
        if len({one.bands for one in chosen}) > 1:
            raise RasterError(f"{', '.join(self.scene.paths)}: the dates have different bands; open each by itself")
        grid = Grid(self.crs, from_origin(x.start, y.stop, x.step, y.step), height, width)
        read = [one.read(Window(0, 0, height, width), grid, None) for one in chosen]
        image = torch.from_numpy(np.stack([values for values, _ in read]))
        times = [t.start.timestamp(), t.stop.timestamp(), t.step]
        return {
            "image": image[0] if len(chosen) == 1 else image,
            "valid": torch.from_numpy(np.stack([valid for _, valid in read])),
            "days": torch.tensor([math.nan if one.day is None else one.day for one in chosen], dtype=torch.float64),
            "crs": self.crs,
            "bounds": torch.tensor([x.start, x.stop, x.step, y.start, y.stop, y.step, *times], dtype=torch.float64),
        }

    def windows(self, side: int, step: int | None = None) -> Iterator[tuple[slice, slice]]:
        """Give the queries of squares that cover the scene, row by row; the last of a row reaches as far as it does.

        Args:
            side: Of a square, in pixels.
            step: Pixels from one to the next; None = ``side``, without overlap.

        Raises:
            ConfigurationError: They are no numbers of pixels.
        """
        if side < 1 or (step is not None and step < 1):
            raise ConfigurationError(f"windows of {side} pixels, {step} from one to the next; expected at least 1")
        grid, (across, down) = self.scene.grid, self.res
        left, top = grid.transform.c, grid.transform.f
        for row in range(0, grid.height, step or side):
            bottom = top - min(row + side, grid.height) * down
            for column in range(0, grid.width, step or side):
                right = left + min(column + side, grid.width) * across
                yield slice(left + column * across, right, across), slice(bottom, top - row * down, down)

    def _extent(self) -> tuple[slice, slice, slice]:
        """Return what there is along x, y and t, as slices; moments are in UTC."""
        grid, (across, down) = self.scene.grid, self.res
        left, top = grid.transform.c, grid.transform.f
        days = self.scene.days[np.isfinite(self.scene.days)]
        first, last = (EPOCH + DAY * float(day) for day in (days.min(), days.max())) if len(days) else EVER
        x = slice(left, left + grid.width * across, across)
        return x, slice(top - grid.height * down, top, down), slice(first, last, 1)

    def _whole(self, query: Query) -> tuple[slice, slice, slice]:
        """Return the three slices, with what is left out from the extent."""
        given = [query] if isinstance(query, slice) else [*query]
        given += [slice(None)] * (3 - len(given))
        x, y, t = (_completed(own, whole) for own, whole in zip(given, self._extent(), strict=True))
        return x, y, t


def _completed(own: slice, whole: slice) -> slice:
    start, stop, step = (
        getattr(whole if getattr(own, part) is None else own, part) for part in ("start", "stop", "step")
    )
    return slice(_utc(start), _utc(stop), step)


def _utc(moment: Any) -> Any:
    """Return a moment without a time zone as one in UTC, as TorchGeo means it."""
    return moment.replace(tzinfo=UTC) if isinstance(moment, datetime) and moment.tzinfo is None else moment
