"""Splits of a single scene by area: whole blocks, with a strip between splits that belongs to none."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.transform import Affine

from stsun.data.dataset import DataSet
from stsun.data.record import Record
from stsun.data.sample import IGNORE
from stsun.errors import DataError
from stsun.raster.grid import Grid
from stsun.raster.metadata import moment_text
from stsun.raster.writer import Layer, create
from stsun.yamlfile import load_mapping

NO_SPLIT = "none"


def block_mask(
    labels: NDArray[np.int64], shares: Mapping[str, float], *, side: int, buffer: int, seed: int = 0
) -> NDArray[np.uint8]:
    """Return to which split each pixel ``H W`` belongs, 1 to the number of splits in their order; 0 = none.

    The scene is cut into squares. Squares are given, in random order, but those with rare classes first, to the split
    that lacks most of their labelled pixels; so all splits get their share of each class as far as blocks allow. Pixels
    within ``buffer`` of another split's block belong to none: labels of two splits lie more than twice that apart.

    Args:
        labels: Category indices, 255 = ignore.
        shares: Of each split, as fractions or as any other positive numbers.
        side: Of a block, in pixels.
        buffer: Width of the strip on each side of a border between splits, in pixels.
        seed: Same seed, same blocks.

    Raises:
        DataError: The sides or shares are not positive, or a split ends up without a labelled pixel.
    """
    if side < 1 or buffer < 0 or not shares or min(shares.values()) <= 0:
        raise DataError(
            f"blocks of {side} pixels with a buffer of {buffer} and shares {dict(shares)}; expected a positive side "
            "and shares, and a buffer of 0 or more"
        )
    rows, columns = -(-labels.shape[0] // side), -(-labels.shape[1] // side)
    block_of = (np.arange(labels.shape[0]) // side)[:, None] * columns + np.arange(labels.shape[1]) // side
    known = labels != IGNORE
    classes, index = np.unique(labels[known], return_inverse=True)
    counts = np.zeros((rows * columns, len(classes)))
    np.add.at(counts, (block_of[known], index), 1)
    owner = _owners(counts, np.array(list(shares.values())), np.random.default_rng(seed))
    mask = (owner + 1).astype(np.uint8)[block_of]
    mask[~_alone(mask, buffer)] = 0
    for value, split in enumerate(shares, start=1):
        if not (known & (mask == value)).any():
            raise DataError(
                f"split {split!r} has no labelled pixel left; take smaller blocks, a smaller buffer, or another seed"
            )
    return mask


def by_blocks(
    dataset: DataSet,
    shares: Mapping[str, float],
    mask_path: Path,
    *,
    side: int,
    buffer: int,
    seed: int = 0,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Write the mask of a scene's splits, and return its description with these splits.

    Args:
        dataset: A data set of one sample with one label.
        shares: As in `block_mask`.
        mask_path: The GeoTIFF to write, in the data set's folder.
        side: As in `block_mask`.
        buffer: As in `block_mask`.
        seed: As in `block_mask`.
        overwrite: The mask may replace a file.

    Returns:
        What a YAML file beside the mask would hold.

    Raises:
        DataError: The data set has several samples, or one that is a window of its files, or as `block_mask`.
        RasterError: The mask cannot be written.
    """
    records = list({record.id: record for split in dataset.splits for record in dataset.records(split)}.values())
    if len(records) != 1 or not records[0].labels or records[0].window is not None:
        raise DataError(
            f"{dataset.path}: has {len(records)} samples{' of a window' if any(r.window for r in records) else ''}; "
            "blocks are for one scene with a label file, used whole: give other data sets lists of samples, and cut "
            "the files of a window to it"
        )
    sample = dataset.read(replace(records[0], area=None))  # all of it, whatever splits there were
    if sample.labels is None or sample.labels.min() == IGNORE:
        raise DataError(f"{dataset.path}: its only sample has no label that is scored")
    mask = block_mask(sample.labels[0], shares, side=side, buffer=buffer, seed=seed)
    colors = ("#d9d9d9", "#332288", "#ddcc77", "#cc3311", "#44aa99", "#aa4499")
    layer = Layer("split", tuple(zip((NO_SPLIT, *shares), colors, strict=False)))
    options: dict[str, Any] = {"dtype": "uint8", "nodata": None, "overwrite": overwrite}
    with create(mask_path, Grid(None, Affine.identity(), *mask.shape), [layer], **options) as write:
        write(0, mask[None])
    replaced = ("images", "labels", "valid", "dates", "samples", "splits")
    kept = {key: value for key, value in load_mapping(dataset.path, DataError).items() if key not in replaced}
    areas = {split: {"mask": mask_path.name, "value": value} for value, split in enumerate(shares, start=1)}
    return {**kept, "samples": [_row(records[0])], "splits": areas}


def _owners(counts: NDArray[np.float64], shares: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the split of each block ``N`` from its pixels of each class ``N K``."""
    total = counts.sum(0)
    lacking = np.outer(shares / shares.sum(), np.ones(len(total)))  # what each split lacks, as a share of each class
    share_of = counts / np.maximum(total, 1)
    order = rng.permutation(len(counts))
    owner = np.zeros(len(counts), np.int64)
    for block in order[np.argsort(-share_of[order].max(1, initial=0), kind="stable")]:
        wanted = lacking @ share_of[block]
        owner[block] = rng.choice(np.flatnonzero(wanted == wanted.max()))
        lacking[owner[block]] -= share_of[block]
    return owner


def _alone(mask: NDArray[np.uint8], reach: int) -> NDArray[np.bool_]:
    """Return where all pixels within ``reach`` rows and columns, inside the scene, belong to one split."""
    low, high = mask, mask
    for axis in (0, 1):
        low, high = _running(np.minimum, low, reach, axis), _running(np.maximum, high, reach, axis)
    alone: NDArray[np.bool_] = low == high
    return alone


def _running(take: np.ufunc, values: NDArray[np.uint8], reach: int, axis: int) -> NDArray[np.uint8]:
    padded = np.pad(values, [(reach, reach) if one == axis else (0, 0) for one in (0, 1)], mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=axis)
    result: NDArray[np.uint8] = take.reduce(windows, axis=-1)
    return result


def _row(record: Record) -> dict[str, Any]:
    """Return a record as a row of samples that is in every split."""
    images = [
        {
            "path": date.files[0] if len(date.files) == 1 else list(date.files),
            "date": None if date.day is None else moment_text(date.day),
            "sensor": date.sensor,
            "bands": list(date.bands) or None,
        }
        for date in record.dates
    ]
    masks = [date.valid for date in record.dates]
    row = {
        "id": record.id,
        "images": [{key: value for key, value in image.items() if value is not None} for image in images],
        "labels": list(record.labels),
        "valid": masks if any(masks) else None,
        "gsd_m": record.gsd_m,
        "layers": list(record.layers) or None,
        "window": None if record.window is None else list(record.window),
    }
    return {key: value for key, value in row.items() if value is not None}
