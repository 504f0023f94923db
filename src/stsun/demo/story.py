"""What the page tells of one kind of scenes: which images, what was asked, pictures, scores, the command."""

import re
import shlex
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.data.sample import IGNORE, Sample
from stsun.demo.page import Figure, MapRow, Section
from stsun.demo.pictures import (
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
from stsun.evaluation.summary import scored_names
from stsun.model.stsun import STSUN
from stsun.prediction.products import observed
from stsun.raster.writer import encode_png
from stsun.scene.scene import iso
from stsun.sensors import sensors
from stsun.tasks import NEUTRAL, output_periods

Maps = NDArray[np.int64]

HEADLINES = {
    "segmentation": ("mean_iou", "overall_accuracy"),
    "binary_change": ("change_f1", "change_iou"),
    "semantic_change": ("mean_iou", "change_f1"),
}
"""The scores that speak for each task, the first one most."""

MOST_DATES = 4
MOST_NAMED = 4
BECAME = "a changed pixel has the colour of what it became, an unchanged one is grey"


def section_of(
    kind: str, worlds: Sequence[Sample], world: Sample, maps: Maps, scores: dict[str, Any], images: Sequence[Path]
) -> Section:
    """Return what the page tells of one kind of scenes.

    Args:
        kind: Its name.
        worlds: The scenes that were scored.
        world: The one of them that is shown.
        maps: Its predicted maps ``T2 H W``.
        scores: Over all worlds.
        images: Its files, as seen from the page.
    """
    days, dates = _days(world), len(world.images)
    shown = _at_most(MOST_DATES, dates)
    configuration = world.configuration
    titles = _distinct(_sensor(bands) for one in worlds for bands in _bands(one))
    return Section(
        kind=kind,
        title=f"{' and '.join(titles)}: {_subject(configuration, dates)}",
        question=_question(configuration, days),
        task=configuration.task.replace("_", " "),
        facts={
            "sensor": ", ".join(titles),
            "bands": "; ".join(_distinct(_describe(bands) for one in worlds for bands in _bands(one))),
            "pixel": _span([one.configuration.gsd_m for one in worlds if one.configuration.gsd_m], " m") or "unknown",
            "dates": dates_in_words(worlds),
        },
        input_note=f"{len(shown)} of {dates} dates are shown" if len(shown) < dates else "",
        inputs=_inputs(world, shown),
        maps=_map_rows(world, maps),
        headline=HEADLINES[configuration.task][0],
        scores=scores,
        colors=dict(zip(scored_names(configuration), colors_of(scored_names(configuration)), strict=True)),
        command=_command(configuration, images),
    )


def most_varied(worlds: Sequence[Sample]) -> int:
    """Return the index of the scene that shows most: whose true categories have the highest entropy."""
    return int(np.argmax([0.0 if world.labels is None else _entropy(world.labels) for world in worlds]))


def dates_in_words(worlds: Sequence[Sample]) -> str:
    """Return how many dates the scenes have: ``2``, or ``3-8``."""
    return _span([len(world.images) for world in worlds])


def describe_model(model: STSUN, *, shipped: bool) -> str:
    """Return which model it is, and how large."""
    weights = sum(parameter.numel() for parameter in model.parameters())
    origin = "the checkpoint that ships with the package" if shipped else "given by the caller"
    return f"{model.config.size} ({origin}), {weights:,} weights, {len(model.categories)} categories known by name"


def _subject(configuration: Configuration, dates: int) -> str:
    if configuration.task == "binary_change":
        return "what has changed between dates"
    if configuration.task == "semantic_change":
        return "what was there at each date, and what became of it"
    return "what covers the ground" + (", from a series of images" if dates > 1 else "")


def _question(configuration: Configuration, days: Sequence[str]) -> str:
    given = f"one image, of {days[0]}," if len(days) == 1 else f"{len(days)} images, {days[0]} to {days[-1]},"
    names = ", ".join(configuration.categories)
    if configuration.task == "binary_change":
        asked = f"which pixels show this change between one date and the next: {names or 'any'}"
    elif configuration.task == "semantic_change":
        asked = f"which category each pixel belongs to at each date, so that the maps tell what became what: {names}"
    else:
        asked = f"which category each pixel belongs to{' over the whole series' if len(days) > 1 else ''}: {names}"
    return f"The model was given {given} and asked {asked}."


def _inputs(world: Sample, shown: Sequence[int]) -> tuple[Figure, ...]:
    """Return the dates that are shown."""
    bands, days = _bands(world), _days(world)
    composites = [composite_of(bands[date]) for date in shown]
    pictures = photographs(
        [thinned(world.images[date]) for date in shown], thinned(world.valid[list(shown)]), composites
    )
    figures = []
    for date, composite, picture in zip(shown, composites, pictures, strict=True):
        hidden = 1 - world.valid[date].mean()
        parts = [_sensor(bands[date]), composite.title, *([f"{_percent(hidden)} cloud or no data"] if hidden else [])]
        figures.append(_figure(days[date], "; ".join(parts), f"Image of {days[date]}: {'; '.join(parts)}", picture))
    return tuple(figures)


def _map_rows(world: Sample, maps: Maps) -> tuple[MapRow, ...]:
    """Return truth, prediction and difference of each map, and of the changes that follow from maps of dates."""
    configuration, days = world.configuration, _days(world)
    assert world.labels is not None, "scenes that are scored have labels"
    periods = output_periods(configuration.task, len(days), configuration.per_date)
    seen = observed(world.valid, periods, configuration.task)
    truth, predicted = thinned(world.labels), thinned(np.where(seen, maps, IGNORE))
    shown, names = _at_most(MOST_DATES, len(periods)), scored_names(configuration)
    spans = [days[start] if start == end else f"{days[start]} to {days[end]}" for start, end in periods]
    binary = configuration.task == "binary_change"
    rows = [_map_row(spans[one], (truth[one], predicted[one]), names, binary=binary) for one in shown]
    if configuration.task == "semantic_change":
        became = (NEUTRAL[1], *names)
        for one, two in pairwise(shown):
            pair = [changes(layers[one], layers[two]) for layers in (truth, predicted)]
            title = f"what changed, {spans[one]} to {spans[two]}"
            rows.append(_map_row(title, pair, became, binary=True, note=BECAME))
    return tuple(rows)


def _map_row(title: str, pair: Sequence[Map], names: Sequence[str], *, binary: bool, note: str = "") -> MapRow:
    """Return the pictures of a true and a predicted map, and of where they differ."""
    compared, key = (findings(*pair), FINDINGS) if binary else (agreement(*pair), AGREEMENT)
    found = _shares(compared, list(key))
    figures = []
    for caption, values in zip(("truth", "prediction"), pair, strict=True):
        alt = f"{caption}, {title}: {_shares(values, names)}"
        figures.append(_figure(caption, "", alt, painted(values, colors_of(names))))
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


def _entropy(labels: Map) -> float:
    _, counts = np.unique(labels[labels != IGNORE], return_counts=True)
    shares = counts / max(counts.sum(), 1)
    return float(-(shares * np.log(shares)).sum())


def _percent(share: float) -> str:
    return "< 1 %" if 0 < share < 0.005 else f"{100 * share:.0f} %"


def _command(configuration: Configuration, images: Sequence[Path]) -> str:
    """Return the command that makes the map of these files."""
    names = ["--categories", ",".join(configuration.categories)] if configuration.categories else []
    target = (images[0].parent / "map.tif").as_posix()
    files = [image.as_posix() for image in images]
    return shlex.join(
        ["stsun", "predict", "--task", configuration.task, *names, "--output", target, "--overwrite", *files]
    )


def _bands(world: Sample) -> tuple[tuple[Band, ...], ...]:
    return world.configuration.bands_of_dates(len(world.images))


def _days(world: Sample) -> list[str]:
    return [f"date {number}" if np.isnan(day) else iso(float(day)) for number, day in enumerate(world.days, start=1)]


def _sensor(bands: Sequence[Band]) -> str:
    """Return the title of the catalogue's sensor that has these bands and the fewest others."""
    fitting = [one for one in sensors().values() if set(bands) <= set(one.bands)]
    if not fitting:
        return "sensor outside the catalogue"
    return re.split(r"[,(]", min(fitting, key=lambda one: len(one.bands)).title)[0].strip()


def _describe(bands: Sequence[Band]) -> str:
    wavelengths_nm = [band.wavelength_nm for band in bands if band.wavelength_nm is not None]
    spectrum = [f"{min(wavelengths_nm):.0f} to {max(wavelengths_nm):.0f} nm"] if wavelengths_nm else []
    others = [band.name.upper() for band in bands if band.wavelength_nm is None]
    return f"{len(bands)} ({', '.join([*spectrum, *others])})"


def _at_most(count: int, available: int) -> list[int]:
    """Return up to ``count`` of the indices below ``available``, first and last among them, evenly spread."""
    return [int(index) for index in np.unique(np.linspace(0, available - 1, count).round())]


def _distinct(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))


def _span(values: Sequence[float], unit: str = "") -> str:
    if not values:
        return ""
    low, high = min(values), max(values)
    return f"{low:g}{unit}" if low == high else f"{low:g}-{high:g}{unit}"
