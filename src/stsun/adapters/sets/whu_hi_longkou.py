"""WHU-Hi LongKou: 270 bands from a drone over fields."""

from stsun.adapters.adapter import Adapter
from stsun.adapters.folders import numbered, scene, spectrum

ADAPTER = Adapter(
    name="whu-hi-longkou",
    title="WHU-Hi LongKou: crops from a drone",
    licence="free for research",
    citation="Zhong et al.: WHU-Hi: UAV-borne hyperspectral with high spatial resolution (H2) [...], RSE 2020",
    sources=("several public loaders (files, classes, GSD, range)",),
    layout=("WHU_Hi_LongKou.mat", "WHU_Hi_LongKou_gt.mat"),
    dates="1",
    splits=("all",),
    description={
        "task": "segmentation",
        "bands": spectrum(400, 1000, 270),
        "gsd_m": 0.463,
        "classes": numbered(
            "maize, cotton, sesame, broad-leaf soybean, narrow-leaf soybean, rice, water, roads and houses, mixed weed"
        ),
        "ignore": [0],
    },
    rows=lambda root: scene("WHU_Hi_LongKou.mat", "WHU_Hi_LongKou_gt.mat"),
    doubts=(
        "one scene: split it by area with stsun data blocks; single pixels drawn at random leak",
        "wavelengths are evenly spaced: nominal; what the values mean is not confirmed: give scale if they are refused",
    ),
)
