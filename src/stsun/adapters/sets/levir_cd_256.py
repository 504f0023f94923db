"""LEVIR-CD256: crops of LEVIR-CD of 256 pixels, with lists of names, as they are shared for BIT and ChangeFormer."""

from dataclasses import replace

from stsun.adapters.folders import listed_pairs
from stsun.adapters.sets.levir_cd import ADAPTER as WHOLE

ADAPTER = replace(
    WHOLE,
    name="levir-cd-256",
    title="LEVIR-CD256: building change, crops of 256 pixels",
    licence="as LEVIR-CD",
    citation="Chen, Qi, Shi: Remote Sensing Image Change Detection with Transformers, TGRS 2021 (of the crops)",
    sources=("justchenhao/BIT_CD: README.md", "wgcban/ChangeFormer: README.md"),
    layout=("list/{train,val,test}.txt", "{A,B}/*.png", "label/*.png"),
    rows=lambda root: listed_pairs(root, ("train", "val", "test"), ("A", "B"), "label"),
    doubts=("crops of this name exist with other splits: scores on them are of another benchmark",),
    tested="miniature",
)
