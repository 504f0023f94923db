"""From folders as downloaded to scores that papers quote, and maps: through the command line, with a network of a few steps."""

import json
import sys

import pytest
import rasterio
from miniatures import MINIATURES

from stsun import cli
from stsun.adapters.adapter import adapter
from stsun.errors import DataError
from stsun.protocols.protocol import Protocol, protocol, protocol_names

PROTOCOLS = {
    "levir-cd": "levir-cd",
    "second": "second",
    "pastis": "pastis-fold1",
    "sen1floods11": "sen1floods11-bolivia",
    "dynamicearthnet": "dynamicearthnet",
    "whu-building": "whu-building",
}
"""Data sets of every task and form of file, with a protocol of each."""

TRAINED = {"train": "train"}


def run(capfd, *arguments):
    before, sys.argv = sys.argv, ["stsun", *map(str, arguments)]
    try:
        cli.main()
        code = 0
    except SystemExit as end:
        code = end.code or 0
    finally:
        sys.argv = before
    return (code, *capfd.readouterr()) if capfd else code


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Folders of six data sets, their YAML files, and a model that was trained on all of them."""
    root = tmp_path_factory.mktemp("world")
    for name in PROTOCOLS:
        MINIATURES[name].build(root / name)
        assert run(None, "data", "yaml", name, root / name) == 0
    data = [{"dataset": f"{name}/{name}.yaml"} for name in PROTOCOLS]
    stream = {"crop": 16, "batch_size": 1, "accumulate": 6, "max_dates": 3}
    experiment = {
        "name": "mini",
        "output": str(root / "run"),
        "model": {"size": "nano"},
        "data": data,
        "stream": stream,
    }
    experiment |= {"steps": 2, "validate_every": 1000, "workers": 0, "threads": 1, "accelerator": "cpu"}
    (root / "experiment.yaml").write_text(json.dumps(experiment))
    assert run(None, "train", root / "experiment.yaml") == 0
    return root


@pytest.mark.parametrize(("name", "chosen"), PROTOCOLS.items())
def test_a_protocol_scores_a_folder_as_it_was_downloaded(world, capfd, name, chosen):
    arguments = ["--protocol", chosen, "--root", world / name, "--model", world / "run"]
    code, out, err = run(capfd, "evaluate", *arguments, "--json", "-")
    assert code == 0, err
    scores = json.loads(out)
    assert scores["protocol"] == chosen and scores["split"] == protocol(chosen).split
    assert list(scores["quoted"]) == protocol(chosen).scores
    assert [scores[key] for key in ("source", "note")] == [protocol(chosen).source, protocol(chosen).note]
    assert scores["pixels"] > 0


def test_scores_of_a_protocol_are_those_of_the_written_description(world, capfd):
    by_name = json.loads(
        run(
            capfd,
            "evaluate",
            "--protocol",
            "levir-cd",
            "--root",
            world / "levir-cd",
            "--model",
            world / "run",
            "--json",
            "-",
        )[1]
    )
    by_file = json.loads(
        run(capfd, "evaluate", "--data", world / "levir-cd/levir-cd.yaml", "--model", world / "run", "--json", "-")[1]
    )
    assert by_name["confusion_matrix"] == by_file["confusion_matrix"]
    assert by_name["quoted"]["change_f1"] == by_file["change_f1"]


def test_quoted_scores_are_told_in_words(world, capfd):
    arguments = ["--protocol", "whu-building", "--root", world / "whu-building", "--model", world / "run"]
    code, out, _ = run(capfd, "evaluate", *arguments)
    assert code == 0 and "mean_boundary_iou" in out
    assert f"whu-building ({protocol('whu-building').title}; Ji, Wei, Lu 2019) quotes categories.building.iou" in out


def test_images_of_a_data_set_are_mapped(world, capfd, tmp_path):
    images = [world / "levir-cd" / "test" / date / "test_1.png" for date in "AB"]
    options = [
        "--task",
        "binary_change",
        "--sensor",
        "aerial-rgb",
        "--model",
        world / "run",
        "--output",
        tmp_path / "map.tif",
    ]
    code, _, err = run(capfd, "predict", *options, *images)
    assert code == 0, err
    with rasterio.open(tmp_path / "map.tif") as change:
        assert change.shape == (16, 20)


@pytest.mark.parametrize("name", protocol_names())
def test_every_protocol_fits_its_data_set(name, tmp_path):
    chosen = protocol(name)
    MINIATURES[chosen.data_set].build(tmp_path)
    dataset = chosen.open(tmp_path)
    assert chosen.split in adapter(chosen.data_set).splits and dataset.records(chosen.split)
    assert not set(chosen.ignore) & set(dataset.categories)


def test_titles_tell_protocols_apart():
    titles = [protocol(name).title for name in protocol_names()]
    assert len(set(titles)) == len(titles)


def test_a_split_that_is_not_whole_is_not_scored(tmp_path):
    MINIATURES["openearthmap"].build(tmp_path)  # lacks an image of train, which is not scored
    assert protocol("openearthmap-val").open(tmp_path).records("val")
    (tmp_path / "val.txt").write_text("tokyo_2.tif\nxx_1.tif\nxx_2.tif\n")
    with pytest.raises(DataError, match="lacks 2 of what val of openearthmap has officially"):
        protocol("openearthmap-val").open(tmp_path)


@pytest.mark.parametrize("name", ["pastis", "pastis-r"])
def test_folds_test_each_patch_once_and_never_what_they_train_on(tmp_path, name):
    MINIATURES[name].build(tmp_path)
    tested = []
    for fold in range(1, 6):
        dataset = protocol(f"{name}-fold{fold}").open(tmp_path)
        held = {split: {record.id for record in dataset.records(split)} for split in dataset.splits}
        assert not held["train"] & held["test"] and not held["val"] & held["test"]
        tested += held["test"]
    assert sorted(tested) == [f"{10000 + number}" for number in range(1, 6)]


def test_ignored_categories_are_neither_asked_for_nor_scored(tmp_path):
    MINIATURES["vaihingen"].build(tmp_path)
    dataset = protocol("vaihingen").open(tmp_path)
    labels = dataset.read(dataset.records("test")[0]).labels
    assert labels[0, 0, :4].tolist() == [0, 2, 255, 3]
    assert dataset.categories == ("pavement", "building", "low vegetation", "tree", "vehicle")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--protocol", "levir-cd"], "either --data FILE, or --protocol NAME with --root DIR"),
        (["--data", "a.yaml", "--protocol", "levir-cd", "--root", "."], "either --data FILE"),
        (["--protocol", "levir-cd", "--root", ".", "--split", "val"], "a protocol says itself"),
        (["--protocol", "levir", "--root", "."], "no protocol 'levir'; there are"),
        (["--protocol", "levir-cd", "--root", "/nowhere"], "no such folder"),
    ],
)
def test_what_cannot_be_scored_is_told(capfd, arguments, message):
    code, _, err = run(capfd, "evaluate", *arguments)
    assert code == 2 and message in err


def test_a_protocol_that_quotes_what_is_not_scored_is_told(monkeypatch, world):
    from stsun.errors import ConfigurationError
    from stsun.model.checkpoint import load
    from stsun.protocols import protocol as module

    monkeypatch.setattr(module, "protocol", lambda name: Protocol("t", "s", "levir-cd", ["categories.roof.iou"]))
    with pytest.raises(ConfigurationError, match="there is no 'roof' among the scores"):
        module.evaluate_by("mine", load(world / "run"), world / "levir-cd")
