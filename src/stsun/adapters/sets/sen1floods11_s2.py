"""Sen1Floods11, labelled by hand: floods in Sentinel-2 alone."""

from dataclasses import replace

from stsun.adapters.sets.sen1floods11 import ADAPTER as BOTH
from stsun.adapters.sets.sen1floods11 import FACTS, S2, chips

ADAPTER = replace(
    BOTH,
    name="sen1floods11-s2",
    title="Sen1Floods11: water in Sentinel-2 alone",
    description={**FACTS, "bands": S2},
    rows=lambda root: chips(root, ("S2",)),
    tested="miniature, real pixels",
)
