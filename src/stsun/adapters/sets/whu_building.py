"""WHU Building: aerial tiles of Christchurch with masks of buildings."""

from stsun.adapters.adapter import Adapter
from stsun.adapters.folders import split_pairs

ADAPTER = Adapter(
    name="whu-building",
    title="WHU Building: buildings in aerial images",
    licence="not stated; free for research",
    citation="Ji, Wei, Lu: Fully Convolutional Networks for Multisource Building Extraction, TGRS 2019",
    sources=("common knowledge of the archive 'The cropped aerial image tiles and raster labels'",),
    layout=("{train,val,test}/image/*.tif", "{train,val,test}/label/*.tif"),
    dates="1",
    splits=("train", "val", "test"),
    description={
        "task": "segmentation",
        "bands": "aerial-rgb",
        "gsd_m": 0.3,
        "classes": {0: "background", 255: "building"},
    },
    rows=lambda root: split_pairs(root, ("train", "val", "test"), [["image"]]),
    doubts=("the labels' values are not confirmed: give classes if yours are not 0 and 255",),
)
