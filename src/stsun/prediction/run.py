"""One prediction from start to end: chunks are computed and kept, then become files."""

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
from stsun.model.inference import evaluating, local_attention
from stsun.model.specialise import fastest
from stsun.model.temperatures import temperature_for
from stsun.prediction.derived import item_facts
from stsun.prediction.inference import Job, OnTile, compute
from stsun.prediction.outputs import Output
from stsun.prediction.publish import Stage, publish
from stsun.prediction.results import Prediction, empty_notes
from stsun.prediction.seams import Part
from stsun.prediction.targets import Targets
from stsun.prediction.tiling import Chunk, Layout
from stsun.prediction.workspace import Workspace, workspace
from stsun.scene.scene import Scene

MEMORY = 90_000_000
"""Bytes that the sums of one chunk take at most; what the network needs for a tile comes on top."""

TILES_PER_SIDE = 2
"""Tiles along a side of a chunk, where memory allows: one alone could not be read while another is computed; of few
large chunks workers get unequal shares, and more is lost when a run is killed."""

GDAL_CACHE_MB = 32
"""Decoded blocks that GDAL keeps; its own choice, a share of the machine's memory, would grow with the raster."""

Progress = Callable[[int, int], object]
"""Told (tiles done, tiles in all) after each tile."""


def silent(_: str) -> None:
    """Say nothing."""


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
        stage: Called before each file that is written at the end.
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
    stage: Stage = silent


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
    products = tuple((one.product, one.dtype) for one in outputs)
    temperature = temperature_for(getattr(model, "temperatures", {}), configuration) or 1.0
    job = Job(scene, configuration, products, settings.allow_missing, temperature)
    layout = _layout(job, settings)
    plan = _plan(model, job, layout, outputs, local=settings.local)
    facts = None if targets.item is None else item_facts(model, plan["model"], scene, configuration, outputs[0])
    options = {"resume": settings.resume, "restart": settings.overwrite and not settings.resume}
    with (
        rasterio.Env(GDAL_CACHEMAX=GDAL_CACHE_MB),
        workspace(targets.maps, plan, layout.chunks, job.render, **options) as space,
    ):
        _compute(model, job, layout, space, settings)
        maps = publish(
            space, outputs, targets, scene, configuration,
            facts=facts, overwrite=settings.overwrite, stage=settings.stage,
        )  # fmt: skip
        missing = tuple(space.missing())
    notes = (*scene.notes, *empty_notes(maps))
    return Prediction(targets.files, maps, notes, time.perf_counter() - started, configuration, missing)


def _layout(job: Job, settings: Settings) -> Layout:
    grid, tile, overlap = job.scene.grid, settings.tile, settings.overlap
    Layout(grid.height, grid.width, tile, overlap)  # refuses what cannot be, before it is reckoned with
    side = MEMORY / (4 * (job.planes + 1) * (tile + 4 * overlap))
    bounded = int((side - overlap) / (tile - overlap))
    return Layout(grid.height, grid.width, tile, overlap, max(1, min(TILES_PER_SIDE, bounded)))


def _plan(model: nn.Module, job: Job, layout: Layout, outputs: Sequence[Output], *, local: bool) -> dict[str, Any]:
    """Return all that decides the pixels: a prediction may go on only if none of it has changed."""
    return {
        "version": __version__,
        "model": _digest(model),
        "request": repr(job.configuration),
        "temperature": job.temperature,
        "images": [repr(one) for one in job.scene.dates],
        "files": [_state(name) for name in job.scene.files],
        "grid": repr(job.scene.grid),
        "tiles": [layout.tile, layout.overlap, layout.tiles_per_side, local],
        "outputs": [[one.product, one.dtype] for one in outputs],
    }


def _digest(model: nn.Module) -> str:
    digest = hashlib.sha256(type(model).__name__.encode())
    for name, value in model.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _state(name: str) -> str:
    """Return a file's name and when it was last changed."""
    path = Path(name)
    return f"{name} {path.stat().st_size} {path.stat().st_mtime_ns}" if path.is_file() else name


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
        network = fastest(model, job.configuration)  # with the windows that the model has now
        parts: Iterable[Part] = (
            (compute(network, job, chunk, device=device, on_tile=on_tile) for chunk in todo)
            if settings.engine is None
            else settings.engine(network, job, todo, on_tile)
        )
        kept: Future[None] | None = None
        for part in parts:
            if kept is not None:
                kept.result()
            kept = keeper.submit(space.add, part)
        if kept is not None:
            kept.result()
