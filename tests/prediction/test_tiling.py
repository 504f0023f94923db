from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stsun.errors import ConfigurationError
from stsun.prediction import run
from stsun.prediction.tiling import Layout
from stsun.raster.grid import Window

sizes = st.integers(1, 60)


@st.composite
def layouts(draw):
    tile = draw(st.integers(2, 40))
    overlap = draw(st.integers(0, tile - 1))
    return Layout(draw(sizes), draw(sizes), tile, overlap, draw(st.integers(1, 4)))


@given(layouts())
def test_tiles_cover_every_pixel_stay_inside_and_begin_at_regular_steps(layout):
    seen = np.zeros((layout.height, layout.width), int)
    step = layout.tile - layout.overlap
    for row, column, high, wide in layout.windows:
        assert row % step == column % step == 0
        assert (high, wide) == (min(layout.tile, layout.height - row), min(layout.tile, layout.width - column))
        assert high > 0 and wide > 0
        seen[row : row + high, column : column + wide] += 1
    assert seen.min() >= 1
    assert layout.windows == sorted(set(layout.windows))


@given(layouts())
def test_no_tile_lies_within_another(layout):
    rows = sorted({(window.row, window.row + window.height) for window in layout.windows})
    assert all(end < later for (_, end), (_, later) in pairwise(rows))


@given(layouts())
def test_chunks_divide_the_raster_and_its_tiles(layout):
    owner = np.full((layout.height, layout.width), -1)
    for number, chunk in enumerate(layout.chunks.values()):
        row, column, high, wide = chunk.area
        assert (owner[row : row + high, column : column + wide] == -1).all()
        owner[row : row + high, column : column + wide] = number
        assert all(owner[window.row, window.column] == number for window in chunk.windows)
    assert (owner >= 0).all()
    assert sorted(window for chunk in layout.chunks.values() for window in chunk.windows) == layout.windows


@given(layouts())
def test_the_tiles_of_a_chunk_cover_its_area_with_those_of_its_neighbours_and_reach_no_further_than_said(layout):
    for (i, j), chunk in layout.chunks.items():
        bottom = max(window.row + window.height for window in chunk.windows)
        right = max(window.column + window.width for window in chunk.windows)
        extent = chunk.extent
        assert (bottom, right) == (extent.row + extent.height, extent.column + extent.width)
        below, beside = layout.chunks.get((i + 1, j)), layout.chunks.get((i, j + 1))
        assert chunk.below == (below.above if below else 0) and chunk.right == (beside.left if beside else 0)
        assert below is None or chunk.below < below.area.height
        assert beside is None or chunk.right < beside.area.width


def test_the_last_tile_is_as_short_as_the_raster_has_it():
    assert Layout(5, 10, 4, 1).windows == [
        Window(row, column, high, wide) for row, high in ((0, 4), (3, 2)) for column, wide in ((0, 4), (3, 4), (6, 4))
    ]


@pytest.mark.parametrize(("tile", "overlap"), [(0, 0), (8, 8), (8, 9), (8, -1)])
def test_an_overlap_that_cannot_be_is_refused(tile, overlap):
    with pytest.raises(ConfigurationError, match="overlap from 0 to below"):
        Layout(10, 10, tile, overlap)


def test_an_empty_raster_is_refused():
    with pytest.raises(ConfigurationError, match="empty"):
        Layout(0, 10, 8, 2)


@pytest.mark.parametrize(("planes", "side"), [(6, 2), (300, 1)])
def test_chunks_are_small_and_smaller_where_memory_asks_for_it(planes, side):
    job = SimpleNamespace(scene=SimpleNamespace(grid=SimpleNamespace(height=6000, width=6000)), planes=planes)
    layout = run._layout(job, run.Settings())
    assert layout.tiles_per_side == side
    sums = max(chunk.extent.height * chunk.extent.width for chunk in layout.chunks.values()) * 4 * (planes + 1)
    assert side == 1 or sums <= run.MEMORY
