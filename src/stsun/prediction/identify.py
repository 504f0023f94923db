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

REFLECTIVE_NM = 3000.0
"""Below this wavelength an image shows reflected sunlight, as reflectance 0..1; above it, heat in units of its own."""

LIST = "the bands in file order (--bands red:665:70,nir:842:115,vv)"
HELP = f"name the sensor (--sensor, such as sentinel-2-l2a or aerial-rgb) or {LIST}"


@dataclass(frozen=True)
class Told:
    """What the user says about the files of one date.

    Args:
        sensor: A sensor of the catalogue.
        bands: The bands in file order; with a sensor, those of its names mean its bands.
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
    notes = [f"{where}: {told.sensor.name}: {told.sensor.note}"] if told.sensor and told.sensor.note else []
    if told.bands is not None:
        listed = told.bands if told.sensor is None else _meant(told.sensor, told.bands)
        return _fill(tagged, listed, f"{where}: the list of bands"), notes
    if told.sensor is not None:
        return _of_sensor(told.sensor, tagged, names, where), notes
    named = [band or _named(name) for band, name in zip(tagged, names, strict=True)]
    if None in named:
        raise RasterError(f"{where}: {_unknown(tagged, names)}; {HELP}")
    assumed = [describe(band) for band, tag in zip(named, tagged, strict=True) if band and tag is None]
    notes = [f"{where}: bands taken by their names, at nominal wavelengths: {', '.join(assumed)}"] if assumed else []
    return tuple(band for band in named if band), notes


def reflective(band: Band) -> bool:
    """Return whether the band's physical value is a reflectance, 0..1."""
    return band.wavelength_nm is not None and band.wavelength_nm < REFLECTIVE_NM


def scaling(info: RasterInfo, told: Told, bands: Sequence[Band]) -> tuple[tuple[float, float] | None, str]:
    """Return the scale and offset to use in place of the file's own, or None where those are right; and a note.

    What the user gives comes first, then the file, then the sensor for whole numbers, and for 8 bit a display stretch.

    Raises:
        RasterError: Other whole numbers stand for a reflectance, and nobody says how.
    """
    where, stored = info.path, "/".join(sorted(set(info.dtypes)))
    if told.scale is not None or told.offset is not None:
        return _instead(1.0 if told.scale is None else told.scale, told.offset or 0.0, f"{where}: {stored}", "as given")
    if not is_assumed(info):
        return None, f"{where}: scale and offset from the file"
    whole = all(np.issubdtype(np.dtype(dtype), np.integer) for dtype in info.dtypes)
    if whole and told.sensor is not None and (told.sensor.scale, told.sensor.offset) != (1.0, 0.0):
        return _instead(told.sensor.scale, told.sensor.offset, f"{where}: {stored}", f"of {told.sensor.name}")
    if stored == "uint8":
        return _instead(1 / 255, 0.0, f"{where}: {stored}", "8 bit without a scale of its own")
    if whole and any(map(reflective, bands)):
        first = next(band for band in bands if reflective(band))
        raise RasterError(
            f"{where}: {describe(first)} is stored as {stored}, and nobody says what the numbers mean; expected "
            "reflectance (0 to 1): give the scale (--scale 1e-4 where 10000 means 1, and --offset) "
            "or the sensor (--sensor)"
        )
    return None, f"{where}: {stored} values as stored, the file gives no scale; give --scale if they are not physical"


def is_assumed(info: RasterInfo) -> bool:
    """Return whether the file leaves open what its stored values mean."""
    return set(info.scales) == {1.0} and set(info.offsets) == {0.0}


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


def _of_sensor(sensor: Sensor, tagged: Sequence[Band | None], names: Sequence[str], where: str) -> tuple[Band, ...]:
    """Return the bands of a file that a sensor made: tags, then names, then the product's order."""
    if None in tagged:
        own = _by_name(sensor, names, tagged) or sensor.bands
        return _fill(tagged, own, f"{where}: the sensor {sensor.name}")
    known = tuple(band for band in tagged if band)
    foreign = [band for band in known if not any(_same(band, other) for other in sensor.bands)]
    if foreign:
        raise RasterError(
            f"{where}: the file's tags say {describe(foreign[0])}, but {sensor.name} has no such band "
            f"({', '.join(describe(band) for band in sensor.bands[:15])}); name the right sensor, or none: the tags "
            "tell the bands, and --scale and --offset what the numbers mean"
        )
    return known


def _names_of(sensor: Sensor) -> dict[str, Band]:
    """Return the sensor's bands by their names and, where one band alone has it, their common names."""
    known: dict[str, Band] = {}
    for band, common in zip(sensor.bands, sensor.common_names, strict=True):
        if common is not None and sensor.common_names.count(common) == 1:
            known[common] = band
        known[band.name.lower()] = band
    return known


def _meant(sensor: Sensor, listed: Sequence[Band]) -> tuple[Band, ...]:
    """Return the listed bands, with the sensor's own for those that were given by nothing but their name."""
    known = _names_of(sensor)
    plain = [band.wavelength_nm is None or band == common_band(band.name) for band in listed]
    return tuple(
        known.get(band.name.strip().lower(), band) if by_name else band
        for band, by_name in zip(listed, plain, strict=True)
    )


def _by_name(sensor: Sensor, names: Sequence[str], tagged: Sequence[Band | None]) -> tuple[Band, ...] | None:
    """Return the sensor's bands that the unknown bands are called after, if all of them are."""
    known = _names_of(sensor)
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
            f"but the file has {len(tagged)}, {unknown} of them without wavelength tags; list {LIST}"
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
