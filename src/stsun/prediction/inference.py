"""The network at work on a chunk: tiles are read ahead, go through the network, and are summed up."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from stsun.configuration import Configuration
from stsun.data.batching import collate
from stsun.data.sample import Sample
from stsun.errors import CheckpointError
from stsun.model.inference import within_memory
from stsun.prediction.blending import Planes
from stsun.prediction.products import Rows, observed, render
from stsun.prediction.seams import Part, part_of
from stsun.prediction.tiling import Chunk
from stsun.raster.grid import Window
from stsun.scene.scene import Scene, read_scene
from stsun.tasks import channels, output_periods

READ_AHEAD = 2
"""Tiles that wait in memory while the network is at work."""

Pixels = tuple[list[NDArray[np.float32]], NDArray[np.bool_]]
OnTile = Callable[[], object]


@dataclass(frozen=True)
class Job:
    """What is asked of every chunk; plain values, so that it can be sent to other machines.

    Args:
        scene: The images.
        configuration: What to ask of the network.
        products: What to make of the logits and how to store it (see `stsun.prediction.products.render`).
        allow_missing: Blocks that cannot be read count as no data, instead of ending the job.
        temperature: What logits are divided by before they become probabilities.
    """

    scene: Scene
    configuration: Configuration
    products: tuple[tuple[str, str], ...]
    allow_missing: bool = False
    temperature: float = 1.0

    @property
    def periods(self) -> list[tuple[int, int]]:
        """The first and last date of each output map."""
        return output_periods(self.configuration.task, len(self.scene.dates), self.configuration.per_date)

    @property
    def planes(self) -> int:
        """Planes that are summed for each pixel."""
        return len(self.periods) * (channels(self.configuration.task, len(self.configuration.categories)) + 1)

    def render(self, planes: Planes) -> list[NDArray[Any]]:
        """Return the pixels of each product, ``bands h w``, from blended planes."""
        maps = len(self.periods)
        logits = planes[:-maps].reshape(maps, -1, *planes.shape[1:])
        rows = Rows(logits, planes[-maps:] > 0.5, self.temperature)
        return [render(product, dtype, rows, self.configuration.task) for product, dtype in self.products]


def compute(model: nn.Module, job: Job, chunk: Chunk, *, device: torch.device, on_tile: OnTile | None = None) -> Part:
    """Return what a chunk's own tiles say.

    Args:
        model: In evaluation mode, on ``device``.
        job: What is asked.
        chunk: Where.
        device: Where to compute.
        on_tile: Called after each tile.

    Raises:
        RasterError: A file cannot be read.
        CheckpointError: The model gives NaN.
        ConfigurationError: A tile does not fit into the device's memory.
    """
    missing: list[str] = []

    def tiles() -> Iterator[tuple[Window, Planes]]:
        for window, (images, valid) in read_ahead(job, chunk.windows, missing):
            yield window, _planes(model, job, window, images, valid, device)
            if on_tile is not None:
                on_tile()

    return part_of(chunk, tiles(), job.render, missing)


def read_ahead(job: Job, windows: Sequence[Window], missing: list[str]) -> Iterator[tuple[Window, Pixels]]:
    """Yield each window with its pixels, read in a thread of their own while the last ones are at work."""
    on_missing = missing.append if job.allow_missing else None
    with ThreadPoolExecutor(1, thread_name_prefix="read") as reader:
        waiting: deque[tuple[Window, Future[Pixels]]] = deque()
        try:
            for window in windows:
                waiting.append((window, reader.submit(read_scene, job.scene, window, on_missing)))
                if len(waiting) > READ_AHEAD:
                    first, pixels = waiting.popleft()
                    yield first, pixels.result()
            while waiting:
                first, pixels = waiting.popleft()
                yield first, pixels.result()
        finally:
            reader.shutdown(cancel_futures=True)


def _planes(
    model: nn.Module,
    job: Job,
    window: Window,
    images: list[NDArray[np.float32]],
    valid: NDArray[np.bool_],
    device: torch.device,
) -> Planes:
    """Return the logits of all maps, then where each map has data to go by, ``planes h w``."""
    seen = observed(valid, job.periods, job.configuration.task)
    logits = np.zeros((job.planes - len(seen), *valid.shape[1:]), np.float32)
    if seen.any():
        sample = Sample(str(window), images, valid, job.scene.days, None, job.configuration)
        logits = _logits(model, sample, device).reshape(logits.shape)
    # every tile sees the same mask, so that its weighted mean is 0 or 1 as well
    return np.concatenate([logits, seen.astype(np.float32)])


@torch.inference_mode()
def _logits(model: nn.Module, sample: Sample, device: torch.device) -> NDArray[np.float32]:
    height, width = sample.size
    tile = f"a tile of {height} x {width} pixels at {len(sample.images)} dates"
    with within_memory(tile, device, "take smaller tiles (--tile) or another device (--device cpu)"):
        batch = collate([sample]).to(device)
        logits: Tensor = model(batch.images, batch.valid, batch.days, batch.configuration)[0]  # M K h w
    if logits.amax().isnan():
        raise CheckpointError(f"{sample.id}: the model's logits are NaN; its weights are damaged, train again")
    values: NDArray[np.float32] = logits.float().cpu().numpy()
    return values
