"""OSCD: urban change in pairs of Sentinel-2 images, all 13 bands."""

from collections.abc import Iterator
from pathlib import Path

from stsun.adapters.adapter import Adapter, Row
from stsun.adapters.folders import dated, folders, iso, lines, row
from stsun.sensors import sensor

DATA = "Onera Satellite Change Detection dataset -"


def rows(root: Path) -> Iterator[Row]:
    """Yield the cities; which are of train and which of test the archives of the labels tell."""
    for split in ("Train", "Test"):
        for city in folders(root, f"{DATA} {split} Labels"):
            days = [line.split(":")[1].strip() for line in lines(root / f"{DATA} Images" / city / "dates.txt")]
            images = [
                dated(
                    [f"{DATA} Images/{city}/imgs_{n}_rect/{b.name}.tif" for b in sensor("sentinel-2-l1c").bands],
                    iso(day),
                )
                for n, day in enumerate(days, start=1)
            ]
            yield row(city, split.lower(), images, [f"{DATA} {split} Labels/{city}/cm/cm.png"], layers=[1])


ADAPTER = Adapter(
    name="oscd",
    title="OSCD: urban change in Sentinel-2 pairs",
    licence="CC BY-NC-SA 4.0 (as commonly stated)",
    citation="Daudt et al.: Urban Change Detection for Multispectral Earth Observation Using CNNs, IGARSS 2018",
    sources=("torchgeo/torchgeo: torchgeo/datasets/oscd.py",),
    layout=(f"{DATA} Images/*/imgs_{{1,2}}_rect/B*.tif", f"{DATA} {{Train,Test}} Labels/*/cm/cm.png"),
    dates="2",
    splits=("train", "test"),
    description={"task": "binary_change", "bands": "sentinel-2-l1c", "gsd_m": 10.0}
    | {"classes": {0: "unchanged", 255: "changed"}},
    rows=rows,
)
