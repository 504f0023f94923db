"""MultiSenGE: land cover of eastern France from a year of Sentinel-2 and Sentinel-1."""

from collections.abc import Iterator
from pathlib import Path

from stsun.adapters.adapter import Adapter, Missing, Row
from stsun.adapters.folders import bands, dated, document, iso, named, numbered, row

S2 = bands("sentinel-2-l2a", "B02 B03 B04 B08 B05 B06 B07 B8A B11 B12")
CLASSES = """dense built-up, sparse built-up, specialised built-up, specialised vegetated, large network, agriculture,
 vineyard, orchard, grassland, grove and hedge, forest, mineral, wetland, water"""


def rows(root: Path) -> Iterator[Row | Missing]:
    """Yield the patches with all dates of both sensors that are there."""
    for stem, label in named(root, "labels", "*.json").items():
        tile, x, y = stem.split("_")[:3]
        listed = document(root / label)
        names = [name.strip() for sensor in ("s1", "s2") for name in listed[f"corresponding_{sensor}"].split(";")]
        paths = {name: f"{name.split('_')[2].lower()}/{name}" for name in names if name}
        yield from (Missing("all", path) for path in paths.values() if not (root / path).is_file())
        there = [name for name in sorted(paths, key=lambda name: name.split("_")[1]) if (root / paths[name]).is_file()]
        dates = [dated(paths[name], iso(name.split("_")[1]), sensor=name.split("_")[2]) for name in there]
        yield row(stem, "all", dates, [f"ground_reference/{tile}_GR_{x}_{y}.tif"])


ADAPTER = Adapter(
    name="multisenge",
    title="MultiSenGE: land cover from Sentinel-1 and Sentinel-2 series",
    licence="not found",
    citation="Wenger et al.: MultiSenGE: A Multimodal and Multitemporal Benchmark Dataset for Land Use/[...], 2022",
    sources=("two public loaders of single persons",),
    layout=("labels/*.json", "{s1,s2}/{tile}_{YYYYMMDD}_S{1,2}_{x}_{y}.tif", "ground_reference/{tile}_GR_{x}_{y}.tif"),
    dates="many, of two sensors",
    splits=("all",),
    description={"task": "segmentation", "scale": 1e-4, "gsd_m": 10.0, "classes": numbered(CLASSES), "ignore": [0]}
    | {"sensors": {"S2": {"bands": S2}, "S1": {"bands": [{"name": n, "scale": 1.0} for n in ("vv", "vh")]}}},
    rows=rows,
    doubts=("the order of the bands is from one loader: give sensors", "no official split was found"),
)
