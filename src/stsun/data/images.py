"""The images of one sample: files of one date to physical values, with everything that is known of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stsun.bands import Band, check_bands
from stsun.data.alignment import Cover, check_aligned, cover_of, grid_of
from stsun.data.archive import Archive, read_archive
from stsun.data.channels import FIX, Channels, Stored, agreed_bands, agreed_day, agreed_gsd, agreed_storage
from stsun.data.patterns import inside
from stsun.data.record import DateFiles, Record
from stsun.data.rules import Checked
from stsun.errors import ConfigurationError, DataError
from stsun.raster.grid import Grid, Window
from stsun.raster.pixels import within
from stsun.raster.reader import RasterInfo, inspect, read, read_labels
from stsun.raster.storage import Meaning, check_reflectance
from stsun.raster.values import is_nodata, physical


@dataclass(frozen=True)
class DateFacts:
    """What is known of one date without its pixels.

    Args:
        source: The file that stands for it in messages.
        size: Height and width in pixels.
        bands: What each channel measures.
        day: Days since 1970-01-01 UTC, or None.
        gsd_m: Ground sample distance in metres, or None.
        grid: Where its files lie, whole; None where they do not say.
    """

    source: str
    size: tuple[int, int]
    bands: tuple[Band, ...]
    day: float | None
    gsd_m: float | None
    grid: Grid | None = None

    @property
    def cover(self) -> Cover:
        """What its file covers."""
        return Cover(self.source, self.size, self.grid)


@dataclass(frozen=True)
class DateImage:
    """One date as read.

    Args:
        values: ``C H W`` float32, physical values, 0 where invalid.
        valid: ``H W`` bool.
        facts: What is known of it.
    """

    values: NDArray[np.float32]
    valid: NDArray[np.bool_]
    facts: DateFacts


def read_date(checked: Checked, date: DateFiles, gsd_m: float | None, window: Window | None = None) -> DateImage:
    """Return one date of a sample.

    Args:
        checked: The data set's description.
        date: The date's files.
        gsd_m: The sample's own ground sample distance in metres; None = the data set's or the file's.
        window: The part of the files to read; None = all.

    Raises:
        DataError: The files contradict the description or one another.
        RasterError: A file cannot be read.
    """
    channels = checked.channels[date.sensor]
    paths = [inside(checked.root, file) for file in date.files]
    infos = _inspected(checked, channels, [inspect(path, bands=date.bands or None) for path in paths])
    covers = [Cover(str(info.path), (info.height, info.width), grid_of(info)) for info in infos]
    check_aligned("the files of one date", covers)
    source, grid = covers[0].file, next((cover.grid for cover in covers if cover.grid is not None), None)
    part_read = within(source, None if window is None else window.slices, *covers[0].size)
    size = (part_read.height, part_read.width)
    images, valid, first = [], np.ones(size, bool), 0
    bands: list[Band] = []
    for info in infos:
        part = slice(first, first + info.count)
        declared = None if channels.bands is None else channels.bands[part]
        own = agreed_bands(str(info.path), declared, info)
        bands += own
        image, holds_data = _read_file(info, own, channels.stored_of(info.count)[part], channels.nominal, window)
        images.append(image)
        valid &= holds_data
        first += info.count
    if date.valid is not None:
        valid &= _read_mask(checked, date.valid, Cover(source, size, grid), window)
    values = np.concatenate(images)
    values[:, ~valid] = 0
    _check_bands(source, bands)
    day = agreed_day(source, date.day, [info.day for info in infos])
    return DateImage(values, valid, DateFacts(source, size, tuple(bands), day, _gsd(infos, channels, gsd_m), grid))


def read_dates(checked: Checked, record: Record) -> tuple[list[DateImage], NDArray[np.int64] | None]:
    """Return the dates of a sample, and the stored labels ``T2 H W`` where one archive holds both.

    Raises:
        DataError: The files contradict the description or one another.
        RasterError: A file cannot be read.
    """
    if record.archive is None:
        return [read_date(checked, date, record.gsd_m, record.window) for date in record.dates], None
    path = inside(checked.root, record.archive)
    archive = read_archive(path)
    return _archive_dates(checked, str(path), archive), archive.labels


def sample_gsd(where: str, dates: Sequence[DateFacts], own: float | None, *, in_rows: bool) -> float | None:
    """Return the one ground sample distance of a sample in metres, or None where no date knows its own.

    Args:
        where: The sample, for messages.
        dates: What is known of its dates.
        own: The sample's own, which counts for all dates; None = not told.
        in_rows: Whether it can be told in the sample's row.

    Raises:
        DataError: The dates know different ones.
    """
    known = sorted({date.gsd_m for date in dates if date.gsd_m is not None})
    if own is not None or not known:
        return own
    if known[-1] > known[0] * 1.02:
        raise DataError(
            f"{where}: its dates have GSDs of {known[0]:g} and {known[-1]:g} m, but the same number of pixels; "
            + (
                "give the sample's own gsd_m in its row"
                if in_rows
                else "give all its sensors the gsd_m of these pixels"
            )
            + ", or correct the one that is wrong"
        )
    return next(date.gsd_m for date in dates if date.gsd_m is not None)


def _inspected(checked: Checked, channels: Channels, infos: list[RasterInfo]) -> list[RasterInfo]:
    """Return the files' metadata so that their bands are as many as declared."""
    if channels.bands is None or sum(info.count for info in infos) == len(channels.bands):
        return infos
    # a fourth band is often marked as transparency by mistake; the YAML that counts it among the bands is believed
    whole = [
        inspect(info.path, bands=sorted((*info.indexes, info.alpha))) if info.alpha is not None else info
        for info in infos
    ]
    if sum(info.count for info in whole) == len(channels.bands):
        return whole
    files = " and ".join(f"{info.path} has {info.count} band{'s' if info.count != 1 else ''}" for info in infos)
    names = ", ".join(band.name for band in channels.bands[:12]) + (", ..." if len(channels.bands) > 12 else "")
    raise DataError(
        f"{files}, but {checked.path} lists {len(channels.bands)} ({names}); list every band of the file, in file order"
    )


def _read_file(
    info: RasterInfo, bands: Sequence[Band], stored: Sequence[Stored], nominal: Meaning | None, window: Window | None
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    own = [Stored(*said) for said in zip(info.scales, info.offsets, info.nodata, strict=True)]
    storage = agreed_storage(str(info.path), bands, info.dtypes, stored, own, nominal)
    part = None if window is None else window.slices
    values, valid = read(
        info.path, window=part, bands=info.indexes, scale=storage.scales, offset=storage.offsets, nodata=storage.nodata
    )
    check_reflectance(info.path, storage.doubtful, values, valid, FIX)
    return values, valid


def _read_mask(checked: Checked, file: str, image: Cover, window: Window | None) -> NDArray[np.bool_]:
    path = inside(checked.root, file)
    mask = read_labels(path, window=None if window is None else window.slices)
    check_aligned("an image and its valid mask", [image, cover_of(path, mask)])
    holds_data: NDArray[np.bool_] = mask != 0
    return holds_data


def _gsd(infos: Sequence[RasterInfo], channels: Channels, own: float | None) -> float | None:
    declared = channels.gsd_m if own is None else own
    found = [agreed_gsd(str(info.path), declared, info.pixel_size_m) for info in infos]
    return next((gsd_m for gsd_m in found if gsd_m is not None), None)


def _check_bands(source: str, bands: Sequence[Band]) -> None:
    try:
        check_bands(bands)
    except ConfigurationError as problem:
        raise DataError(f"{source}: {problem}") from problem


def _archive_dates(checked: Checked, path: str, archive: Archive) -> list[DateImage]:
    channels = checked.channels[None]
    count = archive.images.shape[1]
    if channels.bands is None:
        raise DataError(f"{checked.path}: .npz files hold no band tags, and bands is not given; list the bands")
    if count != len(channels.bands):
        raise DataError(
            f"{path}: images has {count} bands, but {checked.path} lists {len(channels.bands)}; "
            "list every band, in order"
        )
    dtypes = [archive.images.dtype.name] * count
    storage = agreed_storage(path, channels.bands, dtypes, channels.stored, [Stored()] * count, channels.nominal)
    size = (archive.images.shape[2], archive.images.shape[3])
    dates = []
    for stored, valid, day in zip(archive.images, archive.valid, archive.days, strict=True):
        holds_data = valid.copy()
        for band, value in zip(stored, storage.nodata, strict=True):
            holds_data &= ~is_nodata(band, value)
        facts = DateFacts(path, size, channels.bands, None if math.isnan(day) else float(day), channels.gsd_m)
        values, holds_data = physical(stored, holds_data, storage.scales, storage.offsets)
        check_reflectance(path, storage.doubtful, values, holds_data, FIX)
        dates.append(DateImage(values, holds_data, facts))
    return dates
