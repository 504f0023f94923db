"""A run becomes a checkpoint with temperatures, scores and words about itself, and is what it was."""

from datetime import date

import pytest
import torch
import yaml

import release
from stsun.model.checkpoint import load, read_card, save
from stsun.model.stsun import create
from stsun.simulation.dataset import write_dataset

ABOUT = {"intended_use": "to try it", "limits": ["untrained"], "made_by": ["nothing"]}


@pytest.fixture
def place(tmp_path):
    """A run of a model that knows one of two data sets."""
    root = tmp_path / "data"
    write_dataset(root / "known", ["sentinel-2-l2a"], [date(2020, 6, 1)], size=24, samples=12)
    pair = write_dataset(
        root / "new", ["sentinel-2-l2a"], [date(2016, 6, 1), date(2020, 6, 1)], size=24, samples=5, task="binary_change"
    )
    told = yaml.safe_load(pair.read_text())
    told |= {"classes": {0: "background", 1: "never heard of"}, "colors": {}}
    pair.write_text(yaml.safe_dump(told))
    model = create(
        "nano", ["water", "forest", "shrubland", "grassland", "agriculture", "bare soil", "artificial surface"]
    )
    save(model.eval(), tmp_path / "run", {"name": "mine", "seed": 7})
    return tmp_path


def test_its_card_says_what_it_is_for_and_what_it_reaches(place):
    folder = release.release(place / "run", ABOUT, place / "data", place / "out")
    card = read_card(folder)
    assert {name: card[name] for name in ABOUT} == ABOUT and (card["name"], card["seed"]) == ("mine", 7)
    assert {(one["split"], one["task"]) for one in card["scores"]} == {
        ("val", "segmentation"),
        ("test", "segmentation"),
    }
    for one in card["scores"]:
        low, high = one["intervals"]["mean_iou"]
        assert low <= one["mean_iou"] <= high and 0 <= one["ece"] <= 1
    again, before = load(folder), load(place / "run")
    assert again.temperatures == card["temperatures"] and card["calibration"]
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in before.state_dict().items())


def test_words_that_are_missing_and_a_folder_that_is_there_are_told(place, monkeypatch, capsys):
    about = place / "about.yaml"
    for content, output, said in (({"limits": []}, "out", "expected intended_use"), (ABOUT, "run", "is there already")):
        about.write_text(yaml.safe_dump(content))
        command = ["release.py", place / "run", "--about", about, "--output", place / output]
        monkeypatch.setattr("sys.argv", list(map(str, command)))
        with pytest.raises(SystemExit):
            release.main()
        assert said in capsys.readouterr().err
