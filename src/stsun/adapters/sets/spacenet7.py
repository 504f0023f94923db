"""SpaceNet 7 (MUDS): buildings month by month, from polygons."""

from collections.abc import Iterator
from pathlib import Path

from stsun.adapters.adapter import Adapter, Row
from stsun.adapters.folders import dated, folders, named, row


def rows(root: Path) -> Iterator[Row]:
    """Yield the places of ``train``, all months that have polygons; those of test_public have none."""
    for place in folders(root, "train"):
        images = named(root, f"train/{place}/images_masked", "global_monthly_*.tif")
        labels = named(root, f"train/{place}/labels_match_pix", "*_Buildings.geojson")
        months = [stem for stem in images if f"{stem}_Buildings" in labels]
        dates = [dated(images[stem], f"{stem[15:19]}-{stem[20:22]}-01") for stem in months]
        yield row(place, "train", dates, [labels[f"{stem}_Buildings"] for stem in months])


ADAPTER = Adapter(
    name="spacenet7",
    title="SpaceNet 7: buildings month by month",
    licence="CC BY-SA 4.0",
    citation="Van Etten et al.: The Multi-Temporal Urban Development SpaceNet Dataset, CVPR 2021",
    sources=("VMarsocci/pangaea-bench: pangaea/datasets", "several public loaders (labels_match_pix)"),
    layout=(
        "train/*/images_masked/global_monthly_YYYY_MM_mosaic_*.tif",
        "train/*/labels_match_pix/*_Buildings.geojson",
    ),
    dates="about 24",
    splits=("train",),
    description={
        "task": "segmentation",
        "per_date": True,
        "bands": "aerial-rgb",
        "classes": {0: "background", 1: "building"},
    },
    rows=rows,
    doubts=("monthly mosaics: the day is the first of the month", "the official test has no labels; split train"),
)
