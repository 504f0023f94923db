"""The end of a prediction: finished chunks become files, which get their names together once all of them are whole."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from stsun.configuration import Configuration
from stsun.errors import RasterError
from stsun.maps.stac_item import ItemFacts, write_stac_item
from stsun.prediction.derived import Place, write_derived, write_styles
from stsun.prediction.outputs import Output, period_names
from stsun.prediction.products import map_categories
from stsun.prediction.results import MapSummary, summaries
from stsun.prediction.targets import Targets
from stsun.prediction.workspace import Workspace
from stsun.raster.mosaic import joined, write_cog
from stsun.raster.whole import explained
from stsun.scene.scene import Scene

Stage = Callable[[str], object]
"""Told in words what is done after the last tile."""


def publish(
    space: Workspace,
    outputs: Sequence[Output],
    targets: Targets,
    scene: Scene,
    configuration: Configuration,
    *,
    facts: ItemFacts | None,
    overwrite: bool,
    stage: Stage,
) -> tuple[MapSummary, ...]:
    """Write all files of a prediction whose chunks are finished, and return a summary of its maps.

    Args:
        space: Holds the chunks.
        outputs: The rasters.
        targets: All files.
        scene: The images.
        configuration: What was asked of the network.
        facts: What the STAC Item says; None where none is asked for.
        overwrite: Files that have appeared since the start may be replaced.
        stage: Told of each file before it is written.

    Raises:
        StsunError: A file cannot be written, or has appeared; the chunks are kept.
    """
    names, periods = map_categories(configuration), period_names(scene, configuration)
    with _placing(targets.maps, stage) as place:
        rasters, made = {}, {}
        for number, output in enumerate(outputs):
            path = space.folder / f"{output.product}.tif" if output.path is None else place(output.path)
            rasters[output.product] = path
            _write(space, number, output, scene, path)
            if output.path is not None:
                made[output.path] = path
        made |= write_derived(rasters, targets, scene, configuration, place)
        made |= write_styles(outputs, place)
        maps = summaries(rasters["classes"], names, periods, scene.gsd_m)
        _name(made, space, targets, overwrite=overwrite)
    if targets.item is not None and facts is not None:
        files = {output.product: output.path for output in outputs}
        files |= {"polygons": targets.polygons, "transitions": targets.transitions}
        assets = {name: path for name, path in files.items() if path is not None}
        write_stac_item(targets.item, assets=assets, facts=facts, overwrite=True)
    return maps


@contextmanager
def _placing(maps: Path, stage: Stage) -> Iterator[Place]:
    """Yield what gives a target a name beside it, which no other prediction takes, and a later run of this one does.

    Whatever has not got the target's own name by the end is removed.
    """
    placed: list[Path] = []

    def place(target: Path) -> Path:
        stage(f"writing {target.name}")
        both = f"{maps.resolve()} {target.resolve()}"
        placed.append(target.with_name(f".{hashlib.sha256(both.encode()).hexdigest()[:16]}.unfinished{target.suffix}"))
        return placed[-1]

    try:
        yield place
    finally:
        for path in placed:
            with suppress(OSError):
                path.unlink()


def _write(space: Workspace, number: int, output: Output, scene: Scene, path: Path) -> None:
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    pieces = space.pieces(number)
    with joined(space.folder, pieces, scene.grid, output.layers, dtype=output.dtype, nodata=output.nodata) as source:
        write_cog(source, path, dtype=output.dtype, overviews=output.overviews)


def _name(made: Mapping[Path, Path], space: Workspace, targets: Targets, *, overwrite: bool) -> None:
    """Give all files their names; from here on a later run knows them as its own."""
    known = space.own_files()
    appeared = [path for path in targets.files if path.exists() and not overwrite and path.resolve() not in known]
    if appeared:
        raise RasterError(
            f"{appeared[0]} has appeared while the maps were made, and may not be replaced; go on with --resume and "
            "another name for it, or remove it"
        )
    space.own(targets.files)
    for target, path in made.items():
        with explained(target):
            path.replace(target)
