"""What an export is asked for, told by files and by the command line."""

import json
import sys
from datetime import date

import pytest

from stsun import cli
from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.errors import ConfigurationError, DataError
from stsun.export import write
from stsun.export.request import as_written, read_configuration
from stsun.export.write import Export
from stsun.sensors import sensor
from stsun.simulation.dataset import write_dataset

KNOWN = {"segmentation": ("water", "forest"), "binary_change": ("changed",), "semantic_change": ("water",)}
WHOLE = """
bands: [{name: red, wavelength_nm: 665, bandwidth_nm: 70}, {name: vv}]
gsd_m: 10
task: binary_change
categories: [flooded]
dates: 2
"""


@pytest.fixture
def read(tmp_path):
    def read(text, **told):
        path = tmp_path / "configuration.yaml"
        path.write_text(text, encoding="utf-8")
        return read_configuration(str(path), KNOWN.__getitem__, **told)

    return read


def test_a_file_says_all(read):
    bands = [Band("red", 665, 70), Band("vv")]
    found = read(WHOLE)
    assert found == Configuration([bands, bands], 10.0, "binary_change", ["flooded"])
    assert found.dates == 2


def test_the_command_line_replaces_what_the_file_says(read):
    found = read(WHOLE, task="segmentation", categories=["water"], gsd_m=None, dates=3, per_date=True)
    assert (found.task, found.categories, found.gsd_m, found.dates, found.per_date) == (
        "segmentation", ("water",), 10.0, 3, True,
    )  # fmt: skip


def test_a_sensor_brings_bands_and_gsd_and_the_model_its_categories():
    found = read_configuration("sentinel-2-l2a", KNOWN.__getitem__, dates=1)
    assert found.bands_of_dates(1) == (sensor("sentinel-2-l2a").bands,)
    assert (found.gsd_m, found.categories, found.dates) == (10.0, KNOWN["segmentation"], 1)


def test_bands_listed_date_by_date_say_how_many_there_are(read):
    found = read("bands: [[{name: vv}], [{name: red, wavelength_nm: 665}]]\ntask: segmentation\n")
    assert found.bands_of_dates(2) == ((Band("vv"),), (Band("red", 665),)) and found.dates == 2


@pytest.mark.parametrize("merged", [{}, {"water": ["lake", "river"], "woods": ["forest"]}])
def test_what_is_written_is_read_as_the_same(read, merged):
    bands = [[Band("vv")], [Band("red", 665, 30)]]
    configuration = Configuration(bands, None, "semantic_change", ["water", "woods"], merged=merged)
    assert read(json.dumps(as_written(configuration))) == configuration


def test_categories_are_merged_as_the_help_of_the_command_line_has_it():
    found = read_configuration("sentinel-2-l2a", KNOWN.__getitem__, dates=1, categories=["water", "green=forest+grass"])
    assert (found.categories, found.merged) == (("water", "green"), (("green", ("forest", "grass")),))


def test_a_data_set_is_asked_for_as_its_samples_are(tmp_path):
    path = write_dataset(
        tmp_path / "set", ["sentinel-2-l2a"], [date(2020, 5, 1), date(2020, 7, 1)], size=16, samples=3,
        task="semantic_change",
    )  # fmt: skip
    found = read_configuration(str(path), KNOWN.__getitem__)
    assert (found.task, found.dates, found.gsd_m) == ("semantic_change", 2, 10.0)
    assert len(found.sensors) == 1 and len(found.categories) > 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bands: sentinel-2-l2a\n", "does not say how many dates"),
        ("bands: sentinel-22\ndates: 1\n", "no sensor 'sentinel-22'"),
        ("bands: [{name: red, wavelenght_nm: 665}]\ndates: 1\n", "did you mean 'wavelength_nm'"),
        ("bands: [{name: red, wavelength_nm: 0.665}]\ndates: 1\n", "micrometres"),
        ("bands: [[{name: vv}], [{name: vh}]]\ndates: 3\n", "dates is 3, but bands are listed for 2"),
        ("bands: [{name: vv}]\ndates: 0\n", "dates is 0"),
        ("bands: [{name: vv}]\ndates: 1\ntask: detection\n", "no task 'detection'"),
        ("bands: [{name: vv}]\ndates: 1\nsize: 5\n", "unknown key 'size'"),
        ("- bands\n", "expected keys and values"),
    ],
)
def test_what_is_wrong_is_told(read, text, message):
    with pytest.raises(ConfigurationError, match=message):
        read(text)


def test_a_file_that_is_not_there_or_a_damaged_data_set_is_told(read):
    with pytest.raises(ConfigurationError, match="there is no such file"):
        read_configuration("nowhere.yaml", KNOWN.__getitem__)
    with pytest.raises(DataError):
        read("name: a\nclasses: {0: a}\n")


def test_the_command_line_hands_all_of_it_on(tmp_path, monkeypatch, capsys):
    handed = {}

    def export(model, configuration, output, format, **options):
        handed.update(options, configuration=configuration, output=output, format=format)
        return Export(output, 2_000_000, 3_000, 1e-6, 5.0)

    monkeypatch.setattr(write, "export", export)
    words = "export --configuration sentinel-2-l2a --dates 2 --task binary_change --gsd 20 --format pt2 --output a.pt2"
    monkeypatch.setattr(sys, "argv", ["stsun", *words.split()])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert not end.value.code
    assert (handed["format"], handed["weights"], handed["overwrite"]) == ("pt2", "float32", False)
    assert (handed["configuration"].gsd_m, handed["configuration"].dates) == (20.0, 2)
    assert "wrote a.pt2: 2.0 MB, 3,000 numbers" in capsys.readouterr().out
