"""``stsun data``: what users see of public data sets, and of statistics and quality."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from miniatures import MINIATURES

from stsun import cli
from stsun.adapters.adapter import adapter, adapter_names, described_at
from stsun.adapters.table import table
from stsun.data.dataset import open_dataset
from stsun.data.validate import validate
from stsun.protocols.protocol import protocol_names

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def run(monkeypatch, capfd):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["stsun", "data", *map(str, arguments)])
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
        return (code, *capfd.readouterr())

    return run


@pytest.fixture
def pastis(tmp_path):
    MINIATURES["pastis"].build(tmp_path)
    return tmp_path


@pytest.mark.parametrize("verb", ["list", "describe", "check", "yaml", "stats", "leaks", "blocks", "doubts"])
def test_every_verb_has_help_with_an_example(run, verb):
    code, out, _ = run(verb, "--help")
    assert code == 0 and f"Example: stsun data {verb}" in out


def test_every_name_is_listed(run):
    known = json.loads(run("list", "--json")[1])
    assert list(known["data_sets"]) == list(adapter_names()) and list(known["protocols"]) == list(protocol_names())


def test_the_table_of_the_docs_is_that_of_the_adapters(run):
    page = (DOCS / "public-datasets.md").read_text(encoding="utf-8")
    assert table() in page, "paste the output of: stsun data list --markdown"
    assert run("list", "--markdown")[1].strip() == table().strip()


def test_every_protocol_is_in_the_docs():
    page = (DOCS / "public-datasets.md").read_text(encoding="utf-8")
    missing = [name for name in protocol_names() if f"`{name}`" not in page and f"{name[:-1]}1`" not in page]
    assert missing == []


@pytest.mark.parametrize("name", adapter_names())
def test_every_data_set_can_be_described(run, name):
    code, out, _ = run("describe", name, "--json")
    facts = json.loads(out)
    assert code == 0 and facts["name"] == name
    assert all(
        facts[key] for key in ("title", "licence", "citation", "sources", "layout", "classes", "splits", "dates")
    )


def test_a_folder_is_checked_with_the_parameters_given(run, pastis):
    assert run("check", "pastis", pastis, "fold=2")[1].endswith("5 samples of pastis, no problem found\n")


def test_what_is_wrong_with_a_folder_is_told(run, pastis):
    np.save(pastis / "ANNOTATIONS/TARGET_10002.npy", np.full((3, 16, 20), 33, np.uint8))
    (pastis / "DATA_S2/S2_10003.npy").unlink()
    code, _, err = run("check", "pastis", pastis)
    assert code == 2 and "undeclared label value 33" in err and "S2_10003.npy: there is no such file" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["PASTIS", "."], "no data set 'PASTIS' has an adapter; did you mean pastis or pastis-r?"),
        (["whatever", "."], "no data set 'whatever' has an adapter; there are clcd, "),
        (["pastis", "/nowhere"], "there is no such folder; give the one that pastis was unpacked to"),
        (["levir-cd", "."], "holds no sample of levir-cd; expected {train,val,test}"),
        (["pastis", ".", "band=2"], "pastis has no parameter 'band'; it has fold=1"),
        (["pastis", ".", "fold"], "'fold' is not of the form key=value"),
    ],
)
def test_what_cannot_be_read_is_told_with_what_to_do(run, pastis, monkeypatch, arguments, message):
    monkeypatch.chdir(pastis)
    code, _, err = run("check", *arguments)
    assert code == 2 and message in err


def test_keys_of_a_description_can_be_given(run, pastis):
    code, out, _ = run("yaml", "pastis", pastis, "gsd_m=20", "name=mine", "--output", "-")
    assert code == 0 and "gsd_m: 20" in out and "name: mine" in out


@pytest.mark.parametrize("given", ["gsd_m=abc", "classes={0: unchanged}", "bands=nonsense", "ignore=[255]"])
def test_a_description_that_could_not_be_opened_is_not_written(run, tmp_path, given):
    MINIATURES["levir-cd"].build(tmp_path)
    code, _, err = run("yaml", "levir-cd", tmp_path, given)
    assert code == 2 and given.partition("=")[0] in err and not list(tmp_path.glob("levir-cd.*"))


@pytest.mark.parametrize("name", ["pastis", "second", "spacenet7", "whu-cd", "houston2018"])
def test_a_written_description_is_that_of_the_adapter(run, tmp_path, name):
    MINIATURES[name].build(tmp_path)
    given = [f"{key}={value}" for key, value in MINIATURES[name].given.items()]
    code, out, _ = run("yaml", name, tmp_path, *given)
    path = described_at(name, tmp_path)
    assert code == 0 and str(path) in out and validate(path) == []
    expected = open_dataset(path, adapter(name).describe(tmp_path, **MINIATURES[name].given))
    assert open_dataset(path).samples == expected.samples
    assert open_dataset(path).legend == expected.legend


def test_a_description_is_written_into_the_folder_of_the_data_only(run, pastis, tmp_path_factory):
    other = tmp_path_factory.mktemp("other") / "pastis.yaml"
    code, _, err = run("yaml", "pastis", pastis, "--output", other)
    assert code == 2 and "paths are relative to its own folder" in err and not other.exists()


def test_statistics_of_a_split_as_json(run, pastis):
    run("yaml", "pastis", pastis)
    found = json.loads(run("stats", pastis / "pastis.yaml", "--split", "train", "--workers", "2", "--json")[1])
    assert found["samples"] == 3 and [band["name"] for band in found["bands"]][:2] == ["B02", "B03"]
    assert found["bands"][0]["mean"] == pytest.approx(16e-4)  # 11 and 21 at two dates


def test_leaks_exit_with_2(run, tmp_path):
    MINIATURES["levir-cd"].build(tmp_path)
    run("yaml", "levir-cd", tmp_path)
    assert run("leaks", tmp_path / "levir-cd.yaml")[0] == 0  # images of one value tell nothing
    rng = np.random.default_rng(0)
    from miniatures import raster

    picture = np.kron(rng.integers(0, 255, (3, 4, 5)), np.ones((1, 4, 4))).astype("uint8")
    for split in ("train", "test"):
        raster(tmp_path / split / "A" / f"{split}_1.png", picture)
    code, _, err = run("leaks", tmp_path / "levir-cd.yaml")
    assert code == 2 and "train 'train/train_1' and test 'test/test_1' look the same" in err


def test_blocks_make_splits_of_a_scene(run, tmp_path):
    MINIATURES["pavia-university"].build(tmp_path)
    run("yaml", "pavia-university", tmp_path)
    options = ["--side", 4, "--buffer", 0, "--shares", "train=0.5,test=0.5", "--output", tmp_path / "blocks.yaml"]
    code, _, err = run("blocks", tmp_path / "pavia-university.yaml", *options)
    assert code == 0, err
    assert validate(tmp_path / "blocks.yaml") == []
    dataset = open_dataset(tmp_path / "blocks.yaml")
    train, test = (dataset.read(dataset.records(split)[0]).labels != 255 for split in ("train", "test"))
    assert train.any() and test.any() and not (train & test).any()


def test_what_is_missing_of_the_official_set_is_told_by_check(run, tmp_path):
    MINIATURES["openearthmap"].build(tmp_path)
    code, out, _ = run("check", "openearthmap", tmp_path)
    assert code == 0 and "lacks 1 of what openearthmap has officially, such as hurricane-matthew/images/" in out
    found = json.loads(run("check", "openearthmap", tmp_path, "--json")[1])
    assert found["missing"] == ["hurricane-matthew/images/hurricane-matthew_2.tif"]


@pytest.mark.parametrize("ending", [".yaml", ".jsonl", ".tif"])
def test_nothing_is_overwritten_unasked(run, tmp_path, ending):
    MINIATURES["pavia-university"].build(tmp_path)
    scene = tmp_path / "pavia-university.yaml"
    split = ["blocks", scene, "--side", 4, "--buffer", 0, "--shares", "train=0.5,test=0.5"]
    verbs = [["yaml", "pavia-university", tmp_path]] if ending != ".tif" else []
    assert run("yaml", "pavia-university", tmp_path)[0] == 0
    for verb in [*verbs, split]:
        taken = (tmp_path / "taken").with_suffix(ending)
        taken.write_text("mine")
        arguments = [*verb, "--output", tmp_path / "taken.yaml"]
        code, _, err = run(*arguments)
        assert code == 2 and f"taken{ending} is already there" in err and "--overwrite" in err
        assert taken.read_text() == "mine" and len(list(tmp_path.glob("taken*"))) == 1
        assert run(*arguments, "--overwrite")[0] == 0 and validate(tmp_path / "taken.yaml") == []
        for file in tmp_path.glob("taken*"):
            file.unlink()


@pytest.mark.parametrize("output", ["pavia-university.yaml", "pavia-university.yml"])
def test_blocks_never_replace_the_data_set_that_they_split(run, tmp_path, output):
    MINIATURES["pavia-university"].build(tmp_path)
    run("yaml", "pavia-university", tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.glob("pavia*")}
    arguments = ["blocks", tmp_path / "pavia-university.yaml", "--overwrite", "--output", tmp_path / output]
    code, _, err = run(*arguments)
    assert code == 2 and "is the data set itself" in err
    assert {path: path.read_bytes() for path in tmp_path.glob("pavia*")} == before


def test_doubts_are_listed_from_a_checkpoint(run, tmp_path):
    from stsun.model import checkpoint
    from stsun.model.stsun import create

    MINIATURES["whu-building"].build(tmp_path)
    run("yaml", "whu-building", tmp_path)
    model = checkpoint.save(create("nano", ["background", "building"]), tmp_path / "model", {})
    code, out, err = run("doubts", tmp_path / "whu-building.yaml", "--model", model, "--json")
    assert code == 0, err
    (found,) = json.loads(out)
    assert found["id"] == "train/2_1" and found["loss"] > 0
