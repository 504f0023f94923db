"""TSCD: four dates, and three maps of change between neighbouring ones."""

from collections.abc import Iterator
from pathlib import Path

from stsun.adapters.adapter import Adapter, Row
from stsun.adapters.folders import first, row, together

PERIODS = ("2016_2018", "2018_2020", "2020_2022")


def rows(root: Path) -> Iterator[Row]:
    """Yield series of four dates, joined by name over the folders of the periods."""
    for split in ("train", "val", "test"):
        pairs = [f"{period}/{split}" for period in PERIODS]
        dates = [f"{pairs[0]}/A", *(f"{pair}/B" for pair in pairs)]
        labels = [first(root, f"{pair}/label", f"{pair}/OUT") for pair in pairs]
        for stem, files in together(root, *dates, *labels):
            yield row(f"{split}/{stem}", split, files[:4], files[4:])


ADAPTER = Adapter(
    name="tscd",
    title="TSCD: change between 2016, 2018, 2020 and 2022",
    licence="not found",
    citation="as used in arXiv 2505.12280",
    sources=("two public loaders of single persons",),
    layout=("{2016_2018,2018_2020,2020_2022}/{train,val,test}/{A,B}/*", "(the same)/{label,OUT}/*"),
    dates="4",
    splits=("train", "val", "test"),
    description={
        "task": "binary_change",
        "bands": "aerial-rgb",
        "classes": {0: "unchanged", 255: "changed"},
        "nearest": True,  # masks that are JPEG hold noise
    },
    rows=rows,
    doubts=("GSD, days, licence and what counts as change were not found: give gsd_m and classes",),
)
