"""What odd inputs have shown, each with the input: every one crashed, did not end, or was taken for right."""

import numpy as np
import pytest
import scipy.io
from small_archives import LANDSAT, make_landsat, mtl_groups
from small_sets import World

from stsun.archives.opening import open_archive
from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.data.dataset import open_dataset
from stsun.data.rules import read_description
from stsun.errors import ConfigurationError, DataError, ExperimentError, RasterError
from stsun.export.request import read_configuration
from stsun.legend import legend_of
from stsun.raster.reader import inspect
from stsun.training.experiment import read_experiment
from stsun.training.plan import LARGEST_SEED
from stsun.yamlfile import load_yaml


def yaml_of(tmp_path, text):
    path = tmp_path / "file.yaml"
    path.write_text(text, encoding="utf-8")
    return load_yaml(path, DataError)


def test_mappings_are_not_merged_into_one_another_which_could_multiply_without_end(tmp_path):
    with pytest.raises(DataError, match="merge"):
        yaml_of(tmp_path, "a: &a {x: 1}\nb: {<<: [*a, *a], y: 3}")


@pytest.mark.parametrize(
    ("text", "value"),
    [("010", "010"), ("0o17", "0o17"), ("0b11", "0b11"), ("1_000", "1_000"), ("0x1F", 31), ("-3", -3), ("+0", 0)],
)
def test_whole_numbers_are_those_of_yaml_1_2(tmp_path, text, value):
    found = yaml_of(tmp_path, f"a: {text}")["a"]
    assert found == value and type(found) is type(value)


def test_a_stored_value_written_with_a_leading_zero_is_decimal_and_cannot_hide_another(tmp_path):
    path = World(tmp_path).yaml()
    text = path.read_text()
    path.write_text(text.replace("0: water", "010: water"))
    assert read_description(path).legend.values == (10, 1)
    path.write_text(text.replace("0: water", "010: water\n  10: building"))
    with pytest.raises(DataError, match="written in two ways"):
        read_description(path)


@pytest.mark.parametrize("name", ["\ud800", "a\0b"])
def test_names_that_no_file_can_hold_are_refused(name):
    with pytest.raises(ConfigurationError, match="needs a name"):
        Band(name, 665)
    with pytest.raises(ConfigurationError, match="a category is a name"):
        Configuration([Band("red", 665)], categories=["water", name])
    with pytest.raises(DataError, match="a class needs a name"):
        legend_of({0: "water", 1: name})


def test_a_name_too_long_for_a_file_is_told_as_such(tmp_path):
    with pytest.raises(RasterError, match=r"there is no such file|cannot be opened"):
        inspect(tmp_path / f"{'a' * 300}.tif")
    world = World(tmp_path / "set")
    world.text("train.txt", "a" * 300)
    with pytest.raises(DataError, match="has a name of 304 bytes"):
        open_dataset(world.yaml(splits={"train": "train.txt"}))


def test_a_raster_whose_companions_would_have_too_long_names_is_read(tmp_path):
    path = tmp_path / f"{'a' * 249}.tif"
    World(tmp_path).raster(path.name, np.ones((1, 2, 2), "uint8"))
    assert inspect(path).count == 1


@pytest.mark.parametrize("task", [[], {}, None, 3])
def test_a_task_that_is_no_text_is_refused(task):
    with pytest.raises(ConfigurationError, match="no task"):
        Configuration([Band("red", 665)], task=task, categories=["water"])


@pytest.mark.parametrize("length", [19, 100, 125, 127, 200])
def test_a_matlab_file_that_was_cut_off_anywhere_is_told_as_damaged(tmp_path, length):
    scipy.io.savemat(tmp_path / "a.mat", {"image": np.ones((3, 4))})
    (tmp_path / "a.mat").write_bytes((tmp_path / "a.mat").read_bytes()[:length])
    with pytest.raises(RasterError, match="is damaged"):
        inspect(tmp_path / "a.mat")


@pytest.mark.parametrize("name", [f"{LANDSAT}_SR_B4.TIF", "HLS.S30.T21JUK.2023351T135659.v2.0.B04.tif"])
def test_folders_named_like_bands_are_no_scene(tmp_path, name):
    (tmp_path / "scene" / name).mkdir(parents=True)
    with pytest.raises(RasterError, match="is a folder with"):
        open_archive(tmp_path / "scene")


def test_metadata_without_a_band_of_its_scene_is_no_archive(tmp_path):
    folder = make_landsat(tmp_path)
    (folder / "other_MTL.txt").write_text("GROUP = LANDSAT_METADATA_FILE\n")
    with pytest.raises(RasterError, match="there is no band of its scene"):
        open_archive(folder / "other_MTL.txt")


@pytest.mark.parametrize("scale", ["0", "1e999"])
def test_a_landsat_scale_that_makes_all_values_equal_is_refused(tmp_path, scale):
    groups = mtl_groups()
    groups["LEVEL2_SURFACE_REFLECTANCE_PARAMETERS"]["REFLECTANCE_MULT_BAND_4"] = scale
    with pytest.raises(RasterError, match=r"no scale of 0|expected a number"):
        open_archive(make_landsat(tmp_path, groups=groups))


def test_a_sun_on_the_horizon_to_the_last_digit_is_night(tmp_path):
    name = LANDSAT.replace("L2SP", "L1TP")
    folder = make_landsat(
        tmp_path, name=name, endings=["B4"], groups=mtl_groups(name, level="L1TP", elevation="1e-320")
    )
    with pytest.raises(RasterError, match="expected degrees above the horizon"):
        open_archive(folder)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("stream.cache_gb=.nan", "cache_gb is nan"),
        ("stream.cache_gb=.inf", "cache_gb is inf"),
        ("stream.cache_gb=-1", "cache_gb is -1"),
        ("stream.cache_gb=1.0e+300", r"cache_gb is 1e\+300"),
        (f"seed={LARGEST_SEED + 1}", "seed is .* expected at most"),
        ("name=!!timestamp x", "no YAML value"),
        ("steps=1:1.5", "to the base of 60|valid integer"),
    ],
)
def test_experiments_that_would_fail_later_are_refused_when_they_are_read(tmp_path, override, message):
    path = tmp_path / "experiment.yaml"
    path.write_text("name: a\ndata: [{simulation: hyperspectral}]\n")
    with pytest.raises(ExperimentError, match=message):
        read_experiment(path, [override])


def test_an_export_for_more_dates_than_memory_holds_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="dates is 1000000000, expected at most"):
        read_configuration("sentinel-2-l2a", lambda task: ["water"], dates=10**9)
