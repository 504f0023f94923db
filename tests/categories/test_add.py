"""A category more: what was known stays as it was, and the new one is found where its examples say."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from stsun.bands import Band
from stsun.categories.add import add_category
from stsun.categories.examples import Pixels, fitted
from stsun.cli import main
from stsun.configuration import Configuration
from stsun.data.sample import Sample
from stsun.errors import ConfigurationError
from stsun.export.facts import facts_of
from stsun.model.checkpoint import load, read_card, save
from stsun.model.stsun import create

KNOWN = ("water", "forest", "flooded")
ASKED = Configuration([Band("red", 665), Band("nir", 840)], 10, "segmentation", ["water", "forest"])
WITH = replace(ASKED, categories=("water", "forest", "glacier"))


@pytest.fixture(scope="module")
def model():
    tasks = (("segmentation", ("water", "forest")), ("binary_change", ("flooded",)))
    model = create("nano", KNOWN, seed=3, task_categories=tasks).eval()
    with torch.no_grad():
        model.ossum.table.rows[:, -1] = torch.linspace(-0.5, 0.5, len(model.ossum.table.names))
    model.name, model.colors, model.temperatures = "mine", {"water": "#0000ff"}, {"segmentation": 1.5}
    return model


def bright(seed, side=24):
    """A dark scene with a bright square, which is the glacier."""
    values = np.random.default_rng(seed).uniform(0, 0.1, (2, side, side)).astype(np.float32)
    labels = np.random.default_rng(seed).integers(0, 2, (1, side, side))
    values[:, 4:14, 6:18] += 0.7
    labels[:, 4:14, 6:18] = 2
    return Sample(str(seed), [values], np.ones((1, side, side), bool), np.full(1, np.nan), labels, WITH)


def only(sample, places):
    """The sample with labels at these places only."""
    labels = np.full_like(sample.labels, 255)
    for row, column in places:
        labels[0, row, column] = sample.labels[0, row, column]
    return replace(sample, labels=labels)


def answer(model, sample, configuration):
    images, valid, days = sample.images[0][None, None], sample.valid[None], sample.days[None]
    with torch.inference_mode():
        return model(*map(torch.from_numpy, (images, valid, days)), configuration)[0, 0]


def test_known_categories_answer_as_before_bit_by_bit(model):
    grown = add_category(model, "glacier", [bright(0)])
    for asked in (ASKED, replace(ASKED, categories=("forest",)), replace(ASKED, categories=("background", "water"))):
        assert torch.equal(answer(grown, bright(1), asked), answer(model, bright(1), asked))
    assert (grown.name, grown.colors, grown.temperatures) == (model.name, model.colors, model.temperatures)
    assert "glacier" not in model.categories and "glacier" in grown.categories
    assert grown.categories_for("segmentation") == ("water", "forest", "glacier")
    assert grown.categories_for("binary_change") == ("flooded",)


@pytest.mark.parametrize("places", [[(8, 9)], [(8, 9), (5, 16), (12, 7), (0, 0), (20, 3)]])
def test_few_pixels_are_enough_where_the_category_stands_out(model, places):
    grown = add_category(model, "glacier", [only(bright(0), places)])
    sample = bright(1)
    found = answer(grown, sample, WITH).argmax(0).numpy() == 2
    true = sample.labels[0] == 2
    assert (found & true).sum() / (found | true).sum() > 0.6
    again = add_category(model, "glacier", [only(bright(0), places)])
    assert torch.equal(grown.ossum.table.rows, again.ossum.table.rows)


def test_a_kind_of_change_is_added_from_pairs(model):
    before, after = bright(0), bright(1)
    dark = np.full_like(before.images[0], 0.05)
    asked = replace(ASKED, task="binary_change", categories=("avalanche",))
    labels = (after.labels == 2).astype(np.int64)
    pair = Sample("p", [dark, after.images[0]], np.ones((2, 24, 24), bool), np.full(2, np.nan), labels, asked)
    grown = add_category(model, "avalanche", [pair])
    assert grown.categories_for("binary_change") == ("flooded", "avalanche")
    images, valid = torch.from_numpy(np.stack(pair.images))[None], torch.ones(1, 2, 24, 24, dtype=torch.bool)
    with torch.inference_mode():
        found = grown(images, valid, torch.full((1, 2), torch.nan, dtype=torch.float64), asked)[0, 0, 0] > 0
    assert (found.numpy() == (labels[0] == 1)).mean() > 0.8


def test_a_kind_is_listed_under_a_task_that_the_model_was_not_trained_for(model):
    asked = replace(ASKED, task="binary_change", categories=("glacier",))
    one = bright(0)
    pair = replace(
        one, images=one.images * 2, valid=one.valid.repeat(2, 0), days=one.days.repeat(2), configuration=asked,
        labels=(one.labels == 2).astype(np.int64),
    )  # fmt: skip
    for listed in ((), (("segmentation", ("water", "forest")),)):
        untrained = create("nano", KNOWN, task_categories=listed).eval()
        grown = add_category(untrained, "glacier", [pair])
        assert grown.categories_for("binary_change") == ("glacier",)
        assert add_category(untrained, "glacier", [one]).categories_for("segmentation")[-1] == "glacier"
        assert not listed or grown.categories_for("segmentation") == ("water", "forest")


def test_a_synonym_gives_the_logits_of_the_known_category(model):
    grown = add_category(model, "woods", like="forest")
    logits = answer(grown, bright(0), replace(ASKED, categories=("forest", "woods")))
    assert torch.equal(logits[0], logits[1])
    assert "woods" in grown.categories_for("segmentation")


def test_what_a_checkpoint_tells_of_its_training_still_holds(model, tmp_path):
    card = {"training_data": [{"name": "a", "title": "ponds", "licence": "CC0"}]}
    known = load(save(model, tmp_path / "model", card))
    grown = add_category(known, "woods", like="forest")
    asked = replace(ASKED, bands=[ASKED.bands])
    assert json.loads(facts_of(grown, asked, "float32")["licence"]) == {"ponds": "CC0"}


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("water", {"like": "forest"}, "knows 'water' already"),
        ("background", {"like": "forest"}, "already"),
        (" ", {"like": "forest"}, "no name"),
        ("glacier", {}, "either samples"),
        ("glacier", {"samples": [bright(0)], "like": "water"}, "either samples"),
        ("glacier", {"samples": [only(bright(0), [(0, 0)])]}, "no pixel"),
        ("snow", {"samples": [bright(0)]}, "tells apart water, forest, glacier"),
        ("glacier", {"samples": [replace(bright(0), labels=None)]}, "has no labels"),
    ],
)
def test_what_cannot_be_added_is_refused(model, name, options, message):
    with pytest.raises(ConfigurationError, match=message):
        add_category(model, name, **options)


def test_a_generated_head_takes_synonyms_only(tmp_path):
    paper = create("paper", KNOWN, widths=(64,), condition=32, attention_width=32, depths=(1,), decoder_depths=(1,))
    with pytest.raises(ConfigurationError, match="head 'category'"):
        add_category(paper, "glacier", [bright(0)])
    assert "woods" in add_category(paper, "woods", like="forest").categories


def test_more_pixels_move_the_row_away_from_the_prototype():
    random = torch.Generator().manual_seed(0)
    features = torch.nn.functional.normalize(torch.randn(400, 8, generator=random), dim=1)
    shows = features[:, 0] + 0.5 * features[:, 1] > 0.3
    pixels = Pixels(features, shows, torch.zeros(400))
    prototype, row = fitted(pixels, 10.0, steps=0), fitted(pixels, 10.0)
    assert torch.equal(row, fitted(pixels, 10.0))
    assert row[:-1].norm() == pytest.approx(1, abs=1e-5)

    def right(one):
        return ((10 * features @ one[:-1] + one[-1] > 0) == shows).float().mean()

    assert right(row) > 0.95 and right(row) >= right(prototype)
    few = Pixels(*(part[:1] for part in (features[shows], shows[shows], torch.zeros(1))))
    assert torch.dot(fitted(few, 10.0)[:-1], features[shows][0]) > 0.99


def run(monkeypatch, *words):
    monkeypatch.setattr("sys.argv", ["stsun", *map(str, words)])
    try:
        main()
    except SystemExit as end:
        return end.code
    return 0


@pytest.mark.parametrize(
    ("name", "words"), [("", "is empty"), ("ice,snow", "commas"), ("ice=snow", "equals signs"), (" ice", "spaces")]
)
def test_the_command_refuses_names_that_could_not_be_asked_for(monkeypatch, capsys, tmp_path, name, words):
    assert run(monkeypatch, "categories", "add", name, "--like", "water", "--output", tmp_path / "new") == 2
    assert words in capsys.readouterr().err


def test_the_command_saves_a_checkpoint_with_one_row_more(model, tmp_path, monkeypatch, capsys):
    from datetime import date

    from stsun.simulation.dataset import write_dataset

    data = write_dataset(tmp_path / "world", ["sentinel-2-l2a"], [date(2020, 6, 1)], size=32, samples=4)
    old, new = save(model, tmp_path / "old", {"name": "mine", "licence": "none"}), tmp_path / "new"
    assert run(monkeypatch, "categories", "add", "grassland", "--examples", data, "--model", old, "--output", new) == 0
    before, after = (load_file(folder / "model.safetensors") for folder in (old, new))
    rows = "ossum.table.rows"
    assert torch.equal(after.pop(rows)[:-1], before.pop(rows))
    assert all(torch.equal(after[key], before[key]) for key in before)
    card = read_card(new)
    assert card["licence"] == "none" and card["added_categories"][0]["name"] == "grassland"
    assert str(tmp_path) not in (new / "card.json").read_text(), "the card tells where the examples are"
    assert load(new).temperatures == model.temperatures
    capsys.readouterr()
    assert run(monkeypatch, "categories", "list", "--model", new, "--json") == 0
    assert json.loads(capsys.readouterr().out)["segmentation"] == ["water", "forest", "grassland"]
    assert run(monkeypatch, "categories", "add", "x", "--like", "water", "--model", old, "--output", new) == 2
    assert "choose another --output" in capsys.readouterr().err
    unknown = ("--examples", data, "--model", old, "--output", tmp_path / "third")
    assert run(monkeypatch, "categories", "add", "lava", *unknown) == 2
    assert "has no class 'lava'" in capsys.readouterr().err
