"""LoveDA: land cover in urban and rural China."""

from collections.abc import Iterator
from pathlib import Path

from stsun.adapters.adapter import Adapter, Row
from stsun.adapters.folders import numbered, row, together


def rows(root: Path, domain: str = "Urban Rural") -> Iterator[Row]:
    """Yield the tiles of one domain, ``Urban`` or ``Rural``, or of both; Test has no masks."""
    for split in ("Train", "Val"):
        for part in domain.split():
            for stem, (image, mask) in together(root, *(f"{split}/{part}/{kind}_png" for kind in ("images", "masks"))):
                yield row(f"{part}/{stem}", split.lower(), [image], [mask])


ADAPTER = Adapter(
    name="loveda",
    title="LoveDA: land cover, urban and rural",
    licence="CC BY-NC-SA 4.0",
    citation="Wang et al.: LoveDA: A Remote Sensing Land-Cover Dataset for Domain Adaptive [...], NeurIPS 2021",
    sources=("torchgeo/torchgeo: torchgeo/datasets/loveda.py",),
    layout=("{Train,Val}/{Urban,Rural}/images_png/*.png", "{Train,Val}/{Urban,Rural}/masks_png/*.png"),
    dates="1",
    splits=("train", "val"),
    description={
        "task": "segmentation",
        "bands": "aerial-rgb",
        "gsd_m": 0.3,
        "classes": numbered("background, building, road, water, bare soil, forest, agriculture"),
        "ignore": [0],
    },
    rows=rows,
)
