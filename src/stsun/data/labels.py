"""The labels of one sample: stored values to category indices, whatever form they are stored in."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stsun.data.alignment import Cover, check_aligned, cover_of
from stsun.data.description import AreaSplit
from stsun.data.patterns import inside
from stsun.data.rules import Checked
from stsun.data.sample import IGNORE
from stsun.errors import DataError
from stsun.legend import COLORED, VALUE_RANGE, Legend, value_text
from stsun.raster.grid import Window
from stsun.raster.labels import NONE_SET, POLYGONS, read_colors, read_one_hot, read_polygons
from stsun.raster.reader import read_labels

Size = tuple[int, int]


def read_label(
    checked: Checked, file: str, layer: int | None = None, *, window: Window | None = None, image: Size | None = None
) -> NDArray[np.int64]:
    """Return one label file as category indices ``H W``, 255 = ignore.

    Args:
        checked: The data set's description.
        file: The label, relative to the data set's folder.
        layer: The band that holds the map, from 1; None = the only one.
        window: The part to read; None = all.
        image: Height and width of the image that it belongs to: polygons have none of their own.

    Raises:
        DataError: It holds a value that is neither declared nor ignored.
        RasterError: It cannot be read.
    """
    path = inside(checked.root, file)
    part = None if window is None else window.slices
    if path.suffix.lower() in POLYGONS:
        if image is None or window is not None:
            raise DataError(f"{path}: polygons need an image that can be read whole; correct the image, or its window")
        stored = read_polygons(path, *image)
    elif checked.description.one_hot:
        stored = read_one_hot(path, _bands_needed(checked.legend), part)
    elif checked.legend.colored and layer is None:
        stored = read_colors(path, part)
    else:
        stored = read_labels(path, window=part, band=layer)
    return indexed(checked, stored, str(path))


def label_cover(checked: Checked, file: str, labels: NDArray[np.int64]) -> Cover:
    """Return what a label file covers that was read as ``labels``, ``H W``; polygons lie nowhere but in their image.

    Raises:
        RasterError: It cannot be opened.
    """
    path = checked.root / file
    return Cover(str(path), size_of(labels)) if path.suffix.lower() in POLYGONS else cover_of(path, labels)


def read_area(checked: Checked, area: AreaSplit, label: Cover, window: Window | None = None) -> NDArray[np.bool_]:
    """Return the pixels ``H W`` that belong to a split by area.

    Args:
        checked: The data set's description.
        area: The split's mask and value.
        label: What the label that it divides covers.
        window: The part of the mask that the label covers; None = all.

    Raises:
        DataError: The mask has another size or place, or its value does not occur.
        RasterError: The mask cannot be read.
    """
    path = inside(checked.root, area.mask)
    mask = read_labels(path, window=None if window is None else window.slices)
    check_aligned("a label and its split mask", [label, cover_of(path, mask)])
    inside_split: NDArray[np.bool_] = mask == area.value
    if not inside_split.any() and window is None:
        held = ", ".join(map(str, np.unique(mask)[:10]))
        raise DataError(
            f"{path}: the split is where the mask is {area.value}, but it holds only {held}; the split is empty"
        )
    return inside_split


def indexed(checked: Checked, stored: NDArray[np.int64], source: str) -> NDArray[np.int64]:
    """Return stored label values as category indices, 255 = ignore.

    Raises:
        DataError: A value is neither a class nor ignored; names the values and how many pixels hold them.
    """
    legend = checked.legend
    if checked.description.nearest:
        stored = _nearest(legend, stored, source)
    labels = _looked_up(legend, stored)
    if (labels < 0).any():
        values, counts = np.unique(stored[labels < 0], return_counts=True)
        held = ", ".join(f"{value_text(int(v))} ({c} pixels)" for v, c in list(zip(values, counts, strict=True))[:10])
        classes = ", ".join(f"{value_text(v)}: {name}" for v, name in zip(legend.values, legend.names, strict=True))
        raise DataError(
            f"{source}: holds the undeclared label value{'s' if len(values) > 1 else ''} {held}"
            f"{', ...' if len(values) > 10 else ''}; the classes are {classes}; add the values to classes or to ignore"
        )
    return labels


def size_of(labels: NDArray[Any]) -> Size:
    """Return height and width of a map."""
    return labels.shape[0], labels.shape[1]


def _bands_needed(legend: Legend) -> int:
    """Return how many bands a label with one band a class has at the least."""
    return 1 + max((value for value in legend.values if value != NONE_SET), default=0)


def _looked_up(legend: Legend, stored: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the category index of each stored value, 255 = ignore, -1 = neither."""
    if legend.colored:  # too many colours for a table
        values, places = np.unique(stored, return_inverse=True)
        known = legend.indices | dict.fromkeys(legend.ignore, IGNORE)
        return np.array([known.get(int(value), -1) for value in values], np.int64)[places].reshape(stored.shape)
    low, high = VALUE_RANGE
    table = np.full(high - low + 1, -1, np.int64)
    table[[value for value in legend.ignore if low <= value <= high]] = IGNORE
    table[list(legend.values)] = np.arange(len(legend.values))
    known_range = (stored >= low) & (stored <= high)
    labels = table[np.where(known_range, stored, low)]
    labels[~known_range] = -1
    for value in legend.ignore:
        if not low <= value <= high:
            labels[stored == value] = IGNORE
    return labels


def _nearest(legend: Legend, stored: NDArray[np.int64], source: str) -> NDArray[np.int64]:
    """Return undeclared stored values replaced by the nearest declared one: compression and resampling leave them."""
    declared = np.array([*legend.values, *legend.ignore], np.int64)
    others = ~np.isin(stored, declared)
    if not others.any():
        return stored
    _check_far(legend, stored, source)
    values, places = np.unique(stored[others], return_inverse=True)
    distance = ((_axes(legend, values)[:, None] - _axes(legend, declared)[None]) ** 2).sum(-1)
    moved = stored.copy()
    moved[others] = declared[distance.argmin(1)][places]
    return moved


def _check_far(legend: Legend, stored: NDArray[np.int64], source: str) -> None:
    """Refuse numbers that would all become the lowest class, as those of masks of 0 and 1 read as 0 and 255."""
    if legend.colored or len(legend.values) == 1:
        return
    low, high = sorted(legend.values)[:2]
    if stored.max() - low < (high - low) / 2:
        held = np.unique(stored)[:10].tolist()
        classes = ", ".join(f"{value}: {name}" for value, name in zip(held, legend.names, strict=False))
        raise DataError(
            f"{source}: holds {' and '.join(map(str, held))}, so that nearest would make all of it {low} and none "
            f"{high}; give classes={{{classes}}}, or leave nearest out"
        )


def _axes(legend: Legend, values: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return what distances between stored values are taken of, ``N 3`` for colours, else ``N 1``."""
    if not legend.colored:
        return values[:, None].astype(np.float64)  # squares of large whole numbers would overflow
    colors = values - COLORED
    return np.stack([colors >> 16, (colors >> 8) & 255, colors & 255], axis=-1).astype(np.float64)
