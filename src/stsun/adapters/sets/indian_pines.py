"""Indian Pines: 200 bands of AVIRIS over fields in Indiana."""

from stsun.adapters.adapter import Adapter
from stsun.adapters.folders import numbered, scene, spectrum

ADAPTER = Adapter(
    name="indian-pines",
    title="Indian Pines: crops from AVIRIS",
    licence="free for research",
    citation="Baumgardner, Biehl, Landgrebe: 220 Band AVIRIS Hyperspectral Image Data Set, Indian Pine Site 3, 1992",
    sources=(
        "nshaud/DeepHyperX: README.md (files)",
        "common knowledge of the 20 bands left out",
    ),
    layout=("Indian_pines_corrected.mat", "Indian_pines_gt.mat"),
    dates="1",
    splits=("all",),
    description={
        "task": "segmentation",
        "bands": spectrum(400, 2500, 220, without=(*range(104, 109), *range(150, 164), 220)),
        "gsd_m": 20.0,
        "scale": 1e-4,
        "classes": numbered(
            "alfalfa, maize no-till, maize min-till, maize, grassland pasture, grassland trees, pasture mowed, "
            "hay windrowed, oats, soybean no-till, soybean min-till, soybean clean, winter wheat, forest, "
            "buildings and drives, stone towers"
        ),
        "ignore": [0],
    },
    rows=lambda root: scene("Indian_pines_corrected.mat", "Indian_pines_gt.mat"),
    doubts=(
        "one scene: split it by area with stsun data blocks; single pixels drawn at random leak",
        "values are scaled radiance, wavelengths evenly spaced: nominal",
    ),
)
