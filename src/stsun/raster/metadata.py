"""What a raster's tags say: bands, acquisition day and pixel size. Pure functions: tags in, values out."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rasterio.errors import RasterioError
from rasterio.warp import transform as transform_points

from stsun.bands import BANDWIDTH_RANGE_NM, TOKENS, WAVELENGTH_RANGE_NM, Band

DAY_TAGS = (
    "acquisition_date", "acquisition_datetime", "acquisitiondatetime", "date_acquired", "sensing_time", "datetime",
)  # fmt: skip
"""File tags that say when the image was taken. TIFFTAG_DATETIME is not among them: it is when the file was written."""

_NANOMETRES = {
    "nm": 1.0, "nanometer": 1.0, "nanometers": 1.0, "nanometre": 1.0, "nanometres": 1.0,
    "um": 1000.0, "µm": 1000.0, "μm": 1000.0, "micron": 1000.0, "microns": 1000.0, "micrometer": 1000.0,
    "micrometers": 1000.0, "micrometre": 1000.0, "micrometres": 1000.0,
}  # fmt: skip
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:.*)?|\d{8}(T\d{4,6}.*)?")
_EQUATOR_RADIUS_M, _ECCENTRICITY_SQUARED = 6_378_137.0, 0.00669437999014


def parse_day(text: str) -> float | None:
    """Return days since 1970-01-01 UTC for an ISO day, with or without a time, or None for anything else."""
    text = text.strip()
    if not _DAY.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() / 86_400


def day_of(tags: Mapping[str, str], imagery: Mapping[str, str]) -> float | None:
    """Return the acquisition day that a raster's tags tell, in days since 1970-01-01 UTC, or None.

    Args:
        tags: The file's own tags.
        imagery: Its tags in GDAL's IMAGERY domain.
    """
    lower = {key.lower(): value for source in (imagery, tags) for key, value in source.items()}
    days = (parse_day(lower[tag]) for tag in DAY_TAGS if tag in lower)
    return next((day for day in days if day is not None), None)


def band_of(tags: Mapping[str, str], imagery: Mapping[str, str], description: str | None) -> Band | None:
    """Return the band that one band's tags tell, or None where they do not say what it measures.

    A band is known by a plausible wavelength tag, or by a description that is a named token (``VV``, ``NDVI``).

    Args:
        tags: The band's own tags: ``wavelength``, ``fwhm`` and ``wavelength_units``.
        imagery: Its tags in GDAL's IMAGERY domain: ``CENTRAL_WAVELENGTH_UM`` and ``FWHM_UM``.
        description: The band's description, which becomes its name.
    """
    lower = {key.lower(): value for key, value in tags.items()}
    units = lower.get("wavelength_units", "").strip().lower()
    wavelength, width = _spectrum(lower.get("wavelength"), lower.get("fwhm"), units)
    if wavelength is None:
        wavelength, width = _spectrum(imagery.get("CENTRAL_WAVELENGTH_UM"), imagery.get("FWHM_UM"), "um")
    name = (description or "").strip()
    if wavelength is not None:
        return Band(name or f"{wavelength:g} nm", wavelength, width)
    token = name.lower().replace(" ", "_")
    return Band(token) if token in TOKENS else None


def pixel_size_m(crs: Any, transform: Any, height: int, width: int) -> tuple[float, float] | None:
    """Return the pixel's width and height on the ground in metres at the raster's centre, or None without CRS.

    Degrees are converted at the centre's latitude on the WGS 84 ellipsoid, feet and other units to metres; the
    Mercator projection, whose metres are stretched, is corrected by the latitude.
    """
    if crs is None or not (crs.is_geographic or crs.is_projected):
        return None
    across, down = math.hypot(transform.a, transform.d), math.hypot(transform.b, transform.e)
    x = transform.c + (transform.a * width + transform.b * height) / 2
    y = transform.f + (transform.d * width + transform.e * height) / 2
    try:
        unit = float(crs.units_factor[1])
        if crs.is_geographic:
            per_radian = _metres_per_radian(y * unit)
            return across * unit * per_radian[0], down * unit * per_radian[1]
        if crs.to_dict().get("proj") in ("merc", "webmerc"):
            unit *= math.cos(math.radians(transform_points(crs, "EPSG:4326", [x], [y])[1][0]))
    except (RasterioError, ValueError):
        return None
    return across * unit, down * unit


def _metres_per_radian(latitude: float) -> tuple[float, float]:
    """Return metres per radian of longitude and of latitude, at a latitude in radians."""
    curvature = 1 - _ECCENTRICITY_SQUARED * math.sin(latitude) ** 2
    east = _EQUATOR_RADIUS_M / math.sqrt(curvature) * math.cos(latitude)
    return east, _EQUATOR_RADIUS_M * (1 - _ECCENTRICITY_SQUARED) / curvature**1.5


def _spectrum(wavelength: str | None, width: str | None, units: str) -> tuple[float | None, float | None]:
    """Return centre and width in nanometres; None for what is missing or cannot be one."""
    centre = _number(wavelength)
    if centre is None or (units and units != "unknown" and units not in _NANOMETRES):
        return None, None
    low, high = WAVELENGTH_RANGE_NM
    # without a unit the ranges tell: 0.2 to 20 can only be micrometres, 200 to 20 000 only nanometres
    factor = _NANOMETRES.get(units, 1000.0 if centre < low else 1.0)
    centre_nm = round(centre * factor, 6)
    if not low <= centre_nm <= high:
        return None, None
    span = _number(width)
    span_nm = None if span is None else round(span * factor, 6)
    if span_nm is not None and not BANDWIDTH_RANGE_NM[0] <= span_nm <= min(BANDWIDTH_RANGE_NM[1], 2 * centre_nm):
        span_nm = None
    return centre_nm, span_nm


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None
