"""SECOND: what land cover was and what it became, where it changed."""

from collections.abc import Iterator
from pathlib import Path

from stsun.adapters.adapter import Adapter, Missing, Row
from stsun.adapters.folders import first, row, together

NAMES = "unchanged, water, bare ground, low vegetation, tree, building, sports field"
COLORS = "#ffffff, #0000ff, #808080, #008000, #00ff00, #800000, #ff0000"


def rows(root: Path) -> Iterator[Row | Missing]:
    """Yield the pairs with the coloured maps of both dates, of the splits that are there."""
    for split in ("train", "val", "test"):
        if (root / split).is_dir() or (root / f"SECOND_{split}_set").is_dir():
            folder = first(root, split, f"SECOND_{split}_set")
            for stem, files in together(root, *(f"{folder}/{part}" for part in ("im1", "im2", "label1", "label2"))):
                yield row(f"{split}/{stem}", split, files[:2], files[2:])
        elif split != "val":  # that some made of train
            yield Missing(split, f"all of {split}")


ADAPTER = Adapter(
    name="second",
    title="SECOND: semantic change in Chinese cities",
    licence="not stated; free for research",
    citation="Yang et al.: Asymmetric Siamese Networks for Semantic Change Detection in Aerial Images, TGRS 2022",
    sources=("likyoo/open-cd: opencd/datasets/second.py", "one public arrangement"),
    layout=("{train,test} or SECOND_{train,test}_set, with {im1,im2,label1,label2}/*.png",),
    dates="2",
    splits=("train", "test"),
    description={
        "task": "semantic_change",
        "bands": "aerial-rgb",
        "classes": dict(zip(COLORS.split(", "), NAMES.split(", "), strict=True)),
    },
    rows=rows,
    doubts=("the GSD is 0.5 to 3 m: give gsd_m", "change within a class (a new building for an old) is not told"),
)
