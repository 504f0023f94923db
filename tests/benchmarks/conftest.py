"""The benchmark programs are no package: they are imported from their folders, as when they run."""

import sys
from pathlib import Path

PROGRAMS = Path(__file__).parents[2] / "benchmarks"
sys.path[:0] = [str(PROGRAMS), str(PROGRAMS / "speed"), str(PROGRAMS / "rivals")]
