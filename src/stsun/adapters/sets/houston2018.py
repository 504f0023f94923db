"""Houston 2018: 48 bands of CASI over a campus, as cut for studies across scenes."""

from stsun.adapters.adapter import Adapter
from stsun.adapters.folders import numbered, scene, spectrum

ADAPTER = Adapter(
    name="houston2018",
    title="Houston 2018: urban land cover from CASI, 7 classes",
    licence="free for research",
    citation="2018 IEEE GRSS Data Fusion Contest; the crop and classes of Zhang et al. (Data-CSHSI)",
    sources=(
        "YuxiangZhang-BIT/Data-CSHSI",
        "several public loaders (files)",
        "xdu-jjgs/HSI_domain_adaptation: README.md (classes)",
    ),
    layout=("Houston18.mat", "Houston18_7gt.mat"),
    dates="1",
    splits=("all",),
    description={
        "task": "segmentation",
        "bands": spectrum(380, 1050, 48),
        "gsd_m": 1.0,
        "scale": 1e-4,
        "classes": numbered("healthy grass, stressed grass, tree, water, residential building, other building, road"),
        "ignore": [0],
    },
    rows=lambda root: scene("Houston18.mat", "Houston18_7gt.mat"),
    doubts=(
        "one scene: split it by area with stsun data blocks; single pixels drawn at random leak",
        "the scale and wavelengths are not confirmed",
        "the contest's own files (ENVI at 1 m, labels at 0.5 m) are not read",
    ),
)
