import numpy as np
import pytest

from stsun.prediction.blending import mean, weighted_sums
from stsun.prediction.seams import finished, part_of
from stsun.prediction.tiling import Layout
from stsun.raster.grid import Window

CASES = [
    (1, 1, 8, 2, 1), (7, 30, 8, 2, 2), (33, 29, 8, 3, 2), (40, 40, 16, 15, 3), (24, 24, 8, 0, 2), (17, 5, 8, 4, 1),
    (100, 90, 10, 7, 1), (50, 61, 12, 8, 1),
]  # fmt: skip


def planes_of(layout):
    rng = np.random.default_rng(0)
    return {w: rng.normal(size=(2, w.height, w.width)).astype(np.float32) for w in layout.windows}


def render(planes):
    return [planes, np.rint(planes[:1] * 100).astype(np.int32)]


def by_chunks(layout, planes, order):
    """The raster, its parts made and finished in some order."""
    parts = {}
    for place in order(list(layout.chunks)):
        chunk = layout.chunks[place]
        parts[place] = part_of(chunk, ((window, planes[window]) for window in chunk.windows), render)
    whole = np.full((2, layout.height, layout.width), np.nan, np.float32)
    rounded = np.full((1, layout.height, layout.width), -9999, np.int32)
    for (i, j), part in parts.items():
        pixels = finished(part, [parts.get(one) for one in ((i - 1, j), (i, j - 1), (i - 1, j - 1))], render)
        row, column, high, wide = part.chunk.area
        whole[:, row : row + high, column : column + wide] = pixels[0]
        rounded[:, row : row + high, column : column + wide] = pixels[1]
    return whole, rounded


@pytest.mark.parametrize("case", CASES)
def test_chunks_give_what_blending_the_whole_raster_gives(case):
    layout = Layout(*case)
    planes = planes_of(layout)
    parts = ((window, planes[window]) for window in layout.windows)
    expected = [mean(sums) for _, sums in weighted_sums(parts, Window(0, 0, layout.height, layout.width))]
    whole, rounded = by_chunks(layout, planes, order=list)
    np.testing.assert_allclose(whole, np.concatenate(expected, axis=1), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(rounded, np.rint(whole[:1] * 100))


@pytest.mark.parametrize("case", CASES)
def test_the_order_of_chunks_changes_no_bit(case):
    layout = Layout(*case)
    planes = planes_of(layout)
    first = by_chunks(layout, planes, order=list)
    for other in (
        by_chunks(layout, planes, order=lambda places: places[::-1]),
        by_chunks(layout, planes, order=sorted),
    ):
        np.testing.assert_array_equal(first[0], other[0])
        np.testing.assert_array_equal(first[1], other[1])


def test_a_part_holds_sums_only_along_its_borders():
    """What is kept until the neighbours are there grows with a chunk's border, not with its area."""
    layout = Layout(300, 300, 20, 4, 8)
    planes = planes_of(layout)
    chunk = layout.chunks[1, 1]
    part = part_of(chunk, ((window, planes[window]) for window in chunk.windows), render)
    border = 2 * layout.overlap * (chunk.area.height + chunk.area.width + 2 * layout.overlap)
    assert sum(strip[0].size for strip in part.strips.values()) <= border
