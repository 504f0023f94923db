"""The dates of a scene: which files they are made of, what these hold, and which files belong together."""

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Any

from stsun.bands import check_bands
from stsun.errors import ConfigurationError, RasterError
from stsun.raster.grid import Grid
from stsun.raster.metadata import moment_text
from stsun.raster.reader import RasterInfo, inspect
from stsun.raster.storage import Meaning
from stsun.scene.arrays import ArrayInfo, array_infos
from stsun.scene.identify import Told, identify, made_by
from stsun.scene.scaling import StoredFile, meanings, notes
from stsun.scene.sources import SceneDate, SceneFile, Source
from stsun.scene.told import is_array


def inspected(images: Sequence[Any], told: Told, number: int) -> list[list[RasterInfo]]:
    """Return what the images of one entry say, for each date that it is: an xarray object may hold many.

    Args:
        images: Paths and xarray objects.
        told: What the user says of their bands.
        number: Which entry it is, from 1, for messages.

    Raises:
        RasterError: An image cannot be read.
        ConfigurationError: One of several images of one date holds many dates, or the extra ``xarray`` is missing.
    """
    if len(images) == 1 and is_array(images[0]):
        return [[info] for info in array_infos(images[0], number)]
    return [_of_one_date([_info(image, number) for image in images], told)]


def _info(image: Any, number: int) -> RasterInfo:
    if not is_array(image):
        return inspect(image)
    first, *others = array_infos(image, number)
    if others:
        raise ConfigurationError(
            f"{first.path}: it holds {1 + len(others)} time steps, but stands in a list of images of one date; take "
            "one of them (.isel(time=0)), or give it as an entry of its own"
        )
    return first


def _of_one_date(infos: list[RasterInfo], told: Told) -> list[RasterInfo]:
    """Return what the files of one date say, of as many bands as are told.

    A fourth band is often marked as transparency by mistake; whoever counts it among the bands is believed.
    """
    listed = told.bands or (told.sensor.bands if told.sensor else ())
    whole = [
        info if info.alpha is None else inspect(info.path, bands=sorted((*info.indexes, info.alpha))) for info in infos
    ]
    return whole if sum(info.count for info in whole) == len(listed) else infos


def scene_dates(
    infos: Sequence[Sequence[RasterInfo]],
    told: Sequence[Told],
    days: Sequence[float | None],
    scale: float | None,
    offset: float | None,
) -> tuple[list[SceneDate], list[str]]:
    """Return the dates that files make, and notes on what had to be assumed.

    Args:
        infos: What the files of each date say.
        told: What the user says of the bands of each date.
        days: The day of each date as the user says, or None.
        scale: What the user says of stored values (see `stsun.scene.scaling.meanings`).
        offset: See ``scale``.

    Raises:
        RasterError: Bands or the meaning of stored values stay unknown, or what is told does not fit the files.
        ConfigurationError: A day or the scale contradicts the files.
    """
    said: list[str] = []
    files: list[StoredFile] = []
    for own, about in zip(infos, told, strict=True):
        bands, assumed = identify(own, about)
        said += assumed
        for info in own:
            files.append(StoredFile(info, bands[: info.count]))
            bands = bands[info.count :]
    files = _with_sensor(files, told[0])
    said += [
        f"{file.info.path}: {file.sensor.name}: {file.sensor.note}"
        for file in files
        if file.sensor is not None and file.sensor.note
    ]
    means = meanings(files, scale, offset)
    rest = zip(files, means, strict=True)
    dates = []
    for own, given in zip(infos, days, strict=True):
        day = _agreed_day(own, given, said)
        parts = [next(rest) for _ in own]
        bands = tuple(band for file, _ in parts for band in file.bands)
        dates.append(SceneDate(tuple(_source(file.info, meaning) for file, meaning in parts), bands, day))
    said += [note for file, meaning in zip(files, means, strict=True) for note in notes(file, meaning)]
    return dates, said


def joined(dates: Sequence[SceneDate], apart: Sequence[bool]) -> tuple[dict[int, SceneDate], list[str]]:
    """Return the dates by their place, with files of one day and different bands made one date, and a note for each.

    Args:
        dates: One for each entry that the user gave.
        apart: Which entries the user gave as lists of files; they are dates of their own.

    Raises:
        ConfigurationError: Some files of a day have bands in common and others have none: nobody knows which belong
            together.
    """
    of_day: dict[int, list[int]] = {}
    for place, (date, listed) in enumerate(zip(dates, apart, strict=True)):
        if date.day is not None and not listed:
            of_day.setdefault(math.floor(date.day), []).append(place)
    result: dict[int, SceneDate] = dict(enumerate(dates))
    said = []
    for day, places in of_day.items():
        parts = [dates[place] for place in places]
        different = [not set(one.bands) & set(other.bands) for one, other in combinations(parts, 2)]
        if any(different):
            names = [part.names for part in parts]
            if not all(different):
                raise ConfigurationError(
                    f"{', '.join(names)} are of {moment_text(day)}; some have bands in common and others have none, so "
                    "that nobody knows which make one date; join the files of each date by a comma (a.tif,b.tif), in "
                    "Python in a list"
                )
            result[places[0]] = _one_date(parts)
            for place in places[1:]:
                del result[place]
            said.append(
                f"{' and '.join(names)} have different bands of {moment_text(day)} and are taken as one date; "
                f"write a comma behind each ({' '.join(name + ',' for name in names)}) to keep them apart"
            )
    return result, said


def _one_date(parts: Sequence[SceneDate]) -> SceneDate:
    bands = tuple(band for part in parts for band in part.bands)
    try:
        check_bands(bands)
    except ConfigurationError as problem:
        raise RasterError(f"{' and '.join(part.names for part in parts)}, of one day: {problem}") from problem
    return SceneDate(tuple(file for part in parts for file in part.files), bands, parts[0].day)


def _with_sensor(files: list[StoredFile], told: Told) -> list[StoredFile]:
    if told.sensor is None:
        return files
    made = made_by(told.sensor, [file.info for file in files])
    return [
        StoredFile(file.info, file.bands, told.sensor if own else None) for file, own in zip(files, made, strict=True)
    ]


def _source(info: RasterInfo, means: Sequence[Meaning]) -> Source:
    if isinstance(info, ArrayInfo):
        return info.source(means)
    return SceneFile(
        info.path,
        Grid(info.crs, info.transform, info.height, info.width),
        info.indexes,
        tuple(meaning.scale for meaning in means),
        tuple(meaning.offset for meaning in means),
        tuple(place for place, meaning in enumerate(means) if meaning.doubtful),
    )


def _agreed_day(infos: Sequence[RasterInfo], given: float | None, said: list[str]) -> float | None:
    tagged = [info.day for info in infos if info.day is not None]
    where = " + ".join(str(info.path) for info in infos)
    if given is not None and tagged and math.floor(given) not in map(math.floor, tagged):
        raise ConfigurationError(
            f"{where}: the date given is {moment_text(given)}, but the file's own is {moment_text(tagged[0])}; "
            "leave the date out, or put the images and dates into the same order"
        )
    day = given if given is not None else next(iter(tagged), None)
    if day is None:
        said.append(f"{where}: date unknown (give it with --date)")
    elif len(set(map(math.floor, tagged))) > 1:
        said.append(f"{where}: files of {', '.join(map(moment_text, tagged))} taken as one date, {moment_text(day)}")
    return day
