"""PASTIS-R: PASTIS with Sentinel-1 of both orbits, all dates of the three in one series."""

from stsun.adapters.adapter import Adapter
from stsun.adapters.sets.pastis import BANDS, LABELS, patches

RADAR = [{"name": name, "scale": 1.0} for name in ("vv", "vh", "vv-vh")]

ADAPTER = Adapter(
    name="pastis-r",
    title="PASTIS-R: crop types from Sentinel-2 and Sentinel-1 time series",
    licence="Etalab 2.0",
    citation="Garnot, Landrieu, Chehata: Multi-Modal Temporal Attention Models for Crop Mapping [...], ISPRS 2022",
    sources=("torchgeo/torchgeo: torchgeo/datasets/pastis.py", "VSainteuf/utae-paps (how folds rotate)"),
    layout=("metadata.geojson", "DATA_{S2,S1A,S1D}/*.npy", "ANNOTATIONS/TARGET_*.npy"),
    dates="about 170, of three sensors",
    splits=("train", "val", "test"),
    description={
        "sensors": {"S2": {"bands": BANDS}, "S1A": {"bands": RADAR}, "S1D": {"bands": RADAR}},
        "scale": 1e-4,
        "gsd_m": 10.0,
        **LABELS,
    },
    rows=lambda root, fold=1: patches(root, fold, {"S2": 10, "S1A": 3, "S1D": 3}),
    tested="miniature, real pixels",
)
