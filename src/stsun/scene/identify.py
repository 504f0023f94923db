"""Which bands a raster holds: from its tags, a sensor, its band names, or the user."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stsun.bands import Band, check_bands, describe
from stsun.errors import ConfigurationError, RasterError
from stsun.raster.reader import RasterInfo
from stsun.sensors import Sensor, common_band, named_band

SAME_WAVELENGTH = 0.02
"""Centres that differ by less than this share are one band: units of one sensor series differ by as much."""

LIST = "the bands in file order (--bands red:665:70,nir:842:115,vv)"
HELP = f"name the sensor (--sensor, such as sentinel-2-l2a or aerial-rgb) or {LIST}"


@dataclass(frozen=True)
class Told:
    """What the user says about the bands of one date.

    Args:
        sensor: A sensor of the catalogue.
        bands: The bands in file order; with a sensor, those of its names mean its bands.
    """

    sensor: Sensor | None = None
    bands: tuple[Band, ...] | None = None


def parse_bands(bands: Iterable[Band | str]) -> tuple[Band, ...]:
    """Return bands from ``name:wavelength_nm:bandwidth_nm``, ``name:wavelength_nm``, or a name that is known alone.

    Raises:
        ConfigurationError: A text is none of these.
    """
    return tuple(band if isinstance(band, Band) else _parse_band(band) for band in bands)


def identify(infos: Sequence[RasterInfo], told: Told) -> tuple[tuple[Band, ...], list[str]]:
    """Return the bands of one date, stacked over its files, and notes on what had to be assumed.

    Wavelength tags come first. What they leave open the user's list tells, else the sensor, else the nominal bands of
    the names in the files' band descriptions; names must not contradict the list or the sensor. Bands are never guessed
    from their number.

    Raises:
        RasterError: Some bands stay unknown, or what is told does not fit the files.
    """
    tagged = [band for info in infos for band in info.bands]
    names = [name or "" for info in infos for name in info.descriptions]
    where = " + ".join(str(info.path) for info in infos)
    notes: list[str] = []
    if told.bands is not None:
        who = f"{where}: the list of bands"
        bands = _fill(tagged, told.bands if told.sensor is None else _meant(told.sensor, told.bands), who)
    elif told.sensor is not None and None in tagged:
        who = f"{where}: the sensor {told.sensor.name}"
        bands = _of_sensor(told.sensor, infos, who)
    else:
        who = where
        bands, notes = _of_names(tagged, names, where)
    _check_names(bands, tagged, names, told.sensor, who)
    try:
        check_bands(bands)
    except ConfigurationError as problem:
        raise RasterError(f"{where}: {problem}") from problem
    return bands, notes


def made_by(sensor: Sensor, infos: Sequence[RasterInfo]) -> list[bool]:
    """Return which files a sensor named by the user speaks of: those whose tags leave bands open.

    Where there are none, those whose tags tell nothing but bands of that sensor: it then tells their scale.

    Raises:
        RasterError: The tags of all files tell the bands of another sensor.
    """
    untold = [None in info.bands for info in infos]
    if any(untold):
        return untold
    foreign = [[band for band in info.bands if band and not is_of(sensor, band)] for info in infos]
    if all(foreign):
        raise RasterError(
            f"{infos[0].path}: the file's tags say {describe(foreign[0][0])}, but {sensor.name} has no such band "
            f"({', '.join(describe(band) for band in sensor.bands[:15])}); name the right sensor, or none: the tags "
            "tell the bands, and --scale and --offset what the numbers mean"
        )
    return [not own for own in foreign]


def is_of(sensor: Sensor, band: Band) -> bool:
    """Return whether a sensor has a band."""
    return any(_same(band, own) for own in sensor.bands)


def _parse_band(text: str) -> Band:
    name, *numbers = (part.strip() for part in text.split(":"))
    if not numbers:
        return named_band(name) or Band(name)
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


def _of_names(tagged: Sequence[Band | None], names: Sequence[str], where: str) -> tuple[tuple[Band, ...], list[str]]:
    named = [band or named_band(name) for band, name in zip(tagged, names, strict=True)]
    if None in named:
        raise RasterError(f"{where}: {_unknown(tagged, names)}; {HELP}")
    assumed = [describe(band) for band, tag in zip(named, tagged, strict=True) if band and tag is None]
    notes = [f"{where}: bands taken by their names, at nominal wavelengths: {', '.join(assumed)}"] if assumed else []
    return tuple(band for band in named if band), notes


def _of_sensor(sensor: Sensor, infos: Sequence[RasterInfo], who: str) -> tuple[Band, ...]:
    """Return the bands of files: tags, then the sensor's of that name, then those in the product's order.

    A file whose own tags tell all its bands is none of the sensor's.
    """
    untold = [info for info in infos if None in info.bands]
    tagged = [band for info in untold for band in info.bands]
    names = [name or "" for info in untold for name in info.descriptions]
    filled = iter(_fill(tagged, _by_name(sensor, names, tagged) or sensor.bands, who))
    return tuple(band if band and None not in info.bands else next(filled) for info in infos for band in info.bands)


def _check_names(
    bands: Sequence[Band], tagged: Sequence[Band | None], names: Sequence[str], sensor: Sensor | None, who: str
) -> None:
    """Refuse a band that its file's description calls by the name of another one."""
    own = {} if sensor is None else _names_of(sensor)
    for number, (band, tag, name) in enumerate(zip(bands, tagged, names, strict=True), start=1):
        called = own.get(name.strip().lower()) or common_band(name)
        if tag is None and called is not None and not _may_be_called(band, called):
            raise RasterError(
                f"{who} gives {describe(band)} as band {number}, but the file calls that band {name!r} "
                f"({describe(called)}); give the bands in file order, or correct the description"
            )


def _may_be_called(band: Band, called: Band) -> bool:
    """Return whether a band's centre is within one bandwidth of the one that its name stands for."""
    if band.wavelength_nm is None or called.wavelength_nm is None:
        return band.token == called.token
    reach = max(called.bandwidth_nm or 0.0, SAME_WAVELENGTH * called.wavelength_nm)
    return abs(band.wavelength_nm - called.wavelength_nm) <= reach


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
