"""Pavia University: 103 bands of ROSIS over a campus."""

from stsun.adapters.adapter import Adapter
from stsun.adapters.folders import numbered, scene

ADAPTER = Adapter(
    name="pavia-university",
    title="Pavia University: urban land cover from ROSIS",
    licence="free for research",
    citation="scene of the University of Pavia, DLR ROSIS-03, 2001",
    sources=(
        "nshaud/DeepHyperX: README.md (files)",
        "sensors.toml (bands)",
    ),
    layout=("PaviaU.mat", "PaviaU_gt.mat"),
    dates="1",
    splits=("all",),
    description={
        "task": "segmentation",
        "bands": "rosis-pavia",
        "gsd_m": 1.3,
        "scale": 1e-4,
        "classes": numbered("asphalt, meadow, gravel, tree, metal sheet, bare soil, bitumen, bricks, shadow"),
        "ignore": [0],
    },
    rows=lambda root: scene("PaviaU.mat", "PaviaU_gt.mat"),
    doubts=(
        "one scene: split it by area with stsun data blocks; single pixels drawn at random leak",
        "the scale is nominal",
    ),
)
