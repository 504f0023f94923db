"""What is computed strip by strip, or group by group, is what is computed at once."""

import pytest
import torch

from stsun.model import issum, strips
from stsun.model.blocks import plus
from stsun.model.decoder import enlarge, enlarged_rows
from stsun.model.stsun import create
from stsun.tasks import TASKS

from .conftest import CATEGORIES, configuration, logits, scene


@pytest.mark.parametrize("strip", [1, 200, 3000])
@pytest.mark.parametrize("group", [1, 2500])
@pytest.mark.parametrize("task", TASKS)
def test_neither_strips_nor_groups_change_the_logits(nano, task, strip, group, monkeypatch):
    asked = configuration(task=task, categories=CATEGORIES[:3])
    inputs = scene(batch=2, dates=3, height=53, width=38)
    monkeypatch.setattr(strips, "ROWS", 1)
    with torch.no_grad():
        monkeypatch.setattr(strips, "STRIP", 2**40)
        monkeypatch.setattr(strips, "GROUP", 2**40)
        whole = logits(nano, *inputs, asked)
        monkeypatch.setattr(strips, "STRIP", strip)
        monkeypatch.setattr(strips, "GROUP", group)
        torch.testing.assert_close(logits(nano, *inputs, asked), whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("strip", "parts"),
    [(2**40, [(0, 10)]), (4 * 7, [(0, 5), (3, 9), (7, 10)]), (1, [(max(0, r - 1), min(10, r + 2)) for r in range(10)])],
)
def test_strips_cover_all_rows_and_each_is_computed_with_its_neighbours(strip, parts, monkeypatch):
    monkeypatch.setattr(strips, "ROWS", 1)
    monkeypatch.setattr(strips, "STRIP", strip)
    asked = []

    def work(top, bottom):
        asked.append((top, bottom))
        return torch.arange(top, bottom)[None, None, :, None].expand(1, 2, -1, 7)

    assert strips.by_strips(work, height=10, width=7)[0, 1, :, 6].tolist() == list(range(10))
    assert asked == parts


def test_where_gradients_are_wanted_nothing_is_parted(monkeypatch):
    monkeypatch.setattr(strips, "GROUP", 1)
    seen = []

    def work(images):
        seen.append(len(images))
        return [images]

    strips.by_groups(work, torch.zeros(5, 3))
    with torch.no_grad():
        strips.by_groups(work, torch.zeros(5, 3))
    assert seen == [5, 1, 1, 1, 1, 1]


@pytest.mark.parametrize(("first", "last"), [(0, 48), (0, 1), (47, 48), (3, 17), (4, 8), (21, 48)])
def test_some_enlarged_rows_are_those_of_all(first, last):
    tokens = torch.rand(2, 12, 7, 5)
    whole = enlarge(tokens, torch.Size((48, 28)))
    torch.testing.assert_close(enlarged_rows(tokens, first, last), whole[:, first:last], rtol=0, atol=1e-6)


@pytest.mark.parametrize("temporal", ["attention", "linear", "mean"])
def test_a_date_that_some_strips_do_not_see_is_weighed_as_at_once(temporal, monkeypatch):
    model = create("nano", CATEGORIES, temporal=temporal).eval()
    images, valid, days = scene(dates=3, height=48, width=16)
    valid[:, 0, :32] = False
    with torch.no_grad():
        whole = model(images, valid, days, configuration())
        monkeypatch.setattr(strips, "STRIP", 1)
        torch.testing.assert_close(model(images, valid, days, configuration()), whole, rtol=0, atol=1e-5)


def test_what_dates_make_of_the_network_is_made_once_for_all_strips(nano, monkeypatch):
    monkeypatch.setattr(strips, "STRIP", 1)
    asked = []
    finest = nano.tum.levels[0].relation.register_forward_hook(lambda *_: asked.append(1))
    with finest:
        logits(nano, *scene(dates=3, height=64), configuration())
    assert asked == [1]


def test_strips_of_many_wide_images_have_some_rows_still():
    asked = []

    def work(top, bottom):
        asked.append(bottom - top)
        return torch.zeros(1, 1, bottom - top, 1)

    assert strips.by_strips(work, height=160, width=2**40).shape == (1, 1, 160, 1)
    assert sum(asked) <= 1.2 * 160


def test_sums_under_autocast_stay_as_precise_as_what_is_added_to():
    tokens, change = torch.full((3,), 1.001), torch.ones(3, dtype=torch.bfloat16)
    assert torch.equal(plus(change, tokens), torch.full((3,), 2.001))
    place = torch.ones(3)
    assert plus(place, tokens) is place


@pytest.mark.parametrize("values", [1, 300, 2**40])
def test_bands_are_mixed_strip_by_strip_as_at_once(model, values, monkeypatch):
    mixing = model.made(configuration()).mixings[0]
    images, valid = (one[:, 0] for one in scene(height=48, width=32)[:2])
    valid[:, 8:16, 8:16] = False  # a whole cell, whatever its size
    images[:, :, 8:16, 8:16] = torch.nan
    whole = mixing(images, valid).detach()
    assert whole.isfinite().all() and (whole == 0).all(dim=-1).any()
    monkeypatch.setattr(issum, "VALUES", values)
    with torch.no_grad():
        torch.testing.assert_close(mixing(images, valid), whole, rtol=0, atol=1e-6)
