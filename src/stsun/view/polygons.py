"""Polygons for the page: GeoJSON in degrees on its map, from the formats that predictions are written in."""

import json
import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.crs import CRS
from rasterio.errors import CRSError

from stsun.errors import RasterError
from stsun.maps.vector_file import vector_package
from stsun.raster.grid import reproject
from stsun.view.frames import PIXEL_M, mercator

MOST = 50_000
"""Polygons that are shown: of more the largest, of GeoJSON the first."""

LARGEST_FILE = 500_000_000
STARTS = {".gpkg": b"SQLite format 3\0", ".parquet": b"PAR1"}
"""How a file of a format begins: GDAL would open others by their contents, whatever their name."""

GEOPACKAGE = slice(68, 72), (b"GPKG", b"GP10", b"GP11")
"""Where a GeoPackage says that it is one: other databases are opened by drivers that can do more."""

DECIMALS = 7
"""About a centimetre."""


def polygons(path: Path, *, flat: bool) -> dict[str, Any]:
    """Return a GeoJSON FeatureCollection, with ``total``: the number of polygons in the file.

    Args:
        path: A .geojson, .gpkg or .parquet file.
        flat: Coordinates are columns and rows of rasters without a place on the earth (see `stsun.view.frames`).

    Raises:
        RasterError: The file cannot be read, is too large, or is no such file.
        ConfigurationError: The extra ``vector`` is missing.
    """
    suffix = path.suffix.lower()
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(100)
    except OSError as problem:
        raise RasterError(f"{path}: cannot be opened ({problem.strerror}); check who may read it") from problem
    if size > LARGEST_FILE:
        raise RasterError(f"{path}: has {size} bytes, expected at most {LARGEST_FILE}; leave out small polygons")
    own = suffix != ".gpkg" or start[GEOPACKAGE[0]] in GEOPACKAGE[1]
    if not own or not start.startswith(STARTS.get(suffix, b"")):
        raise RasterError(f"{path}: is no {suffix[1:]} file, though its name says so; convert it")
    if suffix == ".geojson":
        return _from_text(path)
    content, crs = _READERS[suffix](path)
    return _from_table(content, None if flat else crs)


def _from_text(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        features = [
            _feature(one["geometry"], one.get("properties") or {})
            for one in content["features"]
            if _is_drawn(one["geometry"])
        ]
    except (OSError, ArithmeticError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise RasterError(f"{path}: is no GeoJSON of polygons that can be read ({problem!r:.100})") from problem
    return _collection(features, len(features))


def _is_drawn(geometry: dict[str, Any] | None) -> bool:
    """Return whether a geometry is one or more polygons whose coordinates are all finite."""
    if geometry is None or geometry["type"] not in ("Polygon", "MultiPolygon"):
        return False
    parts = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    return all(np.isfinite(np.asarray(ring, float)).all() for part in parts for ring in part)


def _read_geopackage(path: Path) -> tuple[Any, CRS | None]:
    pyogrio, shapely = vector_package("pyogrio"), vector_package("shapely")
    try:
        about, table = pyogrio.read_arrow(path)
    except (RuntimeError, OSError, ValueError) as problem:
        raise RasterError(f"{path}: cannot be read ({str(problem)[:200]}); write it again") from problem
    name = about["geometry_name"] or "wkb_geometry"
    geometry = shapely.from_wkb(table[name].to_numpy(zero_copy_only=False))
    return (geometry, table.drop_columns([name])), _crs(about["crs"])


def _read_parquet(path: Path) -> tuple[Any, CRS | None]:
    parquet, shapely = vector_package("pyarrow.parquet"), vector_package("shapely")
    try:
        metadata = parquet.read_metadata(path)
        unpacked = sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
        if unpacked > LARGEST_FILE:
            raise ValueError(f"{unpacked} bytes unpacked, expected at most {LARGEST_FILE}")
        table = parquet.read_table(path)
        described = json.loads(metadata.metadata[b"geo"])
        name = described["primary_column"]
        crs = described["columns"][name].get("crs", "OGC:CRS84")
        geometry = shapely.from_wkb(table[name].to_numpy(zero_copy_only=False))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise RasterError(f"{path}: is no GeoParquet that can be read ({str(problem)[:200]})") from problem
    return (geometry, table.drop_columns([name])), _crs(json.dumps(crs) if isinstance(crs, dict) else crs)


_CRS = re.compile(r"(EPSG|OGC|ESRI|IAU\w*):[\w.]+$|\s*(\{|[A-Z0-9_]+\[)")
_READERS = {".gpkg": _read_geopackage, ".parquet": _read_parquet}


def _from_table(content: tuple[Any, Any], crs: CRS | None) -> dict[str, Any]:
    shapely = vector_package("shapely")
    geometry, table = content
    order = np.argsort(-shapely.area(geometry), kind="stable")[:MOST]
    placed = shapely.transform(geometry[order], lambda points: _degrees(points, crs))
    rows = table.take(order).to_pylist() or [{}] * len(order)  # without a column of its own, a table has no rows
    features = [
        _feature(drawn, row)
        for shape, row in zip(placed, rows, strict=True)
        if shape is not None and _is_drawn(drawn := json.loads(shapely.to_geojson(shape)))
    ]
    return _collection(features, len(geometry))


def _degrees(points: np.ndarray[Any, Any], crs: CRS | None) -> np.ndarray[Any, Any]:
    """Return longitude and latitude ``N 2`` of coordinates, or of pixels where there is no CRS."""
    x, y = points[:, 0], points[:, 1]
    if crs is None:
        x, y, crs = x * PIXEL_M, -y * PIXEL_M, mercator()
    return np.stack(reproject(x, y, crs, CRS.from_epsg(4326)), axis=1).round(DECIMALS)


def _crs(text: str | None) -> CRS | None:
    """Return the CRS that a file names by code, WKT or PROJJSON; an address or a path would be followed."""
    if not isinstance(text, str) or not _CRS.match(text):
        return None
    try:
        return CRS.from_user_input(text)
    except CRSError:
        return None


def _feature(geometry: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    shape = {"type": geometry["type"], "coordinates": geometry["coordinates"]}
    return {"type": "Feature", "geometry": shape, "properties": _plain(row)}


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return what a polygon says of itself, as texts and numbers."""
    return {
        str(key): value if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)) else str(value)
        for key, value in row.items()
        if value is not None
    }


def _collection(features: Iterable[dict[str, Any]], total: int) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)[:MOST], "total": total}
