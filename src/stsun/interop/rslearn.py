"""rslearn: dates as intervals of time, and its raster images ``C T H W`` as samples."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stsun.configuration import Configuration
from stsun.data.sample import IGNORE, Sample
from stsun.errors import DataError

Interval = tuple[datetime, datetime]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def days_of_intervals(intervals: Sequence[Interval | None]) -> NDArray[np.float64]:
    """Return the middle of each interval, in days since 1970-01-01 UTC; NaN where there is none.

    Args:
        intervals: (start, end) of each date. A time without a zone is UTC.

    Raises:
        DataError: An interval ends before it starts.
    """
    days = []
    for interval in intervals:
        if interval is None:
            days.append(np.nan)
            continue
        start, end = (_days(moment) for moment in interval)
        if end < start:
            raise DataError(f"an interval ends before it starts: {interval[0]} to {interval[1]}; give (start, end)")
        days.append((start + end) / 2)
    return np.array(days, np.float64)


def intervals_of_days(days: Sequence[float] | NDArray[np.float64], length_days: float = 1.0) -> list[Interval | None]:
    """Return an interval of a length around each day; None for NaN.

    Raises:
        DataError: The length is negative.
    """
    if length_days < 0:
        raise DataError(f"an interval of {length_days:g} days ends before it starts; give at least 0")
    half = DAY * (length_days / 2)
    moments = [None if np.isnan(day) else EPOCH + DAY * float(day) for day in days]
    return [None if moment is None else (moment - half, moment + half) for moment in moments]


def sample_of(
    image: Any,
    configuration: Configuration,
    *,
    id: str = "sample",
    missing: float | None = None,
    classes: Any = None,
    labelled: Any = None,
) -> Sample:
    """Return an rslearn ``RasterImage`` as a sample.

    Args:
        image: Has ``image`` ``C T H W``, physical values, and ``timestamps``: an interval per date, or None.
        configuration: What the bands are, and what the classes stand for.
        id: What it is called in messages.
        missing: Value of pixels without data; NaN never is data.
        classes: ``H W``, or one such map per output map: index of the category; None = without labels.
        labelled: ``H W`` or as ``classes``, zero where a pixel is not labelled; None = all are. rslearn calls it
            ``valid``.

    Raises:
        DataError: The arrays do not fit one another, or there is not one interval per date.
    """
    series = np.moveaxis(np.asarray(image.image, np.float32), 0, 1)
    if series.ndim != 4:
        raise DataError(f"{id}: the image has shape {tuple(np.shape(image.image))}, expected C T H W")
    intervals = [None] * len(series) if image.timestamps is None else image.timestamps
    data = np.isfinite(series) if missing is None else np.isfinite(series) & (series != missing)
    valid: NDArray[np.bool_] = np.logical_and.reduce(data, axis=1)
    labels = None if classes is None else np.asarray(classes).astype(np.int64)
    if labels is not None and labelled is not None:
        labels = np.where(np.asarray(labelled).astype(bool), labels, IGNORE)
    maps = labels[None] if labels is not None and labels.ndim == 2 else labels
    return Sample(id, list(series), valid, days_of_intervals(intervals), maps, configuration)


def _days(moment: datetime) -> float:
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH) / DAY
