"""SYSU-CD: change of all kinds in aerial images of Hong Kong."""

from stsun.adapters.adapter import Adapter
from stsun.adapters.folders import split_pairs

ADAPTER = Adapter(
    name="sysu-cd",
    title="SYSU-CD: change in aerial images of Hong Kong",
    licence="not stated",
    citation="Shi et al.: A Deeply Supervised Attention Metric-Based Network and an Open Aerial Image [...], TGRS 2022",
    sources=("two public loaders of single persons", "liumency/SYSU-CD: README.md (size and GSD, from memory)"),
    layout=("{train,val,test}/{time1,time2}/*.png", "{train,val,test}/label/*.png"),
    dates="2",
    splits=("train", "val", "test"),
    description={
        "task": "binary_change",
        "bands": "aerial-rgb",
        "gsd_m": 0.5,
        "classes": {0: "unchanged", 255: "changed"},
    },
    rows=lambda root: split_pairs(root, ("train", "val", "test"), [["time1", "A"], ["time2", "B"]]),
)
