"""The YAML of a data set: unknown keys and keys that contradict one another are refused, all at once."""

import re

import pytest
from small_sets import NIR, RED

from stsun.data.dataset import open_dataset
from stsun.errors import DataError

AREA = {"mask": "split.tif", "value": 1}


@pytest.mark.parametrize(
    "keys, message",
    [
        ({"gsd": 10}, "gsd: unknown key 'gsd'; did you mean 'gsd_m'"),
        ({"task": "detection"}, "no task 'detection'; expected one of segmentation"),
        ({"name": " "}, "name is empty"),
        ({"gsd_m": -1}, "gsd_m is -1, expected metres"),
        ({"gsd_m": float("nan")}, "gsd_m is nan"),
        ({"gsd_m": True}, "gsd_m: got True, expected a number"),
        ({"nodata": False}, "nodata: got False, expected a number"),
        ({"ignore": [True]}, "ignore.0: got True, expected a number"),
        ({"classes": {0: "a", "0": "b"}}, "classes: .*each stored value once, but 0 occurs twice"),
        ({"scale": 0}, "scale is 0"),
        ({"offset": float("inf")}, "offset is inf"),
        ({"bands": [RED | {"scale": 0}, NIR]}, "bands.0.scale is 0"),
        ({"bands": [RED | {"wavelength": 665}, NIR]}, "bands.0.wavelength: unknown key"),
        ({"bands": [RED | {"wavelength_nm": 0.665}, NIR]}, "0.665 nm .*micrometres: write 665"),
        ({"bands": [RED, RED, NIR]}, "bands 'red' and 'red' are the same band"),
        ({"bands": [{"name": n, "wavelength_nm": 600} for n in "abc"]}, "all 3 bands have the wavelength 600 nm"),
        ({"bands": "sentinel-22"}, "no sensor 'sentinel-22' in the catalogue"),
        ({"classes": {}}, "1 to 255 classes, got 0"),
        ({"classes": {0: "a", 1: "a"}}, "class name 'a' is given to 2 values"),
        ({"ignore": [1]}, "the value 1 is both the class 'forest' and ignored"),
        ({"colors": {"lava": "#ff0000"}}, "colors names 'lava'"),
        ({"per_date": True, "task": "semantic_change"}, "per_date is for segmentation only"),
        ({"task": "binary_change", "classes": {0: "a", 1: "b", 2: "c"}}, "classes has 3 entries, but a binary_change has two"),
        ({"task": "binary_change", "classes": {1: "flooded", 0: "unchanged"}}, "the second is 'unchanged', but in a binary_change it means changed"),
        ({"task": "binary_change", "classes": {1: "flooded", 0: "Background"}}, "list them in this order"),
        ({"task": "binary_change"}, "binary_change needs at least 2 dates, got 1"),
        ({"dates": [None, None]}, "dates has 2 entries for 1 images"),
        ({"dates": ["18.9.2019"]}, "dates.0: the date '18.9.2019' is no ISO day"),
        ({"dates": ["0019-09-18"]}, "dates.0: the date '0019-09-18' is outside the years 1850 to 2200"),
        ({"labels": ["a/{id}.tif", "b/{id}.tif"]}, "labels has 2 entries, but segmentation with 1 images has 1 maps"),
        ({"valid": [None, None]}, "valid has 2 entries for 1 images"),
        ({"images": ["{name}.tif"]}, "'{name}.tif' holds {name}, expected only {id}"),
        ({"images": ["{id}_{date}.tif"]}, "images is a list and holds {date}"),
        ({"labels": ["{id}_{date}.tif"]}, "labels.0 holds {date}, but images is not one pattern"),
        ({"images": ["{id}_{sensor}.tif"]}, "images holds {sensor}, but sensors is not given"),
        ({"images": "{id}_{date}.tif", "dates": [None]}, "dates is given, but the names of the images hold {date}"),
        ({"images": [[]]}, "images holds an empty list"),
        ({"images": []}, "neither images nor samples is given"),
        ({"samples": "samples.jsonl"}, "samples is given together with images, labels"),
        ({"sensors": {"A": {"bands": [RED]}}}, "bands and sensors are both given"),
        ({"splits": {}}, "splits is empty"),
        ({"splits": {"train": AREA}}, "areas of one scene, but the patterns name samples by {id}"),
        ({"images": ["a.tif"], "labels": ["b.tif"]}, "no pattern holds {id}"),
        ({"splits": {"train": {"mask": "m.tif", "valeu": 1}}}, "splits.train.valeu: unknown key 'valeu'; did you mean 'value'"),
        ({"splits": {"train": "../train.txt"}}, "splits.train: the path '../train.txt' leaves the folder"),
        ({"splits": {"train": "/etc/passwd"}}, "leaves the folder"),
        ({"images": "{id}.npz"}, "labels is given, but .npz files hold it themselves"),
        ({"classes": {"#FF0000": "a", "#ff0000": "b"}}, "each stored value once, but #ff0000 occurs twice"),
    ],
)  # fmt: skip
def test_contradictions_are_refused(world, keys, message):
    with pytest.raises(DataError, match=re.escape(message) if "{" in message else message) as caught:
        open_dataset(world.yaml(**keys))
    assert "dataset.yaml" in str(caught.value)


@pytest.mark.parametrize("key", ["name", "task", "classes"])
def test_required_keys_are_asked_for(world, key):
    with pytest.raises(DataError, match=f"{key}: required, but missing"):
        open_dataset(world.yaml(key))


def test_a_key_without_a_value_counts_as_left_out_unless_it_is_required_or_unknown(world):
    optional = ("title", "licence", "source", "per_date", "ignore", "nearest", "one_hot", "colors", "gsd_m", "valid")
    without = open_dataset(world.yaml(**dict.fromkeys(optional))).checked.description
    assert without == open_dataset(world.yaml()).checked.description
    with pytest.raises(DataError, match="name: required, but missing"):
        open_dataset(world.yaml(name=None))
    with pytest.raises(DataError, match="unknown key 'tilte'; did you mean 'title'"):
        open_dataset(world.yaml(tilte=None))


@pytest.mark.parametrize("key", ["images", "labels", "splits"])
def test_images_labels_and_splits_belong_together(world, key):
    with pytest.raises(DataError, match=key):
        open_dataset(world.yaml(key))


def test_sensors_need_their_place_in_the_pattern(world):
    with pytest.raises(DataError, match=r"images does not hold \{sensor\}"):
        open_dataset(world.yaml("bands", sensors={"A": {"bands": [RED, NIR]}}))


def test_all_contradictions_are_told_at_once(world):
    with pytest.raises(DataError) as caught:
        open_dataset(world.yaml(gsd_m=-1, per_date=True, task="semantic_change", dates=[None, None], ignore=[1]))
    assert "5 problems" in str(caught.value)
    for key in ("gsd_m", "per_date", "dates", "images", "ignored"):
        assert key in str(caught.value)


def test_an_empty_split_is_refused_by_name(world):
    world.text("test.txt", "# nothing here", "")
    with pytest.raises(DataError, match="split 'test' is empty"):
        open_dataset(world.yaml())


def test_a_missing_list_and_a_doubled_id_are_refused(world):
    world.text("train.txt", "a", "b", "a")
    with pytest.raises(DataError, match=r"train\.txt: lists a more than once"):
        open_dataset(world.yaml())
    (world.root / "train.txt").unlink()
    with pytest.raises(DataError, match=r"train\.txt: there is no such file"):
        open_dataset(world.yaml())
