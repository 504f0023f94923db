"""Sen1Floods11, labelled by hand: floods in Sentinel-1 and Sentinel-2."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from stsun.adapters.adapter import Adapter, Row
from stsun.adapters.folders import bands, first, lines, row

S2 = bands("sentinel-2-l1c", "B01 B02 B03 B04 B05 B06 B07 B08 B8A B09 B10 B11 B12")
S1 = [{"name": "vv", "scale": 1.0}, {"name": "vh", "scale": 1.0}]
FACTS = {"task": "segmentation", "scale": 1e-4, "gsd_m": 10.0, "classes": {0: "background", 1: "water"}, "ignore": [-1]}


def chips(root: Path, sensors: Sequence[str]) -> Iterator[Row]:
    """Yield the chips; Bolivia is the test of an unseen place."""
    folder = first(root, "data/flood_events/HandLabeled", "HandLabeled")
    for split, name in {"train": "train", "val": "valid", "test": "test", "bolivia": "bolivia"}.items():
        for line in lines(root / "splits/flood_handlabeled" / f"flood_{name}_data.csv"):
            chip = line.partition("_S1Hand")[0]
            images = [f"{folder}/{sensor}Hand/{chip}_{sensor}Hand.tif" for sensor in sensors]
            yield row(chip, split, [images], [f"{folder}/LabelHand/{chip}_LabelHand.tif"])


ADAPTER = Adapter(
    name="sen1floods11",
    title="Sen1Floods11: water in Sentinel-2 with Sentinel-1",
    licence="not stated in the repository",
    citation="Bonafilia et al.: Sen1Floods11: A Georeferenced Dataset to Train and Test [...], CVPRW 2020",
    sources=("cloudtostreet/Sen1Floods11: docs/README.md", "public loaders (lists)", "a real chip"),
    layout=("splits/flood_handlabeled/flood_*_data.csv", "data/flood_events/HandLabeled/{S1Hand,S2Hand,LabelHand}/"),
    dates="1",
    splits=("train", "val", "test", "bolivia"),
    description={**FACTS, "bands": [*S2, *S1]},
    rows=lambda root: chips(root, ("S2", "S1")),
    doubts=("days differ by chip and are in a GeoJSON that is not read", "the 0.0000898 degree grid is taken as 10 m"),
)
