"""What each surface reflects (350 to 2550 nm) and scatters back (radar), by parametric curves.

A surface is a mixture of two states: a background and, in season, green leaves; for water and soil the second is turbid
or wet. Both are given, so that the signal of a pixel is linear in how much there is of the second. The curves keep the
features that tell surfaces apart: chlorophyll absorption, red edge and leaf water (1450, 1940 nm) of vegetation, the
rise of soils, the fall of water, iron oxide in tiles, the flat dark of asphalt, and in the short-wave infrared the rise
of what has burned and the fall of snow.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from stsun.bands import Band, describe
from stsun.errors import ConfigurationError

Floats = NDArray[np.float64]

GRID_NM = np.arange(350.0, 2551.0, 5.0)
"""Wavelengths at which the curves are sampled, in nanometres."""

RADAR = ("vv", "vh")
"""Tokens that can be simulated; every other band needs a wavelength."""

DEFAULT_RELATIVE_WIDTH = 0.05


@dataclass(frozen=True)
class Surface:
    """One kind of ground.

    Args:
        category: The land-cover category it belongs to.
        background: Name of the curve without green leaves; clear, or dry.
        leaf: Name of the curve in full leaf, turbid, or wet; the background again where there is only one state.
        radar_db: Backscatter (vv, vh) without leaves, in dB.
        radar_leaf_db: Backscatter (vv, vh) in full leaf, in dB.
        roughness: Standard deviation of the brightness within the surface, relative.
    """

    category: str
    background: str
    leaf: str
    radar_db: tuple[float, float]
    radar_leaf_db: tuple[float, float]
    roughness: float


SURFACES = {
    "water": Surface("water", "water", "turbid water", (-20.0, -27.0), (-20.0, -27.0), 0.05),
    "deciduous forest": Surface("forest", "litter", "canopy", (-9.5, -15.5), (-8.0, -13.5), 0.18),
    "evergreen forest": Surface("forest", "litter", "needles", (-8.5, -14.0), (-8.0, -13.5), 0.18),
    "shrubland": Surface("shrubland", "litter", "shrub", (-11.0, -17.0), (-9.5, -15.0), 0.14),
    "grassland": Surface("grassland", "straw", "grass", (-12.5, -19.5), (-11.5, -18.5), 0.06),
    "garden": Surface("garden", "straw", "grass", (-9.0, -16.5), (-8.5, -15.5), 0.10),
    "winter crop": Surface("agriculture", "stubble", "crop", (-11.0, -20.0), (-12.5, -17.0), 0.04),
    "summer crop": Surface("agriculture", "ploughed soil", "crop", (-11.0, -20.5), (-9.5, -15.5), 0.04),
    "fodder": Surface("agriculture", "stubble", "grass", (-12.0, -20.0), (-10.5, -16.5), 0.04),
    "bare soil": Surface("bare soil", "bright soil", "wet soil", (-13.5, -22.0), (-10.5, -19.0), 0.09),
    "asphalt": Surface("road", "asphalt", "asphalt", (-16.0, -24.0), (-16.0, -24.0), 0.05),
    "pavement": Surface("pavement", "pale concrete", "pale concrete", (-15.0, -23.0), (-15.0, -23.0), 0.08),
    "tile roof": Surface("building", "tile", "tile", (-3.0, -11.0), (-3.0, -11.0), 0.06),
    "grey roof": Surface("building", "concrete", "concrete", (-3.0, -11.0), (-3.0, -11.0), 0.06),
    "metal roof": Surface("building", "metal", "metal", (-1.0, -10.0), (-1.0, -10.0), 0.06),
    "burned area": Surface("burned area", "char", "char", (-11.5, -20.0), (-11.5, -20.0), 0.12),
}
"""Every surface of the simulated worlds; its position is its number in a world's map."""

NUMBER = {name: number for number, name in enumerate(SURFACES)}
ROOFS = tuple(NUMBER[name] for name in ("tile roof", "grey roof", "metal roof"))

WARMER_K = {
    "water": -4.0, "deciduous forest": -2.0, "evergreen forest": -2.0, "bare soil": 6.0, "asphalt": 8.0,
    "pavement": 6.0, "tile roof": 9.0, "grey roof": 8.0, "metal roof": 5.0, "burned area": 7.0,
}  # fmt: skip
"""How much warmer than the air each surface is around noon in full sun, in kelvin."""


def endmembers(bands: Sequence[Band]) -> tuple[Floats, Floats]:
    """Return what every surface gives in each band without leaves and in full leaf, each ``surfaces x bands``.

    Reflectance 0..1 for bands with a wavelength, linear backscatter (power, not dB) for ``vv`` and ``vh``.

    Raises:
        ConfigurationError: A band that cannot be simulated.
    """
    columns = [_column(band) for band in bands]
    return np.stack([bare for bare, _ in columns], 1), np.stack([leafy for _, leafy in columns], 1)


def second_state(day_of_year: float, latitude: float = 48.0, dryness: float = 0.0, turbidity: float = 0.0) -> Floats:
    """Return how much (0..1) of its second state every surface shows: leaves, turbid water, wet soil.

    Args:
        day_of_year: 0..365, counted so that summer is in the middle (see ``days.day_of_year``).
        latitude: Degrees; spring comes later, and autumn earlier, away from the equator.
        dryness: 0 in a usual year, 1 in a drought: grass and crops wither, soil is dry.
        turbidity: Of water, 0..1.
    """
    day, late = day_of_year, 1.6 * (abs(latitude) - 48)
    wilted = 1 - 0.45 * dryness
    shown = {
        "water": turbidity,
        "deciduous forest": 0.10 + 0.85 * _sigmoid((day - 115 - late) / 9) * _sigmoid((290 - 0.7 * late - day) / 9),
        "evergreen forest": 0.85 + 0.05 * _season(day, 170, 80),
        "shrubland": 0.35 + 0.4 * _season(day, 165 + 0.5 * late, 75) * wilted,
        "grassland": (0.40 + 0.45 * _season(day, 145 + 0.7 * late, 55)) * wilted,
        "garden": 0.45 + 0.35 * _season(day, 150 + 0.7 * late, 65) * wilted,
        "winter crop": 0.95 * _season(day, 135 + late, 38) * wilted + 0.25 * _season(day, 335 - late, 40),
        "summer crop": 0.95 * _season(day, 212 + 0.5 * late, 38) * wilted,
        "fodder": (0.55 + 0.35 * _season(day, 170, 70)) * wilted,
        "bare soil": (0.25 + 0.35 * _season(day, 20, 80)) * (1 - dryness),
    }
    return np.array([shown.get(name, 0.0) for name in SURFACES])


def warmth(band: Band, day_of_year: float, latitude: float) -> Floats:
    """Return the brightness temperature in kelvin of every surface in a thermal band around noon."""
    air_k = 299 - 0.45 * abs(latitude) - 0.22 * abs(latitude) * math.cos(2 * math.pi * (day_of_year - 25) / 365)
    sun = 0.35 + 0.65 * _season(day_of_year, 175, 75)
    # atmosphere and emissivity take a little away, more towards long wavelengths
    seen_k = air_k - 1.5 * ((band.wavelength_nm or 11_000) / 11_000)
    return seen_k + sun * np.array([WARMER_K.get(name, 1.0) for name in SURFACES])


def snow(bands: Sequence[Band], grain: float) -> Floats:
    """Return the reflectance of snow in optical bands; ``grain`` 0 = fresh and fine, 1 = old and coarse.

    Coarse grains absorb more in the infrared (after Warren 1982).
    """
    curves = _curves()
    curve = (1 - grain) * curves["fine snow"] + grain * curves["coarse snow"]
    return np.array([0.0 if band.wavelength_nm is None else curve @ _response(band) for band in bands])


def roughness() -> Floats:
    """Return the relative brightness variation within every surface."""
    return np.array([surface.roughness for surface in SURFACES.values()])


@lru_cache(maxsize=1024)
def _column(band: Band) -> tuple[Floats, Floats]:
    """Return one band's column of the end members, without leaves and in leaf."""
    if band.wavelength_nm is None:
        if band.token not in RADAR:
            raise ConfigurationError(
                f"band {describe(band)} cannot be simulated: expected a wavelength or one of the tokens "
                f"{', '.join(RADAR)}; leave the band out"
            )
        channel = RADAR.index(band.token)
        decibels = [(s.radar_db[channel], s.radar_leaf_db[channel]) for s in SURFACES.values()]
        power = 10 ** (np.array(decibels) / 10)
        return power[:, 0], power[:, 1]
    response = _response(band)
    curves = _curves()
    bare = np.array([curves[surface.background] @ response for surface in SURFACES.values()])
    return bare, np.array([curves[surface.leaf] @ response for surface in SURFACES.values()])


def _response(band: Band) -> Floats:
    """Return the band's Gaussian response on the wavelength grid, summing to one."""
    centre = band.wavelength_nm or 0.0
    if not GRID_NM[0] <= centre <= GRID_NM[-1]:
        raise ConfigurationError(
            f"band {describe(band)} cannot be simulated: reflectance is known from {GRID_NM[0]:g} to "
            f"{GRID_NM[-1]:g} nm; leave the band out"
        )
    width = max(band.bandwidth_nm or DEFAULT_RELATIVE_WIDTH * centre, GRID_NM[1] - GRID_NM[0])
    sigma = width / (2 * math.sqrt(2 * math.log(2)))
    response = np.exp(-0.5 * ((GRID_NM - centre) / sigma) ** 2)
    return np.asarray(response / response.sum(), np.float64)


@lru_cache(maxsize=1)
def _curves() -> dict[str, Floats]:
    """Return the reflectance (0..1) of every material on the wavelength grid."""
    straw = _points((400, 0.07), (550, 0.16), (700, 0.25), (900, 0.33), (1300, 0.42), (1700, 0.40), (2200, 0.30))
    ploughed = _soil(0.30)
    return {
        "turbid water": 0.04 + 0.15 * _bump(600, 130) * _sigmoid((900 - GRID_NM) / 60),
        "fine snow": _points(
            (350, 0.97), (700, 0.96), (1000, 0.86), (1250, 0.6), (1500, 0.1), (1800, 0.25), (2100, 0.12)
        ),
        "coarse snow": _points(
            (350, 0.9), (700, 0.84), (1000, 0.55), (1250, 0.22), (1500, 0.02), (1800, 0.06), (2100, 0.03)
        ),
        "water": 0.075 * np.exp((400 - GRID_NM) / 160) + 0.015 * _bump(580, 70) + 0.002,
        "canopy": _leaves(nir=0.42, chlorophyll=2.8, water=1.1),
        "needles": _leaves(nir=0.27, chlorophyll=2.5, water=1.2),
        "grass": _leaves(nir=0.44, chlorophyll=2.2, water=0.8),
        "crop": _leaves(nir=0.50, chlorophyll=2.7, water=1.0),
        "litter": 0.55 * straw,
        "straw": straw,
        "ploughed soil": ploughed,
        "stubble": 0.5 * straw + 0.5 * ploughed,
        "bright soil": _soil(0.52),
        "wet soil": _soil(0.52) * (0.6 - 0.15 * _sigmoid((GRID_NM - 1350) / 60)),
        "shrub": _leaves(nir=0.34, chlorophyll=2.3, water=0.7),
        "pale concrete": 1.5 * _points((400, 0.15), (600, 0.21), (1000, 0.24), (1600, 0.27), (2500, 0.24)),
        "asphalt": _points((400, 0.07), (700, 0.11), (1000, 0.13), (1600, 0.17), (2500, 0.18)),
        "tile": (0.05 + 0.24 * _sigmoid((GRID_NM - 590) / 25) + 0.10 * _sigmoid((GRID_NM - 1050) / 120))
        * (1 - 0.12 * _bump(870, 70)),
        "concrete": _points((400, 0.15), (600, 0.21), (1000, 0.24), (1600, 0.27), (2500, 0.24)),
        "metal": _points((400, 0.42), (600, 0.48), (1000, 0.50), (1600, 0.46), (2500, 0.40)),
        "char": _points((400, 0.030), (700, 0.045), (900, 0.060), (1600, 0.120), (2200, 0.150)),
    }


def _leaves(nir: float, chlorophyll: float, water: float) -> Floats:
    """Return a canopy's reflectance: a near-infrared plateau, absorbed by pigments below and by water above."""
    pigments = 0.74 + 0.26 * _bump(450, 45) + 0.26 * _bump(675, 22) - 0.12 * _bump(555, 25)
    pigments = pigments * _sigmoid((714 - GRID_NM) / 11)
    liquid = 0.10 * _bump(970, 30) + 0.20 * _bump(1200, 45) + 1.5 * _bump(1450, 55) + 1.7 * _bump(1940, 75)
    liquid = liquid + 0.5 * _sigmoid((GRID_NM - 1340) / 30) + 0.55 * _sigmoid((GRID_NM - 1850) / 40)
    liquid = liquid + 0.6 * _sigmoid((GRID_NM - 2380) / 50)
    return np.asarray(nir * np.exp(-chlorophyll * pigments - water * liquid), np.float64)


def _soil(brightness: float) -> Floats:
    """Return a soil's reflectance: rising, with shallow water and clay features."""
    features = 1 - 0.10 * _bump(1410, 35) - 0.14 * _bump(1920, 50) - 0.08 * _bump(2205, 35)
    return np.asarray(brightness * (1 - np.exp((300 - GRID_NM) / 600)) * features, np.float64)


def _points(*points: tuple[float, float]) -> Floats:
    wavelengths_nm, values = zip(*points, strict=True)
    return np.asarray(np.interp(GRID_NM, wavelengths_nm, values), np.float64)


def _bump(centre_nm: float, width_nm: float) -> Floats:
    return np.asarray(np.exp(-0.5 * ((GRID_NM - centre_nm) / width_nm) ** 2), np.float64)


def _sigmoid(x: Floats | float) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -60, 60))), np.float64)


def _season(day_of_year: float, peak: float, width: float) -> float:
    distance = (day_of_year - peak + 182.5) % 365 - 182.5
    return math.exp(-0.5 * (distance / width) ** 2)
