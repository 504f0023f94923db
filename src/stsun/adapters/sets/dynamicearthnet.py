"""DynamicEarthNet, monthly: the first day of 24 months, with the map of each."""

from collections.abc import Iterator
from pathlib import Path

from stsun.adapters.adapter import Adapter, Row
from stsun.adapters.folders import dated, numbered, row
from stsun.adapters.sets.dynamicearthnet_daily import CLASSES, STORED, months


def rows(root: Path) -> Iterator[Row]:
    """Yield the cubes, all months of one together."""
    cubes: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for split, planet, label, month in months(root):
        cubes.setdefault((split, planet), []).append((month, label))
    for (split, planet), dates in cubes.items():
        images = [dated(f"{planet}/{month}-01.tif", f"{month}-01") for month, _ in sorted(dates)]
        yield row(planet, split, images, [label for _, label in sorted(dates)])


ADAPTER = Adapter(
    name="dynamicearthnet",
    title="DynamicEarthNet: monthly land cover and its change",
    licence="CC BY-SA 4.0",
    citation="Toker et al.: DynamicEarthNet: Daily Multi-Spectral Satellite Dataset for [...], CVPR 2022",
    sources=("a public copy of the authors' data loader", "VMarsocci/pangaea-bench: pangaea/datasets"),
    layout=("dynnet_training_splits/{train,val,test}.txt", "the files that these name"),
    dates="24",
    splits=("train", "val", "test"),
    description={
        "task": "semantic_change",
        **STORED,
        "classes": numbered(CLASSES, start=0),
        "ignore": [6, 255],  # 6: snow and ice, which the authors leave out
    },
    rows=rows,
)
