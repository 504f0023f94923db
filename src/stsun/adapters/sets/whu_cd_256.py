"""WHU-CD-256: crops of WHU-CD of 256 pixels, with lists of names, as they are shared for BIT and ChangeFormer."""

from dataclasses import replace

from stsun.adapters.sets.levir_cd_256 import ADAPTER as CROPS

ADAPTER = replace(
    CROPS,
    name="whu-cd-256",
    title="WHU-CD-256: building change, crops of 256 pixels",
    licence="as WHU-CD",
    description={**CROPS.description, "gsd_m": 0.2},
)
