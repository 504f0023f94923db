"""The files of a prediction: what their bands are called and hold, and how rows of logits become their pixels."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stsun import __version__
from stsun.configuration import Configuration
from stsun.data.sample import IGNORE
from stsun.legend import color_of
from stsun.prediction.inference import Rows
from stsun.prediction.products import class_map, map_categories, probabilities
from stsun.prediction.scene import Scene, iso
from stsun.raster.grid import Grid
from stsun.raster.writer import Layer, create
from stsun.tasks import output_periods

MapCounts = NDArray[np.int64]
"""How often each map holds each value, ``M 256``."""


@dataclass(frozen=True)
class Output:
    """One file to be written.

    Args:
        path: Where.
        layers: Its bands.
        dtype: Of its pixels.
        nodata: Value of pixels without data.
        render: Makes its pixels ``bands h W`` from a band of rows.
    """

    path: Path
    layers: tuple[Layer, ...]
    dtype: str
    nodata: float
    render: Callable[[Rows], NDArray[Any]]


def period_names(scene: Scene, configuration: Configuration) -> list[str]:
    """Return what each output map speaks for: ``2018-05-01``, ``2018-05-01 to 2024-05-01``, or ``date 1 to date 2``."""
    days = [date.day for date in scene.dates]
    names = [f"date {number}" if day is None else iso(day) for number, day in enumerate(days, start=1)]
    periods = output_periods(configuration.task, len(names), configuration.per_date)
    return [names[start] if start == end else f"{names[start]} to {names[end]}" for start, end in periods]


def class_output(path: Path, scene: Scene, configuration: Configuration, colors: Mapping[str, str]) -> Output:
    """Return the file of class maps: one 8-bit band per map, 255 where there is no data.

    Args:
        path: Where.
        scene: The images.
        configuration: What was asked of the network.
        colors: ``#rrggbb`` of categories, as the model's data sets had them; the others get `color_of`.
    """
    categories = tuple((name, colors.get(name, color_of(name))) for name in map_categories(configuration))
    layers = tuple(Layer(period, categories, _tags(configuration)) for period in period_names(scene, configuration))

    def render(rows: Rows) -> NDArray[np.uint8]:
        return np.where(rows.observed, class_map(rows.logits, configuration.task), np.uint8(IGNORE))

    return Output(path, layers, "uint8", IGNORE, render)


def probability_output(path: Path, scene: Scene, configuration: Configuration) -> Output:
    """Return the file of probabilities: one band per map and category (binary change: the change), NaN without data."""
    names = map_categories(configuration)
    shown = names[1:] if configuration.task == "binary_change" else names
    layers = tuple(
        Layer(f"{name}, {period}", (), _tags(configuration))
        for period in period_names(scene, configuration)
        for name in shown
    )

    def render(rows: Rows) -> NDArray[np.float32]:
        shares = probabilities(rows.logits, configuration.task)
        known = np.where(rows.observed[:, None], shares, np.float32(np.nan))  # M K h W
        return known.reshape(-1, *known.shape[2:])

    return Output(path, layers, "float32", np.nan, render)


def write_outputs(rows: Iterable[Rows], outputs: Sequence[Output], grid: Grid, *, overwrite: bool) -> MapCounts:
    """Write all files, band of rows by band of rows, and count the values of the first.

    Raises:
        RasterError: A file cannot be written; then none is.
    """
    counts = np.zeros((len(outputs[0].layers), IGNORE + 1), np.int64)
    with ExitStack() as files:
        writers = [
            files.enter_context(
                create(output.path, grid, output.layers, dtype=output.dtype, nodata=output.nodata, overwrite=overwrite)
            )
            for output in outputs
        ]
        for band in rows:
            arrays = [output.render(band) for output in outputs]
            for write, array in zip(writers, arrays, strict=True):
                write(band.first, array)
            counts += [np.bincount(one.ravel(), minlength=IGNORE + 1) for one in arrays[0]]
    return counts


def _tags(configuration: Configuration) -> dict[str, str]:
    return {"task": configuration.task, "software": f"stsun {__version__}"}
