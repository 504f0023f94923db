"""WHU-Hi HanChuan: 274 bands from a drone over fields."""

from stsun.adapters.adapter import Adapter
from stsun.adapters.folders import numbered, scene, spectrum

ADAPTER = Adapter(
    name="whu-hi-hanchuan",
    title="WHU-Hi HanChuan: crops from a drone",
    licence="free for research",
    citation="Zhong et al.: WHU-Hi: UAV-borne hyperspectral with high spatial resolution (H2) [...], RSE 2020",
    sources=("several public loaders (files, classes, GSD, range)",),
    layout=("WHU_Hi_HanChuan.mat", "WHU_Hi_HanChuan_gt.mat"),
    dates="1",
    splits=("all",),
    description={
        "task": "segmentation",
        "bands": spectrum(400, 1000, 274),
        "gsd_m": 0.109,
        "classes": numbered(
            "strawberry, cowpea, soybean, sorghum, water spinach, watermelon, greens, tree, grassland, red roof, "
            "gray roof, plastic, bare soil, road, bright object, water"
        ),
        "ignore": [0],
    },
    rows=lambda root: scene("WHU_Hi_HanChuan.mat", "WHU_Hi_HanChuan_gt.mat"),
    doubts=(
        "one scene: split it by area with stsun data blocks; single pixels drawn at random leak",
        "wavelengths are evenly spaced: nominal; what the values mean is not confirmed: give scale if they are refused",
    ),
)
