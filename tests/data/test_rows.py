"""Samples listed in rows, and one scene split by area."""

import json

import numpy as np
import pytest
from small_sets import NIR, RED, only, position, refused

from stsun.data.dataset import open_dataset
from stsun.data.sample import IGNORE


def row(sample, split="train", **keys):
    return {
        "id": sample,
        "split": split,
        "images": [{"path": f"images/{sample}.tif"}],
        "labels": [f"labels/{sample}.tif"],
    } | keys


def test_rows_list_irregular_samples(world):
    world.image("more/b.tif", bands=1)
    both = {"both": {"bands": [RED, NIR, {"name": "vv"}]}, "LT05": {"bands": [RED, NIR]}}
    without = ("bands", "images", "labels", "splits")
    world.rows(row("a", images=[{"path": "images/a.tif", "sensor": "LT05"}], gsd_m=7.5), *[
        row("b", images=[{"path": ["images/b.tif", "more/b.tif"], "date": "1970-01-03", "sensor": "both"}]),
        row("c", "test", images=[{"path": "images/c.tif", "date": None, "sensor": "LT05"}], valid=["labels/c.tif"]),
    ])  # fmt: skip
    dataset = open_dataset(world.yaml(*without, samples="samples.jsonl", sensors=both, gsd_m=30))
    a, b, c = (dataset.read(record) for split in dataset.splits for record in dataset.records(split))
    assert dataset.splits == ("train", "test")
    assert (a.configuration.gsd_m, b.configuration.gsd_m) == (7.5, 30)
    assert b.days.tolist() == [2] and b.images[0].shape[0] == 3 and np.isnan(c.days[0])
    np.testing.assert_array_equal(c.valid[0], np.indices((4, 6)).sum(0) % 2 == 1)
    world.rows(row("a"))
    refused(world.yaml(*without, samples="samples.jsonl", sensors=both), "line 1: the sensor is not told")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_only_the_end_of_a_line_ends_a_row_or_an_id(world, end):
    sample = "a\u2028\x85b"
    listed = [row(sample, images=[{"path": "images/a.tif"}], labels=["labels/a.tif"]), row("c")]
    for each in listed:
        del each["split"]
    for name, lines in (
        ("samples.jsonl", [json.dumps(each, ensure_ascii=False) for each in listed]),
        ("train.txt", [sample]),
    ):
        (world.root / name).write_text(end.join([*lines, ""]), encoding="utf-8", newline="")
    dataset = open_dataset(world.yaml("images", "labels", samples="samples.jsonl"))
    assert [record.id for record in dataset.records("train")] == [sample]


@pytest.mark.parametrize(
    "rows, message",
    [
        ([row("a"), row("a")], "line 2: the id 'a' occurs twice"),
        ([row("a"), row("a", "test")], "line 2: the id 'a' is in the splits 'train' and 'test'"),
        ([row("")], "line 1: id: "),
        ([row("a", split=None)], "line 1: the row has no split"),
        ([row("a", colour=1)], "line 1: colour: unknown key 'colour'"),
        (
            [row("a", images=[{"path": "images/a.tif", "dat": None}])],
            "images.0.dat: unknown key 'dat'; did you mean 'date'",
        ),
        ([row("a", images=[{"path": "images/a.tif", "date": "1.2.2003"}])], "'1.2.2003' is no ISO day"),
        ([row("a", images=[{"path": "images/a.tif", "sensor": "S9"}])], "sensor 'S9' is not declared"),
        ([row("a", labels=[])], "0 labels for 1 images"),
        ([row("a", valid=[None, None])], "valid has 2 entries for 1 images"),
        ([row("a", images=[])], "segmentation needs at least 1 date, got 0"),
        ([row("a", images=[{"path": "../a.tif"}])], "leaves the folder"),
        ([row("a", gsd_m=-3)], "gsd_m is -3"),
    ],
)
def test_wrong_rows_are_refused_with_their_lines(world, rows, message):
    world.rows(*rows)
    refused(world.yaml("images", "labels", "splits", samples="samples.jsonl"), message)


def test_a_line_that_is_no_json_object_is_refused(world):
    path = world.yaml("images", "labels", "splits", samples="samples.jsonl")
    for line in ('{"id": "a"', "[1, 2]", '{"id": "a", "id": "b"}'):
        world.text("samples.jsonl", line)
        refused(path, "samples.jsonl: line 1")


def test_splits_may_list_the_ids_of_rows(world):
    world.rows(*[{key: value for key, value in row(sample).items() if key != "split"} for sample in "abc"])
    keys = {"samples": "samples.jsonl"}
    assert [r.id for r in open_dataset(world.yaml("images", "labels", **keys)).records("train")] == ["a", "b"]
    world.text("train.txt", "a", "z")
    refused(world.yaml("images", "labels", **keys), "lists 'z', which samples.jsonl does not hold")


def test_a_scene_split_by_area_is_all_input_and_labels_of_its_area_only(world):
    halves = np.repeat([[1, 1, 1, 2, 2, 2]], 4, 0).astype("uint8")
    world.raster("split.tif", halves)
    areas = {"train": {"mask": "split.tif", "value": 1}, "test": {"mask": "split.tif", "value": 2}}
    path = world.yaml(images=["images/a.tif"], labels=["labels/a.tif"], splits=areas)
    for split, kept in (("train", halves == 1), ("test", halves == 2)):
        sample = only(path, split)
        assert sample.id == "small" and sample.valid.all()
        np.testing.assert_array_equal(sample.images[0], position())
        np.testing.assert_array_equal(sample.labels[0] != IGNORE, kept)
    areas["test"] = {"mask": "split.tif", "value": 3}
    refused(
        world.yaml(images=["images/a.tif"], labels=["labels/a.tif"], splits=areas),
        "is 3, but it holds only 1, 2",
        "test",
    )


def test_with_rows_every_row_is_in_every_area(world):
    world.raster("split.tif", np.repeat([[1, 1, 1, 2, 2, 2]], 4, 0).astype("uint8"))
    world.rows(*[{key: value for key, value in row(sample).items() if key != "split"} for sample in "abc"])
    areas = {"train": {"mask": "split.tif", "value": 1}, "test": {"mask": "split.tif", "value": 2}}
    dataset = open_dataset(world.yaml("images", "labels", samples="samples.jsonl", splits=areas))
    assert [len(dataset.records(split)) for split in dataset.splits] == [3, 3]
