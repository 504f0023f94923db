"""WHU-Hi HongHu: 270 bands from a drone over fields."""

from stsun.adapters.adapter import Adapter
from stsun.adapters.folders import numbered, scene, spectrum

ADAPTER = Adapter(
    name="whu-hi-honghu",
    title="WHU-Hi HongHu: crops from a drone",
    licence="free for research",
    citation="Zhong et al.: WHU-Hi: UAV-borne hyperspectral with high spatial resolution (H2) [...], RSE 2020",
    sources=("several public loaders (files, classes, GSD, range)",),
    layout=("WHU_Hi_HongHu.mat", "WHU_Hi_HongHu_gt.mat"),
    dates="1",
    splits=("all",),
    description={
        "task": "segmentation",
        "bands": spectrum(400, 1000, 270),
        "gsd_m": 0.043,
        "classes": numbered(
            "red roof, road, bare soil, cotton, cotton firewood, rapeseed, chinese cabbage, pakchoi, cabbage, "
            "tuber mustard, brassica parachinensis, brassica chinensis, small brassica chinensis, lactuca sativa, "
            "celtuce, film-covered lettuce, romaine lettuce, carrot, white radish, garlic sprout, broad bean, "
            "tree"
        ),
        "ignore": [0],
    },
    rows=lambda root: scene("WHU_Hi_HongHu.mat", "WHU_Hi_HongHu_gt.mat"),
    doubts=(
        "one scene: split it by area with stsun data blocks; single pixels drawn at random leak",
        "wavelengths are evenly spaced: nominal; what the values mean is not confirmed: give scale if they are refused",
    ),
)
