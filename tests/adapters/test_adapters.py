"""Every adapter reads a miniature of its data set, made in the very layout of the download."""

from pathlib import Path

import numpy as np
import pytest
from miniatures import MINIATURES

from stsun.adapters import sets
from stsun.adapters.adapter import adapter, adapter_names, described_at
from stsun.data.dataset import open_dataset
from stsun.data.sample import IGNORE
from stsun.data.validate import validate
from stsun.errors import ConfigurationError, DataError
from stsun.raster.metadata import parse_day

EVERY = pytest.mark.parametrize("name", MINIATURES)


@pytest.fixture
def folder(tmp_path, name):
    MINIATURES[name].build(tmp_path)
    return tmp_path


def described(name, root):
    return described_at(name, root), adapter(name).describe(root, **MINIATURES[name].given)


def test_every_adapter_has_a_miniature():
    assert set(adapter_names()) == set(MINIATURES)


@pytest.mark.parametrize("module", sorted(Path(sets.__path__[0]).glob("*.py")), ids=lambda path: path.stem)
def test_a_data_set_takes_one_file_of_at_most_40_lines(module):
    assert len(module.read_text(encoding="utf-8").splitlines()) <= 40


@EVERY
def test_the_description_of_a_miniature_has_no_problem(folder, name):
    assert [str(problem) for problem in validate(*described(name, folder))] == []


@EVERY
def test_samples_have_the_right_bands_days_values_and_labels(folder, name):
    mini, dataset = MINIATURES[name], open_dataset(*described(name, folder))
    assert {split: len(dataset.records(split)) for split in dataset.splits} == mini.splits
    assert set(mini.splits) == set(adapter(name).splits)
    sample = dataset.read(dataset.records(dataset.splits[0])[0])
    assert [len(image) for image in sample.images] == mini.bands
    expected = [np.nan if day is None else parse_day(day) for day in mini.days or [None] * len(mini.bands)]
    np.testing.assert_array_equal(sample.days, expected)
    assert sample.valid.all()
    names = [*dataset.legend.names, *[None] * (IGNORE + 1 - len(dataset.legend.names))]
    for stored, found in zip(mini.maps, sample.labels, strict=True):
        assert [names[index] for index in found[0, : len(stored)]] == stored


@EVERY
def test_values_are_those_of_their_date_and_band(folder, name):
    mini, dataset = MINIATURES[name], open_dataset(*described(name, folder))
    sample = dataset.read(dataset.records(dataset.splits[0])[0])
    scales = mini.scales if isinstance(mini.scales, list) else [mini.scales] * len(sample.images)
    for image, date, scale in zip(sample.images, mini.dates or range(len(sample.images)), scales, strict=True):
        expected = (np.arange(len(image)) + 10 * date + 11) * np.array(scale)
        np.testing.assert_allclose(image, np.broadcast_to(expected[:, None, None], image.shape), rtol=1e-5)


def miniature(name, root):
    MINIATURES[name].build(root)
    return root


@pytest.mark.parametrize(
    ("name", "gone", "missing"),
    [
        ("levir-cd", "val", ("val", "all of val")),
        ("second", "test", ("test", "all of test")),
        ("xbd", "hold/targets", ("hold", "all of hold")),
        ("flair", "flair_1_aerial_test", ("test", "flair_1_aerial_test")),
        ("openearthmap", "tokyo/images/tokyo_2.tif", ("val", "tokyo/images/tokyo_2.tif")),
        ("multisenge", "s1/32ULU_20200105_S1_3_4.tif", ("all", "s1/32ULU_20200105_S1_3_4.tif")),
        ("dynamicearthnet-daily", "planet/10N/2/PF-SR/2018-01-10.tif", ("test", "planet/10N/2/PF-SR/2018-01-10.tif")),
    ],
)
def test_what_a_folder_lacks_of_the_official_set_is_known(tmp_path, name, gone, missing):
    root = miniature(name, tmp_path)
    before = adapter(name).missing(root)
    (root / gone).rename(tmp_path / "elsewhere")
    now = [one for one in adapter(name).missing(root) if one not in before]
    assert [(one.split, one.what) for one in now] == [missing]


@pytest.mark.parametrize(
    ("name", "partner"),
    [
        ("loveda", "Val/Rural/masks_png/4.png"),
        ("second", "test/label2/00003.png"),
        ("tscd", "2018_2020/train/B/7.png"),
        ("hi-ucd", "val/image/2019/12.png"),
        ("levir-cd", "test/label/test_1.png"),
    ],
)
def test_a_missing_partner_is_named(tmp_path, name, partner):
    root = miniature(name, tmp_path)
    (root / partner).unlink()
    with pytest.raises(DataError, match=f"{Path(partner).parent}: lacks '{Path(partner).stem}'"):
        adapter(name).describe(root)


@pytest.mark.parametrize(
    ("name", "file", "content"),
    [
        ("dynamicearthnet", "dynnet_training_splits/val.txt", "one two"),
        ("oscd", "Onera Satellite Change Detection dataset - Images/abudhabi/dates.txt", "20161130"),
        ("oscd", "Onera Satellite Change Detection dataset - Images/abudhabi/dates.txt", "date_1: 2016-11-30"),
        ("hls-crops", "chips_df.csv", "chip_id,first\na,b"),
        ("multisenge", "labels/32ULU_3_4.json", "{}"),
        ("pastis-r", "metadata.geojson", '{"features": [{"properties": {"ID_PATCH": 1, "Fold": 1}}]}'),
    ],
)
def test_lists_that_do_not_say_what_they_should_are_told_with_the_layout(tmp_path, name, file, content):
    root = miniature(name, tmp_path)
    (root / file).write_text(content)
    with pytest.raises(DataError, match=f"cannot be read as {name} .* as they were downloaded"):
        adapter(name).describe(root)


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("pastis", {"fold": 0}, "fold is 0, expected 1 to 5"),
        ("pastis-r", {"fold": 6}, "fold is 6, expected 1 to 5"),
        ("pastis", {"fold": "a"}, "fold of pastis is 'a', expected a whole number as 1"),
        ("pastis", {"fold": 2.0}, "fold of pastis is 2.0, expected a whole number"),
        ("pastis", {"fold": True}, "fold of pastis is True, expected a whole number"),
        ("pastis", {"root": "x"}, "pastis has no parameter 'root'"),
        ("potsdam", {"tile": 0}, "tile is 0, expected the side of a tile in pixels"),
        ("potsdam", {"tile": 1.5}, "tile of potsdam is 1.5, expected a whole number"),
        ("dynamicearthnet-daily", {"days": 15}, "expected text .a number in quotes: days=\"'15'\".* as '01 05"),
    ],
)
def test_parameters_that_cannot_be_are_refused(tmp_path, name, given, message):
    root = miniature(name, tmp_path)
    with pytest.raises(ConfigurationError, match=message):
        adapter(name).describe(root, **given)


def test_a_day_in_quotes_is_one_day(tmp_path):
    rows = adapter("dynamicearthnet-daily").describe(miniature("dynamicearthnet-daily", tmp_path), days="15")["samples"]
    assert [[image["date"][-2:] for image in row["images"]] for row in rows] == [["15"]] * 6


def test_labels_with_another_ending_are_those_of_the_same_images(tmp_path):
    root = miniature("vaihingen", tmp_path)
    labels = root / "ISPRS_semantic_labeling_Vaihingen_ground_truth_COMPLETE"
    expected = [row["images"] for row in adapter("vaihingen").describe(root)["samples"]]
    for file in list(labels.glob("*.tif")):
        file.rename(file.with_stem(f"{file.stem}_noBoundary"))
    found = adapter("vaihingen").describe(root, ending="_noBoundary")["samples"]
    assert [row["images"] for row in found] == expected and "_noBoundary.tif" in found[0]["labels"][0]


@pytest.mark.parametrize("left", ["train/A/train_1.png.aux.xml", "train/A/Thumbs.db", "train/label/desktop.ini"])
def test_what_programs_leave_in_folders_is_no_image(tmp_path, left):
    root = miniature("levir-cd", tmp_path)
    expected = adapter("levir-cd").describe(root)
    (root / left).write_text("<PAMDataset/>")
    assert adapter("levir-cd").describe(root) == expected
