import numpy as np
import pytest

from stsun.data.sample import IGNORE
from stsun.errors import ConfigurationError
from stsun.raster.reader import inspect, read
from stsun.simulation.scenes import KINDS, simulate
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
def test_labels_are_in_range_and_every_category_occurs_over_a_few_seeds(kind):
    scenes = [simulate(kind, seed, 48) for seed in range(12)]
    values = {int(value) for scene in scenes for value in np.unique(scene.labels)} - {IGNORE}
    assert values == set(range(scenes[0].classes))


@EVERY_KIND
def test_images_are_finite_physical_values_on_increasing_days(kind):
    for seed in range(3):
        scene = simulate(kind, seed, SIZE)
        low, high = (-60, 20) if kind.startswith("sentinel1") else (0, 1.5)
        assert all(np.isfinite(image).all() and low <= image.min() and image.max() <= high for image in scene.images)
        assert (np.diff(scene.days) > 0).all()
        fewest, most = KINDS[kind].dates
        assert fewest <= len(scene.images) <= most
        assert scene.configuration.task == KINDS[kind].task


def test_the_same_world_at_two_sensors_has_the_same_truth():
    series, change = simulate("sentinel2-series", 4, 64), simulate("sentinel2-semantic-change", 4, 64)
    both = (series.labels[0] != IGNORE) & (change.labels[0] != IGNORE)
    assert both.any() and (series.labels[0] == change.labels[0])[both].all()
    spectra, mixed = simulate("hyperspectral", 4, 64), simulate("landsat-mixed-series", 4, 64)
    both = mixed.labels[0] != IGNORE
    assert (spectra.labels[0] == mixed.labels[0])[both].all()


def test_bands_are_those_that_the_catalogue_lists_for_reflected_light():
    assert len(simulate("sentinel2-series", 0, SIZE).configuration.bands) == 10
    assert [band.token for band in simulate("sentinel1-flood", 0, SIZE).configuration.bands] == ["vv", "vh"]
    assert len(simulate("hyperspectral", 0, SIZE).configuration.bands) > 200


def test_dates_of_a_mixed_series_take_turns_between_two_sensors():
    scene = simulate("landsat-mixed-series", 0, SIZE)
    assert scene.configuration.mixed_sensors
    bands = scene.configuration.bands
    assert bands[0] == bands[2] and bands[0] != bands[1]


def test_a_pixel_that_no_date_shows_is_ignored():
    hidden = 0
    for seed in range(12):
        scene = simulate("sentinel2-series", seed, SIZE)
        assert ((scene.labels[0] == IGNORE) == ~scene.valid.any(0)).all()
        pair = simulate("sentinel2-semantic-change", seed, SIZE)
        assert ((pair.labels == IGNORE) == ~pair.valid).all()
        hidden += int((~pair.valid).sum())
    assert hidden


def test_changed_labels_say_where_buildings_came_or_went():
    changed = np.stack([simulate("aerial-change", seed, 64).labels[0] for seed in range(6)])
    assert 0.005 < (changed == 1).mean() < 0.3


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
