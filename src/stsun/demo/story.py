"""What the page tells of one kind of scenes: which images, what was asked, pictures, scores, the command."""

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.data.sample import IGNORE, Sample
from stsun.demo.page import Section
from stsun.evaluation.summary import HEADLINES, scored_names
from stsun.model.stsun import STSUN
from stsun.prediction.products import observed
from stsun.report.exhibits import days_of, inputs_of, map_rows, sensor_title
from stsun.report.pictures import Map, colors_of
from stsun.tasks import output_periods

Maps = NDArray[np.int64]


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
    configuration, dates = world.configuration, len(world.images)
    bands_of_worlds = [bands for one in worlds for bands in one.configuration.bands_of_dates(len(one.images))]
    titles = _distinct(sensor_title(bands) or "sensor outside the catalogue" for bands in bands_of_worlds)
    periods = output_periods(configuration.task, dates, configuration.per_date)
    inputs, input_note = inputs_of(world)
    # what the written map holds: nothing where no date shows anything
    shown = np.where(observed(world.valid, periods, configuration.task), maps, IGNORE)
    names = scored_names(configuration)
    return Section(
        kind=kind,
        title=f"{' and '.join(titles)}: {_subject(configuration, dates)}",
        question=_question(configuration, days_of(world)),
        task=configuration.task.replace("_", " "),
        facts={
            "sensor": ", ".join(titles),
            "bands": "; ".join(_distinct(_describe(bands) for bands in bands_of_worlds)),
            "pixel": _span([one.configuration.gsd_m for one in worlds if one.configuration.gsd_m], " m") or "unknown",
            "dates": dates_in_words(worlds),
        },
        input_note=input_note,
        inputs=inputs,
        maps=map_rows(world, shown, {}),
        headline=HEADLINES[configuration.task][0],
        scores=scores,
        colors=dict(zip(names, colors_of(names, {}), strict=True)),
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


def _entropy(labels: Map) -> float:
    _, counts = np.unique(labels[labels != IGNORE], return_counts=True)
    shares = counts / max(counts.sum(), 1)
    return float(-(shares * np.log(shares)).sum())


def _command(configuration: Configuration, images: Sequence[Path]) -> str:
    """Return the command that makes the map of these files."""
    names = ["--categories", ",".join(configuration.categories)] if configuration.categories else []
    target = (images[0].parent / "map.tif").as_posix()
    files = [image.as_posix() for image in images]
    return shlex.join(
        ["stsun", "predict", "--task", configuration.task, *names, "--output", target, "--overwrite", *files]
    )


def _describe(bands: Sequence[Band]) -> str:
    wavelengths_nm = [band.wavelength_nm for band in bands if band.wavelength_nm is not None]
    spectrum = [f"{min(wavelengths_nm):.0f} to {max(wavelengths_nm):.0f} nm"] if wavelengths_nm else []
    others = [band.name.upper() for band in bands if band.wavelength_nm is None]
    return f"{len(bands)} ({', '.join([*spectrum, *others])})"


def _distinct(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))


def _span(values: Sequence[float], unit: str = "") -> str:
    if not values:
        return ""
    low, high = min(values), max(values)
    return f"{low:g}{unit}" if low == high else f"{low:g}-{high:g}{unit}"
