"""CLCD: change of cropland in Guangdong."""

from stsun.adapters.adapter import Adapter
from stsun.adapters.folders import split_pairs

ADAPTER = Adapter(
    name="clcd",
    title="CLCD: change of cropland",
    licence="not stated",
    citation="Liu et al.: A CNN-Transformer Network With Multiscale Context Aggregation for [...] Cropland [...], 2022",
    sources=(
        "liumency/CropLand-CD: README.md (the authors: sensor, years, GSD, split)",
        "likyoo/open-cd: opencd/datasets/clcd.py",
        "two public loaders (image1 or time1)",
    ),
    layout=("{train,val,test}/{image1,image2 or time1,time2}/*.png", "{train,val,test}/label/*.png"),
    dates="2",
    splits=("train", "val", "test"),
    description={
        "task": "binary_change",
        "bands": "aerial-rgb",
        "classes": {0: "unchanged", 255: "changed"},
    },
    rows=lambda root: split_pairs(root, ("train", "val", "test"), [["image1", "time1", "A"], ["image2", "time2", "B"]]),
    doubts=(
        "Gaofen-2 of 2017 and 2019, the days are not known; the GSD is 0.5 to 2 m: give gsd_m",
        "the masks' values are not confirmed: give classes",
    ),
)
