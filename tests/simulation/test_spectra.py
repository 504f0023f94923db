import numpy as np
import pytest

from stsun.bands import Band
from stsun.errors import ConfigurationError
from stsun.simulation.spectra import SURFACES, endmembers, second_state, snow, warmth

NAMES = list(SURFACES)
RED, NIR, BLUE = Band("red", 665, 31), Band("nir", 833, 106), Band("blue", 492, 66)
SWIR16, SWIR22, LEAF_WATER = Band("swir16", 1614, 91), Band("swir22", 2202, 175), Band("leaf water", 1450, 20)


def reflectance(surface, band, day_of_year=200):
    bare, leafy = endmembers([band])
    row = NAMES.index(surface)
    return bare[row, 0] + second_state(day_of_year)[row] * (leafy[row, 0] - bare[row, 0])


def normalised_difference(surface, first, second, day_of_year=200):
    one, two = reflectance(surface, first, day_of_year), reflectance(surface, second, day_of_year)
    return (one - two) / (one + two)


@pytest.mark.parametrize("surface", ["deciduous forest", "evergreen forest"])
def test_forest_has_a_high_ndvi_in_summer(surface):
    assert normalised_difference(surface, NIR, RED) > 0.5


def test_deciduous_forest_and_summer_crops_are_greener_in_july_than_in_january():
    for surface in ("deciduous forest", "summer crop", "grassland"):
        july, january = (normalised_difference(surface, NIR, RED, day) for day in (200, 15))
        assert july > january + 0.1


def test_winter_crops_are_green_in_may_and_harvested_in_august():
    may, august = (normalised_difference("winter crop", NIR, RED, day) for day in (135, 230))
    assert may > 0.6 > 0.4 > august


def test_water_falls_from_blue_to_the_infrared():
    blue, red, nir, swir = (reflectance("water", band) for band in (BLUE, RED, NIR, SWIR16))
    assert blue > red > nir > swir
    assert nir < 0.03


def test_leaves_absorb_at_1450_nm_and_soil_hardly():
    assert reflectance("grassland", LEAF_WATER) < 0.7 * reflectance("grassland", SWIR16)
    assert reflectance("bare soil", LEAF_WATER) > 0.8 * reflectance("bare soil", SWIR16)


def test_soil_rises_and_what_has_burned_is_darker_in_the_nir_than_in_the_swir():
    assert reflectance("bare soil", BLUE) < reflectance("bare soil", RED) < reflectance("bare soil", SWIR16)
    assert (
        normalised_difference("burned area", NIR, SWIR22)
        < -0.2
        < 0.2
        < normalised_difference("evergreen forest", NIR, SWIR22)
    )


def test_every_reflectance_lies_between_0_and_1():
    bands = [Band(f"{centre}", centre, 10) for centre in range(350, 2501, 25)]
    for values in endmembers(bands):
        assert values.shape == (len(SURFACES), len(bands))
        assert (values > 0).all() and (values < 0.8).all()


@pytest.mark.parametrize("latitude", [5.0, 48.0, 65.0])
def test_the_second_state_is_a_share_on_every_day(latitude):
    shown = np.stack([second_state(day, latitude, dryness=0.5, turbidity=0.5) for day in range(1, 366)])
    assert (shown >= 0).all() and (shown <= 1).all()


def test_spring_comes_later_in_the_north():
    forest = NAMES.index("deciduous forest")
    south, north = (second_state(115, latitude)[forest] for latitude in (40.0, 60.0))
    assert south > north + 0.2


def test_a_drought_withers_crops_and_dries_soil():
    usual, dry = second_state(150), second_state(150, dryness=1.0)
    for name in ("winter crop", "grassland", "bare soil"):
        assert dry[NAMES.index(name)] < 0.7 * usual[NAMES.index(name)]


def test_muddy_water_is_brighter_and_wet_soil_darker():
    first, second = endmembers([RED])
    assert second[NAMES.index("water"), 0] > 2 * first[NAMES.index("water"), 0]
    assert second[NAMES.index("bare soil"), 0] < 0.8 * first[NAMES.index("bare soil"), 0]


def test_snow_is_bright_and_falls_in_the_infrared_more_when_it_is_old():
    bands = [RED, Band("nir", 1030, 20), SWIR16]
    fresh, old = snow(bands, 0.0), snow(bands, 1.0)
    assert fresh[0] > 0.9 and fresh[2] < 0.3
    assert old[1] / old[0] < fresh[1] / fresh[0]


def test_it_is_warmer_in_summer_and_towards_the_equator():
    band = Band("lwir", 11_000, 700)
    assert (warmth(band, 190, 50.0) > warmth(band, 10, 50.0) + 10).all()
    assert (warmth(band, 190, 20.0) > warmth(band, 190, 60.0)).all()


def test_a_wide_band_is_the_mean_over_what_it_sees():
    # a Gaussian of 200 nm across the red edge lies between the dark red and the bright infrared
    wide = reflectance("grassland", Band("wide", 714, 200))
    assert reflectance("grassland", RED) < wide < reflectance("grassland", NIR)


def test_radar_sees_water_dark_and_buildings_bright():
    bare, _ = endmembers([Band("vv"), Band("vh")])
    decibels = 10 * np.log10(bare)
    water, forest, roof = (decibels[NAMES.index(name)] for name in ("water", "evergreen forest", "tile roof"))
    assert (water < forest - 5).all() and (forest < roof).all()
    assert (decibels[:, 1] < decibels[:, 0]).all()  # vh below vv everywhere


@pytest.mark.parametrize(
    ("band", "word"), [(Band("dem"), "token"), (Band("hh"), "vv, vh"), (Band("thermal", 11_000, 800), "2550 nm")]
)
def test_a_band_that_cannot_be_simulated_is_refused(band, word):
    with pytest.raises(ConfigurationError, match=word):
        endmembers([band])
