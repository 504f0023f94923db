"""The main job end to end on data made on the spot: scores on three tasks, georeferenced maps, a page that shows it."""

from stsun.demo.job import run

__all__ = ["run"]
