"""Areas on the ground: how much a pixel of each row covers.

Where a pixel lies between two parallels and two meridians (coordinates in degrees, Mercator projections such as that
of web maps, equidistant cylindrical ones), its area is that part of the ellipsoid's zone between the parallels (Snyder
1987, Map Projections: A Working Manual, equation 3-12). Elsewhere it is the area in the projection, which is true for
equal-area ones, within about 0.2 % for UTM inside its zone, and several per cent off for polar stereographic ones far
from their true parallel.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.transform import Affine
from rasterio.warp import transform as transform_points


def pixel_areas_m2(
    crs: CRS | None, transform: Affine, first_row: int, rows: int, width: int
) -> NDArray[np.float64] | None:
    """Return the area on the ground of one pixel of each row, ``rows``, in square metres; None without a CRS.

    All pixels of a row are taken to be alike. In a rotated grid of degrees, or of a cylindrical projection, where they
    are not, it is the area of the row's middle.

    Args:
        crs: The raster's coordinate reference system.
        transform: From pixel (column, row) to world coordinates.
        first_row: Number of the first row.
        rows: How many rows.
        width: Of the raster, in pixels.
    """
    if crs is None:
        return None
    described = crs.to_dict(projjson=True)
    square = abs(transform.a * transform.e - transform.b * transform.d)
    if not crs.is_geographic and not _is_cylindrical(described):
        return np.full(rows, square * _metres_per_unit(crs) ** 2)
    centres = first_row + np.arange(rows) + 0.5
    x = transform.a * width / 2 + transform.b * centres + transform.c
    y = transform.d * width / 2 + transform.e * centres + transform.f
    tall = max(abs(transform.d), abs(transform.e))
    corners = (x - square / tall / 2, y - tall / 2), (x + square / tall / 2, y + tall / 2)
    (west, south), (east, north) = [_radians(crs, *corner) for corner in corners]
    major, eccentricity2 = _ellipsoid(described)
    zone = np.abs(_zone(north, eccentricity2) - _zone(south, eccentricity2))
    wide = np.where(east > west, east - west, east - west + 2 * np.pi)  # across the antimeridian
    return major**2 * wide * zone


def counts_by_row(values: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    """Return how often each row of ``values`` (``h W``, 0 to ``number - 1``) holds each value, ``h number``."""
    rows = np.arange(len(values))[:, None]
    return np.bincount((values + rows * number).ravel(), minlength=len(values) * number).reshape(-1, number)


def _is_cylindrical(described: Mapping[str, Any]) -> bool:
    name = str((_find(described, "method") or {}).get("name", "")).lower()
    if "transverse" in name or "oblique" in name:
        return False
    return any(word in name for word in ("mercator", "equidistant cylindrical", "miller cylindrical"))


def _metres_per_unit(crs: CRS) -> float:
    try:
        return float(crs.linear_units_factor[1])
    except CRSError:  # a local system that names no unit
        return 1.0


def _radians(crs: CRS, x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Return longitude and latitude; beyond a pole there is no ground, so that the latitude stops there."""
    if crs.is_geographic:
        unit = crs.units_factor[1]
        return x * unit, np.clip(y * unit, -np.pi / 2, np.pi / 2)
    longitude, latitude = transform_points(crs, CRS.from_epsg(4326), x, y)
    return np.radians(longitude), np.radians(latitude)


def _ellipsoid(described: Mapping[str, Any]) -> tuple[float, float]:
    """Return the semi-major axis in metres and the squared eccentricity of a CRS in PROJJSON."""
    found = _find(described, "ellipsoid") or {"semi_major_axis": 6378137.0, "inverse_flattening": 298.257223563}
    if "radius" in found:
        return _metres(found["radius"]), 0.0
    major = _metres(found["semi_major_axis"])
    if "semi_minor_axis" in found:
        return major, 1 - (_metres(found["semi_minor_axis"]) / major) ** 2
    flattening = 1 / found["inverse_flattening"]
    return major, flattening * (2 - flattening)


def _metres(length: Any) -> float:
    if isinstance(length, Mapping):  # a number with a unit, told where that is not the metre
        return float(length["value"]) * float(length["unit"]["conversion_factor"])
    return float(length)


def _find(described: Any, key: str) -> Any:
    """Return the first entry of that name at any depth: bound and compound systems hold theirs inside."""
    if isinstance(described, Mapping):
        if key in described:
            return described[key]
        described = list(described.values())
    if isinstance(described, list):
        return next((found for part in described if (found := _find(part, key)) is not None), None)
    return None


def _zone(latitude: NDArray[np.float64], eccentricity2: float) -> NDArray[np.float64]:
    """Return the area from the equator to a latitude, per radian of longitude, for a semi-major axis of 1."""
    sine = np.sin(latitude)
    if eccentricity2 == 0:
        return sine
    e = np.sqrt(eccentricity2)
    return (1 - eccentricity2) / 2 * (sine / (1 - eccentricity2 * sine**2) + np.arctanh(e * sine) / e)
