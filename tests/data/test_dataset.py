"""Data sets as interfaces section 5 tells: files in place to samples."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from small_sets import NIR, RED, only, position, refused

from stsun.bands import Band
from stsun.data.dataset import open_dataset
from stsun.data.sample import IGNORE
from stsun.errors import DataError, RasterError


def test_a_sample_is_what_the_files_hold(world):
    dataset = open_dataset(world.yaml(scale=0.5, offset=-1, gsd_m=10, title="Small", licence="CC0"))
    assert (dataset.name, dataset.title, dataset.licence, dataset.task) == ("small", "Small", "CC0", "segmentation")
    assert dataset.splits == ("train", "test") and dataset.categories == ("water", "forest")
    assert [record.id for record in dataset.records("train")] == ["a", "b"]
    sample = dataset.read(dataset.records("train")[1])
    np.testing.assert_allclose(sample.images[0], position(first=1) * 0.5 - 1)
    assert sample.images[0].dtype == np.float32 and sample.valid.all() and np.isnan(sample.days).all()
    np.testing.assert_array_equal(sample.labels[0], np.indices((4, 6)).sum(0) % 2)
    configuration = sample.configuration
    assert configuration.bands == (Band("red", 665, 30), Band("nir", 842)) and configuration.gsd_m == 10
    assert configuration.categories == ("water", "forest") and not configuration.per_date


def test_an_unknown_split_is_refused_with_those_there_are(world):
    with pytest.raises(DataError, match="no split 'val'; it has train, test"):
        open_dataset(world.yaml()).records("val")


def test_records_travel_to_other_processes_and_reading_is_safe_in_threads(world):
    dataset = pickle.loads(pickle.dumps(open_dataset(world.yaml())))
    records = [*dataset.records("train"), *dataset.records("test")] * 10
    with ThreadPoolExecutor(4) as pool:
        samples = list(pool.map(dataset.read, records))
    for record, sample in zip(records, samples, strict=True):
        np.testing.assert_array_equal(sample.images[0], position(first="abc".index(record.id)))


def test_stored_label_values_become_category_indices_in_declared_order(world):
    world.label("labels/a.tif", r0c0=9)
    sample = only(world.yaml(classes={1: "forest", 0: "water"}, ignore=[9, 300]))
    expected = 1 - np.indices((4, 6)).sum(0) % 2
    expected[0, 0] = IGNORE
    np.testing.assert_array_equal(sample.labels[0], expected)


def test_undeclared_label_values_are_refused_with_their_counts(world):
    world.label("labels/a.tif", r0c0=7, r1c1=7, r2c2=9)
    refused(world.yaml(), r"a\.tif.*undeclared label values 7 \(2 pixels\), 9 \(1 pixels\).*0: water, 1: forest")


def test_a_label_value_that_reads_255_may_be_a_class(pair):
    pair.label("labels/a.tif", **{f"r{r}c{c}": 255 for r in range(4) for c in range(6) if (r + c) % 2})
    sample = only(pair.yaml(**pair.keys | {"classes": {0: "unchanged", 255: "flooded"}}))
    assert set(np.unique(sample.labels)) == {0, 1}
    assert sample.configuration.categories == ("flooded",)


def test_nodata_nan_and_masks_make_pixels_invalid_and_zero(world):
    world.image("images/a.tif", nodata=12)
    mask = np.ones((4, 6), "uint8")
    mask[3, 5] = 0
    world.raster("masks/a.png", mask)
    sample = only(world.yaml(valid=["masks/{id}.png"], offset=5))
    assert not sample.valid[0, 1, 2] and not sample.valid[0, 3, 5] and sample.valid.sum() == 22
    assert (sample.images[0][:, ~sample.valid[0]] == 0).all()
    array = position().astype("float32")
    array[1, 2, 2] = np.nan
    world.raster("images/a.tif", array)
    sample = only(world.yaml(bands=[RED, NIR | {"nodata": 121}]))
    assert not sample.valid[0, 2, 2] and not sample.valid[0, 2, 1] and sample.valid.sum() == 22


def test_bands_of_one_date_may_be_spread_over_files_with_their_own_scale(world):
    world.image("more/a.tif", bands=1, first=1000)
    bands = [RED, NIR, {"name": "vv", "scale": 0.01, "offset": 2.0, "nodata": 1000}]
    path = world.yaml(
        images=[["images/{id}.tif", "more/{id}.tif"]], bands=bands, splits={"train": "one.txt"}, scale=0.1
    )
    world.text("one.txt", "a")
    sample = only(path)
    np.testing.assert_allclose(sample.images[0][:2, 1:], position()[:, 1:] * 0.1, rtol=1e-6)
    np.testing.assert_allclose(sample.images[0][2, 1:], position()[0, 1:] * 0.01 + 12, rtol=1e-6)
    assert not sample.valid[0, 0, 0] and sample.configuration.bands[2] == Band("vv")


def test_parent_and_stem_are_the_parts_of_the_id(world):
    world.image("tile 1/img/x.y.tif")
    world.label("tile 1/lab/x.y.tif")
    world.image("img/z.tif")
    world.label("lab/z.tif")
    world.text("train.txt", "tile 1/x.y", "z")
    path = world.yaml(
        images=["{parent}/img/{stem}.tif"], labels=["{parent}/lab/{stem}.tif"], splits={"train": "train.txt"}
    )
    dataset = open_dataset(path)
    for record in dataset.records("train"):
        np.testing.assert_array_equal(dataset.read(record).images[0], position())


def test_missing_and_truncated_files_are_named(world):
    image = world.root / "images/a.tif"
    image.write_bytes(image.read_bytes()[:-100])
    refused(world.yaml(), r"images/a\.tif.*damaged or incomplete", error=RasterError)
    image.unlink()
    refused(world.yaml(), r"images/a\.tif: there is no such file", error=RasterError)


@pytest.mark.parametrize("sample", ["../a", "/etc/a", "x/../../a"])
def test_paths_that_leave_the_folder_are_refused(world, sample):
    world.text("train.txt", sample)
    refused(world.yaml(images=["{id}.tif"]), "leaves the folder of the YAML file")


def test_links_that_leave_the_folder_are_refused(world, tmp_path):
    world.image("../outside.tif")
    image = world.root / "images/a.tif"
    image.unlink()
    image.symlink_to(tmp_path / "outside.tif")
    refused(world.yaml(), r"a\.tif: leads to .*outside\.tif, outside the data set's folder")
    (world.root / "inner.tif").write_bytes((tmp_path / "outside.tif").read_bytes())
    image.unlink()
    image.symlink_to(world.root / "inner.tif")
    assert only(world.yaml()).valid.all()
