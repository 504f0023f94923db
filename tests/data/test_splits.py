"""Series: dates in a list or found by their names, of one sensor or several."""

import numpy as np
from small_sets import NIR, RED, only, refused

from stsun.bands import Band


def test_a_pair_has_two_dates_and_one_label(pair):
    sample = only(pair.yaml(**pair.keys, dates=["2019-01-01", None]))
    assert sample.valid.shape == (2, 4, 6) and sample.labels.shape == (1, 4, 6)
    np.testing.assert_array_equal(sample.images[1] - sample.images[0], np.full((2, 4, 6), 1000))
    assert sample.days[0] == 17_897 and np.isnan(sample.days[1])


def test_dates_of_a_change_must_not_decrease(pair):
    refused(pair.yaml(**pair.keys, dates=["2020-01-02", "2019-01-01"]), "wrong order, 2020-01-02 before 2019-01-01")
    pair.image("images/a_1.tif", tags={"ACQUISITION_DATE": "2020-01-02"})
    refused(pair.yaml(**pair.keys, dates=[None, "2019-01-01"]), "wrong order, 2020-01-02 before 2019-01-01")
    series = pair.keys | {"task": "segmentation"}
    assert only(pair.yaml(**series, dates=[None, "2019-01-01"])).days.tolist() == [18_263, 17_897]


def test_images_of_different_size_in_a_pair_are_refused(pair):
    pair.image("images/a_2.tif", height=5)
    refused(pair.yaml(**pair.keys), r"a_2\.tif has 5 x 6 pixels, but .*a_1\.tif has 4 x 6")


def test_labels_and_masks_of_another_size_are_refused(world):
    world.label("labels/a.tif", width=7)
    refused(world.yaml(), r"labels/a\.tif has 4 x 7 pixels, but .*images/a\.tif has 4 x 6")
    world.label("labels/a.tif")
    world.label("masks/a.tif", height=3)
    refused(world.yaml(valid=["masks/{id}.tif"]), r"masks/a\.tif has 3 x 6 pixels")


def test_semantic_change_and_per_date_segmentation_have_a_label_for_each_date(pair):
    keys = pair.keys | {"labels": ["labels/{id}.tif", "labels/b.tif"], "classes": {0: "water", 1: "forest"}}
    assert only(pair.yaml(**keys | {"task": "semantic_change"})).labels.shape == (2, 4, 6)
    sample = only(pair.yaml(**keys | {"task": "segmentation", "per_date": True}))
    assert sample.labels.shape == (2, 4, 6) and sample.configuration.per_date


def dated(world, *names, labels=()):
    for split in ("train", "test"):
        world.text(f"{split}.txt", "a")
    for number, name in enumerate(names):
        world.image(f"series/{name}", first=number)
    for name in labels:
        world.label(f"series/{name}")


def test_dates_are_found_in_the_names_and_sorted(world):
    dated(world, "a_2019-03-01.tif", "a_20180301_120000.tif", "b_20180301.tif", "a_notes.tif")
    sample = only(world.yaml(images="series/{id}_{date}.tif"))
    assert sample.days.tolist() == [17_591.5, 17_956.0]
    assert [image[0, 0, 0] for image in sample.images] == [1, 0]
    world.text("train.txt", "nothing")
    refused(world.yaml(images="series/{id}_{date}.tif"), "no file fits 'series/nothing_{date}.tif'")


def test_labels_and_masks_are_found_by_the_date_too(world):
    dated(world, "a_20180301.tif", "a_20180401.tif", labels=["l_2018-04-01.tif", "l_20180301.tif", "l_20170101.tif"])
    world.label("series/m_20180301.tif")
    world.label("series/m_20180401.tif", r0c0=1)
    sample = only(
        world.yaml(
            images="series/{id}_{date}.tif",
            labels=["series/l_{date}.tif"],
            valid="series/m_{date}.tif",
            per_date=True,
        )
    )
    assert sample.labels.shape == (2, 4, 6)
    assert not sample.valid[0, 0, 0] and sample.valid[1, 0, 0]
    (world.root / "series/l_20180301.tif").unlink()
    refused(
        world.yaml(images="series/{id}_{date}.tif", labels=["series/l_{date}.tif"], per_date=True),
        "finds no file for the date of series/a_20180301.tif",
    )


def test_a_name_that_holds_no_day_of_the_calendar_is_refused(world):
    dated(world, "a_20181301.tif")
    refused(world.yaml(images="series/{id}_{date}.tif"), "'20181301' in its name is no day of the calendar")


SENSORS = {"LT05": {"bands": [RED, NIR], "gsd_m": 30}, "S1": {"bands": [{"name": "vv"}], "gsd_m": 30}}


def test_dates_of_different_sensors_have_their_own_bands(world):
    dated(world, "a_20180301_LT05.tif")
    world.image("series/a_20180201_S1.tif", bands=1)
    sample = only(world.yaml("bands", images="series/{id}_{date}_{sensor}.tif", sensors=SENSORS))
    assert sample.configuration.bands == ((Band("vv"),), (Band("red", 665, 30), Band("nir", 842)))
    assert [image.shape[0] for image in sample.images] == [1, 2] and sample.configuration.gsd_m == 30


def test_a_sensor_that_only_the_files_know_is_refused(world):
    dated(world, "a_20180301_LE07.tif")
    refused(
        world.yaml("bands", images="series/{id}_{date}_{sensor}.tif", sensors=SENSORS),
        "sensors LE07.*declares LT05, S1",
    )


def test_sensors_of_different_gsd_on_one_grid_are_refused(world):
    dated(world, "a_20180301_LT05.tif")
    world.image("series/a_20180201_S1.tif", bands=1)
    sensors = SENSORS | {"S1": {"bands": [{"name": "vv"}], "gsd_m": 10}}
    refused(world.yaml("bands", images="series/{id}_{date}_{sensor}.tif", sensors=sensors), "GSDs of 10 and 30 m")


def test_masks_and_labels_follow_the_sensor_where_two_images_are_of_one_day(world):
    for name, value in (("20180301_LT05", 0), ("20180301_S1", 1), ("20180401_S1", 1)):
        world.image(f"s/a_{name}.tif", bands=1 + name.endswith("LT05"))
        world.raster(f"m/a_{name}.tif", np.full((4, 6), value, "uint8"))
        world.raster(f"l/a_{name}.tif", np.full((4, 6), value, "uint8"))
    world.text("train.txt", "a")
    pattern = "{id}_{date}_{sensor}.tif"
    keys = {"images": f"s/{pattern}", "labels": f"l/{pattern}", "valid": f"m/{pattern}", "per_date": True}
    sample = only(world.yaml("bands", **keys, sensors=SENSORS, splits={"train": "train.txt"}))
    assert [len(bands) for bands in sample.configuration.bands] == [2, 1, 1]
    assert sample.labels[:, 0, 0].tolist() == [0, 1, 1]
    assert sample.valid[:, 0, 0].tolist() == [False, True, True]


def test_a_mask_whose_time_fits_none_of_two_images_of_one_day_is_refused(world):
    dated(world, "a_20180301_100000.tif", "a_20180301_110000.tif", labels=["m_20180301_095900.tif"])
    keys = {"images": "series/{id}_{date}.tif", "valid": "series/m_{date}.tif"}
    assert only(world.yaml(**keys)).valid.shape == (2, 4, 6)
    world.label("series/m_20180301_105900.tif")
    refused(world.yaml(**keys), "should find one file, found series/m_20180301_095900.tif, series/m_20180301_105900")


def test_one_mask_may_serve_all_dates_of_a_series(world):
    dated(world, "a_20180301.tif", "a_20180401.tif", labels=["mask.tif"])
    sample = only(world.yaml(images="series/{id}_{date}.tif", valid="series/mask.tif"))
    checkerboard = np.indices((4, 6)).sum(0) % 2 == 1
    np.testing.assert_array_equal(sample.valid, np.stack([checkerboard, checkerboard]))


def test_labels_and_masks_in_a_list_may_hold_the_sensor_too(world):
    world.text("train.txt", "a")
    world.image("s/a_1_LT05.tif")
    world.image("s/a_2_S1.tif", bands=1)
    for name in ("a_1_LT05", "a_2_S1"):
        world.label(f"l/{name}.tif")
    keys = {"images": ["s/{id}_1_{sensor}.tif", "s/{id}_2_{sensor}.tif"], "sensors": SENSORS}
    keys |= {"valid": ["l/{id}_1_{sensor}.tif", None], "splits": {"train": "train.txt"}}
    labels = ["l/{id}_1_{sensor}.tif", "l/{id}_2_{sensor}.tif"]
    sample = only(world.yaml("bands", **keys, labels=labels, per_date=True))
    assert sample.labels.shape == (2, 4, 6) and not sample.valid[0].all() and sample.valid[1].all()
    change = {"task": "binary_change", "classes": {0: "unchanged", 1: "flooded"}}
    assert only(world.yaml("bands", **keys, **change, labels=["l/{id}_2_{sensor}.tif"])).labels.shape == (1, 4, 6)
    refused(world.yaml(labels=["labels/{id}_{sensor}.tif"]), r"labels or valid hold \{sensor\}, but images do not")


def test_catalogue_sensors_of_different_gsd_leave_the_gsd_of_one_grid_unknown(world):
    world.text("train.txt", "a")
    world.image("s/a_20180301_S2.tif", bands=12)
    world.image("s/a_20180401_L5.tif", bands=6)
    sensors = {"S2": {"bands": "sentinel-2-l2a"}, "L5": {"bands": "landsat-5"}}
    keys = {"images": "s/{id}_{date}_{sensor}.tif", "sensors": sensors, "splits": {"train": "train.txt"}}
    assert only(world.yaml("bands", **keys)).configuration.gsd_m is None
