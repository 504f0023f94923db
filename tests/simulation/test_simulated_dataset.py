from datetime import date

import numpy as np
import pytest
import rasterio

from stsun.data.dataset import open_dataset
from stsun.data.validate import validate
from stsun.errors import ConfigurationError, DataError
from stsun.raster.reader import read
from stsun.sensors import sensor, sensors
from stsun.simulation import dataset as module
from stsun.simulation.dataset import write_dataset
from stsun.simulation.scenes import HELD_OUT, plan_scene

SPRING, SUMMER = date(2004, 5, 1), date(2004, 7, 20)
CASES = {
    "optical series": (["sentinel-2-l2a"], "segmentation", {}),
    "two sensors": (["landsat-5", "landsat-7"], "semantic_change", {}),
    "radar pair": (["sentinel-1"], "binary_change", {}),
    "pictures": (["aerial-rgb"], "binary_change", {"gsd_m": 0.5}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_written_data_set_is_valid_and_read_like_any_other(case, tmp_path):
    sensors, task, options = CASES[case]
    path = write_dataset(tmp_path / "new", sensors, [SPRING, SUMMER], size=48, task=task, samples=5, **options)
    assert validate(path) == []
    dataset = open_dataset(path)
    assert dataset.task == task
    assert [len(dataset.records(split)) for split in ("train", "val", "test")] == [3, 1, 1]
    sample = dataset.read(dataset.records("train")[0])
    assert sample.size == (48, 48) and len(sample.images) == 2
    assert sample.configuration.mixed_sensors == (len(sensors) > 1)
    assert (np.diff(sample.days) == 80).all()
    assert (sample.labels != 255).any()


def test_tiles_join_on_disk_whatever_their_size(tmp_path, monkeypatch):
    folders = []
    for tile in (64, 24):
        monkeypatch.setattr(module, "TILE", tile)
        folders.append(tmp_path / str(tile))
        write_dataset(folders[-1], ["sentinel-2-l2a"], [SPRING], size=64, samples=1, cloud_cover=0.0)
    one, other = (labels_in(folder / "labels" / "000_0.tif") for folder in folders)
    assert (one != other).mean() < 2e-3
    one, other = (read(folder / "images" / "000_0.tif")[0] for folder in folders)
    assert np.abs(one - other).mean() < 0.01  # noise follows from the tile


def labels_in(path):
    with rasterio.open(path) as source:
        return source.read()


@pytest.mark.parametrize("name", sensors())
def test_every_sensor_of_the_catalogue_can_be_simulated_with_all_bands_that_see_the_ground(name, tmp_path):
    gsd_m = None if sensor(name).gsd_m else 1.0
    path = write_dataset(tmp_path / "new", [name], [SPRING], size=16, samples=1, gsd_m=gsd_m)
    dataset = open_dataset(path)
    sample = dataset.read(dataset.records("train")[0])
    expected = [common for common in sensor(name).common_names if common != "cirrus"]
    assert len(sample.images[0]) == len(expected)
    assert np.isfinite(sample.images[0]).all()


def test_samples_are_places_of_unlike_worlds(tmp_path):
    write_dataset(tmp_path / "new", ["sentinel-2-l2a"], [SPRING], size=32, samples=2)
    first, second = (read(tmp_path / "new" / "images" / f"00{number}_0.tif")[0] for number in range(2))
    assert np.abs(first - second).mean() > 0.01


def test_data_sets_of_other_seeds_share_no_world(tmp_path, monkeypatch):
    worlds = []

    def planned(plan, seed, *arguments):
        worlds.append(seed)
        return plan_scene(plan, seed, *arguments)

    monkeypatch.setattr(module, "plan_scene", planned)
    for seed in (0, 1, 2, 2**32):
        write_dataset(tmp_path / str(seed), ["sentinel-2-l2a"], [SPRING], size=16, samples=3, seed=seed)
    assert len(set(worlds)) == 12 and min(worlds) > HELD_OUT


@pytest.mark.parametrize(("name", "size", "limit"), [("naip", 48, 0.2), ("landsat-5", 48, 0.3)])
def test_clouds_and_their_shadows_hide_no_more_than_the_limit(name, size, limit, tmp_path):
    # of the 24 dates drawn, some lie under clouds whole before these are thinned
    path = write_dataset(
        tmp_path / "new", [name], [SPRING, SUMMER], size=size, task="semantic_change", samples=12, cloud_cover=limit
    )
    hidden = [1 - labels_in(mask).mean() for mask in (path.parent / "masks").iterdir()]
    assert len(hidden) == 24 and max(hidden) <= limit
    assert validate(path) == []


def test_a_folder_that_holds_files_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(DataError, match="empty folder"):
        write_dataset(tmp_path, ["sentinel-2-l2a"], [SPRING])
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"sensors": ["sentinel-9"]}, "sentinel"),
        ({"sensors": []}, "--sensor"),
        ({"dates": []}, "--dates"),
        ({"dates": [SUMMER, SPRING]}, "increasing"),
        ({"dates": [date(1600, 1, 1)]}, "1950 to 2050"),
        ({"task": "binary_change", "dates": [SPRING]}, "at least 2"),
        ({"task": "flood"}, "flood"),
        ({"size": 8}, "size 8"),
        ({"samples": 0}, "0 samples"),
        ({"seed": -1}, "seed -1"),
        ({"cloud_cover": 2.0}, "cloud cover of 2"),
        ({"gsd_m": 0.0}, "GSD of 0"),
        ({"sensors": ["aerial-rgb"]}, "--gsd"),
    ],
)
def test_what_cannot_be_simulated_is_refused_before_anything_is_written(changes, word, tmp_path):
    arguments = {"sensors": ["sentinel-2-l2a"], "dates": [SPRING, SUMMER], **changes}
    with pytest.raises(ConfigurationError, match=word):
        write_dataset(tmp_path / "new", arguments.pop("sensors"), arguments.pop("dates"), **arguments)
    assert not (tmp_path / "new").exists()
