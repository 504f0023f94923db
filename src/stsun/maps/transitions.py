"""From what to what: the areas that went from each category to each other between two maps of one raster."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stsun.errors import RasterError
from stsun.maps.areas import counts_by_row, pixel_areas_m2
from stsun.maps.strips import strips
from stsun.raster.opening import opened
from stsun.raster.whole import whole_file
from stsun.raster.writer import check_free

_CELLS = 2**22
"""So many (row, from, to) counts are held at a time."""

_M2_PER_HECTARE = 10_000.0


@dataclass(frozen=True)
class TransitionTable:
    """What became of each category. Rows are the earlier map's categories, columns the later one's, both as ``names``.

    Args:
        names: The K categories.
        first_period: What the earlier map speaks for, such as ``2018-05-01``.
        second_period: What the later map speaks for.
        pixels: Pixels that were valid in both maps, ``K K``.
        hectares: Their area on the ground, ``K K``; None where the raster has no CRS.
        excluded_pixels: Pixels without data in either map; they are counted nowhere else.
        excluded_hectares: Their area; None where the raster has no CRS.
    """

    names: tuple[str, ...]
    first_period: str
    second_period: str
    pixels: NDArray[np.int64]
    hectares: NDArray[np.float64] | None
    excluded_pixels: int
    excluded_hectares: float | None

    def rows(self) -> list[dict[str, Any]]:
        """Return one entry per pair of categories that occurs, for JSON: ``from``, ``to``, ``pixels``, ``hectares``."""
        return [
            {
                "from": self.names[before],
                "to": self.names[after],
                "pixels": int(self.pixels[before, after]),
                "hectares": None if self.hectares is None else float(self.hectares[before, after]),
            }
            for before, after in np.argwhere(self.pixels > 0)
        ]

    @property
    def unit(self) -> str:
        """What the cells of `cells` are: ``ha``, or ``pixels`` where the areas are not known."""
        return "pixels" if self.hectares is None else "ha"

    def cells(self) -> list[list[str]]:
        """Return the table as texts: a row for each earlier category, one of totals, and one of what is excluded.

        Each begins with its name, then come the later categories and their total.
        """
        known = self.hectares is not None
        values = self.hectares if self.hectares is not None else self.pixels
        excluded = self.excluded_hectares if known else self.excluded_pixels

        def text(value: Any) -> str:
            return f"{value:.4f}" if known else str(value)

        body = [[name, *map(text, row), text(row.sum())] for name, row in zip(self.names, values, strict=True)]
        total = ["total", *map(text, values.sum(axis=0)), text(values.sum())]
        return [*body, total, ["no data at either date", *[""] * len(self.names), text(excluded)]]


def write_csv(path: Path, tables: Sequence[TransitionTable], *, overwrite: bool = False) -> None:
    """Write tables of one raster's maps as one CSV, one below the other: each row begins with the table's period.

    Hectares, or pixels where the areas are not known. The file appears whole or not at all.

    Args:
        path: The file; missing folders are made.
        tables: At least one; all have the same categories.
        overwrite: Replace a file that is there.

    Raises:
        RasterError: The path cannot be written, or a file is there and may not be replaced.
    """
    check_free(path, (path.suffix.lower(),), overwrite=overwrite)
    head = ["period", f"from, {tables[0].unit}", *tables[0].names, "total"]
    rows = [[f"{one.first_period} to {one.second_period}", *cells] for one in tables for cells in one.cells()]
    with whole_file(path) as unfinished, unfinished.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *rows])


def transitions(
    raster: Path, first_band: int, second_band: int, names: Sequence[str], *, nodata: int = 255
) -> TransitionTable:
    """Return the areas that went from each category to each other between two bands of a raster of maps.

    Areas are those on the ground (see `stsun.maps.areas`). The raster is read strip by strip.

    Args:
        raster: Maps whose pixels are the category's position in ``names``; bands are described by their periods.
        first_band: The earlier map, from 1.
        second_band: The later map.
        names: The categories.
        nodata: Pixel value that means 'no data'.

    Raises:
        RasterError: The raster cannot be read, has no such band, or holds a value that is no category's.
    """
    with opened(raster) as dataset:
        _check_bands(dataset, raster, (first_band, second_band))
        pixels, areas = _counted(dataset, (first_band, second_band), names, nodata)
        located = dataset.crs is not None
        periods = [dataset.descriptions[band - 1] or f"map {band}" for band in (first_band, second_band)]
    square, hectares = (len(names), len(names)), areas / _M2_PER_HECTARE
    return TransitionTable(
        names=tuple(names),
        first_period=periods[0],
        second_period=periods[1],
        pixels=pixels[:-1].reshape(square),
        hectares=hectares[:-1].reshape(square) if located else None,
        excluded_pixels=int(pixels[-1]),
        excluded_hectares=float(hectares[-1]) if located else None,
    )


def _counted(
    dataset: Any, bands: tuple[int, int], names: Sequence[str], nodata: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return pixels and square metres of each pair of categories and, last, of what is valid in one map at most."""
    invalid = len(names) ** 2
    pixels, areas = np.zeros(invalid + 1, np.int64), np.zeros(invalid + 1)
    step = max(1, _CELLS // (invalid + 1))
    for window in strips(dataset):
        maps = dataset.read(list(bands), window=window).astype(np.int64)
        valid = (maps != nodata).all(axis=0)
        _check_values(maps[:, valid], names, dataset.name)
        pairs = np.where(valid, maps[0] * len(names) + maps[1], invalid)
        per_pixel = pixel_areas_m2(dataset.crs, dataset.transform, window.row_off, window.height, window.width)
        for start in range(0, window.height, step):
            counts = counts_by_row(pairs[start : start + step], invalid + 1)
            pixels += counts.sum(axis=0)
            if per_pixel is not None:
                areas += per_pixel[start : start + step] @ counts
    return pixels, areas


def _check_bands(dataset: Any, raster: Path, bands: Sequence[int]) -> None:
    for band in bands:
        if not 1 <= band <= dataset.count:
            raise RasterError(f"{raster} has no band {band}; expected 1 to {dataset.count}")


def _check_values(values: NDArray[np.int64], names: Sequence[str], where: str) -> None:
    if values.size and not 0 <= values.min() <= values.max() < len(names):
        wrong = values.max() if values.max() >= len(names) else values.min()
        raise RasterError(
            f"{where}: a pixel has the value {wrong}, expected 0 to {len(names) - 1} for {', '.join(names)}; "
            "name all categories of the map in its order, or give its nodata value"
        )
