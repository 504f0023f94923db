"""WHU-CD: buildings of Christchurch in 2012 and 2016, one mosaic a split, read in tiles."""

from collections.abc import Iterator
from pathlib import Path

from stsun.adapters.adapter import Adapter, Row
from stsun.adapters.folders import row, tiles

FOLDER = "1. The two-period image data"


def rows(root: Path, tile: int = 512) -> Iterator[Row]:
    """Yield tiles of the mosaics of each split; ``tile`` is their side in pixels."""
    for split in ("train", "test"):
        whole = [f"{FOLDER}/{year}/whole_image/{split}/image/{year}_{split}.tif" for year in ("2012", "2016")]
        label = f"{FOLDER}/change_label/{split}/change_label.tif"
        for name, window in tiles(root / whole[0], tile):
            yield row(f"{split}/{name}", split, whole, [label], window=window)


ADAPTER = Adapter(
    name="whu-cd",
    title="WHU-CD: building change in aerial images",
    licence="not stated; free for research",
    citation="Ji, Wei, Lu: Fully Convolutional Networks for Multisource Building Extraction, TGRS 2019",
    sources=("one public arrangement of the archive 'Building change detection dataset_add'",),
    layout=(f"{FOLDER}/*/whole_image/{{train,test}}/image/*.tif", f"{FOLDER}/change_label/{{train,test}}/*.tif"),
    dates="2",
    splits=("train", "test"),
    description={
        "task": "binary_change",
        "bands": "aerial-rgb",
        "gsd_m": 0.2,
        "classes": {0: "unchanged", 255: "building change"},
    },
    rows=rows,
    doubts=("the mask's values are not confirmed: give classes if yours are not 0 and 255",),
)
