import numpy as np
import pytest

from stsun.prediction.blending import blend_weights, mean, weighted_sums
from stsun.prediction.tiling import Layout
from stsun.raster.grid import Window

CASES = [(1, 1, 8, 2), (7, 30, 8, 2), (33, 29, 8, 3), (40, 40, 16, 15), (24, 24, 8, 0), (17, 5, 8, 4)]


def blended(field, tile, overlap):
    """Field ``C H W`` cut into tiles and blended again."""
    _, height, width = field.shape
    windows = Layout(height, width, tile, overlap).windows
    parts = ((w, field[:, w.row : w.row + w.height, w.column : w.column + w.width]) for w in windows)
    return together(parts, height, width)


def together(parts, height, width):
    rows, first_rows = [], []
    for first, sums in weighted_sums(parts, Window(0, 0, height, width)):
        first_rows.append(first)
        rows.append(mean(sums))
    whole = np.concatenate(rows, axis=1)
    assert first_rows == list(np.cumsum([0, *(band.shape[1] for band in rows[:-1])]))
    assert whole.shape[1:] == (height, width)
    return whole


@pytest.mark.parametrize("case", CASES)
def test_what_all_tiles_agree_on_comes_out_as_it_was(case):
    height, width, tile, overlap = case
    field = np.random.default_rng(0).normal(size=(3, height, width)).astype(np.float32)
    np.testing.assert_allclose(blended(field, tile, overlap), field, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_the_weighted_mean_agrees_with_brute_force(case):
    height, width, tile, overlap = case
    rng = np.random.default_rng(1)
    parts = [
        (window, rng.normal(size=(2, window.height, window.width)).astype(np.float32))
        for window in Layout(height, width, tile, overlap).windows
    ]
    total, weights = np.zeros((2, height, width)), np.zeros((height, width))
    for (row, column, high, wide), planes in parts:
        for i in range(high):
            for j in range(wide):
                weight = np.sin(np.pi * (i + 0.5) / high) ** 2 * np.sin(np.pi * (j + 0.5) / wide) ** 2
                total[:, row + i, column + j] += weight * planes[:, i, j]
                weights[row + i, column + j] += weight
    np.testing.assert_allclose(together(iter(parts), height, width), total / weights, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [1, 2, 7, 512, 1024])
def test_weights_are_positive_to_the_very_edge_and_symmetric(size):
    weights = blend_weights(size, 3)
    assert (weights > 0).all()
    np.testing.assert_allclose(weights, weights[::-1, ::-1], rtol=1e-5)


def test_no_more_than_one_row_of_tiles_is_waited_for():
    """A band of rows comes out as soon as the first tile of the next row of tiles is in."""
    taken = []

    def parts():
        for window in Layout(40, 8, 8, 2).windows:
            taken.append(window.row)
            yield window, np.ones((1, 8, 8), np.float32)

    next(weighted_sums(parts(), Window(0, 0, 40, 8)))
    assert taken == [0, 6]
