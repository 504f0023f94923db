from dataclasses import replace

import numpy as np
import pytest

from stsun.bands import Band
from stsun.data.sample import IGNORE
from stsun.errors import ConfigurationError
from stsun.raster.reader import inspect, read
from stsun.simulation.kinds import KINDS
from stsun.simulation.scenes import sample_of, scene_of, simulate
from stsun.simulation.write import CORNER_M, EPSG, grid_of, write_scene

SIZE = 32
EVERY_KIND = pytest.mark.parametrize("kind", KINDS)


@EVERY_KIND
def test_a_seed_gives_one_scene(kind):
    one, same, other = simulate(kind, 1, SIZE), simulate(kind, 1, SIZE), simulate(kind, 2, SIZE)
    assert one.configuration == same.configuration and (one.days == same.days).all()
    assert all((a == b).all() for a, b in zip(one.images, same.images, strict=True))
    assert (one.labels == same.labels).all() and (one.valid == same.valid).all()
    assert one.images[0].shape != other.images[0].shape or (one.images[0] != other.images[0]).any()


@EVERY_KIND
def test_labels_are_in_range_and_every_category_occurs_over_some_seeds(kind):
    missing = set(range(simulate(kind, 0, SIZE).classes))
    allowed = missing | {IGNORE}
    for seed in range(150):
        values = {int(value) for value in np.unique(simulate(kind, seed, 48).labels)}
        assert values <= allowed
        missing -= values
        if not missing:
            return
    pytest.fail(f"categories {missing} did not occur in 150 scenes")


@EVERY_KIND
def test_images_are_finite_physical_values_on_increasing_days(kind):
    for seed in range(3):
        scene = simulate(kind, seed, SIZE)
        low, high = (-60, 25) if kind == "sentinel1-flood" else (0, 1.5)
        assert all(np.isfinite(image).all() and low <= image.min() and image.max() <= high for image in scene.images)
        assert (np.diff(scene.days) > 0).all()
        fewest, most = KINDS[kind].dates
        assert fewest <= len(scene.images) <= most
        assert scene.configuration.task == KINDS[kind].task


def test_one_place_at_two_sensors_has_the_same_truth():
    optical = scene_of("sentinel2-semantic-change", 4, 64)
    clear = tuple(replace(date, cloud_cover=0.0) for date in optical.conditions)
    optical = replace(optical, conditions=clear)
    radar = replace(optical, bands=((Band("vv"),), (Band("vv"),)))
    legend = KINDS["sentinel2-semantic-change"].legend
    one, other = (sample_of(scene, "semantic_change", legend, "x").labels for scene in (optical, radar))
    assert (one == other).all() and len(np.unique(one)) > 2


def test_a_scene_can_be_changed_in_one_thing():
    scene, legend = scene_of("sentinel2-series", 2, 32), KINDS["sentinel2-series"].legend
    clear = tuple(replace(date, cloud_cover=0.0) for date in scene.conditions)
    one, other = (
        sample_of(
            replace(scene, conditions=tuple(replace(date, blur_px=blur) for date in clear)), "segmentation", legend, "x"
        )
        for blur in (0.2, 1.5)
    )
    assert (one.labels == other.labels).all() and one.valid.all()
    assert np.abs(np.diff(other.images[0])).mean() < np.abs(np.diff(one.images[0])).mean()


def test_bands_are_those_that_the_catalogue_lists_for_reflected_light():
    assert len(simulate("sentinel2-series", 0, SIZE).configuration.bands) == 10
    assert [band.token for band in simulate("sentinel1-flood", 0, SIZE).configuration.bands] == ["vv", "vh"]
    assert len(simulate("hyperspectral", 0, SIZE).configuration.bands) > 200


def test_dates_of_a_mixed_series_take_turns_between_two_sensors():
    scene = simulate("landsat-mixed-series", 0, SIZE)
    assert scene.configuration.mixed_sensors
    bands = scene.configuration.bands
    assert bands[0] == bands[2] and bands[0] != bands[1]


def test_radar_pictures_are_8_bit_and_stretched_date_by_date():
    first, second = simulate("sentinel1-flood-pictures", 2, 64).images
    for image in (first, second):
        assert np.abs(image * 255 - np.rint(image * 255)).max() < 1e-4 and image.min() >= 0 and image.max() <= 1
    means = np.array([[image.mean() for image in simulate("sentinel1-flood-pictures", n, 32).images] for n in range(8)])
    assert np.abs(np.diff(means)).mean() > 0.03


def test_a_pixel_that_no_date_shows_is_ignored():
    hidden = 0
    for seed in range(12):
        scene = simulate("sentinel2-series", seed, SIZE)
        assert (scene.labels[0][~scene.valid.any(0)] == IGNORE).all()
        pair = simulate("sentinel2-semantic-change", seed, SIZE)
        assert (pair.labels[~pair.valid] == IGNORE).all()
        hidden += int((~pair.valid).sum())
    assert hidden


def test_changed_labels_say_where_buildings_came_or_went():
    changed = np.stack([simulate("aerial-change", seed, 64).labels[0] for seed in range(12)])
    assert 0.01 < (changed == 1).mean() < 0.4


@pytest.mark.parametrize(
    ("arguments", "word"),
    [(("aerial", 0, 64), "expected one of"), (("aerial-change", -1, 64), "seed"), (("aerial-change", 0, 8), "size")],
)
def test_what_cannot_be_simulated_is_refused(arguments, word):
    with pytest.raises(ConfigurationError, match=word):
        simulate(*arguments)


@EVERY_KIND
def test_written_files_read_back_to_the_same_scene(kind, tmp_path):
    scene = simulate(kind, 3, SIZE)
    paths = write_scene(scene, tmp_path, "image")
    bands = scene.configuration.bands_of_dates(len(paths))
    for date, path in enumerate(paths):
        info, (values, valid) = inspect(path), read(path)
        assert info.bands == bands[date]
        assert info.day == scene.days[date]
        assert info.pixel_size_m == pytest.approx((KINDS[kind].gsd_m,) * 2)
        assert (valid == scene.valid[date]).all()
        assert np.abs(values - scene.images[date])[:, valid].max(initial=0) < 1e-5


def test_scenes_lie_in_a_projected_system():
    grid = grid_of(simulate("sentinel1-flood", 0, SIZE))
    assert grid.crs.to_epsg() == EPSG
    assert (grid.transform.c, grid.transform.f) == CORNER_M
    assert (grid.height, grid.width) == (SIZE, SIZE)
