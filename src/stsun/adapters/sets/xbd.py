"""xBD (xView2): buildings before a disaster, and how damaged they are after it."""

from collections.abc import Iterator
from pathlib import Path

from stsun.adapters.adapter import Adapter, Missing, Row
from stsun.adapters.folders import named, numbered, row

CLASSES = "background, building, building minor damage, building major damage, building destroyed"


def rows(root: Path) -> Iterator[Row | Missing]:
    """Yield the pairs of the splits that have the official rasters in ``targets``."""
    for split in ("train", "test", "hold"):
        if not (root / split / "targets").is_dir():
            yield Missing(split, f"all of {split}")
        else:
            for stem, before in named(root, f"{split}/images", "*_pre_disaster.png").items():
                labels = [f"{split}/targets/{name}_target.png" for name in (stem, stem.replace("_pre_", "_post_"))]
                after = before.replace("_pre_", "_post_")
                yield row(stem.removesuffix("_pre_disaster"), split, [before, after], labels)


ADAPTER = Adapter(
    name="xbd",
    title="xBD (xView2): damage to buildings by disasters",
    licence="CC BY-NC-SA 4.0",
    citation="Gupta et al.: xBD: A Dataset for Assessing Building Damage from Satellite Imagery, 2019",
    sources=("torchgeo/torchgeo: torchgeo/datasets/xview.py", "real files that others cut and relabelled"),
    layout=("{train,test,hold}/images/*_{pre,post}_disaster.png", "{train,test,hold}/targets/*_target.png"),
    dates="2",
    splits=("train", "test", "hold"),
    description={"task": "semantic_change", "bands": "aerial-rgb", "classes": numbered(CLASSES, start=0)},
    rows=rows,
    tested="miniature, real sample",
    doubts=("tier3 has polygons only and is not read", "the GSD is at most 0.8 m: give gsd_m"),
)
