"""The ends of the ranking, whatever the order in which samples come, in memory that does not grow with their number."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.data.sample import Sample
from stsun.evaluation.evaluate import Judged
from stsun.evaluation.summary import tally
from stsun.report import gallery as galleries
from stsun.report.gallery import Gallery

SIDE = 20


@dataclass
class Watched:
    gallery: Gallery
    built: list[str]
    most: int = 0

    def show(self, numbers: Any, task: str = "segmentation") -> None:
        for number in numbers:
            self.gallery(judged(int(number), task))
            self.most = max(self.most, len(self.gallery.best) + len(self.gallery.worst))


def judged(wrong, task):
    """A sample of which so many pixels are wrong."""
    labels = np.zeros((1, SIDE, SIDE), np.int64)
    labels[0, : SIDE // 2] = 1
    maps = labels.copy()
    maps[0].flat[:wrong] = 0
    if task == "binary_change" and wrong < 0:  # nothing has changed, and nothing is found
        labels[:], maps[:] = 0, 0
    dates = 2 if task == "binary_change" else 1
    sample = Sample(
        f"<s{wrong}>", [np.ones((1, SIDE, SIDE), np.float32)] * dates, np.ones((dates, SIDE, SIDE), bool),
        np.full(dates, np.nan), labels, Configuration([Band("vv")], 10, task, ("a", "b")),
    )  # fmt: skip
    return Judged(sample, maps, tally(task, 2, labels, maps))


@pytest.fixture
def watched(monkeypatch):
    built = []
    inputs_of = galleries.inputs_of
    monkeypatch.setattr(galleries, "inputs_of", lambda sample: built.append(sample.id) or inputs_of(sample))
    return Watched(Gallery({}, 3), built)


@pytest.mark.parametrize("seed", range(4))
def test_the_best_and_the_worst_are_those_of_all_in_any_order(watched, seed):
    order = np.random.default_rng(seed).permutation(100)
    watched.show(order)
    assert [one.id for one in watched.gallery.best] == ["<s0>", "<s1>", "<s2>"]
    assert [one.id for one in watched.gallery.worst] == ["<s99>", "<s98>", "<s97>"]
    scores = [one.score for one in (*watched.gallery.best, *watched.gallery.worst[::-1])]
    assert scores == sorted(scores, reverse=True)


def test_no_more_pictures_are_kept_than_shown_and_none_made_in_vain(watched):
    watched.show([0, 1, 2, 90, 91, 92, *range(3, 90)])
    assert watched.most == 6 and len(watched.built) == 6


@pytest.mark.parametrize("count", range(6))
def test_of_few_samples_none_is_shown_twice(watched, count):
    watched.show(range(count))
    best, worst = ([one.id for one in part] for part in (watched.gallery.best, watched.gallery.worst))
    assert best + worst[::-1] == [f"<s{number}>" for number in range(count)]
    assert len(best) - len(worst) in (0, 1)


def test_samples_without_a_score_are_not_ranked(watched):
    watched.show([5, -1, 3], "binary_change")
    assert [one.id for one in (*watched.gallery.best, *watched.gallery.worst)] == ["<s3>", "<s5>"]


def test_it_tells_what_was_given_and_asked(watched):
    watched.show([0, 1])
    asked = watched.gallery.asked
    assert asked["bands"] == "vv (named token)" and asked["pixel size"] == "10 m"
    assert asked["categories"] == "a, b" and asked["first sample"] == f"<s0>: {SIDE} x {SIDE} pixels, date 1"


def test_pictures_show_the_errors(watched):
    watched.show([SIDE * SIDE // 4])
    (row,) = watched.gallery.best[0].maps
    assert [figure.title for figure in row.figures] == ["truth", "prediction", "where they differ"]
    assert row.figures[-1].caption == "right 75 %, wrong 25 %"
