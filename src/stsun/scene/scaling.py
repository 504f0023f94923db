"""What the stored values of a scene's files mean: the file says it, else the user, else the sensor, else a rule."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from stsun.bands import Band, reflective
from stsun.errors import ConfigurationError
from stsun.raster.reader import RasterInfo
from stsun.raster.storage import Meaning, is_whole, unspoken
from stsun.scene.identify import is_of
from stsun.sensors import Sensor

FIX = (
    "give the scale (--scale 1e-4 where 10000 means 1, and --offset) or the sensor (--sensor), or --scale 1 if they "
    "are right"
)


@dataclass(frozen=True)
class StoredFile:
    """One file whose bands are known.

    Args:
        info: What it says of itself.
        bands: What its bands are.
        sensor: The sensor that the user says made it, or None.
    """

    info: RasterInfo
    bands: tuple[Band, ...]
    sensor: Sensor | None = None


def meanings(files: Sequence[StoredFile], scale: float | None, offset: float | None) -> list[tuple[Meaning, ...]]:
    """Return what the stored values of each band of each file mean.

    The scale and offset that the user gives are for one kind of band, and there for those of which the file says none.
    It is the kind that can need them most: whole numbers of more than 8 bit for a reflectance, else 8 bit, else
    floating point; only where no band at all shows reflectance, the others in the same order. So radar, or reflectance
    in floating point, beside an optical image keeps its own values.

    Args:
        files: All files of all dates.
        scale: Stored value * scale + offset = physical value, as the user says; None = not said.
        offset: See ``scale``.

    Raises:
        ConfigurationError: The scale or offset given is no such number, or contradicts all files' own.
        RasterError: Nobody says what whole numbers mean that stand for a reflectance.
    """
    _check_given(scale, offset)
    kinds = [[_kind(file, place) for place in range(len(file.bands))] for file in files]
    neediest = min(kind for own in kinds for kind in own)
    taking = [
        [kind == neediest and not _says_its_own(file, place) for place, kind in enumerate(own)]
        for file, own in zip(files, kinds, strict=True)
    ]
    given = scale is not None or offset is not None
    if given and not any(map(any, taking)):
        _check_same(files, 1.0 if scale is None else scale, offset or 0.0)
    return [
        tuple(
            _given(file, place, scale, offset) if given and takes else _meaning(file, place)
            for place, takes in enumerate(own)
        )
        for file, own in zip(files, taking, strict=True)
    ]


def notes(file: StoredFile, means: Sequence[Meaning]) -> list[str]:
    """Return in words what the stored values of a file's bands mean, and who says so."""
    told = []
    for meaning in dict.fromkeys(means):
        own = [place for place, other in enumerate(means) if other == meaning]
        which = "" if len(own) == len(means) else f" ({', '.join(file.bands[place].name for place in own)})"
        stored = "/".join(sorted({file.info.dtypes[place] for place in own}))
        if meaning.why == "of the file":
            what = "scale and offset from the file"
        elif meaning.why == "as stored":
            what = f"{stored} values as stored, the file gives no scale; give --scale if they are not physical"
        else:
            what = f"{stored} values * {meaning.scale:.6g} + {meaning.offset:g} ({meaning.why})"
        told.append(f"{file.info.path}{which}: {what}")
    return told


def _kind(file: StoredFile, place: int) -> int:
    """Return which kind of band this is, by how much it can need a scale that the user gives, 0 = most."""
    dtype = file.info.dtypes[place]
    kind = 2 if not is_whole(dtype) else 1 if dtype == "uint8" else 0
    return kind if reflective(file.bands[place]) else 3 + kind


def _says_its_own(file: StoredFile, place: int) -> bool:
    return (file.info.scales[place], file.info.offsets[place]) != (1.0, 0.0)


def _meaning(file: StoredFile, place: int) -> Meaning:
    if _says_its_own(file, place):
        return Meaning(file.info.scales[place], file.info.offsets[place], "of the file")
    return unspoken(file.info.path, file.bands[place], file.info.dtypes[place], _nominal(file, place), FIX)


def _given(file: StoredFile, place: int, scale: float | None, offset: float | None) -> Meaning:
    if scale is None:  # an offset alone shifts what the sensor's product says
        nominal = _nominal(file, place) if is_whole(file.info.dtypes[place]) else None
        scale = 1.0 if nominal is None else nominal.scale
    return Meaning(scale, offset or 0.0, "as given")


def _nominal(file: StoredFile, place: int) -> Meaning | None:
    sensor, band = file.sensor, file.bands[place]
    if sensor is None or (sensor.scale, sensor.offset) == (1.0, 0.0):
        return None
    told_by_user = file.info.bands[place] is None and reflective(band)
    return Meaning(sensor.scale, sensor.offset, f"of {sensor.name}") if told_by_user or is_of(sensor, band) else None


def _check_given(scale: float | None, offset: float | None) -> None:
    for what, value in (("scale", scale), ("offset", offset)):
        if value is not None and (not math.isfinite(value) or (what == "scale" and value == 0)):
            raise ConfigurationError(
                f"{what} is {value:g}, expected a finite number{', not 0' if what == 'scale' else ''}; "
                "stored value * scale + offset = physical value, such as 1e-4 for reflectance * 10000"
            )


def _check_same(files: Sequence[StoredFile], scale: float, offset: float) -> None:
    own = [(file.info.path, *pair) for file in files for pair in zip(file.info.scales, file.info.offsets, strict=True)]
    if not any(math.isclose(scale, one) and math.isclose(offset, shift) for _, one, shift in own):
        path, one, shift = own[0]
        raise ConfigurationError(
            f"the scale given is {scale:g} and the offset {offset:g}, but {path} itself says {one:g} and {shift:g}; "
            "leave --scale and --offset out, or correct the file"
        )
