"""ISPRS Potsdam: aerial images at 5 cm in red, green, blue and near infrared, read in tiles."""

from collections.abc import Iterator
from pathlib import Path

from stsun.adapters.adapter import Adapter, Row
from stsun.adapters.folders import named, row, tiles
from stsun.adapters.sets.vaihingen import CLASSES

TEST = "2_13 2_14 3_13 3_14 4_13 4_14 4_15 5_13 5_14 5_15 6_13 6_14 6_15 7_13".split()


def rows(root: Path, tile: int = 512, labels: str = "5_Labels_all", ending: str = "_label") -> Iterator[Row]:
    """Yield the tiles; ``labels`` and ``ending`` choose others, such as 5_Labels_all_noBoundary, _label_noBoundary."""
    for stem, image in named(root, "4_Ortho_RGBIR", "*_RGBIR.tif").items():
        number = stem.removeprefix("top_potsdam_").removesuffix("_RGBIR")
        label = f"{labels}/top_potsdam_{number}{ending}.tif"
        for name, window in tiles(root / image, tile):
            yield row(f"{number}/{name}", "test" if number in TEST else "train", [image], [label], window=window)


ADAPTER = Adapter(
    name="potsdam",
    title="ISPRS Potsdam: urban land cover at 5 cm",
    licence="ISPRS benchmark, for research",
    citation="Rottensteiner et al.: The ISPRS Benchmark on Urban Object Classification and 3D Building [...], 2012",
    sources=("torchgeo/torchgeo: torchgeo/datasets/potsdam.py (splits)", "OpenMMLab mmseg isprs.py (colours)"),
    layout=("4_Ortho_RGBIR/top_potsdam_*_RGBIR.tif", "5_Labels_all/top_potsdam_*_label.tif"),
    dates="1",
    splits=("train", "test"),
    description={"task": "segmentation", "bands": "aerial-rgbn", "gsd_m": 0.05, "nearest": True}  # off by a little
    | {"classes": CLASSES, "ignore": ["#000000"]},
    rows=rows,
    doubts=("many papers leave the tile 7_10 out of train",),
)
