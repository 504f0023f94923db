"""Cloud masks: every code of the published tables, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stsun.archives.masks import KINDS, clear
from stsun.errors import RasterError


def usable(codes, kind, dtype=np.uint16):
    return clear(np.array(codes, dtype), kind).tolist()


def test_the_scene_classification_keeps_what_shows_the_ground():
    names = {
        0: False, 1: False, 2: True, 3: False, 4: True, 5: True, 6: True, 7: True, 8: False, 9: False, 10: False,
        11: True, 12: False, 255: False,
    }  # fmt: skip
    assert usable(list(names), "scl", np.uint8) == list(names.values())


@pytest.mark.parametrize(
    "code, expected",
    [
        (21824, True),  # USGS's own examples (LSDS-1619): clear land of low confidences
        (21952, True),  # clear water
        (30048, True),  # snow over land, clear
        (1, False),  # fill
        (22018, False),  # dilated cloud over land
        (22280, False),  # cloud of high confidence
        (23888, False),  # cloud shadow
        (54596, False),  # cirrus
    ],
)
def test_landsat_codes_mean_what_usgs_says(code, expected):
    assert usable([code], "qa_pixel") == [expected]


@pytest.mark.parametrize(
    "code, expected",
    [(0b0000_0000, True), (0b0100_0000, True), (0b1111_0000, True), (0b0010_0000, True), (0b0001_0000, True),
     (0b0000_0010, False), (0b0000_0100, False), (0b0000_1000, False), (255, False)],
)  # fmt: skip
def test_fmask_keeps_water_snow_and_aerosol_but_no_cloud_shadow_or_neighbour(code, expected):
    assert usable([code], "fmask", np.uint8) == [expected]


def test_valid_and_clouds_are_opposites():
    assert usable([0, 1, 255], "valid") == [False, True, True]
    assert usable([0, 1, 255], "clouds") == [True, False, False]


def test_codes_stored_as_signed_numbers_keep_their_bits():
    assert clear(np.array([-1, 16 - 128], np.int8), "fmask").tolist() == [False, True]


@given(st.sampled_from(KINDS), st.tuples(st.integers(0, 4), st.integers(0, 4)))
def test_the_answer_has_the_shape_of_the_mask(kind, shape):
    answer = clear(np.ones(shape, np.uint8), kind)
    assert answer.shape == shape and answer.dtype == bool


def test_what_is_no_mask_is_refused():
    with pytest.raises(RasterError, match=r"unknown kind .*'qa60'.*scl, qa_pixel"):
        clear(np.zeros(3, np.uint8), "qa60")
    with pytest.raises(RasterError, match=r"whole numbers, these are float32; resample masks by the nearest"):
        clear(np.zeros(3, np.float32), "scl")
