import pytest

import limits
import peers
import rivals
from stsun.bench.apart import apart
from stsun.bench.cases import QUICK_INPUTS, Case
from stsun.errors import BenchmarkError

PAIR, SERIES, IMAGE = "2x3x32x32", "3x4x32x32", "1x3x32x32"


@pytest.fixture(params=[True, False], ids=["at hand", "missing"])
def at_hand(request, monkeypatch):
    monkeypatch.setattr(rivals, "at_hand", lambda: request.param)
    return request.param


def test_rivals_run_without_those_that_are_not_at_hand(at_hand, capsys):
    found = rivals.chosen(None)
    assert set(found) == set(rivals.RIVALS) - (set() if at_hand else set(peers.PEERS))
    assert ("make rivals-env" in capsys.readouterr().err) != at_hand
    assert rivals.chosen(["bit"]) == ["bit"] and rivals.chosen([]) == []


def test_one_that_is_asked_for_and_not_at_hand_is_an_error(at_hand):
    asked = ["unet", *peers.PEERS]
    if at_hand:
        assert rivals.chosen(asked) == asked
    else:
        with pytest.raises(BenchmarkError, match="make rivals-env"):
            rivals.chosen(asked)


def test_the_program_says_so_too(monkeypatch, capsys):
    monkeypatch.setattr(rivals, "at_hand", lambda: False)
    monkeypatch.setattr("sys.argv", ["rivals.py", "--rivals", "smp-unet-resnet34"])
    with pytest.raises(SystemExit):
        rivals.main()
    assert "make rivals-env" in capsys.readouterr().err


def test_each_rival_gets_the_inputs_that_it_is_made_for():
    takers = {text: {name for name in rivals.DATED if rivals.takes(name, text)} for text in (IMAGE, PAIR, SERIES)}
    assert takers == {IMAGE: set(), PAIR: {"fc-siam-diff", "bit"}, SERIES: {"u-tae", "tsvit"}}
    for name in rivals.STACKED:
        assert [rivals.takes(name, text) for text in takers] == [True, True, False]


@pytest.mark.parametrize("name", rivals.DATED)
def test_a_rival_that_knows_dates_is_measured(name):
    cost = rivals.measure_rival(Case(name, PAIR if rivals.takes(name, PAIR) else SERIES), repeats=1, threads=1)
    assert cost.gflops > 0.01 and cost.parameters > 10_000


@pytest.mark.parametrize("name", peers.PEERS)
@pytest.mark.skipif(not peers.at_hand(), reason="make rivals-env")
def test_a_peer_runs_apart_from_the_environment(name):
    cost = apart(rivals.measure_rival, Case(name, "2x3x64x64"), repeats=1, threads=1)
    assert cost.gflops > 0.1 and cost.parameters > 3_000_000


def test_what_has_a_limit_is_measured_by_default():
    assert set(limits.GFLOPS) == set(QUICK_INPUTS)
