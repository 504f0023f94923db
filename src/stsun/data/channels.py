"""What is said of the channels of an image, by the YAML file and by the image itself, and whether both agree."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from stsun.bands import TOKENS, Band, check_bands, describe
from stsun.data.description import BandEntry, Description, SensorEntry
from stsun.errors import ConfigurationError, DataError
from stsun.raster.reader import RasterInfo
from stsun.sensors import sensor

GSD_TOLERANCE = 0.02
WAVELENGTH_TOLERANCE_NM = 1.0
WAVELENGTH_TOLERANCE = 0.001
"""Wavelengths agree within 1 nm or a thousandth: what rounding to micrometres does."""


@dataclass(frozen=True)
class Stored:
    """How one band's values are stored; None where nothing is said."""

    scale: float | None = None
    offset: float | None = None
    nodata: float | None = None


@dataclass(frozen=True)
class Channels:
    """What the YAML file declares for the dates of one sensor.

    Args:
        bands: The bands in file order, or None where the files' tags tell them.
        stored: How each band is stored; one entry for all bands where ``bands`` is None.
        gsd_m: Ground sample distance in metres, or None.
        nominal: Scale and offset of the catalogue's product, for integers of which nobody says more.
    """

    bands: tuple[Band, ...] | None
    stored: tuple[Stored, ...]
    gsd_m: float | None
    nominal: Stored = Stored()

    def stored_of(self, count: int) -> tuple[Stored, ...]:
        """Return how each of ``count`` bands is stored."""
        return self.stored if self.bands is not None else self.stored * count


def declared_channels(entry: Description | SensorEntry, description: Description) -> Channels:
    """Return what a data set declares for all dates, or for the dates of one sensor.

    Raises:
        ConfigurationError: The bands are implausible, or the catalogue has no such sensor.
    """
    common = Stored(description.scale, description.offset, description.nodata)
    gsd_m = description.gsd_m if entry.gsd_m is None else entry.gsd_m
    if entry.bands is None:
        return Channels(None, (common,), gsd_m)
    if isinstance(entry.bands, str):
        known = sensor(entry.bands)
        nominal = Stored(known.scale, known.offset)
        return Channels(known.bands, (common,) * len(known.bands), gsd_m, nominal)
    bands = tuple(Band(one.name, one.wavelength_nm, one.bandwidth_nm) for one in entry.bands)
    check_bands(bands)
    return Channels(bands, tuple(_stored(one, common) for one in entry.bands), gsd_m)


def agreed_bands(path: str, declared: Sequence[Band] | None, info: RasterInfo) -> tuple[Band, ...]:
    """Return the bands of one file: the YAML's, completed by the file's tags; or those of the tags alone.

    Raises:
        DataError: Neither says what a band measures, or both say different wavelengths or widths.
    """
    if declared is None:
        unknown = [str(index) for index, band in zip(info.indexes, info.bands, strict=True) if band is None]
        if unknown:
            raise DataError(
                f"{path}: its tags do not say what band {', '.join(unknown[:8])}{'...' if len(unknown) > 8 else ''} "
                "measures (no wavelength), and the YAML lists no bands; list them under bands, or name a sensor"
            )
        return tuple(band for band in info.bands if band is not None)
    return tuple(_agreed_band(path, mine, theirs) for mine, theirs in zip(declared, info.bands, strict=True))


def agreed_storage(
    path: str, declared: Sequence[Stored], found: Sequence[Stored], nominal: Stored
) -> tuple[list[float], list[float], list[float | None]]:
    """Return scale, offset and nodata of each band of one file.

    The YAML's count where it speaks, else the file's, else the catalogue's. A scale of 1 and an offset of 0 count as
    silent.

    Args:
        path: The file, for messages.
        declared: What the YAML says of each band.
        found: What the file says of each band.
        nominal: The scale and offset of the catalogue's product; empty for values that are physical already.

    Raises:
        DataError: Both speak and disagree.
    """
    scales, offsets, nodata = [], [], []
    for number, (mine, theirs) in enumerate(zip(declared, found, strict=True), start=1):
        band = f"{path}: band {number}"
        scale = _agreed(band, "scale", _spoken(mine.scale, 1.0), _spoken(theirs.scale, 1.0))
        offset = _agreed(band, "offset", _spoken(mine.offset, 0.0), _spoken(theirs.offset, 0.0))
        if scale is None and offset is None and mine.scale is None and mine.offset is None:
            scale, offset = nominal.scale, nominal.offset
        scales.append(1.0 if scale is None else scale)
        offsets.append(0.0 if offset is None else offset)
        nodata.append(_agreed(band, "nodata", mine.nodata, theirs.nodata))
    return scales, offsets, nodata


def agreed_day(path: str, declared: float | None, found: Sequence[float | None]) -> float | None:
    """Return the day of one date: the YAML's, else that of the first of its files that knows its own.

    Raises:
        DataError: The YAML's is the day of none of the files that know theirs.
    """
    known = [day for day in found if day is not None]
    if declared is None or not known:
        return known[0] if known else declared
    if math.floor(declared) not in {math.floor(day) for day in known}:
        raise DataError(
            f"{path}: the date is {iso_day(declared)} in the data set's description, but the file's tag says "
            f"{' and '.join(iso_day(day) for day in known)}; correct the one that is wrong"
        )
    return declared


def agreed_gsd(path: str, declared: float | None, pixel_size_m: tuple[float, float] | None) -> float | None:
    """Return the GSD in metres of one file: the YAML's, else the geometric mean of its pixel's sides.

    Raises:
        DataError: Both are known and differ by more than 2 % on both axes.
    """
    if pixel_size_m is None:
        return declared
    if declared is None:
        # six digits, so that scenes of one product share a configuration in spite of rounding in their transforms
        return float(f"{math.sqrt(pixel_size_m[0] * pixel_size_m[1]):.6g}")
    if all(abs(size / declared - 1) > GSD_TOLERANCE for size in pixel_size_m):
        raise DataError(
            f"{path}: gsd_m is {declared:g} in the data set's description, but the file's pixels are "
            f"{pixel_size_m[0]:.4g} x {pixel_size_m[1]:.4g} m; correct the one that is wrong"
        )
    return declared


def iso_day(day: float) -> str:
    """Return days since 1970-01-01 UTC as an ISO day."""
    return (date(1970, 1, 1) + timedelta(days=math.floor(day))).isoformat()


def _stored(entry: BandEntry, common: Stored) -> Stored:
    return Stored(
        common.scale if entry.scale is None else entry.scale,
        common.offset if entry.offset is None else entry.offset,
        common.nodata if entry.nodata is None else entry.nodata,
    )


def _agreed_band(path: str, mine: Band, theirs: Band | None) -> Band:
    if theirs is None or theirs.wavelength_nm is None:
        return mine
    token = mine.wavelength_nm is None and mine.name.strip().lower() in TOKENS
    same = _near(mine.wavelength_nm, theirs.wavelength_nm) and _near(mine.bandwidth_nm, theirs.bandwidth_nm)
    if token or not same:
        raise DataError(
            f"{path}: the YAML lists the band {describe(mine)}, but the file's tags say {describe(theirs)}; "
            "list the bands in file order, and correct the one that is wrong"
        )
    wavelength = theirs.wavelength_nm if mine.wavelength_nm is None else mine.wavelength_nm
    width = theirs.bandwidth_nm if mine.bandwidth_nm is None else mine.bandwidth_nm
    try:
        return Band(mine.name, wavelength, width)
    except ConfigurationError as problem:
        raise DataError(f"{path}: {problem}") from problem


def _near(mine: float | None, theirs: float | None) -> bool:
    if mine is None or theirs is None:
        return True
    return abs(mine - theirs) <= max(WAVELENGTH_TOLERANCE_NM, WAVELENGTH_TOLERANCE * theirs)


def _spoken(value: float | None, silent: float) -> float | None:
    return None if value == silent else value


def _agreed(band: str, what: str, mine: float | None, theirs: float | None) -> float | None:
    if mine is None or theirs is None:
        return theirs if mine is None else mine
    if math.isclose(mine, theirs, rel_tol=1e-6) or (math.isnan(mine) and math.isnan(theirs)):
        return mine
    raise DataError(
        f"{band}: {what} is {mine:g} in the data set's description, but {theirs:g} in the file; "
        f"correct the one that is wrong, or leave {what} out of the YAML to use the file's"
    )
