"""OpenEarthMap: land cover at 0.25 to 0.5 m in 97 regions."""

from collections.abc import Iterator
from pathlib import Path

from stsun.adapters.adapter import Adapter, Missing, Row
from stsun.adapters.folders import lines, numbered, row


def rows(root: Path) -> Iterator[Row | Missing]:
    """Yield the images that are there: those of xBD must be added by hand, those of test have no labels."""
    for split in ("train", "val"):
        for name in lines(root / f"{split}.txt"):
            region = name.rpartition("_")[0]
            if not (root / region / "images" / name).is_file():
                yield Missing(split, f"{region}/images/{name}")
            else:
                yield row(name.removesuffix(".tif"), split, [f"{region}/images/{name}"], [f"{region}/labels/{name}"])


ADAPTER = Adapter(
    name="openearthmap",
    title="OpenEarthMap: global land cover at 0.25 to 0.5 m",
    licence="labels CC BY-NC-SA 4.0; images as their sources",
    citation="Xia et al.: OpenEarthMap: A Benchmark Dataset for Global High-Resolution Land Cover Mapping, WACV 2023",
    sources=("bao18/open_earth_map: README.md", "the archive's readme.txt"),
    layout=("{train,val}.txt", "{region}/images/{region}_*.tif", "{region}/labels/{region}_*.tif"),
    dates="1",
    splits=("train", "val"),
    description={
        "task": "segmentation",
        "bands": "aerial-rgb",
        "classes": numbered("bare soil, rangeland, artificial surface, road, tree, water, agriculture, building"),
        "ignore": [0],
    },
    rows=rows,
    doubts=("the licence is from memory", "value 0 is taken as not labelled"),
)
