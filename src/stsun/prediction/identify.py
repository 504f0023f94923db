"""Which bands a raster holds and what its stored values mean: from its tags, a sensor, its band names, or the user."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from stsun.bands import TOKENS, Band, describe
from stsun.errors import ConfigurationError, RasterError
from stsun.raster.reader import RasterInfo
from stsun.sensors import Sensor, common_band

SAME_WAVELENGTH = 0.02
"""Centres that differ by less than this share are one band: units of one sensor series differ by as much."""

HELP = "name the sensor (--sensor sentinel-2-l2a) or the bands in file order (--bands red:665:70,nir:842:115,vv)"


@dataclass(frozen=True)
class Told:
    """What the user says about the files of one date.

    Args:
        sensor: A sensor of the catalogue.
        bands: The bands in file order.
        scale: Stored value * scale + offset = physical value, in place of what the file says.
        offset: See ``scale``.
    """

    sensor: Sensor | None = None
    bands: tuple[Band, ...] | None = None
    scale: float | None = None
    offset: float | None = None


def parse_bands(bands: Iterable[Band | str]) -> tuple[Band, ...]:
    """Return bands from ``name:wavelength_nm:bandwidth_nm``, ``name:wavelength_nm``, or a name that is known alone.

    Raises:
        ConfigurationError: A text is none of these.
    """
    return tuple(band if isinstance(band, Band) else _parse_band(band) for band in bands)


def identify(infos: Sequence[RasterInfo], told: Told) -> tuple[tuple[Band, ...], list[str]]:
    """Return the bands of one date, stacked over its files, and notes on what had to be assumed.

    Wavelength tags come first, then the sensor, the user's bands, and last the nominal bands of the names in the
    files' band descriptions. Bands are never guessed from their number.

    Raises:
        RasterError: Some bands stay unknown, or what is told does not fit the files.
    """
    tagged = [band for info in infos for band in info.bands]
    names = [name or "" for info in infos for name in info.descriptions]
    where = " + ".join(str(info.path) for info in infos)
    if told.sensor is not None:
        own = _by_name(told.sensor, names, tagged) or told.sensor.bands
        bands = _fill(tagged, own, f"{where}: the sensor {told.sensor.name}")
        return bands, [f"{where}: {told.sensor.name}: {told.sensor.note}"] if told.sensor.note else []
    if told.bands is not None:
        return _fill(tagged, told.bands, f"{where}: the list of bands"), []
    named = [band or _named(name) for band, name in zip(tagged, names, strict=True)]
    if None in named:
        raise RasterError(f"{where}: {_unknown(tagged, names)}; {HELP}")
    assumed = [describe(band) for band, tag in zip(named, tagged, strict=True) if band and tag is None]
    notes = [f"{where}: bands taken by their names, at nominal wavelengths: {', '.join(assumed)}"] if assumed else []
    return tuple(band for band in named if band), notes


def scaling(info: RasterInfo, told: Told) -> tuple[tuple[float, float] | None, str]:
    """Return the scale and offset to use in place of the file's own, or None where those are right; and a note.

    What the user gives comes first, then the file, then the sensor for whole numbers, and for 8 bit a display stretch.
    """
    where, stored = info.path, "/".join(sorted(set(info.dtypes)))
    if told.scale is not None or told.offset is not None:
        return _instead(1.0 if told.scale is None else told.scale, told.offset or 0.0, f"{where}: {stored}", "as given")
    if set(info.scales) != {1.0} or set(info.offsets) != {0.0}:
        return None, f"{where}: scale and offset from the file"
    whole = all(np.issubdtype(np.dtype(dtype), np.integer) for dtype in info.dtypes)
    if whole and told.sensor is not None and (told.sensor.scale, told.sensor.offset) != (1.0, 0.0):
        return _instead(told.sensor.scale, told.sensor.offset, f"{where}: {stored}", f"of {told.sensor.name}")
    if stored == "uint8":
        return _instead(1 / 255, 0.0, f"{where}: {stored}", "8 bit without a scale of its own")
    return None, f"{where}: {stored} values as stored, the file gives no scale; give --scale if they are not physical"


def _instead(scale: float, offset: float, what: str, why: str) -> tuple[tuple[float, float], str]:
    return (scale, offset), f"{what} values * {scale:.6g} + {offset:g} ({why})"


def _parse_band(text: str) -> Band:
    name, *numbers = (part.strip() for part in text.split(":"))
    if not numbers:
        return _named(name) or Band(name)
    try:
        wavelength_nm, bandwidth_nm = (*map(float, numbers), None)[:2]
        if len(numbers) > 2:
            raise ValueError
    except ValueError:
        raise ConfigurationError(
            f"cannot read the band {text!r}; expected name:wavelength_nm:bandwidth_nm "
            "as in red:665:70, or a name as in vv"
        ) from None
    return Band(name, wavelength_nm, bandwidth_nm)


def _named(name: str) -> Band | None:
    token = name.strip().lower()
    return Band(token) if token in TOKENS else common_band(token)


def _by_name(sensor: Sensor, names: Sequence[str], tagged: Sequence[Band | None]) -> tuple[Band, ...] | None:
    """Return the sensor's bands that the unknown bands are called after, if all of them are."""
    known: dict[str, Band] = {}
    for band, common in zip(sensor.bands, sensor.common_names, strict=True):
        if common is not None and sensor.common_names.count(common) == 1:
            known[common] = band
        known[band.name.lower()] = band
    wanted = [known.get(name.strip().lower()) for name, tag in zip(names, tagged, strict=True) if tag is None]
    return None if None in wanted else tuple(band for band in wanted if band)


def _fill(tagged: Sequence[Band | None], told: Sequence[Band], who: str) -> tuple[Band, ...]:
    """Return the bands with what is told for all of them, or for those without tags only."""
    unknown = tagged.count(None)
    if len(told) == unknown:
        rest = iter(told)
        return tuple(band or next(rest) for band in tagged)
    if len(told) != len(tagged):
        raise RasterError(
            f"{who} has {len(told)} bands ({', '.join(band.name for band in told[:20])}), "
            f"but the file has {len(tagged)}, {unknown} of them without wavelength tags; {HELP}"
        )
    for number, (own, other) in enumerate(zip(tagged, told, strict=True), start=1):
        if own is not None and not _same(own, other):
            raise RasterError(
                f"{who} gives {describe(other)} as band {number}, but the file's tags say {describe(own)}; "
                "leave out what is wrong: the tags are enough"
            )
    return tuple(own or other for own, other in zip(tagged, told, strict=True))


def _same(band: Band, other: Band) -> bool:
    if band.wavelength_nm is None or other.wavelength_nm is None:
        return band.token == other.token
    return abs(band.wavelength_nm - other.wavelength_nm) <= SAME_WAVELENGTH * band.wavelength_nm


def _unknown(tagged: Sequence[Band | None], names: Sequence[str]) -> str:
    bands = [
        f"{i} ({name})" if name else str(i)
        for i, (band, name) in enumerate(zip(tagged, names, strict=True), 1)
        if not band
    ]
    shown = ", ".join(bands[:20]) + (", ..." if len(bands) > 20 else "")
    return f"{len(tagged)} band(s), of which no wavelength tag or known name tells what band {shown} measure(s)"
