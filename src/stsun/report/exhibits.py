"""What a sample looks like: its dates, its labels, the maps made of it, and where these differ from the labels."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from stsun.bands import Band
from stsun.data.sample import IGNORE, Sample
from stsun.evaluation.summary import scored_names
from stsun.raster.metadata import moment_text
from stsun.raster.writer import encode_png
from stsun.report.pictures import (
    AGREEMENT,
    FINDINGS,
    Colors,
    Map,
    agreement,
    changes,
    colors_of,
    composite_of,
    findings,
    painted,
    photographs,
    thinned,
)
from stsun.sensors import sensors
from stsun.tasks import NEUTRAL, output_periods

MOST_DATES = 4
MOST_NAMED = 4
BECAME = "a changed pixel has the colour of what it became, an unchanged one is grey"


@dataclass(frozen=True)
class Figure:
    """One picture.

    Args:
        title: What it is, in a word or a date.
        caption: More of it; may be empty.
        alt: What it shows, for those who cannot see it.
        png: The picture, as the bytes of a PNG file.
        width: In pixels.
        height: In pixels.
    """

    title: str
    caption: str
    alt: str
    png: bytes
    width: int
    height: int


@dataclass(frozen=True)
class MapRow:
    """Pictures of one output map: truth, prediction, difference.

    Args:
        title: What the map speaks for, such as ``2018-05-01 to 2024-05-01``.
        note: What to know of the pictures; may be empty.
        figures: The pictures.
        key: Colour of each thing that the last picture tells.
    """

    title: str
    note: str
    figures: tuple[Figure, ...]
    key: Mapping[str, str]


def inputs_of(sample: Sample) -> tuple[tuple[Figure, ...], str]:
    """Return pictures of the dates of a sample, of a long series four of them, and what to know of these."""
    dates = len(sample.images)
    shown = _at_most(MOST_DATES, dates)
    bands, days = sample.configuration.bands_of_dates(dates), days_of(sample)
    composites = [composite_of(bands[date]) for date in shown]
    pictures = photographs(
        [thinned(sample.images[date]) for date in shown], thinned(sample.valid[list(shown)]), composites
    )
    figures = []
    for date, composite, picture in zip(shown, composites, pictures, strict=True):
        hidden = 1 - sample.valid[date].mean()
        covered = f"{_percent(hidden)} cloud or no data" if hidden else ""
        parts = "; ".join(part for part in (sensor_title(bands[date]), composite.title, covered) if part)
        figures.append(_figure(days[date], parts, f"Image of {days[date]}: {parts}", picture))
    return tuple(figures), f"{len(shown)} of {dates} dates are shown" if len(shown) < dates else ""


def map_rows(sample: Sample, maps: NDArray[np.int64], colors: Mapping[str, str]) -> tuple[MapRow, ...]:
    """Return truth, prediction and difference of each map, and of the changes that follow from maps of dates.

    Args:
        sample: With labels.
        maps: ``T2 H W`` category indices; 255 is shown as unknown.
        colors: ``#rrggbb`` of categories; the others get `stsun.legend.color_of`.
    """
    configuration, days = sample.configuration, days_of(sample)
    assert sample.labels is not None, "samples that are scored have labels"
    periods = output_periods(configuration.task, len(days), configuration.per_date)
    truth, predicted = thinned(sample.labels), thinned(maps)
    shown, names = _at_most(MOST_DATES, len(periods)), scored_names(configuration)
    spans = [days[start] if start == end else f"{days[start]} to {days[end]}" for start, end in periods]
    binary, legend = configuration.task == "binary_change", colors_of(names, colors)
    rows = [_map_row(spans[one], (truth[one], predicted[one]), names, legend, binary=binary) for one in shown]
    if configuration.task == "semantic_change":
        became = (NEUTRAL[1], *names), colors_of((NEUTRAL[1], *names), colors)
        for one, two in pairwise(shown):
            pair = [changes(layers[one], layers[two]) for layers in (truth, predicted)]
            title = f"what changed, {spans[one]} to {spans[two]}"
            rows.append(_map_row(title, pair, *became, binary=True, note=BECAME))
    return tuple(rows)


def days_of(sample: Sample) -> list[str]:
    """Return what each date is called: its day, or ``date 1``."""
    days = enumerate(sample.days, start=1)
    return [f"date {number}" if np.isnan(day) else moment_text(float(day)) for number, day in days]


def sensor_title(bands: Sequence[Band]) -> str:
    """Return the title of the catalogue's sensor that has these bands and the fewest others; empty if none has."""
    fitting = [one for one in sensors().values() if set(bands) <= set(one.bands)]
    if not fitting:
        return ""
    return re.split(r"[,(]", min(fitting, key=lambda one: len(one.bands)).title)[0].strip()


def _map_row(
    title: str, pair: Sequence[Map], names: Sequence[str], colors: Sequence[str], *, binary: bool, note: str = ""
) -> MapRow:
    """Return the pictures of a true and a predicted map, and of where they differ."""
    compared, key = (findings(*pair), FINDINGS) if binary else (agreement(*pair), AGREEMENT)
    found = _shares(compared, list(key))
    figures = []
    for caption, values in zip(("truth", "prediction"), pair, strict=True):
        alt = f"{caption}, {title}: {_shares(values, names)}"
        figures.append(_figure(caption, "", alt, painted(values, colors)))
    alt = f"where they differ, {title}: {found}"
    figures.append(_figure("where they differ", found, alt, painted(compared, tuple(key.values()))))
    return MapRow(title, note, tuple(figures), key)


def _figure(title: str, caption: str, alt: str, colors: Colors) -> Figure:
    height, width, _ = colors.shape
    return Figure(title, caption, alt[:1].upper() + alt[1:], encode_png(colors), width, height)


def _shares(values: Map, names: Sequence[str]) -> str:
    """Return the shares of the most frequent values of a map, in words."""
    known = values[values != IGNORE]
    counts = np.bincount(known, minlength=len(names))
    if not counts.any():
        return "no pixel is known"
    order = np.argsort(-counts, kind="stable")[:MOST_NAMED]
    return ", ".join(f"{names[value]} {_percent(counts[value] / counts.sum())}" for value in order if counts[value])


def _percent(share: float) -> str:
    return "< 1 %" if 0 < share < 0.005 else f"{100 * share:.0f} %"


def _at_most(count: int, available: int) -> list[int]:
    """Return up to ``count`` of the indices below ``available``, first and last among them, evenly spread."""
    return [int(index) for index in np.unique(np.linspace(0, available - 1, count).round())]
