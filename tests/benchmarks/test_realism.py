import numpy as np
import pytest

import realism
from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.data.sample import Sample
from stsun.simulation.scenes import simulate

BANDS = (Band("green", 560, 30), Band("red", 665, 30), Band("nir", 840, 100))


def sample(image, labels):
    size = image.shape[1:]
    configuration = Configuration(BANDS, 10.0, "segmentation", ("water", "forest"))
    return Sample(
        "x", [image.astype(np.float32)], np.ones((1, *size), bool), np.array([0.0]), labels[None], configuration
    )


def test_statistics_are_those_of_a_scene_made_by_hand():
    labels = np.zeros((40, 40), np.int64)
    labels[10:20, 5:15] = 1
    red = np.where(labels == 1, 0.05, 0.1)
    nir = np.where(labels == 1, 0.45, 0.05)
    found = realism.statistics([sample(np.stack([red, red, nir]), labels)])
    assert found["correlation green red"] == pytest.approx(1)
    assert found["correlation red nir"] == pytest.approx(-1)
    assert found["NDVI forest 50 %"] == pytest.approx(0.8, abs=1e-5)
    assert found["patch area forest (m2)"] == pytest.approx(100 * 100)
    assert found["mean red"] == pytest.approx(red.mean(), abs=1e-6)


def test_white_noise_is_not_autocorrelated_and_a_constant_image_is_not_divided_by_zero():
    noise = np.random.default_rng(0).random((3, 80, 80))
    found = realism.statistics([sample(noise, np.zeros((80, 80), np.int64))])
    assert abs(found["autocorrelation at 1 px"]) < 0.05
    flat = realism.statistics([sample(np.full((3, 40, 40), 0.2), np.zeros((40, 40), np.int64))])
    assert flat["autocorrelation at 1 px"] == 0


def test_only_statistics_of_both_sides_are_in_the_table():
    table = realism.table({"a": 1.0, "b": 2.0}, {"b": 3.0})
    assert "b" in table and "| a " not in table


def test_a_strip_shows_scenes_of_any_size_in_squares():
    scenes = [simulate("hyperspectral", seed, 16 + 40 * seed) for seed in range(3)]
    side = realism.TILE + 4
    assert realism.strip(scenes).shape == (side, realism.COLUMNS * side, 3)
