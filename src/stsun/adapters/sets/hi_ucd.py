"""Hi-UCD: land cover of Tallinn in 2018 and 2019 at 0.1 m, where it was mapped."""

from collections.abc import Iterator
from pathlib import Path

from stsun.adapters.adapter import Adapter, Row
from stsun.adapters.folders import numbered, row, together


def rows(root: Path) -> Iterator[Row]:
    """Yield the pairs of train and val; the masks of test are not published."""
    for split in ("train", "val"):
        parts = (f"{split}/{part}" for part in ("mask/2018_2019", "image/2018", "image/2019"))
        for stem, (mask, *images) in together(root, *parts):
            yield row(f"{split}/{stem}", split, images, [mask, mask], layers=[1, 2])


ADAPTER = Adapter(
    name="hi-ucd",
    title="Hi-UCD: urban land cover and its change at 0.1 m",
    licence="not found",
    citation="Tian et al.: Large-scale deep learning based binary and semantic change detection in [...], 2022",
    sources=("two public loaders of single persons, one of them of the official archive (Daisy-7/Hi-UCD-S)",),
    layout=("{train,val}/image/{2018,2019}/*.png", "{train,val}/mask/2018_2019/*.png (2018, 2019, change)"),
    dates="2",
    splits=("train", "val"),
    description={
        "task": "semantic_change",
        "bands": "aerial-rgb",
        "gsd_m": 0.1,
        "classes": numbered("water, grassland, building, greenhouse, road, bridge, other, bare soil, forest"),
        "ignore": [0],
    },
    rows=rows,
    doubts=("the days within the years are not known",),
)
