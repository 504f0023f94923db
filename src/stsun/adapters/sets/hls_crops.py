"""HLS multi-temporal crops: three dates of 2022 in one file, crops of the United States."""

from collections.abc import Iterator
from csv import DictReader
from pathlib import Path

from stsun.adapters.adapter import Adapter, Row
from stsun.adapters.folders import bands, lines, numbered, row, series

DATES = ("first_img_date", "middle_img_date", "last_img_date")
CLASSES = """natural vegetation, forest, maize, soybean, wetland, artificial surface, water, winter wheat, alfalfa,
 fallow, cotton, sorghum, other"""


def rows(root: Path) -> Iterator[Row]:
    """Yield the chips of both lists; their days are in chips_df.csv, where it was fetched, too."""
    table = lines(root / "chips_df.csv") if (root / "chips_df.csv").is_file() else ()
    days = {chip["chip_id"]: [chip[date][:10] for date in DATES] for chip in DictReader(table)}
    for split, name in (("train", "training"), ("val", "validation")):
        for chip in lines(root / f"{name}_data.txt"):
            images = series(f"{name}_chips/{chip}_merged.tif", days.get(chip, (None, None, None)), 6)
            yield row(chip, split, images, [f"{name}_chips/{chip}.mask.tif"])


ADAPTER = Adapter(
    name="hls-crops",
    title="HLS multi-temporal crop classification",
    licence="CC BY 4.0",
    citation="Cecil et al.: HLS Multi Temporal Crop Classification, 2023, doi 10.57967/hf/0955",
    sources=("ibm-nasa-geospatial/multi-temporal-crop-classification (card)", "terrastackai/terratorch"),
    layout=("{training,validation}_data.txt", "{training,validation}_chips/{*_merged.tif,*.mask.tif}", "chips_df.csv"),
    dates="3",
    splits=("train", "val"),
    description={"task": "segmentation", "gsd_m": 30.0, "classes": numbered(CLASSES), "ignore": [0], "scale": 1e-4}
    | {"bands": bands("sentinel-2-l2a", "B02 B03 B04 B8A B11 B12")},
    rows=rows,
    doubts=("that 10 000 means a reflectance of 1 is the usual reading, not told by the card: give scale",),
)
