from dataclasses import replace

import numpy as np
import pytest

from stsun.bands import Band
from stsun.simulation.days import day_of
from stsun.simulation.field import Window
from stsun.simulation.land import World
from stsun.simulation.sensor import STEPS, kind_of, observe, thinned
from stsun.simulation.spectra import NUMBER, SURFACES
from stsun.simulation.view import MARGIN, Conditions, View

RED, NIR, SWIR = Band("red", 665, 31), Band("nir", 833, 106), Band("swir16", 1614, 91)
RADAR = [Band("vv"), Band("vh")]
SUMMER = Conditions(day_of(2019, 7, 1))
QUIET = replace(SUMMER, noise=0.0)
WINDOW = Window(2000.0, -5000.0, 100, 110, 10.0)
INNER = (slice(MARGIN, -MARGIN), slice(MARGIN, -MARGIN))


@pytest.fixture(scope="module")
def seen():
    return View(World(6), WINDOW)


def pure(view, *categories, day=SUMMER.day):
    """Pixels that hold nothing else."""
    rows = [surface.category in categories for surface in SURFACES.values()]
    return view.shares(day)[rows].sum(0)[INNER] > 0.999


def test_shares_are_the_means_of_the_land(seen):
    surface, shares = seen.land.surface(SUMMER.day), seen.shares(SUMMER.day)
    assert np.allclose(shares.sum(0), 1)
    for row, column in ((0, 0), (10, 33), (63, 63)):
        block = surface[2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        for number in range(len(SURFACES)):
            assert shares[number, row, column] == pytest.approx((block == number).mean())


@pytest.mark.parametrize(("seed", "gsd_m"), [(0, 1.0), (1, 10.0), (2, 10.0), (3, 30.0), (4, 10.0)])
def test_tiles_of_an_image_join_seamlessly(seed, gsd_m):
    world, window = World(6, latitude=58.0), Window(70_000.0, -4210.0, 60, 66, gsd_m)
    conditions = replace(QUIET, day=day_of(2019, 3, 1), seed=seed, cloud_cover=0.3, blur_px=0.5, shift_px=(0.4, -0.3))
    bands = [RED, SWIR, Band("lwir", 11_000, 700), Band("dem")]
    whole, valid = observe(View(world, window), bands, conditions)
    for rows, columns in ((slice(0, 30), slice(0, 22)), (slice(0, 30), slice(22, 66)), (slice(30, 60), slice(0, 66))):
        part, mask = observe(View(world, window.part(rows, columns)), bands, conditions)
        assert (mask == valid[rows, columns]).all()
        assert np.abs(part - whole[:, rows, columns])[:2].max() < 2e-3
        assert np.abs(part - whole[:, rows, columns])[2:].max() < 0.2


def test_an_image_is_the_same_each_time_and_another_seed_another_noise(seen):
    one, again = observe(seen, [RED], SUMMER)[0], observe(seen, [RED], SUMMER)[0]
    other = observe(seen, [RED], replace(SUMMER, seed=1))[0]
    assert (one == again).all() and (one != other).any()


def test_forest_is_green_and_water_dark_in_the_infrared(seen):
    image, valid = observe(seen, [RED, NIR], SUMMER)
    ndvi = (image[1] - image[0]) / (image[1] + image[0])
    assert valid.all() and image.dtype == np.float32
    assert np.median(ndvi[pure(seen, "forest")]) > 0.5
    assert np.median(image[1][pure(seen, "water")]) < 0.1


def test_water_is_darker_than_land_in_radar(seen):
    image, _ = observe(seen, RADAR, SUMMER)
    water, forest = pure(seen, "water"), pure(seen, "forest")
    assert (np.median(image[:, water], 1) < np.median(image[:, forest], 1) - 3).all()


def test_speckle_of_linear_power_has_the_looks_it_says():
    view = View(World(1), Window(0.0, 0.0, 64, 64, 10.0))
    one, other = (observe(view, RADAR[:1], replace(SUMMER, seed=seed, blur_px=0.0))[0][0] for seed in (3, 4))
    # the ratio of two acquisitions of one place is free of the ground; its logarithm has twice the speckle's variance
    looks = 4.4
    of_gamma = np.std(10 * np.log10(np.random.default_rng(0).gamma(looks, 1 / looks, 100_000)))
    assert (one - other).std() / np.sqrt(2) == pytest.approx(of_gamma, rel=0.12)


@pytest.mark.parametrize(("shift", "blur"), [((0.0, 0.0), 0.0), ((0.5, 0.4), 0.6), ((-0.8, 0.2), 0.4)])
def test_exactly_what_clouds_and_their_shadows_touch_is_invalid(seen, shift, blur):
    bands = [RED, NIR, Band("lwir", 11_000, 700)]
    same = replace(QUIET, shift_px=shift, blur_px=blur, seed=5)
    cloudy, valid = observe(seen, bands, replace(same, cloud_cover=0.4))
    clear, all_valid = observe(seen, bands, same)
    assert all_valid.all() and 0.1 < (~valid).mean() < 0.9
    difference = np.abs(cloudy - clear)
    assert difference[:2, valid].max() < 3e-3 and difference[2, valid].max() < 0.2
    assert np.median(difference[:2].max(0)[~valid]) > 0.02 and np.median(difference[2][~valid]) > 1


@pytest.mark.parametrize(("rows", "tolerance"), [(40, 0.0), (900, 0.03)])
def test_clouds_are_thinned_only_where_they_hide_more_than_the_limit(rows, tolerance):
    window, changed = Window(2000.0, -5000.0, rows, 120, 10.0), 0
    for seed in range(6):
        drawn = replace(QUIET, seed=seed, cloud_cover=0.2)
        held = thinned(window, drawn, 0.25)
        view = View(World(6), window, factor=1)
        before, after = (1 - observe(view, [Band("lwir", 11_000, 700)], date)[1].mean() for date in (drawn, held))
        assert after <= 0.25 + tolerance
        assert held == drawn or before > 0.25 - tolerance
        changed += held != drawn
    assert 0 < changed < 6


def test_filtered_radar_is_smoother_and_no_brighter():
    view = View(World(1), Window(0.0, 0.0, 64, 64, 10.0))
    plain, filtered = (observe(view, RADAR[:1], replace(SUMMER, looks=looks))[0][0] for looks in (4.4, 30.0))
    assert np.abs(np.diff(filtered)).mean() < 0.5 * np.abs(np.diff(plain)).mean()
    assert (10 ** (filtered / 10)).mean() == pytest.approx((10 ** (plain / 10)).mean(), rel=0.05)


def test_clouds_hide_nothing_from_radar(seen):
    assert observe(seen, RADAR, replace(SUMMER, cloud_cover=0.9))[1].all()


def test_blur_and_shift_keep_the_mean(seen):
    bands = [NIR, Band("lwir", 11_000, 700), Band("dem")]
    plain, blurred = (
        observe(seen, bands, replace(QUIET, blur_px=blur, shift_px=(blur, 0)))[0].mean((1, 2)) for blur in (0.0, 0.55)
    )
    assert blurred == pytest.approx(plain, rel=2e-3)


def test_values_are_multiples_of_the_stored_step(seen):
    bands = [RED, RADAR[0], Band("lwir", 11_000, 700), Band("dem")]
    image, _ = observe(seen, bands, SUMMER)
    for band, values in zip(bands, image, strict=True):
        steps = values / STEPS[kind_of(band)]
        assert np.abs(steps - np.rint(steps)).max() < 0.05


def test_every_kind_of_band_has_its_own_unit(seen):
    image, _ = observe(seen, [RED, RADAR[0], Band("lwir", 11_000, 700), Band("dem")], SUMMER)
    assert 0 < image[0].min() and image[0].max() <= 1.5
    assert -40 < image[1].min() < image[1].max() < 25
    assert 260 < image[2].min() and image[2].max() < 340
    assert np.abs(image[3] - seen.mean(seen.land.relief.elevation_m)[INNER]).max() < 15


def test_roads_are_warmer_than_water():
    view = View(World(6), Window(-3000.0, 2000.0, 200, 200, 10.0))
    image, _ = observe(view, [Band("lwir", 11_000, 700)], QUIET)
    water, roads = pure(view, "water"), view.shares(SUMMER.day)[NUMBER["asphalt"]][INNER] > 0.4
    assert water.any() and roads.any()
    assert image[0][roads].mean() > image[0][water].mean() + 3


def test_an_image_is_moved_by_its_misregistration(seen):
    still = observe(seen, [NIR], replace(QUIET, blur_px=0.3))[0][0]
    moved = observe(seen, [NIR], replace(QUIET, blur_px=0.3, shift_px=(1.0, 0.0)))[0][0]
    assert np.abs(moved[:, 5:-5] - still[:, 4:-6]).mean() < 0.2 * np.abs(moved - still).mean()


def test_a_wider_point_spread_blurs(seen):
    sharp, soft = (observe(seen, [NIR], replace(QUIET, blur_px=blur))[0][0] for blur in (0.2, 1.2))
    assert np.abs(np.diff(soft)).mean() < 0.7 * np.abs(np.diff(sharp)).mean()


def test_buildings_throw_shadows_away_from_the_sun_and_not_on_themselves():
    world = World(3)
    window = _town(world)
    east, west = (
        observe(View(world, window), [NIR], replace(QUIET, sun_azimuth=np.radians(azimuth)))[0][0]
        for azimuth in (90, 270)
    )
    view = View(world, window)
    roofs = pure(view, "building")
    assert roofs.any()
    differs = np.abs(east - west) > 0.3 * np.maximum(east, west)
    assert differs[~roofs].mean() > 0.01 and differs[roofs].mean() < 0.02


def test_shadows_of_buildings_beside_a_tile_fall_into_it():
    world = World(3)
    window = _town(world)
    low_sun = replace(QUIET, day=day_of(2019, 11, 20), sun_azimuth=np.radians(140))
    whole = observe(View(world, window), [NIR], low_sun)[0]
    rows, columns = slice(0, 60), slice(60, 120)
    part = observe(View(world, window.part(rows, columns)), [NIR], low_sun)[0]
    assert np.quantile(np.abs(part - whole[:, rows, columns]), 0.99) < 5e-3


def test_landsat_7_loses_lines_from_2003_on(seen):
    for day, lost in ((day_of(2003, 5, 1), False), (day_of(2004, 5, 1), True)):
        wide = View(World(6), Window(70_000.0, 0.0, 100, 100, 30.0))
        _, valid = observe(wide, [RED], replace(QUIET, day=day, gaps=True))
        assert (~valid).any() == lost


def test_snow_lies_in_winter_in_the_north_and_not_in_summer():
    view = View(World(6, latitude=62.0), WINDOW)
    january, july = (observe(view, [RED], replace(QUIET, day=day_of(2019, month, 20)))[0][0] for month in (1, 7))
    assert np.median(january) > 2 * np.median(july)


def test_a_display_picture_has_8_bit_and_keeps_the_order_of_brightness(seen):
    plain = observe(seen, [NIR], QUIET)[0][0]
    picture = observe(seen, [NIR], replace(QUIET, stretch=(0.01, 0.5, 0.7)))[0][0]
    assert np.abs(picture * 255 - np.rint(picture * 255)).max() < 1e-4
    assert picture.min() >= 0 and picture.max() <= 1
    order = np.argsort(plain.ravel())
    assert (np.diff(picture.ravel()[order]) >= -1.5 / 255).all()


def _town(world):
    coarse = Window(-15_000.0, -15_000.0, 80, 80, 400.0)
    land = world.land(coarse)
    row, column = np.argwhere((land.settlement.town_from < day_of(1990)) & (land.relief.above_water_m > 5))[0]
    return Window(coarse.x_m + column * 400.0 + 100, coarse.y_m + row * 400.0 + 100, 120, 120, 0.5)
