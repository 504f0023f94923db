"""One prediction from start to end: chunks are computed and kept, then become files that appear all at once."""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import rasterio
import torch
from torch import nn

from stsun import __version__
from stsun.configuration import Configuration
from stsun.maps.stac_item import write_stac_item
from stsun.model.inference import evaluating, local_attention
from stsun.prediction.derived import item_facts, write_derived
from stsun.prediction.inference import Job, OnTile, compute
from stsun.prediction.outputs import Output, period_names
from stsun.prediction.products import map_categories
from stsun.prediction.results import Prediction, summaries
from stsun.prediction.seams import Part
from stsun.prediction.targets import Targets
from stsun.prediction.tiling import Chunk, Layout
from stsun.prediction.workspace import Workspace, folder_of, workspace
from stsun.raster.mosaic import joined, write_cog
from stsun.raster.writer import explained
from stsun.scene.scene import Scene

MEMORY = 90_000_000
"""Bytes that the sums of one chunk take at most; what the network needs for a tile comes on top."""

MOST_TILES = 8
"""Tiles along a side of a chunk at most: no more work than a chunk's is lost when a run is killed."""

GDAL_CACHE_MB = 64
"""Decoded blocks that GDAL keeps; its own choice, a share of the machine's memory, would grow with the raster."""

Progress = Callable[[int, int], object]
"""Told (tiles done, tiles in all) after each tile."""


class Engine(Protocol):
    """What computes chunks: this process, or many."""

    def __call__(self, model: nn.Module, job: Job, chunks: Sequence[Chunk], on_tile: OnTile) -> Iterator[Part]:
        """Yield the part of each chunk, in any order."""


@dataclass(frozen=True)
class Settings:
    """How a prediction is made.

    Args:
        tile: Side of the tiles that the network sees at a time, in pixels.
        overlap: By how many pixels tiles overlap; there they are blended.
        local: No attention over whole tiles, so that maps depend less on where tiles lie.
        device: Where to compute, such as ``cuda``; None = where the model is. The model goes back afterwards.
        allow_missing: Blocks that cannot be read count as no data, instead of ending the prediction.
        overwrite: Replace files that are there.
        resume: Go on with an unfinished prediction of the same files.
        progress: Called after each tile.
        engine: What computes the chunks; None = this process.
    """

    tile: int = 512
    overlap: int = 128
    local: bool = False
    device: str | torch.device | None = None
    allow_missing: bool = False
    overwrite: bool = False
    resume: bool = False
    progress: Progress | None = None
    engine: Engine | None = None


def run(
    model: nn.Module, scene: Scene, configuration: Configuration, targets: Targets, settings: Settings
) -> Prediction:
    """Make the maps of a scene; the targets have been checked.

    Raises:
        StsunError: Something cannot be read, computed or written; what is done is kept for ``resume``.
    """
    started = time.perf_counter()
    if hasattr(model, "check_categories"):  # before the first tile: a scene without data asks the network nothing
        model.check_categories(configuration)  # type: ignore[operator]
    colors: Mapping[str, str] = getattr(model, "colors", {})
    outputs = targets.rasters(scene, configuration, colors)
    job = Job(scene, configuration, tuple((one.product, one.dtype) for one in outputs), settings.allow_missing)
    layout = _layout(job, settings)
    plan = _plan(model, job, layout, outputs, local=settings.local)
    facts = None if targets.item is None else item_facts(model, scene, configuration, outputs[0])
    options = {"resume": settings.resume, "restart": settings.overwrite and not settings.resume}
    with (
        rasterio.Env(GDAL_CACHEMAX=GDAL_CACHE_MB),
        workspace(targets.maps, plan, layout.chunks, job.render, **options) as space,
    ):
        _compute(model, job, layout, space, settings)
        rasters = {one.product: _cog(space, number, one, scene) for number, one in enumerate(outputs)}
        names, periods = map_categories(configuration), period_names(scene, configuration)
        maps = summaries(rasters["classes"], names, periods, scene.gsd_m)
        write_derived(rasters, targets, scene, configuration)
        files = _publish(rasters, outputs)
        if targets.item is not None and facts is not None:
            assets = {one.product: path for one, path in files}
            write_stac_item(targets.item, assets=assets, facts=facts, overwrite=True)
        missing = tuple(space.missing())
    return Prediction(targets.files, maps, scene.notes, time.perf_counter() - started, configuration, missing)


def _layout(job: Job, settings: Settings) -> Layout:
    grid, tile, overlap = job.scene.grid, settings.tile, settings.overlap
    Layout(grid.height, grid.width, tile, overlap)  # refuses what cannot be, before it is reckoned with
    side = MEMORY / (4 * (job.planes + 1) * (tile + 4 * overlap))
    count = min(MOST_TILES, max(1, int((side - overlap) / (tile - overlap))))
    return Layout(grid.height, grid.width, tile, overlap, count)


def _plan(model: nn.Module, job: Job, layout: Layout, outputs: Sequence[Output], *, local: bool) -> dict[str, Any]:
    """Return all that decides the pixels: a prediction may go on only if none of it has changed."""
    return {
        "version": __version__,
        "model": _digest(model),
        "request": repr(job.configuration),
        "images": [_state(file) for one in job.scene.dates for file in one.sources],
        "dates": [repr(one.day) for one in job.scene.dates],
        "grid": repr(job.scene.grid),
        "tiles": [layout.tile, layout.overlap, layout.tiles_per_side, local],
        "outputs": [[str(one.path), one.product, one.dtype] for one in outputs],
    }


def _digest(model: nn.Module) -> str:
    digest = hashlib.sha256(type(model).__name__.encode())
    for name, value in model.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _state(file: Any) -> list[str]:
    """Return what a source is and when it was last changed, as far as can be told."""
    path = Path(file.name)
    stat = path.stat() if path.is_file() else None
    return [repr(file), "" if stat is None else f"{stat.st_size} {stat.st_mtime_ns}"]


def _compute(model: nn.Module, job: Job, layout: Layout, space: Workspace, settings: Settings) -> None:
    """Compute what is not there yet; what is done is kept while the next chunk is at work."""
    todo = space.to_compute()
    every = len(layout.windows)
    done = every - sum(len(chunk.windows) for chunk in todo)

    def on_tile() -> None:
        nonlocal done
        done += 1
        if settings.progress is not None:
            settings.progress(done, every)

    with (
        evaluating(model, settings.device) as device,
        local_attention(model) if settings.local else nullcontext(),
        ThreadPoolExecutor(1, thread_name_prefix="keep") as keeper,
    ):
        parts: Iterable[Part] = (
            (compute(model, job, chunk, device=device, on_tile=on_tile) for chunk in todo)
            if settings.engine is None
            else settings.engine(model, job, todo, on_tile)
        )
        kept: Future[None] | None = None
        for part in parts:
            if kept is not None:
                kept.result()
            kept = keeper.submit(space.add, part)
        if kept is not None:
            kept.result()


def _cog(space: Workspace, number: int, output: Output, scene: Scene) -> Path:
    """Write an output under the name that it has until all are there."""
    home = space.folder / output.product if output.path is None else output.path
    path = home.with_name(f".{home.name}.unfinished.tif")
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    pieces = space.pieces(number)
    with joined(space.folder, pieces, scene.grid, output.layers, dtype=output.dtype, nodata=output.nodata) as source:
        write_cog(source, path, dtype=output.dtype, overviews=output.overviews)
    return path


def _publish(rasters: Mapping[str, Path], outputs: Sequence[Output]) -> list[tuple[Output, Path]]:
    """Give the finished rasters their names; return those that have one."""
    named = [(output, output.path) for output in outputs if output.path is not None]
    for output, path in named:
        with explained(path):
            rasters[output.product].replace(path)
    return named


def unfinished(output: Path) -> bool:
    """Return whether there is an unfinished prediction of a file."""
    return folder_of(output).is_dir()
