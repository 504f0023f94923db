"""Raster files as layers: what each shows by what it says of itself, and which files belong to one series."""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stsun.bands import Band
from stsun.errors import StsunError
from stsun.legend import color_of
from stsun.prediction.outputs import UNCHANGED_COLOR, transition_names
from stsun.raster.grid import Grid, difference
from stsun.raster.metadata import parse_day
from stsun.raster.opening import opened
from stsun.raster.reader import RasterInfo, inspect
from stsun.raster.storage import EIGHT_BIT
from stsun.scene.scene import Scene, iso, open_scene
from stsun.scene.sources import SceneDate, SceneFile
from stsun.sensors import common_band, named_band
from stsun.view.layers import Entry, Layer, Shot

SUFFIXES = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".jp2", ".vrt")
MOST_COLORS = 256


@dataclass(frozen=True)
class Found:
    """A raster and what it is: an image, or a layer of its own."""

    info: RasterInfo
    grid: Grid
    layer: Layer | None


def look(path: Path) -> Found:
    """Return what a raster is.

    Raises:
        RasterError: It cannot be read.
    """
    info = inspect(path)
    grid = Grid(info.crs, info.transform, info.height, info.width)
    with opened(path) as source:
        tags = [source.tags(index) for index in info.indexes]
        if "category_0" in tags[0] or "categories" in tags[0]:
            return Found(info, grid, _map(info, grid, tags))
        if "stsun" in tags[0].get("software", ""):
            return Found(info, grid, _probability(info, grid))
        if info.palette:
            return Found(info, grid, _colored(info, grid, source.colormap(1)))
        names = [_color_name(source, index) for index in info.indexes]
    named = tuple(band or common_band(name) for band, name in zip(info.bands, names, strict=True))
    return Found(replace(info, bands=named) if None not in named else info, grid, None)


def layers_of(found: Sequence[Found]) -> list[Layer]:
    """Return the layers that rasters make: images of one grid are one series, all else stands for itself."""
    groups: list[list[Found]] = []
    for one in found:
        if one.layer is None:
            home = next((group for group in groups if difference(group[0].grid, one.grid) is None), None)
            if home is None:
                groups.append([one])
            else:
                home.append(one)
    return [*map(imagery, groups), *(one.layer for one in found if one.layer is not None)]


def imagery(group: Sequence[Found]) -> Layer:
    """Return the layer of images that lie on one grid, the earliest first."""
    order = sorted(group, key=lambda one: math.inf if one.info.day is None else one.info.day)
    paths = [one.info.path for one in order]
    try:
        scene = open_scene(paths)
        return of_scene(scene, title_of(paths))
    except StsunError as problem:
        shots = of_dates([_as_stored(one) for one in order])
        return Layer(title_of(paths), "imagery", shots, unknown=str(problem))


def of_scene(scene: Scene, title: str) -> Layer:
    """Return the layer of a scene."""
    return Layer(title, "imagery", of_dates(scene.dates), notes=scene.notes)


def of_dates(dates: Sequence[SceneDate]) -> tuple[Shot, ...]:
    """Return dates by their days if these are known, else by their files and places."""
    if any(date.day is None for date in dates):
        return tuple(
            Shot(Path(date.files[0].name).stem if date.day is None else iso(date.day), float(place), date)
            for place, date in enumerate(dates)
        )
    ordered = sorted(dates, key=lambda date: date.day or 0.0)
    return tuple(Shot(iso(date.day), float(date.day or 0.0), date) for date in ordered)


def title_of(paths: Sequence[str | Path]) -> str:
    """Return what files are called together: what their names begin with."""
    stems = [Path(path).stem for path in paths]
    if len(stems) == 1:
        return stems[0]
    shared = stems[0]
    while not all(stem.startswith(shared) for stem in stems):
        shared = shared[:-1]
    return re.sub(r"[\W_\d]+$", "", shared) or f"{len(stems)} images"


def _as_stored(found: Found) -> SceneDate:
    """Return an image of which not all is known, with the values that it holds."""
    info = found.info
    bands = tuple(
        band or named_band(name or "") or Band(name or f"band {index}")
        for band, name, index in zip(info.bands, info.descriptions, info.indexes, strict=True)
    )
    scales = tuple(
        EIGHT_BIT if dtype == "uint8" and scale == 1 else scale
        for dtype, scale in zip(info.dtypes, info.scales, strict=True)
    )
    return SceneDate((SceneFile(info.path, found.grid, info.indexes, scales, info.offsets),), bands, info.day)


def _color_name(source: Any, index: int) -> str:
    name: str = source.colorinterp[index - 1].name
    return name


def _one_band(info: RasterInfo, grid: Grid, indexes: Sequence[int], names: Iterable[str]) -> SceneDate:
    """Return bands of a raster as an image of physical values."""
    places = [info.indexes.index(index) for index in indexes]
    scales, offsets = tuple(info.scales[i] for i in places), tuple(info.offsets[i] for i in places)
    return SceneDate(
        (SceneFile(info.path, grid, tuple(indexes), scales, offsets),), tuple(Band(name) for name in names), None
    )


def _map(info: RasterInfo, grid: Grid, tags: Sequence[Mapping[str, str]]) -> Layer:
    """Return a raster of class numbers that this package has written."""
    periods = [text or f"map {number}" for number, text in enumerate(info.descriptions, start=1)]
    shots = tuple(
        Shot(period, when(period, place), _one_band(info, grid, [index], ["category"]))
        for place, (period, index) in enumerate(zip(periods, info.indexes, strict=True))
    )
    return Layer(Path(info.path).stem, "categories", shots, _legend(tags[0]))


def _legend(tags: Mapping[str, str]) -> tuple[Entry, ...]:
    if "category_0" not in tags:  # too many transitions for tags of their own
        pairs = transition_names(_listed(tags["categories"]))
        return tuple(
            Entry(value, name, color_of(after) if after else UNCHANGED_COLOR)
            for value, (name, after) in enumerate(pairs)
        )
    values = [value for value in range(MOST_COLORS) if f"category_{value}" in tags]
    return tuple(
        Entry(value, name := tags[f"category_{value}"], checked_color(tags.get(f"color_{value}"), name))
        for value in values
    )


def _listed(text: str) -> tuple[str, ...]:
    """Return the names in a JSON list; none where a tag holds something else."""
    try:
        names = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    return tuple(map(str, names)) if isinstance(names, list) and len(names) <= MOST_COLORS else ()


def checked_color(color: str | None, name: str) -> str:
    """Return a colour if it is one, ``#rrggbb``, else the one that every category of that name has."""
    return color if color is not None and re.fullmatch(r"#[0-9a-fA-F]{6}", color) else color_of(name)


def _probability(info: RasterInfo, grid: Grid) -> Layer:
    """Return a raster of probabilities or confidence: bands are described as ``name, period``."""
    described = [(text or "").rpartition(", ")[::2] for text in info.descriptions]
    names = list(dict.fromkeys(name or "value" for name, _ in described))
    periods: dict[str, list[int]] = {}
    for (_, period), index in zip(described, info.indexes, strict=True):
        periods.setdefault(period, []).append(index)
    shots = tuple(
        Shot(period, when(period, place), _one_band(info, grid, indexes, names[: len(indexes)]))
        for place, (period, indexes) in enumerate(periods.items())
    )
    legend = tuple(Entry(place, name, color_of(name)) for place, name in enumerate(names))
    return Layer(Path(info.path).stem, "probability", shots, legend)


def _colored(info: RasterInfo, grid: Grid, colors: Mapping[int, tuple[int, ...]]) -> Layer:
    """Return a raster whose pixels are numbers in a colour table."""
    shown = {value: rgba for value, rgba in colors.items() if len(rgba) < 4 or rgba[3] > 0}
    legend = tuple(Entry(value, str(value), "#{:02x}{:02x}{:02x}".format(*rgba)) for value, rgba in shown.items())
    name = Path(info.path).stem if info.day is None else iso(info.day)
    shot = Shot(name, info.day or 0.0, _one_band(info, grid, info.indexes[:1], ["category"]))
    return Layer(Path(info.path).stem, "labels", (shot,), legend)


def when(period: str, place: int) -> float:
    """Return where a map stands on the time line: the end of its period, as a day or as the number of a date."""
    end = period.rpartition(" to ")[2]
    number = re.fullmatch(r"date (\d+)", end)
    if number:
        return float(number[1]) - 1
    day = parse_day(end)
    return float(place) if day is None else day
