import numpy as np
import pytest

from stsun.simulation.days import YEAR_DAYS, date_of, day_of, day_of_year
from stsun.simulation.events import dryness, flood_of, water_level_m
from stsun.simulation.field import Window
from stsun.simulation.history import EVENTS, events_between
from stsun.simulation.land import World
from stsun.simulation.spectra import NUMBER, ROOFS

DAY = day_of(2019, 7, 1)
WIDE = Window(-6000.0, 3000.0, 150, 170, 40.0)


@pytest.fixture(scope="module")
def land():
    return World(4).land(WIDE)


@pytest.mark.parametrize("gsd_m", [0.5, 10.0])
def test_tiles_join_seamlessly(gsd_m):
    window = Window(812.5, -4210.0, 60, 90, gsd_m)
    whole = World(8).land(window).surface(DAY)
    for rows, columns in ((slice(0, 33), slice(0, 90)), (slice(33, 60), slice(0, 41)), (slice(33, 60), slice(41, 90))):
        part = World(8).land(window.part(rows, columns)).surface(DAY)
        assert (part != whole[rows, columns]).mean() < 1e-3  # a pixel on a border may fall to either side


def test_a_wide_view_holds_every_kind_of_natural_and_built_surface(land):
    found = {name for name, number in NUMBER.items() if (land.surface(DAY) == number).any()}
    assert found >= set(NUMBER) - {"metal roof", "burned area"}


def test_worlds_differ_by_seed_and_repeat_by_seed(land):
    assert (World(4).land(WIDE).surface(DAY) == land.surface(DAY)).all()
    assert (World(5).land(WIDE).surface(DAY) != land.surface(DAY)).mean() > 0.3


def test_rivers_run_in_valleys(land):
    relief = land.relief
    water, far = relief.above_water_m < 0, relief.above_water_m > 30
    assert water.any() and far.any()
    assert relief.elevation_m[water].mean() < relief.elevation_m[far].mean() - 20


def test_nothing_is_built_in_water(land):
    surface = land.surface(DAY)
    assert not np.isin(surface[land.relief.above_water_m < 0], ROOFS).any()


def test_buildings_stand_from_when_they_are_built_until_they_are_demolished():
    town = World(3).land(_town(3))
    house = town.settlement
    start, end = house.building_from[0], house.building_until[0]
    lived = np.isfinite(start) & np.isfinite(end) & (town.relief.above_water_m > 2) & np.isposinf(house.road_from)
    row, column = np.argwhere(lived & (start > day_of(1985)))[0]
    day, gone = float(start[row, column]), float(end[row, column])
    assert town.surface(day - 1)[row, column] not in ROOFS
    assert town.surface(day + 1)[row, column] in ROOFS
    assert town.surface(gone + 1)[row, column] not in ROOFS


@pytest.mark.parametrize("seed", range(3))
def test_what_is_roofed_is_what_buildings_cover(seed):
    land = World(seed).land(_town(seed))
    for day in (day_of(1990), day_of(2008, 3), DAY):
        assert (land.roofed(day) == np.isin(land.surface(day), ROOFS)).all()


def test_lots_are_the_same_in_a_window_and_in_a_small_part_of_it():
    window, rows, columns = _town(2), slice(20, 31), slice(7, 29)
    whole, part = World(2).land(window), World(2).land(window.part(rows, columns))
    assert len(whole.parcels.table) < window.height * window.width
    one, other = (land.parcels.each(land.parcels.table) for land in (whole, part))
    assert (one[rows, columns] != other).mean() < 0.02  # a pixel on a border may fall to either side


def test_towns_grow(land):
    built = [np.isin(land.surface(day_of(year, 7)), [*ROOFS, NUMBER["pavement"]]).mean() for year in (1985, 2005, 2025)]
    assert built[0] < built[1] < built[2]


def test_crops_rotate_from_year_to_year_and_stay_within_one(land):
    fields = land.fields
    spring, summer, next_year = (land.crop(day)[fields] for day in (DAY - 60, DAY, DAY + YEAR_DAYS))
    assert (spring == summer).all()
    assert 0.3 < (summer != next_year).mean() < 0.9


def test_a_fire_burns_fades_and_the_forest_comes_back():
    for seed in range(20):
        land = World(seed).land(WIDE)
        for fire, mask in land.fires:
            alone = mask & land.forest & np.isposinf(land.cut_day) & np.isposinf(land.settlement.town_from)
            alone &= ~np.any([other for event, other in land.fires if event != fire] or [np.zeros_like(mask)], axis=0)
            alone &= (land.relief.above_water_m > 6) & np.isposinf(land.settlement.road_from)
            if alone.sum() > 10:
                after = [land.surface(fire.day + years * YEAR_DAYS)[alone] for years in (-0.1, 0.1, 3, 8, 20)]
                assert (after[0] == land.natural[alone]).all()
                assert (after[1] == NUMBER["burned area"]).all()
                assert (after[2] == NUMBER["grassland"]).all()
                assert (after[3] == NUMBER["shrubland"]).all()
                assert (after[4] == land.natural[alone]).all()
                return
    pytest.fail("no forest fire in twenty worlds")


def test_a_flood_rises_and_falls_and_covers_low_ground_only():
    seed = next(seed for seed in range(20) if flood_of(World(seed).root, 2019))
    flood = flood_of(World(seed).root, 2019)
    levels = [water_level_m(World(seed).root, flood.peak + days, 50.0) for days in (-10, 0, 60)]
    assert levels[1] > levels[0] + 0.5 and levels[1] > levels[2] + 0.5
    land = World(seed).land(WIDE)
    wet, dry = land.flooded(flood.peak), land.flooded(flood.peak - 10)
    assert (wet & ~dry).any() and not (dry & ~wet).any()
    assert land.relief.above_water_m[wet & ~dry].max() < 6


def test_dryness_changes_steadily():
    days = np.arange(day_of(2000), day_of(2010), 5.0)
    values = np.array([dryness(1, day) for day in days])
    assert (values >= 0).all() and (values <= 1).all() and values.max() > 0
    assert np.abs(np.diff(values)).max() < 0.03


@pytest.mark.parametrize("seed", range(4))
def test_every_place_that_changed_has_an_event_within_the_time_and_no_other_has(seed):
    land = World(seed).land(WIDE)
    start, end = day_of(2005, 7), day_of(2019, 7)
    kinds, days = events_between(land, start, end)
    changed = land.surface(start) != land.surface(end)
    assert not (kinds > 0)[~changed].any()
    assert (kinds > 0)[changed].mean() > 0.98
    assert (np.isfinite(days) == (kinds > 0)).all()
    assert (days[kinds > 0] > start).all() and (days[kinds > 0] <= end).all()


def test_events_name_what_is_seen(land):
    start, end = day_of(2005, 7), day_of(2019, 7)
    kinds, _ = events_between(land, start, end)
    before, after = land.surface(start), land.surface(end)
    seen = {name: after[kinds == EVENTS.index(name)] for name in EVENTS}
    assert np.isin(seen["building"], ROOFS).all() and len(seen["building"])
    assert (seen["road building"] == NUMBER["asphalt"]).all()
    assert (
        not np.isin(seen["demolition"], ROOFS).all()
        and np.isin(before[kinds == EVENTS.index("demolition")], ROOFS).all()
    )
    assert (seen["flood"] == NUMBER["water"]).all()
    fields = kinds == EVENTS.index("crop rotation")
    assert fields.any() and (before[fields] != after[fields]).all()


def test_a_flood_is_dated_to_when_the_water_came():
    seed = next(seed for seed in range(20) if flood_of(World(seed).root, 2019))
    flood, land = flood_of(World(seed).root, 2019), World(seed).land(WIDE)
    kinds, days = events_between(land, flood.peak - 40, flood.peak)
    came = days[kinds == EVENTS.index("flood")]
    assert len(came) and came.min() > flood.peak - 20
    row, column = np.argwhere(kinds == EVENTS.index("flood"))[0]
    day = float(days[row, column])
    assert land.flooded(day)[row, column] and not land.flooded(day - 1)[row, column]


def test_a_stand_felled_after_a_fire_is_bare():
    for seed in range(40):
        land = World(seed).land(WIDE)
        for fire, mask in land.fires:
            day = land.cut_day + 30
            soon = mask & land.forest & (land.cut_day > fire.day) & (land.cut_day < fire.day + 1000)
            soon &= np.isposinf(land.settlement.town_from) & np.isposinf(land.settlement.road_from)
            soon &= land.relief.above_water_m > 6
            for row, column in np.argwhere(soon)[:3]:
                if not any(m[row, column] and f.day > fire.day for f, m in land.fires):
                    assert land.surface(float(day[row, column]))[row, column] == NUMBER["bare soil"]
                    return
    pytest.fail("no stand was felled after a fire in forty worlds")


def test_days_and_dates_are_inverse_and_summer_is_in_the_middle_of_both_hemispheres():
    assert date_of(day_of(2024, 2, 29)).isoformat() == "2024-02-29"
    assert day_of_year(day_of(2020, 7, 1)) == pytest.approx(182, abs=2)
    assert day_of_year(day_of(2020, 1, 1), latitude=-30) == pytest.approx(182, abs=2)


def _town(seed):
    """Return a window at 1 m in the middle of a town that grows."""
    coarse = Window(-15_000.0, -15_000.0, 80, 80, 400.0)
    settlement = World(seed).land(coarse).settlement
    growing = (settlement.town_from > day_of(1986)) & (settlement.town_from < day_of(2005))
    row, column = np.argwhere(growing)[0]
    return Window(coarse.x_m + column * 400.0, coarse.y_m + row * 400.0, 300, 300, 1.0)
