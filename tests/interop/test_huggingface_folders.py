"""Folders as they are on the hub."""

import json

import pytest
import torch
import yaml

import stsun
from stsun.errors import CheckpointError
from stsun.interop.huggingface import from_pretrained, save_pretrained


def head_of(folder):
    _, head, text = (folder / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(head), text


def test_a_saved_model_comes_back_with_all_that_it_was(tmp_path, nano):
    nano.colors, nano.temperatures = {"water": "#0000ff"}, {"segmentation": 1.5}
    folder = save_pretrained(nano, tmp_path / "model", licence="apache-2.0", tags=["roofs"])
    again = from_pretrained(folder)
    assert all(torch.equal(tensor, nano.state_dict()[name]) for name, tensor in again.state_dict().items())
    assert (again.config, again.name, again.colors, again.temperatures) == (
        nano.config, nano.name, nano.colors, nano.temperatures,
    )  # fmt: skip
    assert {path.name for path in folder.iterdir()} >= {"config.json", "model.safetensors", "README.md", "card.json"}


def test_config_and_head_say_what_the_hub_reads(tmp_path, nano):
    folder = save_pretrained(nano, tmp_path / "model", licence="apache-2.0", tags=["roofs"])
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert config["library_name"] == "stsun" and config["widths"] == [24, 48, 96]
    head, text = head_of(folder)
    assert (head["library_name"], head["pipeline_tag"], head["license"]) == (
        "stsun",
        "image-segmentation",
        "apache-2.0",
    )
    assert "roofs" in head["tags"] and "remote-sensing" in head["tags"]
    assert "water, forest, building" in text
    head, _ = head_of(save_pretrained(nano, tmp_path / "other"))
    assert "license" not in head


def test_the_card_of_the_shipped_model_is_carried_over(tmp_path):
    shipped = stsun.load()
    folder = save_pretrained(shipped, tmp_path / "shipped")
    _, text = head_of(folder)
    facts = stsun.load(folder)
    assert facts.name == shipped.name and f"# {shipped.name}\n" in text
    assert "## Training data" in text and "## Bands seen in training" in text


def test_what_a_card_says_for_people_is_shown(tmp_path, nano):
    told = {"intended_use": "To try it.", "limits": ["small", "young"], "made_by": ["stsun train a.yaml"]}
    _, text = head_of(save_pretrained(nano, tmp_path / "model", card=told))
    assert "## Intended use\n\nTo try it.\n" in text and "## Limits\n\n- small\n- young\n" in text
    assert "- stsun train a.yaml" in text


def test_nothing_is_downloaded(tmp_path):
    with pytest.raises(CheckpointError, match="nothing is downloaded"):
        from_pretrained("somebody/stsun-tiny")
    with pytest.raises(CheckpointError, match="no checkpoint"):
        from_pretrained(tmp_path)
