import json
import sys
from collections import Counter

import pytest

import faults

WORK = ("simulate", "data yaml", "data stats", "predict", "evaluate", "train", "train, workers=1", "export")


def test_a_whole_run_is_more_than_a_hundred_faults_of_every_kind_over_every_verb():
    kinds = {name: Counter(faults.kinds_of(verb)) for name, verb in faults.VERBS.items()}
    assert sum(counted.total() for counted in kinds.values()) >= 110  # some come when a verb has ended
    assert kinds.keys() >= set(WORK) and all(counted.total() >= 8 for counted in kinds.values())
    everywhere = {"kill -9", "SIGTERM", "Ctrl-C", "files limited in size", "memory limited", "ASCII only, stdout full"}
    assert all(counted.keys() >= everywhere for counted in kinds.values())
    for name, verb in faults.VERBS.items():
        assert bool(verb.reads) == ("input cut off" in kinds[name])
        assert bool(verb.makes) == ("disk full at a change of a file" in kinds[name])
    assert "a worker killed" in kinds["train, workers=1"] and "GPU out of memory (simulated)" in kinds["predict"]


@pytest.fixture
def program(monkeypatch, tmp_path, capsys):
    """Run the program over verbs that are none: each case ends as its place says; return its code, output and cases."""
    tried = []

    def try_verb(name, wanted, seed, scratch):
        for turn, place in wanted:
            tried.append((name, turn, place))
            kind = faults.kinds_of(faults.VERBS[name])[place]
            ended = faults.TOO_LATE if place == 0 else "killed" if place == 1 else "refused"
            yield faults.Case(name, kind, turn, place, ended, "right again", ["lost"] if place == 3 else [])

    monkeypatch.setattr(faults, "try_verb", try_verb)
    monkeypatch.setattr(faults, "make_world", lambda folder: None)
    monkeypatch.setattr(faults, "IMPORTED", ())

    def run(*arguments):
        tried.clear()
        monkeypatch.setattr(sys, "argv", ["faults.py", *arguments, "--json", str(tmp_path / "cases.json")])
        with pytest.raises(SystemExit) as end:
            faults.main()
        return end.value.code, capsys.readouterr().out, list(tried)

    run.file = tmp_path / "cases.json"
    return run


def test_a_run_in_parts_goes_on_and_counts_all_of_them(program):
    code, told, tried = program("export", "--only", "kill")
    assert code == 0 and tried == [("export", 0, 0), ("export", 0, 1)] and "1 faults struck; 1 more" in told
    code, told, tried = program("export")
    assert code == 1 and len(tried) == len(faults.kinds_of(faults.VERBS["export"])) - 2
    assert {(turn, place) for _, turn, place in tried}.isdisjoint({(0, 0), (0, 1)})
    assert f"| export | {len(tried) + 1} | 1 killed, {len(tried)} refused | {len(tried) + 1} right again | 1 |" in told
    code, again, tried = program("export")
    assert code == 1 and not tried and again == told
    assert len(json.loads(program.file.read_text())["cases"]) == len(faults.kinds_of(faults.VERBS["export"]))


def test_cases_of_other_moments_are_not_mixed(program):
    program("export")
    code, _, tried = program("export", "--seed", "1")
    assert "cases of seed 0, not 1" in str(code) and not tried
