"""ISPRS Vaihingen: aerial images at 9 cm in near infrared, red and green, read in tiles."""

from collections.abc import Iterator
from pathlib import Path

from stsun.adapters.adapter import Adapter, Row
from stsun.adapters.folders import bands, named, row, tiles

TRAIN = "1 3 5 7 11 13 15 17 21 23 26 28 30 32 34 37".split()
LABELS = "ISPRS_semantic_labeling_Vaihingen_ground_truth"
COLORS = ("#ffffff", "#0000ff", "#00ffff", "#00ff00", "#ffff00", "#ff0000")
NAMES = ("pavement", "building", "low vegetation", "tree", "vehicle", "background")
CLASSES = dict(zip(COLORS, NAMES, strict=True))


def rows(root: Path, tile: int = 512, labels: str = f"{LABELS}_COMPLETE", ending: str = "") -> Iterator[Row]:
    """Yield the tiles of the 33 areas; ``labels`` is the folder of all labels, ``ending`` that of their names."""
    for name, label in named(root, labels, f"top_mosaic_09cm_area*{ending}.tif").items():
        stem = name.removesuffix(ending)
        image = f"top/{stem}.tif"
        for part, window in tiles(root / image, tile):
            split = "train" if stem.removeprefix("top_mosaic_09cm_area") in TRAIN else "test"
            yield row(f"{stem}/{part}", split, [image], [label], window=window)


ADAPTER = Adapter(
    name="vaihingen",
    title="ISPRS Vaihingen: urban land cover at 9 cm",
    licence="ISPRS benchmark, for research",
    citation="Rottensteiner et al.: The ISPRS Benchmark on Urban Object Classification and 3D Building [...], 2012",
    sources=("OpenMMLab mmseg isprs.py (colours)", "several public loaders (the 16 labelled areas)"),
    layout=("top/top_mosaic_09cm_area*.tif", "{labels}/top_mosaic_09cm_area*{ending}.tif"),
    dates="1",
    splits=("train", "test"),
    description={"task": "segmentation", "bands": bands("aerial-rgbn", "nir red green"), "gsd_m": 0.09}
    | {"classes": CLASSES, "ignore": ["#000000"]},  # black: boundaries, where these labels are used
    rows=rows,
    doubts=("from memory: labels without boundaries are labels=..._eroded_COMPLETE ending=_noBoundary",),
)
