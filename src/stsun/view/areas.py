"""How much of a map each category covers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from stsun.maps.areas import counts_by_row, pixel_areas_m2
from stsun.maps.strips import strips
from stsun.raster.opening import opened
from stsun.raster.values import is_nodata
from stsun.scene.sources import SceneFile
from stsun.view.frames import is_flat
from stsun.view.layers import Entry, Shot

M2_PER_HECTARE = 10_000.0


def areas(shot: Shot, legend: Sequence[Entry]) -> list[dict[str, Any]]:
    """Return the pixels and hectares of each line of a legend; hectares are None without a CRS.

    Areas are those on the ground (see `stsun.maps.areas`). The raster is read whole, strip by strip.

    Raises:
        RasterError: It cannot be read.
    """
    file = shot.image.files[0]
    assert isinstance(file, SceneFile)
    numbers = np.array([entry.value for entry in legend])
    lines, located = np.argsort(numbers), not is_flat(file.grid)
    pixels, square_metres = np.zeros(len(legend) + 1, np.int64), np.zeros(len(legend) + 1)
    with opened(file.path) as source:
        for window in strips(source):
            stored = source.read(file.indexes[0], window=window)
            place = np.searchsorted(numbers[lines], stored).clip(0, len(numbers) - 1)
            known = (numbers[lines][place] == stored) & ~is_nodata(stored, source.nodatavals[file.indexes[0] - 1])
            counts = counts_by_row(np.where(known, lines[place], len(legend)), len(legend) + 1)
            pixels += counts.sum(axis=0)
            if located:
                grid = file.grid
                size = pixel_areas_m2(grid.crs, grid.transform, window.row_off, window.height, grid.width)
                square_metres += 0 if size is None else size @ counts
    return [
        {
            "value": entry.value,
            "pixels": int(pixels[line]),
            "hectares": float(square_metres[line]) / M2_PER_HECTARE if located else None,
        }
        for line, entry in enumerate(legend)
    ]
