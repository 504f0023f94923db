"""The network at work on a scene: tile by tile in, blended logits out, a band of rows at a time."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from stsun.configuration import Configuration
from stsun.data.batching import collate
from stsun.data.sample import Sample
from stsun.errors import CheckpointError, ConfigurationError
from stsun.prediction.blending import blend
from stsun.prediction.products import observed
from stsun.prediction.scene import Scene, read_scene
from stsun.prediction.tiling import Window
from stsun.tasks import channels, output_periods

Progress = Callable[[int, int], object]
"""Told (tiles done, tiles in all) after each tile."""


class Rows(NamedTuple):
    """A band of finished rows.

    Args:
        first: Number of the first row.
        logits: ``M K h W``.
        observed: Where each map has data to go by, ``M h W``.
    """

    first: int
    logits: NDArray[np.float32]
    observed: NDArray[np.bool_]


def infer(
    model: nn.Module,
    scene: Scene,
    configuration: Configuration,
    windows: Sequence[Window],
    *,
    device: torch.device,
    progress: Progress | None = None,
) -> Iterator[Rows]:
    """Yield the logits of a scene, blended where windows overlap, from the top down.

    Args:
        model: In evaluation mode, on ``device``.
        scene: The images.
        configuration: What to ask of the network.
        windows: As `stsun.prediction.tiling.tiles` gives them for the scene's size.
        device: Where to compute.
        progress: Called after each window.

    Raises:
        RasterError: A file cannot be read.
        CheckpointError: The model gives NaN.
        ConfigurationError: A tile does not fit into the device's memory.
    """
    periods = output_periods(configuration.task, len(scene.dates), configuration.per_date)
    maps, count = len(periods), channels(configuration.task, len(configuration.categories))

    def planes() -> Iterator[tuple[Window, NDArray[np.float32]]]:
        for done, window in enumerate(windows, start=1):
            images, valid = read_scene(scene, window)
            seen = observed(valid, periods, configuration.task)
            logits = np.zeros((maps, count, *valid.shape[1:]), np.float32)
            if seen.any():
                logits = _logits(model, Sample(str(window), images, valid, scene.days, None, configuration), device)
            # every tile sees the same mask, so that its weighted mean is 0 or 1 as well
            yield window, np.concatenate([*logits, seen.astype(np.float32)])
            if progress is not None:
                progress(done, len(windows))

    for first, blended in blend(planes(), scene.grid.width):
        logits = blended[:-maps].reshape(maps, count, *blended.shape[1:])
        yield Rows(first, logits, blended[-maps:] > 0.5)


@torch.inference_mode()
def _logits(model: nn.Module, sample: Sample, device: torch.device) -> NDArray[np.float32]:
    batch = collate([sample]).to(device)
    try:
        logits: Tensor = model(batch.images, batch.valid, batch.days, batch.configuration)[0]  # M K h w
    except torch.OutOfMemoryError as error:
        height, width = sample.size
        raise ConfigurationError(
            f"a tile of {height} x {width} pixels at {len(sample.images)} dates does not fit into the memory of "
            f"{device}; take smaller tiles (--tile) or another device (--device cpu)"
        ) from error
    if logits.isnan().any():
        raise CheckpointError(f"{sample.id}: the model's logits are NaN; its weights are damaged, train again")
    values: NDArray[np.float32] = logits.float().cpu().numpy()
    return values
