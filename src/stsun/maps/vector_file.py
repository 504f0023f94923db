"""Files of polygons that appear whole or not at all, and are the same bytes for the same polygons."""

import json
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rasterio.crs import CRS

from stsun.errors import RasterError
from stsun.extras import extra_package
from stsun.raster.whole import appearing
from stsun.raster.writer import check_free

DRIVERS = {".gpkg": "GPKG", ".parquet": "Parquet", ".geojson": "GeoJSON"}
"""Suffix -> format."""

_REPEATABLE = {
    # a GeoPackage says when it was changed; the same map must make the same file
    "OGR_CURRENT_DATE": "1970-01-01T00:00:00.000Z",
    # built in a second thread, the spatial index depends on how the threads take turns
    "OGR_GPKG_ALLOW_THREADED_RTREE": "NO",
}


_PACKAGES = ("shapely", "pyarrow", "pyogrio", "pyproj")
"""The extra ``vector``."""

_LONGEST = 200
"""Characters of another library's error that are passed on."""


def vector_package(name: str) -> Any:
    """Return a package of the extra ``vector``.

    Raises:
        ConfigurationError: It is not installed.
    """
    return extra_package(name, "vector", "polygons")


def check_vector_target(path: Path, *, overwrite: bool) -> None:
    """Refuse a path that cannot become a file of polygons, before any work is done.

    Raises:
        RasterError: The suffix is of no format that is written, the path is a folder, a file is there and may not be
            replaced, or another program has it open.
        ConfigurationError: The extra ``vector`` is not installed.
    """
    if path.suffix.lower() not in DRIVERS:
        raise RasterError(
            f"{path}: polygons are written as GeoPackage, GeoParquet or GeoJSON; expected a name that ends with "
            f"{', '.join(DRIVERS)}"
        )
    check_free(path, tuple(DRIVERS), overwrite=overwrite)
    for ending in ("-wal", "-journal"):
        # SQLite would play the old file's pending changes into the new one
        if (beside := path.with_name(path.name + ending)).exists():
            raise RasterError(
                f"{beside} is there: a program has {path.name} open or left it unfinished; close it first"
            )
    for package in _PACKAGES:
        vector_package(package)


def write_features(
    path: Path, schema: Any, batches: Iterable[Any], crs: CRS | None, *, layer: str | None = None
) -> None:
    """Write polygons to a file whose suffix says the format (see `DRIVERS`).

    Args:
        path: Where; a file that is there is replaced when the new one is complete.
        schema: An Arrow schema whose last column ``geometry`` holds polygons as WKB.
        batches: Arrow record batches of that schema.
        crs: Of the polygons. GeoJSON is in longitude and latitude (RFC 7946), to which they are reprojected.
        layer: What the polygons are called in the file, where the format has a name for them; None: as the file. What
            no name may begin with is left out.

    Raises:
        RasterError: The file cannot be written.
    """
    driver = DRIVERS[path.suffix.lower()]
    source = _Source(batches)
    with appearing(path) as unfinished:
        try:
            if driver == "Parquet":
                _write_parquet(unfinished, schema, source, crs)
            else:
                layer_name = _layer_name(path.stem if layer is None else layer)
                _write_with_gdal(unfinished, driver, layer_name, schema, source, crs)
        except (OSError, RuntimeError) as error:  # of pyogrio, all errors are RuntimeErrors
            source.raise_own()
            raise RasterError(
                f"{path} cannot be written: {_brief(error)}; check the folder, its rights and the free space"
            ) from error


def _brief(error: Exception) -> str:
    """Return the first sentence of an error of another library, without the commands that it gave its database."""
    text = re.sub(r"sqlite3_\w+\(.*\)(?= failed)", "the database", str(error), flags=re.DOTALL)
    first = re.split(r"\n|(?<=\.)\s", text.strip(), maxsplit=1)[0].rstrip(" .:")
    return first if len(first) <= _LONGEST else f"{first[: _LONGEST - 3]}..."


class _Source:
    """Batches on their way through another library, which would turn our own errors into its own."""

    def __init__(self, batches: Iterable[Any]) -> None:
        self._batches = batches
        self._error: Exception | None = None

    def __iter__(self) -> Iterator[Any]:
        try:
            yield from self._batches
        except Exception as error:
            self._error = error
            raise

    def raise_own(self) -> None:
        """Raise what went wrong in the batches, if that is why they ended."""
        if self._error is not None:
            raise self._error


def _layer_name(text: str) -> str:
    """Return a name that GDAL takes for a layer: it refuses some that begin with a special character."""
    return re.sub(r"^\W+", "", text) or "polygons"


def _write_with_gdal(path: Path, driver: str, layer: str, schema: Any, source: _Source, crs: CRS | None) -> None:
    pyarrow, pyogrio = vector_package("pyarrow"), vector_package("pyogrio")
    options = {"RFC7946": "YES"} if driver == "GeoJSON" else {}
    with _settings(pyogrio), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'crs' was not provided")  # nor is there one
        pyogrio.write_arrow(
            pyarrow.RecordBatchReader.from_batches(schema, iter(source)),
            path,
            layer=layer,
            driver=driver,
            geometry_name="geometry",
            geometry_type="Polygon",
            crs=None if crs is None else _wkt(crs),
            **options,
        )


@contextmanager
def _settings(pyogrio: Any) -> Iterator[None]:
    before = {name: pyogrio.get_gdal_config_option(name) for name in _REPEATABLE}
    pyogrio.set_gdal_config_options(_REPEATABLE)
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options(before)


def _write_parquet(path: Path, schema: Any, source: _Source, crs: CRS | None) -> None:
    """Write GeoParquet 1.1 (https://geoparquet.org/releases/v1.1.0): the columns, and what they mean as metadata."""
    shapely, parquet = vector_package("shapely"), vector_package("pyarrow.parquet")
    boxes = []
    with parquet.ParquetWriter(path, schema, compression="zstd") as file:
        for batch in source:
            file.write_batch(batch)
            if batch.num_rows:
                boxes.append(shapely.total_bounds(shapely.from_wkb(batch["geometry"].to_numpy(zero_copy_only=False))))
        column: dict[str, Any] = {
            "encoding": "WKB",
            "geometry_types": ["Polygon"],
            "crs": None if crs is None else vector_package("pyproj").CRS.from_wkt(_wkt(crs)).to_json_dict(),
            "orientation": "counterclockwise",
        }
        if boxes:
            corners = [[float(side) for side in box] for box in zip(*boxes, strict=True)]
            column["bbox"] = [min(corners[0]), min(corners[1]), max(corners[2]), max(corners[3])]
        described = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
        file.add_key_value_metadata({"geo": json.dumps(described)})


def _wkt(crs: CRS) -> str:
    return str(crs.to_wkt(version="WKT2_2019"))
