"""What samples share: two splits must share no pixel, and no sample may hold the same image or label twice."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from stsun.data.patterns import inside
from stsun.data.record import Record
from stsun.data.rows import SHOWN
from stsun.data.rules import Checked
from stsun.errors import StsunError
from stsun.raster.grid import Window
from stsun.raster.reader import read_labels

WHOLE = Window(0, 0, 2**62, 2**62)
"""In place of no window."""


class _Part(NamedTuple):
    """Which part of files a sample is; no bands = all, no window = all of it."""

    sample: str
    bands: frozenset[int]
    window: Window | None

    def __str__(self) -> str:
        return f"sample {self.sample!r}" + (f" of the window {list(self.window)}" if self.window is not None else "")


def repeats(checked: Checked, record: Record) -> Iterator[str]:
    """Yield what a sample holds twice: a date, by its files and bands, or the label of a map, by its file and layer."""
    first: dict[tuple[tuple[str, ...], tuple[int, ...]], int] = {}
    for number, date in enumerate(record.dates, start=1):
        earlier = first.setdefault((_names(checked, date.files), date.bands), number)
        if earlier != number:
            bands = f" (bands {', '.join(map(str, date.bands))})" if date.bands else ""
            yield (
                f"the dates {earlier} and {number} are the same {' and '.join(date.files)}{bands}; "
                "give each date its own image"
            )
    labels: dict[tuple[tuple[str, ...], int | None], int] = {}
    for number, (file, layer) in enumerate(record.label_layers, start=1):
        earlier = labels.setdefault((_names(checked, [file]), layer), number)
        if earlier != number:
            of_day = ", where two images are of one day by the time in their names"
            yield (
                f"the maps {earlier} and {number} have the same label {file}"
                f"{'' if layer is None else f' (layer {layer})'}; give each map its own"
                f"{of_day if checked.description.dated_by_name else ''}"
            )


def _names(checked: Checked, files: Sequence[str]) -> tuple[str, ...]:
    """Return files with links followed."""
    return tuple(str((checked.root / file).resolve()) for file in files)


def overlaps(checked: Checked, splits: Mapping[str, Sequence[Record]]) -> Iterator[str]:
    """Yield what two splits share: a label, all files of a date, or an area."""
    areas = checked.description.area_splits
    holders = {split: _held(checked, records) for split, records in splits.items()}
    for one, other in combinations(splits, 2):
        if one in areas and other in areas:
            yield from _shared_area(checked, one, other)
            continue
        pairs = {key: _shared(held, holders[other].get(key, ())) for key, held in holders[one].items()}
        shared = [(key, pair) for key, pair in pairs.items() if pair is not None]
        for key, (mine, theirs) in shared[:SHOWN]:
            yield (
                f"{one!r} and {other!r} share {', '.join(key)} ({mine} and {theirs}), so that scores on one do not "
                "speak for unseen data; keep it in one split"
            )
        if len(shared) > SHOWN:
            yield f"{one!r} and {other!r} share {len(shared) - SHOWN} more images or labels"


def _held(checked: Checked, records: Sequence[Record]) -> dict[tuple[str, ...], list[_Part]]:
    """Return the files that a split holds, links followed, and which parts of them its samples are."""
    held: dict[tuple[str, ...], list[_Part]] = {}
    for record in records:
        keys = [(date.files, date.bands) for date in record.dates]
        keys += [((file,), () if layer is None else (layer,)) for file, layer in record.label_layers]
        if record.archive is not None:
            keys.append(((record.archive,), ()))
        for files, bands in keys:
            held.setdefault(_names(checked, files), []).append(_Part(record.id, frozenset(bands), record.window))
    return held


def _shared(parts: Sequence[_Part], others: Sequence[_Part]) -> tuple[_Part, _Part] | None:
    """Return the first two parts of the same files that share a pixel of a band, or None."""
    if not others:
        return None
    top, left, height, width = np.array([other.window or WHOLE for other in others]).T
    for part in parts:
        row, column, high, wide = part.window or WHOLE
        meet = (top < row + high) & (row < top + height) & (left < column + wide) & (column < left + width)
        for other in (others[place] for place in np.flatnonzero(meet).tolist()):
            if not part.bands or not other.bands or part.bands & other.bands:
                return part, other
    return None


def _shared_area(checked: Checked, one: str, other: str) -> Iterator[str]:
    areas = [checked.description.area_splits[split] for split in (one, other)]
    try:
        masks = [read_labels(inside(checked.root, area.mask)) == area.value for area in areas]
    except StsunError:
        return  # told already, where the mask divides a label
    if masks[0].shape == masks[1].shape and (masks[0] & masks[1]).any():
        yield (
            f"{one!r} and {other!r} share {int((masks[0] & masks[1]).sum())} pixels "
            f"({areas[0].mask} = {areas[0].value}, {areas[1].mask} = {areas[1].value}); give each pixel to one split"
        )
