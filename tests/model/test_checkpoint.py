"""Checkpoints come back as they were, or not at all."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from stsun import __version__
from stsun.bands import Band
from stsun.errors import CheckpointError, ConfigurationError
from stsun.model.checkpoint import CARD, WEIGHTS, further_facts, load, read_card, save
from stsun.model.stsun import create
from stsun.tasks import TASKS

from .conftest import CATEGORIES, configuration, logits, scene


@pytest.fixture
def saved(nano, tmp_path):
    return save(nano, tmp_path / "nano", {"training_data": [{"name": "made up", "licence": "none"}]})


def edit_card(folder, change):
    card = json.loads((folder / CARD).read_text())
    change(card)
    (folder / CARD).write_text(json.dumps(card))


def edit_weights(folder, change):
    weights = load_file(folder / WEIGHTS)
    change(weights)
    save_file(weights, folder / WEIGHTS)


def test_a_model_comes_back_with_the_same_answers(nano, saved):
    again = load(saved)
    assert again.config == nano.config
    assert not again.training
    assert torch.equal(logits(again, *scene(), configuration()), logits(nano, *scene(), configuration()))
    assert load(saved / WEIGHTS).config == nano.config


def test_exchanged_modules_and_fixed_bands_come_back(tmp_path):
    own = (Band("red", 665, 70), Band("vv"))
    model = create("nano", CATEGORIES, spectral="fixed", fixed_bands=own, temporal="mean")
    assert load(save(model, tmp_path / "fixed", {})).config == model.config


def test_the_card_tells_what_the_model_is(saved):
    card = read_card(saved)
    assert card["architecture"]["categories"] == CATEGORIES
    assert card["training_data"][0]["licence"] == "none"
    assert "physical values" in card["normalisation"]
    assert card["version"] == __version__ and card["tasks"] == list(TASKS)


def test_a_model_that_is_saved_anew_tells_the_version_and_tasks_that_it_has_now(saved, tmp_path):
    edit_card(saved, lambda card: card.update(version="0.0.1", tasks=["segmentation"]))
    changes = create("nano", ["flooded"], task_categories=(("binary_change", ("flooded",)),))
    card = read_card(save(changes, tmp_path / "new", further_facts(saved)))
    assert (card["version"], card["tasks"]) == (__version__, ["binary_change"])
    assert card["training_data"][0]["licence"] == "none"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / CARD).unlink(), "has no card.json"),
        (lambda f: (f / WEIGHTS).unlink(), "has no model.safetensors"),
        (lambda f: (f / CARD).write_text("{"), "cannot read the card"),
        (lambda f: (f / CARD).write_text("[" * 100_000), "cannot read the card"),
        (lambda f: (f / CARD).write_text("[]"), "not the card"),
        (lambda f: (f / CARD).write_bytes(b" " * 5_000_000), "at most"),
        (lambda f: edit_card(f, lambda c: c.update(format=99)), "format 99"),
        (lambda f: edit_card(f, lambda c: c["architecture"].update(surprise=1)), "architecture by"),
        (lambda f: edit_card(f, lambda c: c["architecture"].update(temporal="median")), "no model that can be built"),
        (lambda f: edit_card(f, lambda c: c["architecture"].update(embedding=32)), "do not fit the card"),
        (lambda f: edit_card(f, lambda c: c["architecture"]["categories"].append("ghost")), "do not fit the card"),
        (lambda f: edit_card(f, lambda c: c.update(colors={"water": "blue"})), "expected '#rrggbb'"),
        (lambda f: edit_card(f, lambda c: c.update(colors=["#000000"])), "expected '#rrggbb'"),
        (lambda f: edit_weights(f, lambda w: w.pop("tasks")), "expected"),
        (lambda f: edit_weights(f, lambda w: w.update(extra=torch.zeros(1))), "found"),
        (lambda f: edit_weights(f, lambda w: w.update(tasks=w["tasks"].half())), "do not fit the card"),
        (lambda f: edit_weights(f, lambda w: w["tasks"].fill_(float("nan"))), "not finite"),
        (lambda f: (f / WEIGHTS).write_bytes((f / WEIGHTS).read_bytes()[:-100]), "cannot read the weights"),
        (lambda f: (f / WEIGHTS).write_bytes(b"\x80\x04pickle"), "cannot read the weights"),
    ],
)
def test_a_damaged_checkpoint_is_refused_with_the_reason(saved, damage, message):
    damage(saved)
    with pytest.raises(CheckpointError, match=message):
        load(saved)


def test_a_model_brings_its_name_and_colours_which_older_cards_do_not_have(nano, tmp_path):
    named = load(save(nano, tmp_path / "a", {"name": "floods", "colors": {"water": "#010203"}}))
    assert (named.name, named.colors) == ("floods", {"water": "#010203"})
    assert load(save(named, tmp_path / "b", {})).colors == named.colors
    edit_card(tmp_path / "b", lambda card: card.pop("colors"))
    assert (load(tmp_path / "b").name, load(tmp_path / "b").colors) == ("b", {})


def test_the_file_that_is_named_is_the_one_that_is_read(nano, saved):
    other = saved / "other.safetensors"
    save_file({name: torch.zeros_like(tensor) for name, tensor in nano.state_dict().items()}, other)
    assert not any(parameter.any() for parameter in load(other).parameters())
    assert any(parameter.any() for parameter in load(saved).parameters())
    with pytest.raises(CheckpointError, match=r"has no third\.safetensors"):
        load(saved / "third.safetensors")


def test_a_device_that_is_not_there_is_refused(saved):
    with pytest.raises(ConfigurationError, match="abacus"):
        load(saved, device="abacus")


def test_what_is_no_checkpoint_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="is no checkpoint"):
        load(tmp_path / "nowhere")


def deeply(levels):
    return lambda folder: begin(folder, f'"deep": {"[" * levels}{"]" * levels}')


def begin(folder, text):
    (folder / CARD).write_text("{" + text + ", " + (folder / CARD).read_text().lstrip()[1:])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: edit_card(f, lambda c: c["architecture"].update(widths=[10**6] * 3)), "widths is .* from 1 to"),
        (lambda f: edit_card(f, lambda c: c["architecture"].update(depths=[10**9] * 3)), "depths is .* from 0 to"),
        (lambda f: edit_card(f, lambda c: c["architecture"].update(widths=[16_384] * 3)), "do not fit the card"),
        (lambda f: edit_card(f, lambda c: c["architecture"].update(embedding=32.0)), "embedding is 32.0"),
        (lambda f: edit_card(f, lambda c: c["architecture"].update(embedding=True)), "embedding is True"),
        (lambda f: edit_card(f, lambda c: c["architecture"].update(depths=2)), "expected a list of whole numbers"),
        (lambda f: edit_card(f, lambda c: c["architecture"].update(tokens=[1, 2])), "tokens are names"),
        (lambda f: edit_card(f, lambda c: c["architecture"].update(categories="water")), "must be a list of names"),
        (lambda f: edit_card(f, lambda c: c["architecture"].update(categories=["w" * 2000])), "more than 1000 characters"),
        (lambda f: edit_card(f, lambda c: c["architecture"].update(task_embedding=1)), "task_embedding 1"),
        (lambda f: edit_card(f, lambda c: c["architecture"].update(surroundings="x")), "surroundings is 'x'"),
        (lambda f: edit_card(f, lambda c: c["architecture"].update(fixed_bands=[{"run": "me"}])), "no model that can"),
        (lambda f: edit_card(f, lambda c: c["architecture"].update(task_categories=[["segmentation", ["ghost"]]])), "'ghost'"),
        (lambda f: edit_card(f, lambda c: c["architecture"].update(task_categories=[{}])), "no model that can be built"),
        (lambda f: edit_card(f, lambda c: c.update(parameters=1)), "tells 1 parameters"),
        (lambda f: edit_card(f, lambda c: c.update(normalisation="0 to 255")), "made for other numbers"),
        (lambda f: edit_card(f, lambda c: c.update(name=["a"])), "has the name"),
        (lambda f: edit_card(f, lambda c: c.update(training_data=[{}])), "each with its name"),
        (lambda f: edit_card(f, lambda c: c.update(bands=[None])), "a list of descriptions"),
        (lambda f: edit_card(f, lambda c: c.update(temperatures={"segmentation": float("nan")})), "NaN is no number"),
        (deeply(40), "nested deeper than 30"),
        (deeply(5000), "cannot read the card"),
        (lambda f: begin(f, '"format": 1'), "a key occurs twice"),
    ],
)  # fmt: skip
def test_a_card_that_lies_is_refused_before_anything_is_built(saved, damage, message):
    damage(saved)
    with pytest.raises(CheckpointError, match=message):
        load(saved)


def test_loading_draws_no_random_numbers(saved):
    before = torch.get_rng_state()
    load(saved)
    assert torch.equal(torch.get_rng_state(), before)
