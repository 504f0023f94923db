"""Dates as intervals, and images C T H W with them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
import torch

from stsun.errors import DataError
from stsun.interop.rslearn import days_of_intervals, intervals_of_days, sample_of

MAY = datetime(2020, 5, 1, tzinfo=UTC)
MAY_DAY = 18_383.0  # days from 1970-01-01 to 2020-05-01: 50 years with 12 leap days, then 31 + 29 + 31 + 30


def test_an_interval_speaks_for_its_middle_and_a_missing_one_for_none():
    april = MAY - timedelta(days=30)
    found = days_of_intervals([(MAY, MAY), None, (april, MAY)])
    np.testing.assert_array_equal(found, [MAY_DAY, np.nan, MAY_DAY - 15])


def test_times_are_utc_unless_they_say_otherwise():
    naive, east = datetime(2020, 5, 1, 12), datetime(2020, 5, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    np.testing.assert_array_equal(days_of_intervals([(naive, naive), (east, east)]), [MAY_DAY + 0.5] * 2)


def test_days_and_intervals_are_inverse():
    days = np.array([MAY_DAY, np.nan, 17_000.25])
    intervals = intervals_of_days(days, 30)
    assert intervals[0] == (MAY - timedelta(days=15), MAY + timedelta(days=15)) and intervals[1] is None
    np.testing.assert_allclose(days_of_intervals(intervals), days)


def test_intervals_that_end_before_they_start_are_refused():
    with pytest.raises(DataError, match="ends before it starts"):
        days_of_intervals([(MAY, MAY - timedelta(days=1))])
    with pytest.raises(DataError, match="ends before it starts"):
        intervals_of_days([0.0], -1)


@dataclass
class RasterStandIn:
    image: torch.Tensor
    timestamps: list | None = None


def test_a_raster_image_is_a_sample(configuration):
    image = torch.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5)  # C T H W
    image[1, 2, 0, 0] = -99
    classes, labelled = torch.zeros(4, 5), torch.ones(4, 5)
    labelled[3, 4] = 0
    told = RasterStandIn(image, [(MAY, MAY + timedelta(days=2))] * 3)
    sample = sample_of(told, configuration, missing=-99, classes=classes, labelled=labelled)
    np.testing.assert_array_equal(sample.images[2][1, 1:], image[1, 2, 1:])
    assert not sample.valid[2, 0, 0] and sample.valid.sum() == 3 * 20 - 1
    assert sample.days.tolist() == [MAY_DAY + 1] * 3
    assert sample.labels[0, 3, 4] == 255 and (sample.labels == 0).sum() == 19
    assert np.isnan(sample_of(RasterStandIn(image), configuration).days).all()
    with pytest.raises(DataError, match="the days has shape"):
        sample_of(RasterStandIn(image, [(MAY, MAY)]), configuration)
