"""Exact answers: how far blending, counts, scores and areas may be from what fractions give."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from rasterio.crs import CRS
from rasterio.transform import Affine

from strategies import layouts, maps
from stsun.evaluation.confusion import confusion
from stsun.evaluation.intervals import bootstrap
from stsun.evaluation.scores import category_measures, kappa, overall_measures, semantic_change_measures
from stsun.maps.areas import counts_by_row, pixel_areas_m2
from stsun.prediction.blending import blend_weights, mean, weighted_sums
from stsun.prediction.seams import finished, part_of
from stsun.raster.grid import Window

STEP = 2.0**-24
"""Half the distance from 1 to the next float32: the largest relative error of one rounding."""

COUNTS = st.integers(0, 2**40)
SMALL = settings(max_examples=60, deadline=None)


def tiles_of(layout, seed):
    rng = np.random.default_rng(seed)
    return {
        window: rng.uniform(-1, 1, (1, window.height, window.width)).astype(np.float32) for window in layout.windows
    }


def blended(layout, planes):
    parts = ((window, planes[window]) for window in layout.windows)
    rows = [mean(sums) for _, sums in weighted_sums(parts, Window(0, 0, layout.height, layout.width))]
    return np.concatenate(rows, axis=1)


@SMALL
@given(layouts(), st.integers(0, 99))
def test_blending_is_within_a_rounding_for_each_tile_of_the_exact_mean(layout, seed):
    planes = tiles_of(layout, seed)
    total, weights = np.zeros((2, layout.height, layout.width))
    deep = np.zeros((layout.height, layout.width), int)
    for (row, column, high, wide), plane in planes.items():
        place = slice(row, row + high), slice(column, column + wide)
        exact = blend_weights(high, wide).astype(np.float64)
        total[place] += exact * plane[0].astype(np.float64)
        weights[place] += exact
        deep[place] += 1
    # each tile is rounded once as a product and once in either sum; the division rounds once more
    bound = (3 * deep + 1) * STEP * 1.01
    assert (np.abs(blended(layout, planes)[0] - total / weights) <= bound).all()


@SMALL
@given(layouts(), st.sampled_from([0.0, 1.0, -0.5, 3e7, 1e-20]))
def test_what_all_tiles_say_alike_comes_out_within_two_roundings_for_each_tile(layout, value):
    planes = {window: np.full((1, window.height, window.width), value, np.float32) for window in layout.windows}
    most = (layout.tile // (layout.tile - layout.overlap) + 1) ** 2
    assert (np.abs(blended(layout, planes) - np.float32(value)) <= abs(value) * (3 * most + 1) * STEP).all()


def render(planes):
    return [planes]


@SMALL
@given(layouts(), st.integers(0, 99), st.randoms(use_true_random=False))
def test_chunks_in_any_order_give_the_same_bits_and_the_blended_whole(layout, seed, random):
    planes = tiles_of(layout, seed)
    results = []
    for _ in range(2):
        places = list(layout.chunks)
        random.shuffle(places)
        parts = {
            place: part_of(layout.chunks[place], ((w, planes[w]) for w in layout.chunks[place].windows), render)
            for place in places
        }
        whole = np.full((1, layout.height, layout.width), np.nan, np.float32)
        for (i, j), part in parts.items():
            before = [parts.get(place) for place in ((i - 1, j), (i, j - 1), (i - 1, j - 1))]
            row, column, high, wide = part.chunk.area
            whole[:, row : row + high, column : column + wide] = finished(part, before, render)[0]
        results.append(whole)
    np.testing.assert_array_equal(*results)
    np.testing.assert_allclose(results[0], blended(layout, planes), rtol=1e-4, atol=1e-6)


@SMALL
@given(maps(4))
def test_counts_are_whole_add_up_and_follow_a_renaming(pair):
    labels, prediction = pair
    counts = confusion(labels, prediction, 4)
    assert counts.dtype == np.int64 and counts.sum() == (labels != 255).sum()
    halves = [confusion(labels[rows], prediction[rows], 4) for rows in (slice(0, 1), slice(1, None))]
    np.testing.assert_array_equal(counts, sum(halves))
    order = np.array([2, 0, 3, 1])
    renamed = confusion(np.where(labels == 255, 255, order[labels % 4]), order[prediction], 4)
    np.testing.assert_array_equal(renamed[np.ix_(order, order)], counts)


@SMALL
@given(arrays.arrays(np.int64, st.integers(2, 5).map(lambda k: (k, k)), elements=COUNTS))
def test_scores_are_within_last_bits_of_fractions(matrix):
    rows = [[Fraction(int(value)) for value in row] for row in matrix]
    labelled, predicted = [sum(row) for row in rows], [sum(column) for column in zip(*rows, strict=True)]
    hits, total = [row[place] for place, row in enumerate(rows)], sum(labelled)
    each = category_measures(matrix)
    for place, (hit, own, found) in enumerate(zip(hits, labelled, predicted, strict=True)):
        near(each["iou"][place], hit, own + found - hit)
        near(each["f1"][place], 2 * hit, own + found)
        near(each["precision"][place], hit, found)
        near(each["recall"][place], hit, own)
    near(overall_measures(matrix)["overall_accuracy"], sum(hits), total)
    chance = sum(own * found for own, found in zip(labelled, predicted, strict=True))
    near(kappa(matrix), total * sum(hits) - chance, total * total - chance)


def near(found, numerator, denominator):
    if denominator == 0:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(float(numerator / denominator), rel=1e-13, abs=1e-13)


def test_kappa_of_a_map_in_which_next_to_nothing_changed_keeps_its_digits():
    # 10^12 pixels, 3 changed, of which 2 are found and one more is: kappa = 2 (ad - bc) / (...), by fractions
    unchanged = 10**12 - 4
    matrix = np.array([[unchanged, 1], [1, 2]])
    expected = Fraction(2 * (unchanged * 2 - 1), 2 * (unchanged + 1) * 3)
    assert kappa(matrix) == pytest.approx(float(expected), rel=1e-13)
    scores = semantic_change_measures(matrix)
    assert scores["f_scd"] == pytest.approx(2 / 3, rel=1e-13) and scores["change_iou"] == pytest.approx(0.5)


def test_counts_beyond_32_bit_are_resampled_without_loss():
    # every replicate draws four samples of 2^33 pixels each: sums are whole, and all scores exactly 3/4
    matrix = np.array([[2**33 * 3 // 8, 2**33 // 8], [2**33 // 8, 2**33 * 3 // 8]])
    bounds = bootstrap(np.stack([matrix] * 4), lambda sums: {"accuracy": overall_measures(sums)["overall_accuracy"]})
    assert bounds["accuracy"].tolist() == [0.75, 0.75]


def test_pixels_and_hectares_of_a_whole_map_are_exact_where_the_answer_is_known():
    """Ten-metre pixels in UTM have 100 m² each; 30 000 rows of 100 000 pixels are 3 * 10^9 of them, 3 * 10^7 hectares."""
    area = pixel_areas_m2(CRS.from_epsg(32633), Affine(10, 0, 5e5, 0, -10, 5e6), 0, 30_000, 100_000)
    counts = np.full((30_000, 1), 100_000)
    assert (area @ counts)[0] == pytest.approx(3e11, rel=1e-14)
    assert counts.sum() == 3_000_000_000 and counts.dtype == np.int64


@SMALL
@given(st.floats(-80, 80), st.floats(1e-6, 1e-3))
def test_rows_of_degrees_add_up_to_their_zone(latitude, degrees):
    """Many thin rows, whose areas are differences of nearly equal numbers, against one row as tall as all."""
    rows = 64
    crs, top = CRS.from_epsg(4326), latitude + rows * degrees / 2
    thin = pixel_areas_m2(crs, Affine(degrees, 0, 10, 0, -degrees, top), 0, rows, 8)
    whole = pixel_areas_m2(crs, Affine(degrees, 0, 10, 0, -degrees * rows, top), 0, 1, 8)
    # a latitude is held to its last bits, of which a row's height in radians is small: a row of 0.1 m to 1e-6
    assert thin.sum() == pytest.approx(whole[0], rel=64 * 2.0**-52 / np.radians(degrees))
    assert (thin > 0).all()


@SMALL
@given(arrays.arrays(np.int64, (4, 9), elements=st.integers(0, 300)))
def test_counts_by_row_are_those_of_each_row(values):
    expected = [np.bincount(row, minlength=301) for row in values]
    np.testing.assert_array_equal(counts_by_row(values, 301), expected)
