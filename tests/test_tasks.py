import pytest
from hypothesis import given
from hypothesis import strategies as st

from stsun.errors import ConfigurationError
from stsun.tasks import TASKS, channels, check_task, output_periods

DATES = st.integers(2, 100)


@given(DATES)
def test_the_number_of_maps_is_that_of_the_contract(dates):
    assert output_periods("segmentation", dates) == [(0, dates - 1)]
    assert len(output_periods("segmentation", dates, per_date=True)) == dates
    assert len(output_periods("semantic_change", dates)) == dates
    assert len(output_periods("binary_change", dates)) == dates - 1


@given(DATES)
def test_maps_per_date_speak_for_one_date_and_change_maps_for_consecutive_pairs(dates):
    assert all(start == end for start, end in output_periods("segmentation", dates, per_date=True))
    assert all(start == end for start, end in output_periods("semantic_change", dates))
    pairs = output_periods("binary_change", dates)
    assert pairs == [(i, i + 1) for i in range(dates - 1)]


@given(st.sampled_from(sorted(TASKS)), DATES, st.booleans())
def test_periods_are_in_order_and_within_the_series(task, dates, per_date):
    periods = output_periods(task, dates, per_date and task == "segmentation")
    assert periods == sorted(periods)
    assert all(0 <= start <= end < dates for start, end in periods)


def test_one_date_is_enough_for_a_segmentation_only():
    assert output_periods("segmentation", 1) == [(0, 0)]
    for task in ("binary_change", "semantic_change"):
        with pytest.raises(ConfigurationError, match=f"{task} needs at least 2 dates, got 1; give one image for each"):
            output_periods(task, 1)
    with pytest.raises(ConfigurationError, match="at least 1 date, got 0; give at least one image"):
        output_periods("segmentation", 0)


def test_an_unknown_task_is_refused_with_the_tasks_there_are():
    with pytest.raises(ConfigurationError, match="no task 'change'; expected one of segmentation, binary_change"):
        check_task("change")


def test_a_binary_change_has_one_logit_and_the_others_one_per_category():
    assert channels("binary_change", 5) == 1
    assert channels("segmentation", 5) == 5
    assert channels("semantic_change", 7) == 7
