import numpy as np
import pytest

from stsun.bands import Band
from stsun.errors import ConfigurationError
from stsun.simulation.sensor import Conditions, display, observe, view
from stsun.simulation.spectra import SURFACES
from stsun.simulation.world import NUMBER, make_world

RED, NIR = Band("red", 665, 31), Band("nir", 833, 106)
RADAR = [Band("vv"), Band("vh")]
SUMMER = Conditions(day_of_year=200)
CATEGORY = np.array([surface.category for surface in SURFACES.values()])


@pytest.fixture(scope="module")
def seen():
    return view(make_world(5, 128, 5.0, flood=1.0), 2)


def pure(seen, category, date=0):
    """Pixels that hold nothing else."""
    return seen.shares[date][category == CATEGORY].sum(0) > 0.999


def generator():
    return np.random.default_rng(7)


def test_shares_are_the_means_of_the_world(seen):
    world = make_world(5, 128, 5.0, flood=1.0)
    assert np.allclose(seen.shares.sum(1), 1)
    for row, column in ((0, 0), (10, 33), (63, 63)):
        block = world.surface[1, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        for number in range(len(SURFACES)):
            assert seen.shares[1, number, row, column] == pytest.approx((block == number).mean())


def test_a_factor_that_does_not_divide_the_world_is_refused():
    with pytest.raises(ConfigurationError, match="divisor"):
        view(make_world(0, 64, 5.0), 3)


def test_forest_is_green_and_water_dark_in_the_infrared(seen):
    image, valid = observe(seen, [RED, NIR], SUMMER, generator())
    ndvi = (image[1] - image[0]) / (image[1] + image[0])
    assert valid.all() and image.dtype == np.float32
    assert np.median(ndvi[pure(seen, "forest")]) > 0.5
    assert np.median(ndvi[pure(seen, "water")]) < 0


def test_water_is_darker_than_land_in_radar(seen):
    image, _ = observe(seen, RADAR, SUMMER, generator())
    water = pure(seen, "water")
    assert (np.median(image[:, water], 1) < np.median(image[:, ~water], 1) - 3).all()


def test_speckle_of_linear_power_has_the_looks_it_says(seen):
    image, _ = observe(seen, RADAR, SUMMER, generator())
    power = 10 ** (image[0][pure(seen, "water")] / 10)
    # for L looks the coefficient of variation is 1 / sqrt(L)
    assert power.std() / power.mean() == pytest.approx(1 / np.sqrt(4.4), rel=0.15)


def test_the_flood_is_seen_after_the_events(seen):
    flooded = pure(seen, "water", 1) & (seen.shares[0][NUMBER["water"]] == 0)
    before, _ = observe(seen, [NIR], SUMMER, generator())
    after, _ = observe(seen, [NIR], Conditions(day_of_year=200, after=True), generator())
    assert flooded.any()
    assert np.median(after[0][flooded]) < 0.5 * np.median(before[0][flooded])


def test_exactly_what_clouds_and_their_shadows_touch_is_invalid(seen):
    # the same generator: everything but the clouds is drawn alike as long as noise comes last
    cloudy, valid = observe(seen, [RED, NIR], Conditions(day_of_year=200, cloud_cover=0.4), generator())
    clear, all_valid = observe(seen, [RED, NIR], SUMMER, generator())
    assert all_valid.all()
    assert 0.3 < 1 - valid.mean() < 0.85
    difference = np.abs(cloudy - clear).max(0)
    assert np.median(difference[valid]) < 0.02 < 0.05 < np.median(difference[~valid])


def test_values_are_multiples_of_the_stored_step(seen):
    optical, _ = observe(seen, [RED, NIR], SUMMER, generator())
    radar, _ = observe(seen, RADAR, SUMMER, generator())
    assert np.abs(optical / 1e-4 - np.rint(optical / 1e-4)).max() < 0.01
    assert np.abs(radar / 0.01 - np.rint(radar / 0.01)).max() < 0.01


def test_optical_and_radar_bands_may_share_an_image(seen):
    image, _ = observe(seen, [RADAR[0], RED], SUMMER, generator())
    assert image[0].max() < 15 and image[0].min() < -10
    assert (image[1] > 0).all()


def test_buildings_throw_shadows_on_the_ground_and_not_on_themselves():
    town = view(make_world(1, 128, 0.25, built=1.0), 2)
    roofs = pure(town, "building")
    plain, _ = observe(town, [NIR], SUMMER, generator())
    image, _ = observe(town, [NIR], Conditions(day_of_year=200, cast_shadows=True), generator())
    darker = image[0] < 0.7 * plain[0]
    assert darker[~roofs].mean() > 0.02
    assert darker[roofs].mean() < 0.01


def test_a_display_picture_has_8_bit_and_keeps_the_order_of_brightness(seen):
    image, _ = observe(seen, [RED, NIR], SUMMER, generator())
    picture = display(image, generator())
    assert np.abs(picture * 255 - np.rint(picture * 255)).max() < 1e-4
    assert picture.min() >= 0 and picture.max() <= 1
    order = np.argsort(image[1].ravel())
    assert (np.diff(picture[1].ravel()[order]) >= -1e-6).all()
