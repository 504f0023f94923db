from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stsun.errors import ConfigurationError
from stsun.prediction.tiling import Window, tiles

sizes = st.integers(1, 90)


@given(sizes, sizes, st.integers(1, 40), st.integers(0, 39))
def test_tiles_cover_every_pixel_stay_inside_and_are_full(height, width, tile, overlap):
    overlap = min(overlap, tile - 1)
    seen = np.zeros((height, width), int)
    windows = tiles(height, width, tile, overlap)
    for row, column, high, wide in windows:
        assert row >= 0 and column >= 0 and row + high <= height and column + wide <= width
        assert (high, wide) == (min(tile, height), min(tile, width))
        seen[row : row + high, column : column + wide] += 1
    assert seen.min() >= 1
    assert len(set(windows)) == len(windows)
    assert windows == sorted(windows)


@given(st.integers(1, 200), st.integers(2, 40), st.integers(0, 39))
def test_neighbours_overlap_by_at_least_what_is_asked(width, tile, overlap):
    overlap = min(overlap, tile - 1)
    columns = [window.column for window in tiles(1, width, tile, overlap)]
    assert all(right - left <= tile - overlap for left, right in pairwise(columns))


def test_the_last_tile_is_shifted_inwards():
    assert tiles(5, 10, 4, 1) == [Window(r, c, 4, 4) for r in (0, 1) for c in (0, 3, 6)]


@pytest.mark.parametrize(("tile", "overlap"), [(0, 0), (8, 8), (8, 9), (8, -1)])
def test_an_overlap_that_cannot_be_is_refused(tile, overlap):
    with pytest.raises(ConfigurationError, match="overlap from 0 to below"):
        tiles(10, 10, tile, overlap)


def test_an_empty_raster_is_refused():
    with pytest.raises(ConfigurationError, match="empty"):
        tiles(0, 10, 8, 2)
