"""Simulated scenes as files: one GeoTIFF per date, which says all that a reader needs to know."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.transform import Affine

from stsun.bands import Band
from stsun.data.sample import Sample
from stsun.errors import DataError
from stsun.raster.grid import Grid
from stsun.raster.writer import Layer, create
from stsun.simulation.days import date_of
from stsun.simulation.field import Window
from stsun.simulation.sensor import STEPS, kind_of

EPSG, EPSG_SOUTH = 32633, 32733
CORNER_M = (500_000.0, 5_800_000.0)
"""Where simulated worlds lie: UTM zone 33 north, easting and northing of the upper left corner."""

NODATA = -32768


def grid_of(sample: Sample) -> Grid:
    """Return the grid that a simulated sample lies on.

    Raises:
        DataError: The sample's GSD is not known.
    """
    gsd_m = sample.configuration.gsd_m
    if gsd_m is None:
        raise DataError(
            f"sample {sample.id!r} has no GSD, so that it has no place on a map; give its configuration one"
        )
    return grid_of_window(Window(0.0, 0.0, *sample.size, gsd_m))


def grid_of_window(window: Window, *, south: bool = False) -> Grid:
    """Return where a window of a simulated world lies on the map: its origin is a corner in UTM zone 33."""
    left, top = CORNER_M[0] + window.x_m, CORNER_M[1] - window.y_m
    transform = Affine(window.gsd_m, 0.0, left, 0.0, -window.gsd_m, top)
    return Grid(CRS.from_epsg(EPSG_SOUTH if south else EPSG), transform, *window.shape)


def write_scene(sample: Sample, folder: Path, name: str) -> list[Path]:
    """Write each date as a GeoTIFF ``<name>_<number>.tif`` and return the paths, in the order of the dates.

    The files tell CRS, wavelengths and widths, the acquisition day, scale and nodata. 8-bit pictures are stored as
    such, reflectance as integers of 1e-4, radar as integers of 0.01 dB; files of these names are replaced.

    Raises:
        DataError: The sample's GSD is not known.
        RasterError: The folder cannot be written.
    """
    grid, bands = grid_of(sample), sample.configuration.bands_of_dates(len(sample.images))
    paths = []
    for date, image in enumerate(sample.images):
        path = folder / f"{name}_{date + 1}.tif"
        picture = _is_picture(image, sample.valid[date])
        layers = [layer_of(band, picture=picture) for band in bands[date]]
        scales = np.array([layer.scale for layer in layers])[:, None, None]
        stored = np.where(sample.valid[date], np.rint(image / scales), NODATA)
        dtype, nodata = ("uint8", None) if picture else ("int16", NODATA)
        tags = day_tag(float(sample.days[date]))
        with create(path, grid, layers, dtype=dtype, nodata=nodata, tags=tags, overwrite=True) as write_rows:
            write_rows(0, stored.astype(dtype))
        paths.append(path)
    return paths


def _is_picture(image: NDArray[np.float32], valid: NDArray[np.bool_]) -> bool:
    """Return whether 8 bit hold the image without loss: nothing missing, and only multiples of 1/255."""
    return bool(
        valid.all() and 0 <= image.min() and image.max() <= 1 and np.allclose(image * 255, np.rint(image * 255))
    )


def layer_of(band: Band, *, picture: bool = False) -> Layer:
    """Return how a band is stored: in the step of its kind, or in 8 bit; its wavelength and width as tags."""
    scale = 1 / 255 if picture else STEPS[kind_of(band)]
    if band.wavelength_nm is None:
        return Layer(band.name, scale=scale)
    tags = {"wavelength": f"{band.wavelength_nm:.10g}", "wavelength_units": "Nanometers"}
    if band.bandwidth_nm is not None:
        tags["fwhm"] = f"{band.bandwidth_nm:.10g}"
    return Layer(band.name, tags=tags, scale=scale)


def day_tag(day: float) -> dict[str, str]:
    """Return the tag that tells an acquisition day; none if it is not known."""
    return {} if np.isnan(day) else {"ACQUISITION_DATE": date_of(day).isoformat()}
