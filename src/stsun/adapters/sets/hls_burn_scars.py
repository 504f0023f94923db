"""HLS Burn Scars: burned area in single HLS scenes of the United States."""

from collections.abc import Iterator
from pathlib import Path

from stsun.adapters.adapter import Adapter, Row
from stsun.adapters.folders import bands, dated, iso, named, row


def rows(root: Path) -> Iterator[Row]:
    """Yield the scenes; the day stands in the name, as in HLS.S30.T10SDH.2020248.v1.4."""
    for split, folder in {"train": "training", "val": "validation"}.items():
        for stem, image in named(root, folder, "*_merged.tif").items():
            scene = stem.removesuffix("_merged")
            yield row(scene, split, [dated(image, iso(scene.split(".")[3]))], [f"{folder}/{scene}.mask.tif"])


ADAPTER = Adapter(
    name="hls-burn-scars",
    title="HLS Burn Scars: burned area",
    licence="CC BY 4.0",
    citation="Phillips et al.: HLS Foundation Burnscars Dataset, 2023, doi 10.57967/hf/0956",
    sources=("huggingface.co/datasets/ibm-nasa-geospatial/hls_burn_scars (as cited by PurdueRCAC/DatasetDocs)",),
    layout=("{training,validation}/*_merged.tif", "{training,validation}/*.mask.tif"),
    dates="1",
    splits=("train", "val"),
    description={
        "task": "segmentation",
        "bands": bands("sentinel-2-l2a", "B02 B03 B04 B8A B11 B12"),
        "gsd_m": 30.0,
        "classes": {0: "background", 1: "burned area"},
        "ignore": [-1],
    },
    rows=rows,
    doubts=("images hold reflectance; what marks missing pixels in them is not confirmed: give nodata",),
)
