"""What is made for finished rasters: styles, polygons, the table of transitions, and what the STAC Item says."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from torch import nn

from stsun import __version__
from stsun.configuration import Configuration
from stsun.maps.polygons import PolygonLayer, write_polygons
from stsun.maps.qgis import category_style, ramp_style, style_path
from stsun.maps.stac_item import ItemFacts, ModelFacts, Period
from stsun.maps.transitions import transitions, write_csv
from stsun.prediction.outputs import Output, period_names, periods_of
from stsun.prediction.products import map_categories
from stsun.prediction.targets import Targets
from stsun.raster.whole import explained
from stsun.scene.scene import Scene, iso
from stsun.scene.sources import SceneFile

Place = Callable[[Path], Path]
"""Gives the name that a target has until all are there."""


def write_derived(
    rasters: Mapping[str, Path], targets: Targets, scene: Scene, configuration: Configuration, place: Place
) -> dict[Path, Path]:
    """Write the polygons and the table of transitions that are asked for; return each target's file.

    Args:
        rasters: The finished rasters by what they show.
        targets: What is asked for.
        scene: The images.
        configuration: What was asked of the network.
        place: Gives the name that a target has until all are there.

    Raises:
        StsunError: A file cannot be written.
    """
    made = {}
    if targets.polygons is not None:
        made[targets.polygons] = place(targets.polygons)
        layers = _polygon_layers(rasters, scene, configuration)
        options = {"min_area_m2": targets.min_area_m2, "layer": targets.polygons.stem, "overwrite": True}
        write_polygons(made[targets.polygons], layers, **options)  # type: ignore[arg-type]
    if targets.transitions is not None:
        made[targets.transitions] = place(targets.transitions)
        names = map_categories(configuration)
        tables = [transitions(rasters["classes"], *pair, names) for pair in _compared(len(scene.dates))]
        write_csv(made[targets.transitions], tables, overwrite=True)
    return made


def write_styles(outputs: Sequence[Output], place: Place) -> dict[Path, Path]:
    """Write the styles of all rasters that stay, for QGIS; return each target's file.

    Args:
        outputs: The rasters.
        place: Gives the name that a target has until all are there.

    Raises:
        RasterError: A file cannot be written.
    """
    made = {}
    for output in outputs:
        if output.path is not None:
            target = style_path(output.path)
            made[target] = place(target)
            with explained(target):
                text = category_style(output.legend) if output.legend else ramp_style()
                made[target].write_text(text, encoding="utf-8")
    return made


def item_facts(model: nn.Module, weights: str, scene: Scene, configuration: Configuration, maps: Output) -> ItemFacts:
    """Return what the STAC Item of a prediction says that its files do not.

    Args:
        model: The model.
        weights: A hash of its weights, the one thing that tells versions of a checkpoint apart.
        scene: The images.
        configuration: What was asked of the network.
        maps: The raster of maps.

    Raises:
        ConfigurationError: No date is known, which STAC needs.
    """
    named = zip(period_names(scene, configuration), periods_of(scene, configuration), strict=True)
    files = [file.name for one in scene.dates for file in one.sources if isinstance(file, SceneFile)]
    return ItemFacts(
        id=(maps.path or Path("map")).stem,
        task=configuration.task,
        categories=maps.layers[0].categories,
        periods=[Period(name, _day(scene, start), _day(scene, end)) for name, (start, end) in named],
        bands=scene.bands,
        gsd_m=scene.gsd_m,
        model=ModelFacts(
            str(getattr(model, "name", type(model).__name__)),
            sum(parameter.numel() for parameter in model.parameters()),
            weights[:16],
            getattr(model, "checkpoint", None),
        ),
        software=__version__,
        inputs=[name if name.startswith("/vsi") else Path(name) for name in dict.fromkeys(files)],
    )


def _compared(maps: int) -> list[tuple[int, int]]:
    """Return the bands that are compared: each map with the next, then, if there are more than two, first and last."""
    return [*pairwise(range(1, maps + 1)), *([(1, maps)] if maps > 2 else [])]


def _polygon_layers(rasters: Mapping[str, Path], scene: Scene, configuration: Configuration) -> list[PolygonLayer]:
    """Return what polygons show: regions of a category; of a change, those that changed."""
    names = map_categories(configuration)
    if configuration.task == "semantic_change":
        pairs = {
            value: {"from": before, "to": after}
            for value, (before, after) in enumerate([("", ""), *((one, other) for one in names for other in names)])
            if before != after
        }
        return [
            PolygonLayer(
                rasters["changes"], band, pairs, *_span(scene, band - 1, band), rasters["change_confidence"], band
            )
            for band in range(1, len(scene.dates))
        ]
    shown = names[1:] if configuration.task == "binary_change" else names
    first = len(names) - len(shown)
    values = {value: {"category": name} for value, name in enumerate(shown, start=first)}
    return [
        PolygonLayer(rasters["classes"], band, values, *_span(scene, start, end), rasters["confidence"], band)
        for band, (start, end) in enumerate(periods_of(scene, configuration), start=1)
    ]


def _span(scene: Scene, start: int, end: int) -> tuple[str | None, str | None]:
    return _day(scene, start), _day(scene, end)


def _day(scene: Scene, place: int) -> str | None:
    day = scene.dates[place].day
    return None if day is None else iso(day)
