import numpy as np
import pytest

from stsun.simulation.field import Window, hashed, level, noise, uniform


@pytest.mark.parametrize("corner", [(0.0, 0.0), (-350.0, 130.0), (2_000_000.0, -900_000.0)])
def test_a_part_of_a_field_is_the_field_of_the_part(corner):
    window = Window(*corner, 40, 60, 5.0)
    whole = noise(3, window, 70.0, 4)
    rows, columns = slice(7, 29), slice(31, 60)
    assert np.abs(noise(3, window.part(rows, columns), 70.0, 4) - whole[rows, columns]).max() < 1e-4


def test_a_field_has_mean_0_and_deviation_1_over_the_plane_and_exceeds_a_level_as_often_as_said():
    field = noise(1, Window(0, 0, 1000, 1000, 10.0), 60.0, 3)
    assert abs(field.mean()) < 0.03
    assert field.std() == pytest.approx(1, abs=0.05)
    for share in (0.1, 0.5, 0.8):
        assert (field > level(share)).mean() == pytest.approx(share, abs=0.04)


def test_seeds_give_unlike_fields_and_one_seed_the_same():
    window = Window(0, 0, 200, 200, 10.0)
    assert (noise(1, window, 60.0) == noise(1, window, 60.0)).all()
    assert abs(np.corrcoef(noise(1, window, 60.0).ravel(), noise(2, window, 60.0).ravel())[0, 1]) < 0.1


def test_neighbouring_seeds_share_no_hashes():
    rows = np.stack([hashed(seed, np.arange(64)) for seed in range(64)])
    assert len(np.unique(rows)) == rows.size


def test_hashes_of_neighbours_are_uniform_and_independent():
    hashes = hashed(5, np.arange(300)[:, None], np.arange(300)[None, :])
    for draw in range(4):
        numbers = uniform(hashes, draw)
        assert numbers.min() > 0 and numbers.max() < 1
        assert np.histogram(numbers, 10, (0, 1))[0] == pytest.approx(np.full(10, 9000), rel=0.06)
        assert abs(np.corrcoef(numbers[1:].ravel(), numbers[:-1].ravel())[0, 1]) < 0.02
    assert abs(np.corrcoef(uniform(hashes, 0).ravel(), uniform(hashes, 1).ravel())[0, 1]) < 0.02


def test_a_window_around_a_place_holds_it_and_nothing_far():
    window = Window(100.0, 200.0, 50, 80, 2.0)
    rows, columns = window.around(150.0, 230.0, 11.0)
    near = window.part(rows, columns)
    assert near.x_m <= 139 and near.x_m + near.width * 2 >= 161
    assert near.width <= 13 and near.height <= 13
    assert window.around(1e6, 0.0, 5.0)[1] == slice(80, 80)


def test_grown_divided_and_moved_windows_lie_where_they_should():
    window = Window(10.0, 20.0, 4, 6, 2.0)
    assert window.grown(3) == Window(4.0, 14.0, 10, 12, 2.0)
    assert window.divided(2) == Window(10.0, 20.0, 8, 12, 1.0)
    assert window.moved(1.0, -1.0) == Window(11.0, 19.0, 4, 6, 2.0)
