"""From folders as downloaded to scores that papers quote, and maps: every data set, with a network of one update."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
import rasterio
import torch
from miniatures import MINIATURES

from stsun import cli
from stsun.adapters.adapter import adapter
from stsun.data.dataset import open_dataset
from stsun.errors import DataError
from stsun.evaluation.evaluate import evaluate, logits_of, maps_of
from stsun.model.checkpoint import load, read_card
from stsun.prediction.predict import predict
from stsun.protocols.protocol import Protocol, protocol, protocol_names
from stsun.raster.metadata import moment_text


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
    """The folder of every data set, its YAML file, and a model that was trained on all of them."""
    root = tmp_path_factory.mktemp("world")
    for name, mini in MINIATURES.items():
        (root / name).mkdir()
        mini.build(root / name)
        given = [f"{key}={value}" for key, value in mini.given.items()]
        assert run(None, "data", "yaml", name, root / name, *given) == 0
    data = [{"dataset": f"{name}/{name}.yaml", "train": adapter(name).splits[0]} for name in MINIATURES]
    # sources alike, and as many batches as there are: one of each data set
    stream = {"crop": 16, "batch_size": 1, "accumulate": len(data), "max_dates": 3, "power": 0}
    experiment = {"name": "mini", "output": str(root / "run"), "model": {"size": "nano"}, "data": data}
    experiment |= {"stream": stream, "steps": 1, "validate_every": 1000, "workers": 0, "threads": 1}
    (root / "experiment.yaml").write_text(json.dumps(experiment | {"accelerator": "cpu"}))
    assert run(None, "train", root / "experiment.yaml") == 0
    return root


@pytest.fixture(scope="module")
def trained(world):
    return load(world / "run")


def test_all_data_sets_train_one_model_together(world):
    seen = read_card(world / "run")["training"]["samples_seen"]
    assert set(seen) == set(MINIATURES) and all(seen.values())


@pytest.mark.parametrize("name", MINIATURES)
def test_every_data_set_is_scored(world, trained, name):
    dataset = open_dataset(world / name / f"{name}.yaml")
    for split in dataset.splits:
        scores = evaluate(trained, dataset, split)
        assert scores["pixels"] > 0 and 0 <= scores["overall_accuracy"] <= 1


@pytest.mark.parametrize("name", MINIATURES)
def test_images_of_every_data_set_become_the_maps_that_are_scored(world, trained, name, tmp_path):
    dataset = open_dataset(world / name / f"{name}.yaml")
    sample = dataset.read(dataset.records(dataset.splits[-1])[0])
    asked = sample.configuration
    bands = asked.bands_of_dates(len(sample.images))
    images = [[array_of(image, asked.gsd_m)] for image in sample.images]
    dates = [None if np.isnan(day) else moment_text(day) for day in sample.days]
    told = {"task": asked.task, "categories": asked.categories, "per_date": asked.per_date}
    predict(trained, images, output=tmp_path / "map.tif", bands=[list(own) for own in bands], dates=dates, **told)
    with rasterio.open(tmp_path / "map.tif") as target:
        np.testing.assert_array_equal(
            target.read(), maps_of(logits_of(trained, sample, torch.device("cpu")), asked.task)
        )


def array_of(image, gsd_m):
    """An image as xarray has it, whose grid tells the GSD where that is known."""
    xarray, rows, columns = pytest.importorskip("xarray"), *image.shape[1:]
    pytest.importorskip("rioxarray")
    step = gsd_m or 1
    places = {"y": -step * (np.arange(rows) + 0.5), "x": step * (np.arange(columns) + 0.5)}
    array = xarray.DataArray(image, dims=("band", "y", "x"), coords=places)
    return array if gsd_m is None else array.rio.write_crs("EPSG:32631")


@pytest.mark.parametrize("chosen", protocol_names())
def test_a_protocol_scores_a_folder_as_it_was_downloaded(world, capfd, chosen):
    told = protocol(chosen)
    arguments = ["--protocol", chosen, "--root", world / told.data_set, "--model", world / "run"]
    code, out, err = run(capfd, "evaluate", *arguments, "--json", "-")
    assert code == 0, err
    scores = json.loads(out)
    assert scores["protocol"] == chosen and scores["split"] == told.split in adapter(told.data_set).splits
    assert list(scores["quoted"]) == told.scores
    assert [scores[key] for key in ("source", "note")] == [told.source, told.note]
    assert scores["pixels"] > 0 and not set(told.ignore) & set(scores["categories"])


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


def test_titles_tell_protocols_apart():
    titles = [protocol(name).title for name in protocol_names()]
    assert len(set(titles)) == len(titles)


def test_a_split_that_is_not_whole_is_not_scored(tmp_path):
    MINIATURES["openearthmap"].build(tmp_path)  # lacks an image of train, which is not scored
    assert protocol("openearthmap-val").open(tmp_path).records("val")
    (tmp_path / "val.txt").write_text("tokyo_2.tif\nxx_1.tif\nxx_2.tif\n")
    with pytest.raises(DataError, match="lacks 2 of what val of openearthmap has officially"):
        protocol("openearthmap-val").open(tmp_path)


def test_images_are_cut_into_parts_where_the_protocol_says_so(tmp_path):
    MINIATURES["levir-cd"].build(tmp_path)
    whole = protocol("levir-cd").open(tmp_path)
    cut = replace(protocol("levir-cd-crop256"), crop=16).open(tmp_path)
    assert protocol("levir-cd-crop256").crop == 256 and cut.splits == ("test",)
    parts = [cut.read(record) for record in cut.records("test")]
    (sample,) = (whole.read(record) for record in whole.records("test"))
    assert [part.size for part in parts] == [(16, 16), (16, 4)]
    for date in range(2):
        np.testing.assert_array_equal(np.concatenate([p.images[date] for p in parts], -1), sample.images[date])
    np.testing.assert_array_equal(np.concatenate([p.labels for p in parts], -1), sample.labels)


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
        (["--protocol", "Levir-CD", "--root", "."], "no protocol 'Levir-CD'; did you mean levir-cd or "),
        (["--protocol", "whatever", "--root", "."], "no protocol 'whatever'; there are clcd, "),
        (["--protocol", "levir-cd", "--root", "/nowhere"], "no such folder"),
    ],
)
def test_what_cannot_be_scored_is_told(capfd, arguments, message):
    code, _, err = run(capfd, "evaluate", *arguments)
    assert code == 2 and message in err


def test_a_protocol_that_quotes_what_is_not_scored_is_told(monkeypatch, world):
    from stsun.errors import ConfigurationError
    from stsun.protocols import protocol as module

    monkeypatch.setattr(module, "protocol", lambda name: Protocol("t", "s", "levir-cd", ["categories.roof.iou"]))
    with pytest.raises(ConfigurationError, match="there is no 'roof' among the scores"):
        module.evaluate_by("mine", load(world / "run"), world / "levir-cd")
