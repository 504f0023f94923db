"""Files of the data sets themselves: read in place, or put into the layout of the download where others stored them anew.

What a sample is was written down by hand in the descriptions beside these files, from other sources than the adapters.
"""

import json
import shutil

import numpy as np
import pytest
import rasterio
from miniatures import raster
from numpy.testing import assert_array_equal

from stsun.adapters.adapter import adapter, adapter_names, described_at
from stsun.data.dataset import open_dataset
from stsun.data.validate import validate

IN_PLACE = {"levir-cd", "xbd"}
PUT_INTO_LAYOUT = {"flair", "pastis", "pastis-r", "sen1floods11-s2"}


def test_only_sets_with_real_samples_say_so():
    told = {name: adapter(name).tested for name in adapter_names()}
    assert {name for name in told if told[name] == "miniature, real sample"} == IN_PLACE
    assert {name for name in told if told[name] == "miniature, real pixels"} == PUT_INTO_LAYOUT
    assert set(told.values()) == {"miniature", "miniature, real sample", "miniature, real pixels"}


def opened(name, root):
    mapping = adapter(name).describe(root)
    assert validate(described_at(name, root), mapping) == []
    return open_dataset(described_at(name, root), mapping)


def named(dataset, sample):
    """Return labels as names; None = ignored."""
    names = [*dataset.legend.names, *[None] * (256 - len(dataset.legend.names))]
    return np.array(names, dtype=object)[sample.labels]


def same(dataset, sample, other_dataset, other):
    assert_array_equal(named(dataset, sample), named(other_dataset, other))
    for image, expected in zip(sample.images, other.images, strict=True):
        np.testing.assert_allclose(image, expected, rtol=1e-5)


@pytest.mark.parametrize(("name", "folder", "size"), [("levir-cd", "levir_cd", 216), ("xbd", "xbd_ida", 18)])
def test_real_samples_are_read_in_place(shared_data, name, folder, size):
    root = shared_data / folder
    mapping = adapter(name).describe(root)
    assert len(mapping["samples"]) == size
    mapping["samples"] = mapping["samples"][::17]
    assert validate(described_at(name, root), mapping) == []
    dataset = open_dataset(described_at(name, root), mapping)
    sample = dataset.read(dataset.records("train")[0])
    assert len(sample.images) == 2 and 0.05 < float(sample.images[0].mean()) < 0.95
    assert set(np.unique(sample.labels)) <= set(range(len(dataset.legend.names)))


def test_real_labels_are_those_of_the_description_beside_them(shared_data):
    root = shared_data / "levir_cd"
    written = open_dataset(root / "dataset.yaml")
    read = open_dataset(described_at("levir-cd", root), adapter("levir-cd").describe(root))
    for one in written.records("test")[:3]:
        other = next(record for record in read.records("test") if record.id == f"test/{one.id}")
        same(written, written.read(one), read, read.read(other))


def test_patches_of_flair_are_what_was_written_of_them(shared_data, tmp_path):
    written = open_dataset(shared_data / "flair2_mini" / "dataset.yaml")
    records = [*written.records("train")[:2], *written.records("val")]
    folders = [("flair_aerial_train", "flair_labels_train")] * 2 + [("flair_2_aerial_test", "flair_2_labels_test")]
    for number, (record, places) in enumerate(zip(records, folders, strict=True)):
        files = (record.dates[0].files[0], record.labels[0])
        for place, part, file in zip(places, ("img/IMG", "msk/MSK"), files, strict=True):
            target = tmp_path / place / f"D00{number}_2020/Z1_AU/{part}_000001.tif"
            with rasterio.open(shared_data / "flair2_mini" / file) as source:
                raster(target, source.read())  # the pixels, without the tags that others gave them
    mapping = adapter("flair").describe(tmp_path, challenge=2)
    assert validate(described_at("flair", tmp_path), mapping) == []
    dataset = open_dataset(described_at("flair", tmp_path), mapping)
    assert [len(dataset.records(split)) for split in ("train", "test")] == [2, 1]
    for record, own in zip(records, [*dataset.records("train"), *dataset.records("test")], strict=True):
        same(dataset, dataset.read(own), written, written.read(record))


@pytest.mark.parametrize("name", ["pastis", "pastis-r"])
def test_patches_of_pastis_are_what_was_written_of_them(shared_data, tmp_path, name):
    root = shared_data / "pastis_dynamicearthnet_mini"
    written = open_dataset(root / "pastis.yaml")
    expected = {record.id: record for split in written.splits for record in written.records(split)}
    features = []
    for number, sample in enumerate(expected):
        stored, more = (np.load(root / folder / f"{sample}.npz") for folder in ("pastis", "extra/pastis"))
        facts = {"ID_PATCH": int(sample), "Fold": number % 5 + 1}
        for sensor, images, dates in (("S2", stored["images"], stored["dates"]),
                                      ("S1A", more["s1a"], more["dates_s1a"]), ("S1D", more["s1d"], more["dates_s1d"])):  # fmt: skip
            facts[f"dates-{sensor}"] = {str(i): int(str(day).replace("-", "")) for i, day in enumerate(dates)}
            saved(tmp_path / f"DATA_{sensor}/{sensor}_{sample}.npy", images)
        saved(tmp_path / f"ANNOTATIONS/TARGET_{sample}.npy", more["semantic_raw"])
        features.append({"properties": facts})
    (tmp_path / "metadata.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    dataset = opened(name, tmp_path)
    for record in (one for split in dataset.splits for one in dataset.records(split)):
        sample, other = dataset.read(record), written.read(expected[record.id])
        assert_array_equal(named(dataset, sample), named(written, other))
        assert (np.diff(sample.days) >= 0).all()
        optical = [number for number, image in enumerate(sample.images) if len(image) == 10]
        assert_array_equal(sample.days[optical], other.days)
        for number, expected_image in zip(optical, other.images, strict=True):
            np.testing.assert_allclose(sample.images[number], expected_image, rtol=1e-5)
        radar = [image for image in sample.images if len(image) == 3]
        assert len(radar) == (6 if name == "pastis-r" else 0)
        for vertical, crossed, ratio in radar:  # decibels: the third is the difference of the others
            np.testing.assert_allclose(vertical - crossed, ratio, atol=0.1)


def saved(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, array)


def test_chips_of_sen1floods11_are_what_was_written_of_them(shared_data, tmp_path):
    root = shared_data / "sen1floods11_spain"
    written = open_dataset(root / "s2.yaml")
    expected = [record for split in written.splits for record in written.records(split)]
    hand, lists = tmp_path / "data/flood_events/HandLabeled", tmp_path / "splits/flood_handlabeled"
    for folder in (hand / "S2Hand", hand / "LabelHand", lists):
        folder.mkdir(parents=True)
    for record, split in zip(expected, ("train", "valid", "test"), strict=True):
        shutil.copy(root / record.dates[0].files[0], hand / f"S2Hand/{record.id}_S2Hand.tif")
        with rasterio.open(root / record.labels[0]) as source:
            labels = source.read().astype("int16")
        labels[labels == 255] = -1  # as the download has it
        raster(hand / f"LabelHand/{record.id}_LabelHand.tif", labels)
        (lists / f"flood_{split}_data.csv").write_text(f"{record.id}_S1Hand.tif,{record.id}_LabelHand.tif\n")
    (lists / "flood_bolivia_data.csv").write_text("")
    dataset = opened("sen1floods11-s2", tmp_path)
    for record, split in zip(expected, ("train", "val", "test"), strict=True):
        same(dataset, dataset.read(dataset.records(split)[0]), written, written.read(record))
