"""What is said of the channels of an image, by the YAML file and by the image itself, and whether both agree."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from stsun.bands import TOKENS, Band, check_bands, describe
from stsun.data.description import BandEntry, Description, SensorEntry
from stsun.errors import ConfigurationError, DataError
from stsun.raster.metadata import moment_text
from stsun.raster.reader import RasterInfo
from stsun.raster.storage import Meaning, is_whole, unspoken
from stsun.sensors import named_band, sensor

FIX = (
    "give the scale in the YAML (scale: 0.0001 where 10000 means 1, and offset), name the sensor as bands, or write "
    "scale: 1 if they are right"
)

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


class Storage(NamedTuple):
    """How the bands of one file are stored.

    Args:
        scales: Stored value * scale + offset = physical value, of each band.
        offsets: See ``scales``.
        nodata: Stored value that means 'no data', of each band, or None.
        doubtful: The places of bands whose values must look like reflectances, as nobody says that they are.
    """

    scales: list[float]
    offsets: list[float]
    nodata: list[float | None]
    doubtful: tuple[int, ...]


@dataclass(frozen=True)
class Channels:
    """What the YAML file declares for the dates of one sensor.

    Args:
        bands: The bands in file order, or None where the files' tags tell them.
        stored: How each band is stored; one entry for all bands where ``bands`` is None.
        gsd_m: Ground sample distance in metres, or None.
        nominal: What whole numbers mean in the catalogue's product, for those of which nobody says more.
    """

    bands: tuple[Band, ...] | None
    stored: tuple[Stored, ...]
    gsd_m: float | None
    nominal: Meaning | None = None

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
        scaled = (known.scale, known.offset) != (1.0, 0.0)
        nominal = Meaning(known.scale, known.offset, f"of {known.name}") if scaled else None
        return Channels(known.bands, (common,) * len(known.bands), gsd_m, nominal)
    bands = tuple(Band(one.name, one.wavelength_nm, one.bandwidth_nm) for one in entry.bands)
    check_bands(bands)
    return Channels(bands, tuple(_stored(one, common) for one in entry.bands), gsd_m)


def agreed_bands(path: str, declared: Sequence[Band] | None, info: RasterInfo) -> tuple[Band, ...]:
    """Return the bands of one file: the YAML's, completed by the file's tags; or those of the tags, then of its names.

    Raises:
        DataError: Nothing says what a band measures, or YAML and tags say different wavelengths or widths.
    """
    if declared is None:
        names = [name or "" for name in info.descriptions]
        known = [band or named_band(name) for band, name in zip(info.bands, names, strict=True)]
        unknown = [str(index) for index, band in zip(info.indexes, known, strict=True) if band is None]
        if unknown:
            raise DataError(
                f"{path}: its tags do not say what band {', '.join(unknown[:8])}{'...' if len(unknown) > 8 else ''} "
                "measures (no wavelength, no known name), and the YAML lists no bands; list them under bands, or name "
                "a sensor"
            )
        return tuple(band for band in known if band is not None)
    return tuple(_agreed_band(path, mine, theirs) for mine, theirs in zip(declared, info.bands, strict=True))


def agreed_storage(
    path: str,
    bands: Sequence[Band],
    dtypes: Sequence[str],
    declared: Sequence[Stored],
    found: Sequence[Stored],
    nominal: Meaning | None,
) -> Storage:
    """Return how the bands of one file are stored.

    The YAML's scale counts where it speaks, else the file's, else the catalogue's, else what
    `stsun.raster.storage.unspoken` says. A scale of 1 and an offset of 0 count as silent, but in the YAML also say that
    the stored values are right.

    Args:
        path: The file, for messages.
        bands: What each band measures.
        dtypes: Data type of each band.
        declared: What the YAML says of each band.
        found: What the file says of each band.
        nominal: What whole numbers mean in the catalogue's product, or None.

    Raises:
        DataError: Both speak and disagree.
        RasterError: Nobody says what whole numbers mean that stand for a reflectance.
    """
    meanings, nodata = [], []
    for number, (band, dtype, mine, theirs) in enumerate(zip(bands, dtypes, declared, found, strict=True), start=1):
        where = f"{path}: band {number}"
        own_offset = _spoken(theirs.offset, 0.0)
        scale = _agreed(where, "scale", _spoken(mine.scale, 1.0), _spoken(theirs.scale, 1.0))
        offset = _agreed(where, "offset", _spoken(mine.offset, 0.0), own_offset)
        if scale is not None or mine.scale is not None or own_offset is not None:
            meaning = Meaning(1.0 if scale is None else scale, 0.0 if offset is None else offset, "as told")
        elif mine.offset is not None:  # an offset alone shifts what the catalogue says
            known = nominal if is_whole(dtype) else None
            meaning = Meaning(1.0 if known is None else known.scale, mine.offset, "as told")
        else:
            meaning = unspoken(path, band, dtype, nominal, FIX)
        meanings.append(meaning)
        nodata.append(_agreed(where, "nodata", mine.nodata, theirs.nodata))
    doubtful = tuple(place for place, meaning in enumerate(meanings) if meaning.doubtful)
    return Storage([one.scale for one in meanings], [one.offset for one in meanings], nodata, doubtful)


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
            f"{path}: the date is {moment_text(declared)} in the data set's description, but the file's tag says "
            f"{' and '.join(moment_text(day) for day in known)}; correct the one that is wrong"
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
