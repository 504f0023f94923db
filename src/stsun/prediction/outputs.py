"""The rasters of a prediction: which there are, what their bands are called and mean, and how they are stored."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from stsun import __version__
from stsun.configuration import Configuration
from stsun.data.sample import IGNORE
from stsun.errors import ConfigurationError
from stsun.legend import color_of
from stsun.prediction.products import NODATA_OF, STEPS, map_categories, transition_value
from stsun.raster.writer import Layer
from stsun.scene.scene import Scene, iso
from stsun.tasks import output_periods

PROBABILITY_TYPES = ("uint8", "float16", "float32")
UNCHANGED_COLOR = "#e6e6e6"


@dataclass(frozen=True)
class Output:
    """One raster to be written.

    Args:
        path: Where; None = it is only needed to make others.
        product: What it shows (see `stsun.prediction.products.render`).
        layers: Its bands.
        dtype: How its pixels are stored.
        legend: Name and colour of each value from 0 on; empty for a measured quantity.
    """

    path: Path | None
    product: str
    layers: tuple[Layer, ...]
    dtype: str
    legend: tuple[tuple[str, str], ...] = ()

    @property
    def nodata(self) -> float:
        """Value of pixels without data."""
        return NODATA_OF[self.dtype]

    @property
    def overviews(self) -> str:
        """How a pixel of an overview is made."""
        return "mode" if self.product in ("classes", "changes") else "average"


def day_names(scene: Scene) -> list[str]:
    """Return what each date is called: its ISO day, or ``date 1``."""
    days = [date.day for date in scene.dates]
    return [f"date {number}" if day is None else iso(day) for number, day in enumerate(days, start=1)]


def periods_of(scene: Scene, configuration: Configuration) -> list[tuple[int, int]]:
    """Return the indices of the earliest and the latest date that each output map speaks for.

    The dates of a segmentation may come in any order: of two or more known days the first and the last count.
    """
    periods = output_periods(configuration.task, len(scene.dates), configuration.per_date)
    days = [(date.day, place) for place, date in enumerate(scene.dates) if date.day is not None]
    if configuration.task == "segmentation" and not configuration.per_date and len(days) > 1:
        return [(min(days)[1], max(days)[1])]
    return periods


def period_names(scene: Scene, configuration: Configuration) -> list[str]:
    """Return what each output map speaks for: ``2018-05-01``, ``2018-05-01 to 2024-05-01``, or ``date 1 to date 2``."""
    names, periods = day_names(scene), periods_of(scene, configuration)
    return [names[start] if start == end else f"{names[start]} to {names[end]}" for start, end in periods]


def class_output(path: Path, scene: Scene, configuration: Configuration, colors: Mapping[str, str]) -> Output:
    """Return the raster of categories: one 8-bit band per map, 255 where there is no data.

    Args:
        path: Where.
        scene: The images.
        configuration: What was asked of the network.
        colors: ``#rrggbb`` of categories, as the model's data sets had them; the others get `color_of`.
    """
    categories = tuple((name, colors.get(name, color_of(name))) for name in map_categories(configuration))
    periods = period_names(scene, configuration)
    layers = tuple(Layer(period, categories, _tags(configuration)) for period in periods)
    return Output(path, "classes", layers, "uint8", categories)


def probability_output(path: Path, scene: Scene, configuration: Configuration, dtype: str) -> Output:
    """Return the raster of probabilities: one band per map and category (binary change: the change).

    Args:
        path: Where.
        scene: The images.
        configuration: What was asked of the network.
        dtype: ``uint8`` (multiples of 1/250, which is the file's scale; 255 = no data), ``float16`` or ``float32``.

    Raises:
        ConfigurationError: The data type is none of these.
    """
    if dtype not in PROBABILITY_TYPES:
        raise ConfigurationError(
            f"probabilities cannot be stored as {dtype!r}; expected one of {', '.join(PROBABILITY_TYPES)}"
        )
    names = map_categories(configuration)
    shown = names[1:] if configuration.task == "binary_change" else names
    scale = 1 / STEPS if dtype == "uint8" else 1.0
    layers = tuple(
        Layer(f"{name}, {period}", (), _tags(configuration), scale)
        for period in period_names(scene, configuration)
        for name in shown
    )
    return Output(path, "probabilities", layers, dtype)


def confidence_output(path: Path | None, scene: Scene, configuration: Configuration) -> Output:
    """Return the raster of the probabilities of what the maps show: one 8-bit band per map, multiples of 1/250."""
    tags, periods = _tags(configuration), period_names(scene, configuration)
    layers = tuple(Layer(f"confidence, {period}", (), tags, 1 / STEPS) for period in periods)
    return Output(path, "confidence", layers, "uint8")


def change_confidence_output(scene: Scene, configuration: Configuration) -> Output:
    """Return the raster of the confidence of changes, that of the less sure of two maps; only polygons need it."""
    layers = tuple(
        Layer(f"{one} to {other}", (), {}, 1 / STEPS) for one, other in pairwise(period_names(scene, configuration))
    )
    return Output(None, "change_confidence", layers, "uint8")


def change_output(path: Path | None, scene: Scene, configuration: Configuration, colors: Mapping[str, str]) -> Output:
    """Return the raster of what became what: a band for each two consecutive maps, 0 where nothing changed.

    Other values are those of `stsun.prediction.products.transition_value`. The data type is 8 bit where they fit, and
    the band's tags name them; else 16, and the tag ``categories`` lists the categories in order, as JSON.

    Raises:
        ConfigurationError: There are no two maps of categories to compare.
    """
    names, maps = map_categories(configuration), period_names(scene, configuration)
    if configuration.task == "binary_change" or len(maps) < 2:
        raise ConfigurationError(
            "a map of what became what needs categories at two dates: --task semantic_change, or segmentation with "
            f"--per-date; the task is {configuration.task} with {len(maps)} map(s)"
        )
    most = transition_value(len(names) - 1, 0, len(names)) + len(names)
    entries, tags = transition_names(names), _tags(configuration)
    legend = tuple((text, colors.get(to, color_of(to)) if to else UNCHANGED_COLOR) for text, to in entries)
    layers = tuple(
        Layer(
            f"{before} to {after}",
            *((legend, tags) if most < IGNORE else ((), {**tags, "categories": json.dumps(names, ensure_ascii=False)})),
        )
        for before, after in pairwise(maps)
    )
    return Output(path, "changes", layers, "uint8" if most < IGNORE else "uint16", legend)


def transition_names(names: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return what each value of a map of changes says, from 0 on, and the category that it ends in (empty: none)."""
    entries = [("unchanged", "")]
    entries += [(f"{before} to {after}", after) for before in names for after in names]
    return entries


def _tags(configuration: Configuration) -> dict[str, str]:
    return {"task": configuration.task, "software": f"stsun {__version__}"}
