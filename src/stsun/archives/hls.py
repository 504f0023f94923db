"""Harmonized Landsat Sentinel-2 (HLS) 2.0 as folders of single-band GeoTIFFs.

Source: NASA, Harmonized Landsat Sentinel-2 Product User Guide, version 2.0: names, scale 0.0001, fill value -9999;
brightness temperature of L30 in degrees Celsius at scale 0.01.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from stsun.archives.acquisition import Acquisition, BandFile, CloudMask
from stsun.archives.selection import Candidate, select
from stsun.bands import Band, reflective
from stsun.errors import RasterError
from stsun.raster.metadata import parse_day
from stsun.sensors import sensor

SENSORS = {"L30": "landsat-8-toa", "S30": "sentinel-2-l1c"}
"""Product -> sensor of the catalogue that has all its bands; Landsat 9 has the bands of Landsat 8."""

SCALE, NODATA = 1e-4, -9999.0
CELSIUS_SCALE, CELSIUS_ZERO_K = 0.01, 273.15

_FILE = re.compile(r"(HLS\.(L30|S30)\.T\w{5}\.(\d{7})T(\d{6})\.v\d+\.\d+)\.(B\d[\dA]|Fmask)\.tiff?", re.IGNORECASE)


def is_hls(folder: Path) -> bool:
    """Return whether a folder holds files named as those of HLS."""
    return any(_FILE.fullmatch(path.name) and path.is_file() for path in folder.iterdir())


def open_hls(folder: Path, only: Sequence[str] | None = None) -> list[Acquisition]:
    """Return the granules of a folder, the earliest first.

    Args:
        folder: The folder of one granule's files, or of several.
        only: The bands to take, by name (``B04``, ``B4``) or common name (``red``); None = all.

    Raises:
        RasterError: A name tells no day, or there is no band.
        ConfigurationError: A band asked for is not there.
    """
    granules: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.iterdir()):
        match = _FILE.fullmatch(path.name)
        if match is not None and path.is_file():
            granules.setdefault(match[1], {})[match[5].upper()] = path
    taken = [_acquisition(folder, name, files, only) for name, files in granules.items()]
    return sorted(taken, key=lambda acquisition: acquisition.day)


def _acquisition(folder: Path, name: str, files: dict[str, Path], only: Sequence[str] | None) -> Acquisition:
    catalogue, notes, candidates = sensor(SENSORS[name.split(".")[1].upper()]), [], []
    for band, common in zip(catalogue.bands, catalogue.common_names, strict=True):
        # HLS writes the numbers of Landsat's bands with two digits, too
        path = files.get(band.name if len(band.name) == 3 else f"B0{band.name[1:]}")
        if path is not None:
            candidates.append(Candidate(_band_file(path, band), (common,) if common else ()))
    if not candidates:
        raise RasterError(f"{folder / name}: holds no band, only {', '.join(files)}; fetch the granule's B*.tif files")
    bands = select(str(folder / name), candidates, only)
    if "FMASK" not in files:
        notes.append(f"clouds are not masked, there is no {name}.Fmask.tif")
    mask = CloudMask(str(files["FMASK"]), 1, "fmask") if "FMASK" in files else None
    return Acquisition(name, _day(folder, name), bands, mask, tuple(notes))


def _band_file(path: Path, band: Band) -> BandFile:
    if reflective(band):
        return BandFile(str(path), 1, band, SCALE, 0.0, NODATA)
    return BandFile(str(path), 1, band, CELSIUS_SCALE, CELSIUS_ZERO_K, NODATA)


def _day(folder: Path, name: str) -> float:
    text = name.split(".")[3]
    try:
        day = parse_day(datetime.strptime(text, "%Y%jT%H%M%S").isoformat())
    except ValueError:
        day = None
    if day is None:
        raise RasterError(f"{folder / name}: {text} is no year, day of the year and time; correct the name")
    return day
