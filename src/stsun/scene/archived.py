"""Acquisitions from the archive as dates of a scene."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from stsun.archives.acquisition import Acquisition, BandFile
from stsun.bands import Band
from stsun.raster.grid import Grid
from stsun.raster.reader import inspect
from stsun.scene.sources import SceneDate, SceneFile


def dates_of(found: Mapping[int, Sequence[Acquisition]]) -> tuple[dict[int, list[SceneDate]], list[str]]:
    """Return the dates that acquisitions make, by the place of their entry, and notes on what had to be assumed.

    Acquisitions of one day (UTC) and the same bands are one date, as are neighbouring tiles of one overpass: where the
    first shows nothing, the next one does.

    Args:
        found: The acquisitions of each entry that the user gave.

    Raises:
        RasterError: A file cannot be read.
    """
    tops: dict[tuple[int, tuple[Band, ...]], tuple[int, SceneDate]] = {}
    notes = []
    for place, acquisitions in found.items():
        for acquisition in acquisitions:
            one = _date(acquisition)
            notes += [f"{acquisition.name}: {note}" for note in acquisition.notes]
            key = math.floor(acquisition.day), one.bands
            first, top = tops.setdefault(key, (place, one))
            if top is not one:
                tops[key] = first, replace(top, beneath=(*top.beneath, one))
    placed: dict[int, list[SceneDate]] = {}
    for place, top in tops.values():
        placed.setdefault(place, []).append(top)
    return placed, notes


def _date(acquisition: Acquisition) -> SceneDate:
    files = [_file(list(bands)) for _, bands in groupby(acquisition.bands, key=lambda band: band.path)]
    bands = tuple(band.band for band in acquisition.bands)
    return SceneDate(tuple(files), bands, acquisition.day, acquisition.cloud_mask)


def _file(bands: Sequence[BandFile]) -> SceneFile:
    info = inspect(bands[0].path)
    return SceneFile(
        bands[0].path,
        Grid(info.crs, info.transform, info.height, info.width),
        tuple(band.index for band in bands),
        tuple(band.scale for band in bands),
        tuple(band.offset for band in bands),
        nodata=tuple(band.nodata for band in bands),
    )
