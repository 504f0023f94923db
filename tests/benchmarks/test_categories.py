from datetime import date

import numpy as np
import pytest
import torch

import categories
from stsun.data.dataset import open_dataset
from stsun.model.stsun import create
from stsun.simulation.dataset import write_dataset

NAMES = ["water", "shrubland", "grassland", "agriculture", "bare soil", "artificial surface"]


def test_scores_are_those_of_seen_and_unseen_categories():
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    # by hand: IoU 1, 2/3 and 1/2; category 2 is the new one
    seen, unseen, both = categories.score(labels, np.array([0, 0, 1, 1, 2, 1]), "abc", 2)
    assert (seen, unseen) == (pytest.approx((1 + 2 / 3) / 2), pytest.approx(1 / 2))
    assert both == pytest.approx(2 / (1 / seen + 1 / unseen))


def test_every_way_answers_every_test_pixel_from_the_same_draw(tmp_path):
    path = write_dataset(tmp_path / "w", ["sentinel-2-l2a"], [date(2020, 6, 1)], size=24, samples=5, cloud_cover=0)
    contest = categories.Contest(create("nano", NAMES, seed=0).eval(), open_dataset(path), "forest")
    drawn = contest.draw(3, seed=0)
    counts = torch.bincount(contest.train.labels[drawn], minlength=7)
    assert counts.max() == 3 and torch.equal(drawn, contest.draw(3, seed=0))
    assert torch.equal(contest.train.pixels.shows, contest.train.labels == contest.new)
    found = dict(contest.ways(drawn))
    assert list(found) == ["added", "prototype", "nearest category", "linear probe"]
    for prediction in found.values():
        assert prediction.shape == contest.test.labels.shape and set(prediction) <= set(range(7))
