"""The kinds of scenes that training, demo and tests draw from."""

from collections.abc import Mapping
from dataclasses import dataclass

Legend = Mapping[str, tuple[str, ...]]
"""Each category of the labels with the land covers that it holds."""

LAND_COVER: Legend = {
    "water": ("water",),
    "forest": ("forest",),
    "shrubland": ("shrubland",),
    "grassland": ("grassland",),
    "agriculture": ("agriculture",),
    "bare soil": ("bare soil",),
    "artificial surface": ("building", "road", "pavement", "garden"),
}
"""Gardens belong to the town, as in most land-cover products: from 10 m pixels on they cannot be told from it."""
AERIAL_COVER: Legend = {
    "building": ("building",),
    "road": ("road",),
    "pavement": ("pavement",),
    "water": ("water",),
    "bare soil": ("bare soil", "burned area"),
    "vegetation": ("forest", "shrubland", "grassland", "garden", "agriculture"),
}
CHANGING_COVER: Legend = {**LAND_COVER, "burned area": ("burned area",)}
NOT_OF_THE_GROUND = frozenset({"coastal", "nir09", "cirrus", "lwir", "lwir11", "lwir12", "pan"})
"""STAC common names of bands that are left out: made for the air, for heat, or of other bands."""


@dataclass(frozen=True)
class Kind:
    """One kind of scene.

    Args:
        sensors: Catalogue names; where there are several, the dates take turns.
        task: What the labels answer.
        legend: The categories of the labels.
        gsd_m: Metres per pixel.
        site: What the place must be like: ``town``, ``varied``, ``flood`` (under water on the last date, where the
            year has a flood), ``fire`` (burned on the last date, if a place can be found).
        dates: Fewest and most dates.
        span_days: Fewest and most days from the first to the last date.
        first_years: Years in which a series can begin, first and last.
        cloud_cover: Largest share of the plane that clouds hide on a date; of a scene it may be any.
        shift_px: Standard deviation of the misregistration between dates, in pixels.
        eight_bit: Whether images are display-stretched to 8 bit, each date by itself.
        skip: STAC common names of bands that are left out.
    """

    sensors: tuple[str, ...]
    task: str
    legend: Legend
    gsd_m: float
    site: str = "varied"
    dates: tuple[int, int] = (1, 1)
    span_days: tuple[int, int] = (0, 0)
    first_years: tuple[int, int] = (2017, 2023)
    cloud_cover: float = 0.0
    shift_px: float = 0.2
    eight_bit: bool = False
    skip: frozenset[str] = NOT_OF_THE_GROUND


KINDS = {
    "aerial-buildings": Kind(("aerial-rgb",), "segmentation", AERIAL_COVER, 0.5, "town", eight_bit=True),
    "aerial-change": Kind(
        ("aerial-rgb",), "binary_change", {"building change": ("building",)}, 0.5, "town",
        dates=(2, 2), span_days=(1500, 7000), first_years=(2000, 2012), shift_px=0.8, eight_bit=True,
    ),
    "sentinel2-series": Kind(
        ("sentinel-2-l2a",), "segmentation", LAND_COVER, 10.0, dates=(3, 8), span_days=(120, 360), cloud_cover=0.7,
    ),
    "sentinel2-semantic-change": Kind(
        ("sentinel-2-l2a",), "semantic_change", CHANGING_COVER, 10.0, "fire",
        dates=(2, 2), span_days=(200, 1500), cloud_cover=0.25,
    ),
    "landsat-mixed-series": Kind(
        ("landsat-5", "landsat-7"), "segmentation", LAND_COVER, 30.0,
        dates=(3, 6), span_days=(120, 360), first_years=(1999, 2010), cloud_cover=0.6,
    ),
    "hyperspectral": Kind(("enmap",), "segmentation", LAND_COVER, 30.0, first_years=(2022, 2024)),
    "sentinel1-flood": Kind(
        ("sentinel-1",), "binary_change", {"flooded": ("water",)}, 10.0, "flood", dates=(2, 2), span_days=(6, 60),
    ),
    "sentinel1-flood-pictures": Kind(
        ("sentinel-1",), "binary_change", {"flooded": ("water",)}, 10.0, "flood", dates=(2, 2), span_days=(6, 60),
        eight_bit=True,
    ),
}  # fmt: skip
"""Every kind of scene by its name."""
