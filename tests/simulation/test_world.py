import numpy as np
import pytest

from stsun.simulation.spectra import SURFACES
from stsun.simulation.world import NUMBER, make_world, smooth_noise

BUILT = [number for name, number in NUMBER.items() if SURFACES[name].category in ("building", "road")]


def test_a_seed_gives_one_world():
    one, same, other = make_world(3, 64, 5.0), make_world(3, 64, 5.0), make_world(4, 64, 5.0)
    assert (one.surface == same.surface).all() and (one.texture == same.texture).all()
    assert (one.surface != other.surface).any()


@pytest.mark.parametrize("gsd_m", [0.25, 5.0, 15.0])
def test_every_category_occurs_over_a_few_worlds(gsd_m):
    numbers = np.unique([make_world(seed, 96, gsd_m).surface for seed in range(8)])
    assert {SURFACES[list(NUMBER)[number]].category for number in numbers} == {
        surface.category for surface in SURFACES.values()
    }


def test_nothing_has_burned_before_the_events():
    before = np.stack([make_world(seed, 64, 5.0).surface[0] for seed in range(8)])
    assert not (before == NUMBER["burned area"]).any()


def test_a_flood_rises_from_the_water_and_spares_what_is_built():
    for seed in range(6):
        before, after = make_world(seed, 96, 5.0, flood=1.0).surface
        water, built = before == NUMBER["water"], np.isin(before, BUILT)
        assert (after[water] == NUMBER["water"]).all()
        assert ((after == NUMBER["water"]) & ~water).any()
        assert not (after == NUMBER["water"])[built & np.isin(after, BUILT)].any()


def test_without_flood_the_water_stays_where_it_is():
    for seed in range(6):
        before, after = make_world(seed, 96, 5.0, flood=0.0).surface
        assert ((before == NUMBER["water"]) == (after == NUMBER["water"])).all()


def test_forest_only_becomes_what_events_can_make_of_it():
    for seed in range(6):
        before, after = make_world(seed, 96, 5.0, built=0.0, flood=0.0).surface
        forest = np.isin(before, [NUMBER["deciduous forest"], NUMBER["evergreen forest"]])
        became = np.unique(after[forest & (before != after)])
        assert set(became) <= {NUMBER["bare soil"], NUMBER["burned area"], *BUILT}


def test_a_world_without_settlement_has_no_buildings_before():
    assert not np.isin(make_world(0, 96, 5.0, built=0.0).surface[0], BUILT).any()


@pytest.mark.parametrize("cell", [2.0, 10.0, 64.0])
def test_noise_is_standardised_and_smooth(cell):
    field = smooth_noise(np.random.default_rng(0), 128, cell, octaves=1)
    assert abs(float(field.mean())) < 1e-4 and float(field.std()) == pytest.approx(1, abs=1e-4)
    # smoothstep between knots rises at most 1.5 knot differences per cell
    assert float(np.abs(np.diff(field, axis=0)).max()) < 12 / cell
