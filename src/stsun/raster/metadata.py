"""What a raster's tags say: bands, acquisition day and pixel size. Pure functions: tags in, values out."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from rasterio._err import CPLE_BaseError
from rasterio.errors import RasterioError
from rasterio.warp import transform as transform_points

from stsun.bands import TOKENS, WAVELENGTH_RANGE_NM, Band
from stsun.errors import ConfigurationError

YEARS = (1850, 2200)
"""An image of another year is none: its date is a slip of the pen, or stands for 'unknown'."""

DAY_TAGS = (
    "acquisition_date", "acquisition_datetime", "acquisitiondatetime", "date_acquired", "sensing_time", "datetime",
)  # fmt: skip
"""File tags that say when the image was taken. TIFFTAG_DATETIME is not among them: it is when the file was written."""

RADAR_NM = 1e6
"""From a millimetre on a wavelength is a radar's, whose bands are known by their tokens."""

_NANOMETRES = {
    "nm": 1.0, "nanometer": 1.0, "nanometers": 1.0, "nanometre": 1.0, "nanometres": 1.0,
    "um": 1000.0, "µm": 1000.0, "μm": 1000.0, "micron": 1000.0, "microns": 1000.0, "micrometer": 1000.0,
    "micrometers": 1000.0, "micrometre": 1000.0, "micrometres": 1000.0,
}  # fmt: skip
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:.*)?|\d{8}(T\d{4,6}.*)?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EQUATOR_RADIUS_M, _ECCENTRICITY_SQUARED = 6_378_137.0, 0.00669437999014


def parse_day(text: str) -> float | None:
    """Return days since 1970-01-01 UTC for an ISO day, with or without a time, or None for anything else.

    Raises:
        ConfigurationError: The year is implausible.
    """
    text = text.strip()
    if not _DAY.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    check_year(moment.year, text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH).total_seconds() / 86_400


def check_year(year: int, text: str) -> None:
    """Refuse a year that no image is of.

    Raises:
        ConfigurationError: It is outside ``YEARS``; ``text`` is the date as it was written.
    """
    if not YEARS[0] <= year <= YEARS[1]:
        raise ConfigurationError(
            f"the date {text!r} is outside the years {YEARS[0]} to {YEARS[1]}; correct it, or leave it out if it is "
            "not known"
        )


def moment_text(day: float) -> str:
    """Return days since 1970-01-01 UTC as an ISO day, with the time of day where there is one."""
    moment = _EPOCH + timedelta(seconds=round(day * 86_400))
    return moment.date().isoformat() if day == math.floor(day) else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def day_of(tags: Mapping[str, str], imagery: Mapping[str, str]) -> float | None:
    """Return the acquisition day that a raster's tags tell, in days since 1970-01-01 UTC, or None.

    Args:
        tags: The file's own tags.
        imagery: Its tags in GDAL's IMAGERY domain.

    Raises:
        ConfigurationError: A tag is an ISO day of an implausible year.
    """
    lower = {key.lower(): value for source in (imagery, tags) for key, value in source.items()}
    days = (parse_day(lower[tag]) for tag in DAY_TAGS if tag in lower)
    return next((day for day in days if day is not None), None)


def band_of(tags: Mapping[str, str], imagery: Mapping[str, str], description: str | None) -> Band | None:
    """Return the band that one band's tags tell, or None where they do not say what it measures.

    A band is known by a wavelength tag, or by a description that is a named token (``VV``, ``NDVI``). A wavelength
    in a unit that is no length (``GHz``, ``Index``), or that is no number, says nothing; nor does that of a radar.

    Args:
        tags: The band's own tags: ``wavelength``, ``fwhm`` and ``wavelength_units``.
        imagery: Its tags in GDAL's IMAGERY domain: ``CENTRAL_WAVELENGTH_UM`` and ``FWHM_UM``.
        description: The band's description, which becomes its name.

    Raises:
        ConfigurationError: The tags tell a wavelength or width that cannot be one.
    """
    lower = {key.lower(): value for key, value in tags.items()}
    name = (description or "").strip()
    token = name.lower().replace(" ", "_")
    for said in (
        (lower.get("wavelength"), lower.get("fwhm"), lower.get("wavelength_units", "").strip()),
        (imagery.get("CENTRAL_WAVELENGTH_UM"), imagery.get("FWHM_UM"), "um"),
    ):
        wavelength_nm, width_nm = _spectrum(*said)
        if wavelength_nm is not None and not (token in TOKENS and wavelength_nm >= RADAR_NM):
            return _plausible(name or f"{wavelength_nm:g} nm", wavelength_nm, width_nm, said)
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
    except (CPLE_BaseError, RasterioError, ValueError):
        return None
    return across * unit, down * unit


def _metres_per_radian(latitude: float) -> tuple[float, float]:
    """Return metres per radian of longitude and of latitude, at a latitude in radians."""
    curvature = 1 - _ECCENTRICITY_SQUARED * math.sin(latitude) ** 2
    east = _EQUATOR_RADIUS_M / math.sqrt(curvature) * math.cos(latitude)
    return east, _EQUATOR_RADIUS_M * (1 - _ECCENTRICITY_SQUARED) / curvature**1.5


def _plausible(
    name: str, wavelength_nm: float, width_nm: float | None, said: tuple[str | None, str | None, str]
) -> Band:
    try:
        return Band(name, wavelength_nm, width_nm)
    except ConfigurationError as problem:
        width = "" if said[1] is None else f", width {said[1]}"
        raise ConfigurationError(
            f"the tags say wavelength {said[0]}{width} ({said[2] or 'without a unit'}): {problem}; "
            "correct the tags or their unit (wavelength_units)"
        ) from problem


def _spectrum(wavelength: str | None, width: str | None, unit: str) -> tuple[float | None, float | None]:
    """Return centre and width in nanometres as told, plausible or not; None for what is not told."""
    centre, span, unit = _number(wavelength), _number(width), unit.lower()
    if centre is None or (unit and unit != "unknown" and unit not in _NANOMETRES):
        return None, None
    # without a unit the ranges tell: 0.2 to 20 can only be micrometres, 200 to 20 000 only nanometres
    factor = _NANOMETRES.get(unit, 1000.0 if centre < WAVELENGTH_RANGE_NM[0] else 1.0)
    return round(centre * factor, 6), None if span is None else round(span * factor, 6)


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return None if math.isnan(value) else value
