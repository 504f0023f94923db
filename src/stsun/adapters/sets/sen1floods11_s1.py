"""Sen1Floods11, labelled by hand: floods in Sentinel-1 alone."""

from dataclasses import replace

from stsun.adapters.sets.sen1floods11 import ADAPTER as BOTH
from stsun.adapters.sets.sen1floods11 import FACTS, S1, chips

ADAPTER = replace(
    BOTH,
    name="sen1floods11-s1",
    title="Sen1Floods11: water in Sentinel-1 alone",
    description={**FACTS, "bands": S1},
    rows=lambda root: chips(root, ("S1",)),
)
