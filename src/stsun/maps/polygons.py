"""Polygons of finished maps: what stands where, since when, how large it is, and how sure the network was."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.transform import Affine

from stsun.errors import ConfigurationError, RasterError
from stsun.maps.regions import regions
from stsun.maps.vector_file import DRIVERS, check_vector_target, vector_package, write_features
from stsun.raster.covering import LONGITUDE_LATITUDE
from stsun.raster.grid import Grid, difference, name, reproject
from stsun.raster.opening import opened

_BATCH = 20_000
"""So many polygons are geometries at a time."""

_COMMON = ("start", "end", "area_m2", "mean_confidence", "geometry")

_CHORD_PIXELS = 100.0
"""GeoJSON: longer edges get points between, for a straight edge is not straight in longitude and latitude. The rest
deviates by less than a twentieth of a pixel up to a pixel size of 250 m."""


@dataclass(frozen=True)
class PolygonLayer:
    """One band of a map whose regions become polygons.

    Args:
        raster: A GeoTIFF of uint8 or uint16.
        band: Its band, from 1.
        attributes: Pixel value -> columns, such as ``{3: {"category": "water"}}`` or
            ``{7: {"from": "forest", "to": "building"}}``. Values that are not listed make no polygon.
        start: First day of the period, ISO 8601; None = unknown.
        end: Last day of the period.
        confidence: A GeoTIFF of uint8 on the same grid, with a scale in the file; None = unknown.
        confidence_band: Its band, from 1.
    """

    raster: Path
    band: int
    attributes: Mapping[int, Mapping[str, str]]
    start: str | None
    end: str | None
    confidence: Path | None
    confidence_band: int = 1


def write_polygons(
    path: Path,
    layers: Sequence[PolygonLayer],
    *,
    min_area_m2: float = 0.0,
    layer: str | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int], object] | None = None,
) -> int:
    """Write the regions of maps as polygons and return their number.

    A region is what is connected over pixels' sides; it is one polygon however many tiles of the file it lies in. The
    columns are those of ``attributes``, then ``start``, ``end``, ``area_m2`` (the sum of its pixels' areas on the
    ground, see `stsun.maps.areas`), ``mean_confidence`` (the mean over those of its pixels that have one, 0 to 1;
    null where none has) and the geometry. Layers come in the order given, regions about in that of the rows where they
    end. The same maps give the same bytes.

    The suffix says the format: ``.gpkg``, ``.parquet`` (GeoParquet), or ``.geojson`` (RFC 7946: longitude and latitude,
    cut at the antimeridian). Maps without a CRS give polygons in the raster's own coordinates (columns and rows where
    it has no transform), null as area, and no GeoJSON; nor do maps with a CRS that is not of the globe.

    Maps are read strip by strip from the top; regions that are complete are written and forgotten. So memory grows with
    a strip and with the outlines of regions that go on below it, not with the raster. Needs the extra ``vector``.

    Args:
        path: The file to write; missing folders are made.
        layers: Bands of maps; all have one CRS.
        min_area_m2: Smaller polygons are left out.
        layer: What the polygons are called in a GeoPackage or GeoJSON; None: as the file, without its suffix.
        overwrite: Replace a file that is there.
        progress: Called with the numbers of layers done and in all.

    Raises:
        RasterError: A file cannot be read or written, or maps do not fit one another or their confidence.
        ConfigurationError: The extra is not installed, or attributes cannot be columns, or the least area is none.
    """
    check_vector_target(path, overwrite=overwrite)
    check_least_area(min_area_m2)
    crs = _common_crs(layers)
    check_crs(path, crs, min_area_m2)
    schema, written = _schema(layers), 0

    def batches() -> Iterator[Any]:
        nonlocal written
        for done, source in enumerate(layers, start=1):
            for batch in _batches(source, schema, min_area_m2, flat=path.suffix.lower() != ".geojson"):
                written += batch.num_rows
                yield batch
            if progress is not None:
                progress(done, len(layers))

    write_features(path, schema, batches(), crs, layer=layer)
    return written


def check_crs(path: Path, crs: CRS | None, min_area_m2: float) -> None:
    """Refuse a file of polygons that needs to know where its maps lie, if nobody does.

    Args:
        path: The file.
        crs: Of the maps.
        min_area_m2: Smaller polygons shall be left out.

    Raises:
        RasterError: GeoJSON of maps without a CRS on the globe.
        ConfigurationError: A least area of maps without a CRS.
    """
    if DRIVERS[path.suffix.lower()] == "GeoJSON":
        try:
            reproject(np.zeros(1), np.zeros(1), crs, LONGITUDE_LATITUDE)
        except RasterError as error:
            raise RasterError(
                f"{path}: GeoJSON is in longitude and latitude, but the CRS of the maps is {name(crs)}; give the "
                "images a CRS on the globe (for example with GDAL's gdal_edit -a_srs), or write .gpkg or .parquet"
            ) from error
    if crs is None and min_area_m2 > 0:
        raise ConfigurationError(
            f"a least area of {min_area_m2:g} m² was asked for, but the maps have no CRS, so that areas are unknown; "
            "leave it out"
        )


def check_least_area(min_area_m2: float) -> None:
    """Refuse a least area that is none.

    Raises:
        ConfigurationError: It is no number from 0 on.
    """
    number = isinstance(min_area_m2, Real) and not isinstance(min_area_m2, bool)
    if not number or not 0 <= min_area_m2 < math.inf:
        raise ConfigurationError(
            f"the least area of a polygon is {min_area_m2!r}; expected square metres, 0 or more, such as 400.0"
        )


def _common_crs(layers: Sequence[PolygonLayer]) -> CRS | None:
    """Return the CRS of all layers, having looked at all of their files."""
    if not layers:
        raise ConfigurationError("no map to make polygons of; give at least one layer")
    found = []
    for layer in layers:
        with opened(layer.raster) as dataset:
            if not 1 <= layer.band <= dataset.count or dataset.dtypes[layer.band - 1] not in ("uint8", "uint16"):
                raise RasterError(
                    f"{layer.raster}, band {layer.band}: expected a band of uint8 or uint16, found {dataset.count} "
                    f"bands of {', '.join(sorted(set(dataset.dtypes)))}; give a map of categories or changes"
                )
            found.append(_grid(dataset))
        if layer.confidence is not None:
            with opened(layer.confidence) as dataset:
                differs = difference(found[-1], _grid(dataset))
            if differs:
                raise RasterError(
                    f"{layer.raster} and its confidence {layer.confidence} do not lie on one grid: {differs}; "
                    "give the confidence that was written with the map"
                )
    for layer, grid in zip(layers, found, strict=True):
        if grid.crs != found[0].crs:
            raise RasterError(
                f"{layers[0].raster} has the CRS {name(found[0].crs)} and {layer.raster} {name(grid.crs)}, but a file "
                "of polygons has one; write two files, or bring the maps to one CRS"
            )
    return found[0].crs


def _grid(dataset: Any) -> Grid:
    return Grid(dataset.crs, dataset.transform, dataset.height, dataset.width)


def _schema(layers: Sequence[PolygonLayer]) -> Any:
    """Return the Arrow schema of all layers: their attributes in order of appearance, then what all have."""
    columns = dict.fromkeys(key for layer in layers for entry in layer.attributes.values() for key in entry)
    taken = [column for column in columns if column.lower() in (*_COMMON, "fid")]
    if taken or not columns:
        raise ConfigurationError(
            f"attributes name the columns {', '.join(columns) or '(none)'}; expected at least one, and none called "
            f"{', '.join(_COMMON)} or fid; for example {{3: {{'category': 'water'}}}}"
        )
    pyarrow = vector_package("pyarrow")
    kinds = {"area_m2": pyarrow.float64(), "mean_confidence": pyarrow.float64(), "geometry": pyarrow.binary()}
    return pyarrow.schema([(column, kinds.get(column, pyarrow.string())) for column in (*columns, *_COMMON)])


def _batches(layer: PolygonLayer, schema: Any, min_area_m2: float, *, flat: bool) -> Iterator[Any]:
    """Yield the polygons of one layer as record batches; with ``flat`` long edges stay as they are."""
    shapely = vector_package("shapely")
    with opened(layer.raster) as dataset:
        transform = dataset.transform
    texts = {"start": layer.start, "end": layer.end}
    for found in regions(layer.raster, layer.band, layer.attributes, layer.confidence, layer.confidence_band):
        large = np.flatnonzero(~(found.areas_m2 < min_area_m2))  # what is not known is not too small
        for first in range(0, len(large), _BATCH):
            chosen = large[first : first + _BATCH]
            geometries = placed(found.polygons[chosen], transform)
            if not flat:
                geometries = shapely.segmentize(geometries, _CHORD_PIXELS * np.sqrt(abs(transform.determinant)))
            columns = {
                "area_m2": found.areas_m2[chosen],
                "mean_confidence": found.confidences[chosen],
                "geometry": shapely.to_wkb(geometries),
            }
            entries = [layer.attributes[value] for value in found.values[chosen].tolist()]
            yield _record(schema, columns, entries, texts)


def _record(
    schema: Any, columns: Mapping[str, Any], entries: Sequence[Mapping[str, str]], texts: Mapping[str, str | None]
) -> Any:
    pyarrow = vector_package("pyarrow")
    arrays = []
    for field in schema:
        values = columns.get(field.name)
        told = [entry.get(field.name, texts.get(field.name)) for entry in entries] if values is None else values
        arrays.append(pyarrow.array(told, field.type, from_pandas=True))
    return pyarrow.record_batch(arrays, schema=schema)


def placed(polygons: NDArray[Any], transform: Affine) -> Any:
    """Return polygons in columns and rows as ones in world coordinates, each ring from a fixed point on.

    Outer rings go counter-clockwise.

    Args:
        polygons: Shapely polygons.
        transform: From pixel (column, row) to world coordinates.
    """
    shapely = vector_package("shapely")

    def world(places: NDArray[np.float64]) -> NDArray[np.float64]:
        column, row = places.T
        x = transform.a * column + transform.b * row + transform.c
        y = transform.d * column + transform.e * row + transform.f
        return np.stack([x, y], axis=1)

    return shapely.reverse(shapely.normalize(shapely.transform(polygons, world)))  # GEOS's normal form is clockwise
