"""S2Looking: building change in satellite images taken from the side."""

from stsun.adapters.adapter import Adapter
from stsun.adapters.folders import split_pairs

ADAPTER = Adapter(
    name="s2looking",
    title="S2Looking: building change in side-looking satellite images",
    licence="not stated",
    citation="Shen et al.: S2Looking: A Satellite Side-Looking Dataset for Building Change Detection, 2021",
    sources=("likyoo/open-cd: opencd/datasets/s2looking.py",),
    layout=("{train,val,test}/{Image1,Image2}/*.png", "{train,val,test}/label/*.png"),
    dates="2",
    splits=("train", "val", "test"),
    description={
        "task": "binary_change",
        "bands": "aerial-rgb",
        "classes": {0: "unchanged", 255: "building change"},
    },
    rows=lambda root: split_pairs(root, ("train", "val", "test"), [["Image1"], ["Image2"]]),
    doubts=("the GSD is 0.5 to 0.8 m: give gsd_m", "label1 and label2 (built, torn down) are not read"),
)
