"""What a prediction has made, in numbers and words."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stsun.configuration import Configuration
from stsun.data.sample import IGNORE
from stsun.maps.areas import counts_by_row, pixel_areas_m2
from stsun.maps.strips import strips
from stsun.raster.opening import opened


@dataclass(frozen=True)
class MapSummary:
    """How much of one map is of which category.

    Args:
        period: What the map speaks for, such as ``2018-05-01 to 2024-05-01``.
        pixels: Number of pixels of each category, by its name.
        area_m2: Area on the ground of each category in square metres; None where nobody knows a pixel's size.
        nodata_pixels: Number of pixels without data.
    """

    period: str
    pixels: dict[str, int]
    area_m2: dict[str, float] | None
    nodata_pixels: int


@dataclass(frozen=True)
class Prediction:
    """What a prediction has made.

    Args:
        files: The files written, the maps first.
        maps: One summary per map, in the order of the file's bands.
        notes: What had to be assumed, in words.
        seconds: How long it took.
        configuration: What the network was asked.
        missing: Blocks of the images that could not be read and count as no data.
    """

    files: tuple[Path, ...]
    maps: tuple[MapSummary, ...]
    notes: tuple[str, ...]
    seconds: float
    configuration: Configuration
    missing: tuple[str, ...] = ()


def summaries(maps: Path, names: Sequence[str], periods: Sequence[str], gsd_m: float | None) -> tuple[MapSummary, ...]:
    """Return a summary of each band of a raster of maps, read strip by strip.

    Args:
        maps: The raster; its pixels are the category's position in ``names``, 255 = no data.
        names: The categories.
        periods: What each band speaks for.
        gsd_m: Side of a pixel where the raster has no CRS; None = unknown.

    Raises:
        RasterError: The raster cannot be read.
    """
    pixels = np.zeros((len(periods), IGNORE + 1), np.int64)
    areas = np.zeros((len(periods), IGNORE + 1))
    known = True
    with opened(maps) as dataset:
        for window in strips(dataset):
            per_pixel = pixel_areas_m2(dataset.crs, dataset.transform, window.row_off, window.height, window.width)
            if per_pixel is None:
                known = gsd_m is not None
                per_pixel = np.full(window.height, (gsd_m or 0.0) ** 2)
            for band in range(len(periods)):
                counts = counts_by_row(dataset.read(band + 1, window=window).astype(np.int64), IGNORE + 1)
                pixels[band] += counts.sum(axis=0)
                areas[band] += per_pixel @ counts
    return tuple(
        MapSummary(
            period,
            {name: int(count) for name, count in zip(names, own, strict=False)},
            {name: float(area) for name, area in zip(names, covered, strict=False)} if known else None,
            int(own[IGNORE]),
        )
        for period, own, covered in zip(periods, pixels, areas, strict=True)
    )


def empty_notes(maps: Sequence[MapSummary]) -> tuple[str, ...]:
    """Return a note where the maps hold nothing at all: it may be meant, but is more often a wrong scale or mask."""
    if any(count for summary in maps for count in summary.pixels.values()):
        return ()
    return (
        "no pixel of the maps has data, as no pixel of the images is valid where it counts; check nodata, masks, "
        "--scale and --offset",
    )


def to_text(result: Prediction) -> str:
    """Return the summary of a prediction in words, with the share of each category."""
    lines = []
    for summary in result.maps:
        seen = sum(summary.pixels.values())
        lines.append(f"{summary.period}: {seen} pixels, {summary.nodata_pixels} without data")
        for name, pixels in summary.pixels.items():
            area = "" if summary.area_m2 is None else f"  {summary.area_m2[name] / 1e6:12.4f} km²"
            lines.append(f"  {name:30} {pixels / max(seen, 1):7.2%}{area}")
    lines += [f"note: {note}" for note in result.notes]
    lines += [f"could not be read, counts as no data: {block}" for block in result.missing]
    return "\n".join([*lines, *(f"wrote {file}" for file in result.files)])
