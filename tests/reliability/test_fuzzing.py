"""A bounded part of what ``make fuzz`` does at length: no odd input crashes a reader, hangs it or is taken for right."""

import os
import time
from types import SimpleNamespace

import fuzz
import pytest
from fuzz_targets import TARGETS
from hypothesis import strategies as st

from stsun.errors import DataError

QUICK = {"checkpoint card": 30, "weights": 30}
"""Inputs of the targets that build a model each time."""


@pytest.mark.parametrize("name", TARGETS)
def test_no_input_crashes_hangs_or_is_taken_for_right(name, tmp_path):
    tally = fuzz.run_target(TARGETS[name], QUICK.get(name, 100), 1, tmp_path)
    assert not tally.failures, "\n\n".join(f"{kind}\n{told}" for kind, told in tally.failures.items())
    assert tally.counts["accepted"] and tally.counts["refused"], f"only one outcome was tried: {tally.counts}"


def refuse(_value, _folder):
    raise DataError("no")


def crash(_value, _folder):
    raise IndexError("list index out of range")


def accept_wrongly(_value, _folder):
    raise AssertionError("what was read is not what was written")


def hang(_value, _folder):
    while True:
        try:
            sum(range(100))
        except Exception:
            pass


def wait(_value, _folder):
    time.sleep(60)


@pytest.mark.parametrize(
    ("check", "outcome"),
    [
        (refuse, "refused"), (crash, "crash"), (accept_wrongly, "wrong"), (hang, "hang"), (wait, "hang"),
        (lambda *_: None, "accepted"),
    ],
)  # fmt: skip
def test_each_outcome_is_counted_as_what_it_is(check, outcome, tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz, "WAITS", 10)
    target = SimpleNamespace(inputs=st.integers(0, 9**9), check=check, prepare=lambda folder: None)
    tally = fuzz.run_target(target, 3, 0, tmp_path, limit_s=0.02)
    assert tally.counts == {outcome: 3}
    assert [kind.split(":")[0] for kind in tally.failures] == ([outcome] if outcome in fuzz.FAILURES else [])


def test_a_process_that_dies_is_a_crash(tmp_path):
    dying = SimpleNamespace(name="dying", inputs=st.just(0), check=lambda *_: os._exit(3), prepare=lambda folder: None)
    tally = fuzz.start_apart(dying, 1, 0, tmp_path)()
    assert tally.counts == {"crash": 1} and list(tally.failures) == ["crash: the process ended with 3"]
