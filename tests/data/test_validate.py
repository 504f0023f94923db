"""A data set checked whole: every problem is told, the right ones have none."""

import json

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine
from small_sets import NIR, RED, TAGS, refused

from stsun.data.dataset import open_dataset
from stsun.data.info import info
from stsun.data.validate import validate
from stsun.sensors import common_band
from stsun.terminal import lines_of


def messages(path):
    return [str(problem) for problem in validate(path)]


def test_a_right_data_set_has_no_problem(world):
    assert validate(world.yaml(nodata=0, valid=["labels/{id}.tif"], dates=["2020-01-01"])) == []


def test_every_problem_is_told_not_only_the_first(world):
    world.label("labels/a.tif", r0c0=9)
    world.image("images/b.tif", bands=3)
    world.label("labels/b.tif", height=7, r0c0=8)
    (world.root / "images/c.tif").write_bytes(b"II*\0 cut off")
    (world.root / "labels/c.tif").unlink()
    found = messages(world.yaml())
    assert len(found) == 5
    for part in ("undeclared label value 9", "3 bands", "undeclared label value 8", "damaged", "no such file"):
        assert sum(part in message for message in found) == 1


def test_problems_of_the_description_and_of_lists_are_told_too(world):
    assert "gsd_m" in messages(world.yaml(gsd=1))[0]
    world.text("train.txt", "a", "../b", "/c")
    world.text("test.txt")
    found = messages(world.yaml(images=["{id}.tif"]))
    assert sum("leaves the folder" in message for message in found) == 2
    assert sum("split 'test' is empty" in message for message in found) == 1
    assert sum("no such file" in message for message in found) == 1  # a.tif; labels/a.tif is there
    assert len(found) == 4


def test_sizes_dates_and_tags_are_compared(pair):
    pair.image("images/a_2.tif", width=7)
    pair.image("images/b_1.tif", tags={"ACQUISITION_DATE": "2020-01-01"})
    pair.image("images/b_2.tif", tags={"ACQUISITION_DATE": "2019-01-01"}, metres=20)
    pair.image("images/c_1.tif", metres=10)
    found = messages(pair.yaml(**pair.keys, gsd_m=10))
    assert len(found) == 2
    assert "4 x 7 pixels" in found[0] and "gsd_m is 10" in found[1]
    assert "wrong order" in messages(pair.yaml(**pair.keys))[1]


def placed(world, name, crs="EPSG:32633", right=0.0, down=0.0, metres=(10, -10)):
    """Give a raster a place: pixels of 10 m, moved to the right and down by metres."""
    with rasterio.open(world.root / name, "r+") as target:
        target.crs, target.transform = crs, Affine(metres[0], 0, 5e5 + right, 0, metres[1], 5e6 - down)


@pytest.fixture
def located(pair):
    """A pair of images, a mask and a label at the same place."""
    pair.text("train.txt", "a")
    pair.label("masks/a.tif")
    for file in ("images/a_1.tif", "images/a_2.tif", "masks/a.tif", "labels/a.tif"):
        placed(pair, file)
    pair.keys |= {"valid": ["masks/{id}.tif", None], "splits": {"train": "train.txt"}}
    return pair


@pytest.mark.parametrize("file", ["images/a_2.tif", "masks/a.tif", "labels/a.tif"])
@pytest.mark.parametrize(
    "place",
    [
        {"crs": "EPSG:32634"},
        {"crs": 'LOCAL_CS["a building site",UNIT["metre",1]]'},
        {"right": 10},
        {"down": -6},
        {"metres": (10, 10)},
        {"metres": (12, -10)},
    ],
)
def test_files_at_different_places_are_neither_right_nor_read(located, file, place):
    path = located.yaml(**located.keys)
    assert messages(path) == []
    placed(located, file, **place)
    found = messages(path)[0]
    assert (
        f"{file} lies " in found and f"images/a_1.tif; {'an image' if 'masks' in file else 'the images'} and" in found
    )
    refused(path, f"{file} lies ")


def test_a_part_of_a_pixel_and_files_that_do_not_say_where_they_lie_are_no_other_place(located):
    path = located.yaml(**located.keys)
    placed(located, "labels/a.tif", right=5, down=-5)  # corners taken for centres
    placed(located, "masks/a.tif", crs="EPSG:25833")  # the same ground by another name
    assert messages(path) == []
    located.image("images/a_1.tif")  # does not say where it lies
    assert messages(path) == []
    placed(located, "images/a_2.tif", right=50)
    (found,) = messages(path)
    assert "labels/a.tif lies up to 4.5 pixels from" in found and "images/a_2.tif; " in found


def test_windows_are_compared_as_their_files(located):
    row = {"id": "w", "split": "train", "images": [{"path": f"images/a_{n}.tif"} for n in (1, 2)]}
    located.rows(row | {"labels": ["labels/a.tif"], "window": [1, 2, 2, 3]})
    path = located.yaml("images", "labels", "valid", "splits", **{**located.keys, "samples": "samples.jsonl"})
    assert messages(path) == []
    placed(located, "images/a_2.tif", right=20)
    assert ["up to 2 pixels" in one for one in messages(path)] == [True]


def test_a_mask_of_areas_at_another_place_is_a_problem(located):
    located.raster("split.tif", np.repeat([[1, 1, 1, 2, 2, 2]], 4, 0).astype("uint8"), metres=10)
    areas = {"train": {"mask": "split.tif", "value": 1}, "test": {"mask": "split.tif", "value": 2}}
    keys = {"images": ["images/a_1.tif"], "labels": ["labels/a.tif"], "splits": areas}
    assert messages(located.yaml(**keys)) == []
    placed(located, "split.tif", down=100)
    assert ["split.tif lies up to 10 pixels" in one for one in messages(located.yaml(**keys))] == [True, True]


def test_one_image_as_two_dates_is_a_problem(pair):
    found = messages(pair.yaml(**pair.keys | {"images": ["images/{id}_1.tif"] * 2}))
    assert len(found) == 3 and all("dates 1 and 2 are the same images/" in one for one in found)
    (pair.root / "images/a_2.tif").unlink()
    (pair.root / "images/a_2.tif").symlink_to(pair.root / "images/a_1.tif")
    assert ["train 'a': the dates 1 and 2" in one for one in messages(pair.yaml(**pair.keys))] == [True]


def test_two_images_of_one_day_that_find_one_label_are_a_problem(world):
    world.text("train.txt", "a")
    names = {"20200715": 1, "2020-07-15": 2, "20200720": 3}
    for name, first in names.items():
        world.image(f"series/a/{name}.tif", first=first)
        world.label(f"maps/a/{name}.tif")
    keys = {"images": "series/{id}/{date}.tif", "labels": "maps/{id}/{date}.tif", "splits": {"train": "train.txt"}}
    (world.root / "maps/a/2020-07-15.tif").unlink()
    (found,) = messages(world.yaml(**keys, per_date=True))
    assert "maps 1 and 2 have the same label maps/a/20200715.tif" in found and "time" in found
    assert messages(world.yaml(**keys | {"labels": ["labels/a.tif"]})) == []  # one map of the series


def test_splits_that_share_a_sample_a_file_or_an_area_overlap(world):
    world.text("test.txt", "c", "b")
    found = messages(world.yaml())
    assert len(found) == 2 and all("'train' and 'test' share" in message and "b.tif" in message for message in found)
    world.text("test.txt", "c")
    label = world.root / "labels/c.tif"
    label.unlink()
    label.symlink_to(world.root / "labels/a.tif")
    assert ["labels/a.tif" in message for message in messages(world.yaml())] == [True]


def test_areas_overlap_where_their_pixels_do(world):
    halves = np.repeat([[1, 1, 1, 2, 2, 2]], 4, 0).astype("uint8")
    world.raster("split.tif", halves)
    world.raster("other.tif", np.roll(halves, 1, 1))
    keys = {"images": ["images/a.tif"], "labels": ["labels/a.tif"]}
    areas = {"train": {"mask": "split.tif", "value": 1}, "test": {"mask": "split.tif", "value": 2}}
    assert messages(world.yaml(**keys, splits=areas)) == []
    found = messages(world.yaml(**keys, splits=areas | {"test": {"mask": "other.tif", "value": 1}}))
    assert len(found) == 1 and "share 8 pixels" in found[0]


def test_one_band_file_shared_by_all_samples_is_no_overlap(world):
    world.image("dem.tif", bands=1)
    path = world.yaml(images=[["images/{id}.tif", "dem.tif"]], bands=[RED, NIR, {"name": "dem"}])
    assert messages(path) == []


def test_files_are_checked_although_keys_or_rows_are_wrong(world):
    world.label("labels/b.tif", r0c0=9)
    found = messages(world.yaml(licens="CC0", colour={}))
    assert len(found) == 3
    assert "did you mean 'licence'" in found[0] and "'colour'" in found[1] and "label value 9" in found[2]
    sample = {"split": "train", "images": [{"path": "images/a.tif"}], "labels": ["labels/b.tif"]}
    wrong = [sample | {"id": str(number), "gsd_m": -1} for number in range(30)]
    world.rows(*wrong, sample | {"id": "right"}, sample | {"id": "dat", "images": [{"path": "a.tif", "dat": 1}]})
    found = messages(world.yaml("images", "labels", "splits", samples="samples.jsonl"))
    assert len(found) == 32 and sum("gsd_m is -1" in message for message in found) == 30
    assert "unknown key 'dat'" in found[30] and "label value 9" in found[31]


def test_samples_without_a_row_are_a_problem(world):
    world.text("samples.jsonl", "")
    assert "holds no sample" in messages(world.yaml("images", "labels", "splits", samples="samples.jsonl"))[0]


def test_archives_are_checked_too(world):
    np.savez(world.root / "a.npz", images=np.ones((1, 2, 4, 6)), labels=np.full((1, 4, 6), 9))
    np.savez(world.root / "b.npz", images=np.array([{}]), labels=np.zeros((1, 4, 6), int))
    np.savez(world.root / "c.npz", images=np.ones((2, 2, 4, 6)), labels=np.zeros((2, 4, 6), int))
    found = messages(world.yaml("labels", images="{id}.npz"))
    assert len(found) == 3
    for part in ("undeclared label value 9", "Python objects", "2 label maps for 2 dates"):
        assert sum(part in message for message in found) == 1


def test_a_split_whose_labels_are_all_ignored_is_a_problem(world):
    for sample in "ab":
        world.raster(f"labels/{sample}.tif", np.full((4, 6), 9, np.uint8))
    found = messages(world.yaml(ignore=[9]))
    assert len(found) == 1 and "split 'train': no label holds a value that is scored" in found[0]
    world.label("labels/b.tif")
    assert messages(world.yaml(ignore=[9])) == []


def test_an_area_without_a_scored_label_is_a_problem(world):
    world.raster("split.tif", np.repeat([[1, 1, 1, 2, 2, 2]], 4, 0).astype("uint8"))
    half = np.repeat([[0, 1, 0, 9, 9, 9]], 4, 0).astype("uint8")
    world.raster("labels/a.tif", half)
    areas = {"train": {"mask": "split.tif", "value": 1}, "test": {"mask": "split.tif", "value": 2}}
    found = messages(world.yaml(images=["images/a.tif"], labels=["labels/a.tif"], splits=areas, ignore=[9]))
    assert len(found) == 1 and "split 'test': no label" in found[0]


def test_an_image_without_a_valid_pixel_is_a_problem(world, pair):
    world.raster("images/a_2.tif", np.zeros((2, 4, 6), np.int16), nodata=0)
    found = messages(world.yaml(**world.keys))
    assert len(found) == 1 and "train 'a'" in found[0] and "a_2.tif: has no valid pixel" in found[0]
    series = {"images": ["images/{id}_1.tif", "images/{id}_2.tif"]}
    assert messages(world.yaml(**series)) == []  # a map of a series needs data at any of its dates
    world.raster("images/a_1.tif", np.zeros((2, 4, 6), np.int16), nodata=0)
    assert sum("no valid pixel" in message for message in messages(world.yaml(**series))) == 2


def test_an_archive_may_hold_dates_without_data_and_is_told_by_date_where_a_map_needs_them(world):
    for sample in "abc":
        images = np.ones((3, 2, 4, 6), np.float32)
        images[1] = np.nan
        labels = np.ones((3, 4, 6), int)
        np.savez(world.root / f"{sample}.npz", images=images, labels=labels[:1])
        np.savez(world.root / f"{sample}_each.npz", images=images, labels=labels)
    assert messages(world.yaml("labels", images="{id}.npz")) == []
    found = messages(world.yaml("labels", images="{id}_each.npz", per_date=True))
    assert len(found) == 3 and all("_each.npz, date 2 of 3: has no valid pixel" in message for message in found)


def test_a_window_without_data_says_nothing_of_other_windows_of_the_same_file(world):
    image = np.ones((2, 4, 6), np.int16)
    image[:, :, :3] = 0
    world.raster("images/a.tif", image, nodata=0)
    image = {"images": [{"path": "images/a.tif"}], "labels": ["labels/a.tif"]}
    windows = {"left": [0, 0, 4, 3], "right": [0, 3, 4, 3], "upper left": [0, 0, 2, 3]}
    world.rows(*({"id": id, "split": "train", "window": window, **image} for id, window in windows.items()))
    found = messages(world.yaml("images", "labels", "splits", samples="samples.jsonl"))
    assert sum("'left'" in message and "no valid pixel" in message for message in found) == 1
    assert sum("'upper left'" in message and "no valid pixel" in message for message in found) == 1
    assert not any("'right'" in message for message in found)


def test_a_missing_file_is_a_problem_not_a_failure(tmp_path):
    assert "no such file" in messages(tmp_path / "none.yaml")[0]


def test_info_is_json_and_says_what_the_model_will_see(world):
    path = world.image("images/a.tif", nodata=float("-1"), metres=10, tags={"ACQUISITION_DATE": "2019-09-18T10:30:00Z"})
    told = json.loads(json.dumps(info(path), allow_nan=False))
    assert told["kind"] == "raster" and told["date"] == "2019-09-18T10:30:00Z" and told["gsd_m"] == 10
    assert [band["nodata"] for band in told["bands"]] == [-1, -1] and not told["bands_known"]
    told = json.loads(json.dumps(info(world.yaml()), allow_nan=False))
    assert told["kind"] == "dataset" and told["categories"] == ["water", "forest"]
    assert told["splits"]["train"]["samples"] == 2
    first = told["splits"]["train"]["first"]
    assert first["bands"][0] == {"name": "red", "wavelength_nm": 665, "bandwidth_nm": 30}
    assert first["dates"] == ["2019-09-18T10:30:00Z"] and (first["height"], first["width"]) == (4, 6)


def test_info_of_a_raster_tells_bands_by_their_names_as_nominal(world):
    told = info(world.image("images/a.tif", bands=3, band_tags=TAGS[:1], descriptions=["x", "nir", "Fmask"]))
    assert [band["known_by"] for band in told["bands"]] == [
        "its tags",
        "its name, at the nominal wavelength",
        "nothing",
    ]
    assert told["bands"][1]["band"]["wavelength_nm"] == common_band("nir").wavelength_nm
    assert told["bands"][2]["band"] is None and not told["bands_known"]
    assert info(world.image("images/a.tif", descriptions=["nir", "vv"]))["bands_known"]


def test_info_of_mixed_sensors_tells_the_bands_of_each(world):
    world.image("more/a.tif", bands=1)
    images = [
        {"path": "images/a.tif", "sensor": "S2", "date": "2019-09-01"},
        {"path": "more/a.tif", "sensor": "S1", "date": None},
        {"path": "images/b.tif", "sensor": "S2", "date": "2019-10-01"},
    ]
    world.rows({"id": "a", "split": "train", "images": images, "labels": ["labels/a.tif"]})
    sensors = {"S2": {"bands": [RED, NIR]}, "S1": {"bands": [{"name": "vv"}]}}
    told = info(world.yaml("bands", "images", "labels", "splits", sensors=sensors, samples="samples.jsonl"))
    groups = told["splits"]["train"]["first"]["bands"]
    assert [(group["sensor"], group["dates"]) for group in groups] == [
        ("S2", ["2019-09-01", "2019-10-01"]), ("S1", ["date 2"]),
    ]  # fmt: skip
    assert [[band["name"] for band in group["bands"]] for group in groups] == [["red", "nir"], ["vv"]]
    lines = list(lines_of(told))
    where = next(number for number, line in enumerate(lines) if "sensor: S2, dates: 2019-09-01, 2019-10-01" in line)
    assert "red" in lines[where + 2] and "nir" in lines[where + 3] and "sensor: S1" in lines[where + 4]


def test_gsds_that_differ_are_told_with_the_fix_of_the_kind_of_data_set(world):
    sensors = {"A": {"bands": [RED, NIR], "gsd_m": 10}, "B": {"bands": [RED, NIR], "gsd_m": 30}}
    for name in "AB":
        world.image(f"s/a_{name}.tif")
    world.text("train.txt", "a")
    by_pattern = world.yaml("bands", sensors=sensors, images=["s/{id}_{sensor}.tif"], splits={"train": "train.txt"})
    assert "should find one file" in messages(by_pattern)[0]
    for number, name in enumerate("AB"):
        world.image(f"t/a_{name}_2020010{number + 1}.tif")
    dated = world.yaml("bands", sensors=sensors, images="t/{id}_{sensor}_{date}.tif", splits={"train": "train.txt"})
    assert "give all its sensors the gsd_m" in messages(dated)[0] and "row" not in messages(dated)[0]
    rows = [{"path": f"t/a_{name}_2020010{number + 1}.tif", "sensor": name} for number, name in enumerate("AB")]
    world.rows({"id": "a", "split": "train", "images": rows, "labels": ["labels/a.tif"]})
    told = messages(world.yaml("bands", "images", "labels", "splits", sensors=sensors, samples="samples.jsonl"))
    assert "in its row" in told[0]


def test_two_times_of_one_day_in_the_wrong_order_are_told_with_their_times(pair):
    for number, hour in ((1, 12), (2, 10)):
        pair.image(f"images/a_{number}.tif", tags={"ACQUISITION_DATE": f"2018-05-01T{hour}:00:00"})
    (found,) = messages(pair.yaml(**pair.keys))
    assert "2018-05-01T12:00:00Z before 2018-05-01T10:00:00Z" in found


@pytest.mark.slow
def test_every_real_data_set_is_right(shared_data):
    paths = sorted(shared_data.rglob("*.yaml"))
    assert len(paths) >= 27
    assert [message for path in paths for message in messages(path)] == []


def test_the_first_sample_of_every_real_split_reads(shared_data):
    for path in sorted(shared_data.rglob("*.yaml")):
        dataset = open_dataset(path)
        for split in dataset.splits:
            sample = dataset.read(dataset.records(split)[0])
            assert sample.valid.any() and all(np.isfinite(image).all() for image in sample.images)
            assert sample.configuration.task == dataset.task
            labels = np.unique(sample.labels)
            assert set(labels.tolist()) <= {*range(max(2, len(dataset.categories))), 255}
