"""DynamicEarthNet, weekly or daily: the images of one month, and its map."""

from collections.abc import Iterator
from pathlib import Path

from stsun.adapters.adapter import Adapter, Missing, Row
from stsun.adapters.folders import dated, lines, named, numbered, row

STORED = {"bands": "planetscope-4", "gsd_m": 3.0, "one_hot": True}
CLASSES = "artificial surface, agriculture, forest and other vegetation, wetland, bare soil, water"


def months(root: Path) -> Iterator[tuple[str, ...]]:
    """Yield split, folder of the images, label and month; the authors' own paths are read as those published."""
    for split in ("train", "val", "test"):
        for line in lines(root / "dynnet_training_splits" / f"{split}.txt"):
            yield split, *(part.lstrip("/") for part in line.replace("reprocess-cropped/UTM-24000", "planet").split())


def rows(root: Path, days: str = "01 05 10 15 20 25") -> Iterator[Row | Missing]:
    """Yield the months; ``days`` are those of the month to take (the authors' weekly ones), or ``all``."""
    for split, planet, label, month in months(root):
        found = named(root, planet, f"{month}-*.tif")
        wanted = list(found) if days == "all" else [f"{month}-{day}" for day in days.split()]
        yield from (Missing(split, f"{planet}/{day}.tif") for day in wanted if day not in found)
        yield row(f"{planet}/{month}", split, [dated(found[day], day) for day in wanted if day in found], [label])


ADAPTER = Adapter(
    name="dynamicearthnet-daily",
    title="DynamicEarthNet: land cover of a month from its images",
    licence="CC BY-SA 4.0",
    citation="Toker et al.: DynamicEarthNet: Daily Multi-Spectral Satellite Dataset for [...], CVPR 2022",
    sources=("a public copy of the authors' data loader",),
    layout=("dynnet_training_splits/{train,val,test}.txt", "{folder named there}/YYYY-MM-DD.tif", "the labels"),
    dates="6, or 28 to 31",
    splits=("train", "val", "test"),
    description={"task": "segmentation", "classes": numbered(CLASSES, 0), "ignore": [6, 255], **STORED},
    rows=rows,
)
