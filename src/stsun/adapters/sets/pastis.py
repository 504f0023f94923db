"""PASTIS: crops of French parcels from a year of Sentinel-2, in five official folds."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from stsun.adapters.adapter import Adapter, Row
from stsun.adapters.folders import bands, features, folds, iso, numbered, row, series

BANDS = bands("sentinel-2-l2a", "B02 B03 B04 B05 B06 B07 B08 B8A B11 B12")
NAMES = """background, meadow, winter wheat, maize, winter barley, winter rapeseed, spring barley, sunflower,
 vineyard, beet, winter triticale, winter durum wheat, fruit and vegetable crops, potatoes, leguminous fodder, soybean,
 orchard, mixed cereal, sorghum"""
LABELS = {"task": "segmentation", "classes": numbered(NAMES, start=0), "ignore": [19]}  # 19: void


def patches(root: Path, fold: int, sensors: Mapping[str, int]) -> Iterator[Row]:
    """Yield the patches; fold 1 trains on folds 1 to 3, validates on 4, tests on 5; the other folds rotate this."""
    turn = folds(fold, ("train", "train", "train", "val", "test"))
    for facts in features(root / "metadata.geojson"):
        images, patch = list[Row](), str(facts["ID_PATCH"])
        for name, count in sensors.items():
            days, sensor = map(iso, facts[f"dates-{name}"].values()), name if len(sensors) > 1 else None
            images += series(f"DATA_{name}/{name}_{patch}.npy", days, count, sensor=sensor)
        images.sort(key=lambda image: str(image["date"]))
        yield row(patch, turn[int(facts["Fold"])], images, [f"ANNOTATIONS/TARGET_{patch}.npy"], layers=[1])


ADAPTER = Adapter(
    name="pastis",
    title="PASTIS: crop types from Sentinel-2 time series",
    licence="Etalab 2.0",
    citation="Garnot, Landrieu: Panoptic Segmentation of Satellite Image Time Series with [...], ICCV 2021",
    sources=("torchgeo/torchgeo: torchgeo/datasets/pastis.py", "VSainteuf/utae-paps (how folds rotate)"),
    layout=("metadata.geojson", "DATA_S2/S2_*.npy", "ANNOTATIONS/TARGET_*.npy"),
    dates="33 to 61",
    splits=("train", "val", "test"),
    description={"bands": BANDS, "scale": 1e-4, "gsd_m": 10.0, **LABELS},
    rows=lambda root, fold=1: patches(root, fold, {"S2": 10}),
    tested="miniature, real pixels",
)
