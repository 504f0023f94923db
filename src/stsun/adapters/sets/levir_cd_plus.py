"""LEVIR-CD+: the larger successor of LEVIR-CD."""

from dataclasses import replace

from stsun.adapters.folders import split_pairs
from stsun.adapters.sets.levir_cd import ADAPTER as FIRST

ADAPTER = replace(
    FIRST,
    name="levir-cd-plus",
    citation="Shen et al.: S2Looking: A Satellite Side-Looking Dataset for Building Change Detection, 2021",
    title="LEVIR-CD+: building change in Google Earth images",
    sources=("torchgeo/torchgeo: torchgeo/datasets/levircd.py",),
    layout=("{train,test}/{A,B}/*.png", "{train,test}/label/*.png"),
    splits=("train", "test"),
    rows=lambda root: split_pairs(root, ("train", "test"), [["A"], ["B"]]),
    tested="miniature",
)
