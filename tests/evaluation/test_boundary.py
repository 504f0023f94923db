"""Boundary IoU, against masks whose boundaries can be counted by hand."""

import numpy as np
import pytest
from scipy.ndimage import binary_erosion

from stsun.data.sample import IGNORE
from stsun.evaluation.boundary import boundary, boundary_counts


def square(first, last, size=10):
    mask = np.zeros((size, size), int)
    mask[first:last, first:last] = 1
    return mask


@pytest.mark.parametrize("reach", [1, 2, 3])
def test_a_boundary_is_the_mask_less_its_erosion(reach):
    mask = np.random.default_rng(0).random((23, 31)) < 0.9
    eroded = binary_erosion(mask, np.ones((2 * reach + 1, 2 * reach + 1)), border_value=0)
    np.testing.assert_array_equal(boundary(mask, reach), mask & ~eroded)


def test_boundary_iou_of_two_squares():
    # squares of 6 and 4 pixels with one middle: rings of 20 and 12 pixels that share none
    counts = boundary_counts(square(2, 8)[None], square(3, 7)[None], 2, share=0.01)
    assert counts[1].tolist() == [0, 32]


def test_the_same_masks_have_the_iou_one():
    both, either = boundary_counts(square(2, 8)[None], square(2, 8)[None], 2, share=0.01)[1]
    assert both == either == 20


def test_ignored_pixels_are_in_no_boundary():
    labels = square(2, 8)
    labels[:5] = IGNORE
    both, either = boundary_counts(labels[None], square(2, 8)[None], 2, share=0.01)[1]
    assert both == either == 14  # 3 x 6 pixels are left, 4 of them inner


def test_a_category_without_boundary_counts_nothing():
    assert boundary_counts(square(2, 8)[None], square(2, 8)[None], 3)[2].tolist() == [0, 0]
