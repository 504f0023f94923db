"""LEVIR-CD: new and vanished buildings in pairs of Google Earth images."""

from stsun.adapters.adapter import Adapter
from stsun.adapters.folders import split_pairs

ADAPTER = Adapter(
    name="levir-cd",
    title="LEVIR-CD: building change in Google Earth images",
    licence="academic use only; the images are Google's",
    citation="Chen, Shi: A Spatial-Temporal Attention-Based Method and a New Dataset for [...], Remote Sensing 2020",
    sources=("torchgeo/torchgeo: torchgeo/datasets/levircd.py", "likyoo/open-cd: opencd/datasets/levir_cd.py"),
    layout=("{train,val,test}/{A,B}/*.png", "{train,val,test}/label/*.png"),
    dates="2",
    splits=("train", "val", "test"),
    description={
        "task": "binary_change",
        "bands": "aerial-rgb",
        "gsd_m": 0.5,
        "classes": {0: "unchanged", 255: "building change"},
        "nearest": True,  # a few masks hold 254
    },
    rows=lambda root: split_pairs(root, ("train", "val", "test"), [["A"], ["B"]]),
    tested="miniature, real sample",
)
