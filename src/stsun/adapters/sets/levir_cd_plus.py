"""LEVIR-CD+: the larger successor of LEVIR-CD."""

from stsun.adapters.adapter import Adapter
from stsun.adapters.folders import split_pairs

ADAPTER = Adapter(
    name="levir-cd-plus",
    title="LEVIR-CD+: building change in Google Earth images",
    licence="academic use only; the images are Google's",
    citation="Shen et al.: S2Looking: A Satellite Side-Looking Dataset for Building Change Detection, 2021",
    sources=("torchgeo/torchgeo: torchgeo/datasets/levircd.py",),
    layout=("{train,test}/{A,B}/*.png", "{train,test}/label/*.png"),
    dates="2",
    splits=("train", "test"),
    description={
        "task": "binary_change",
        "bands": "aerial-rgb",
        "gsd_m": 0.5,
        "classes": {0: "unchanged", 255: "building change"},
        "nearest": True,
    },
    rows=lambda root: split_pairs(root, ("train", "test"), [["A"], ["B"]]),
)
