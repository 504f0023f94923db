import json
import sys
from dataclasses import asdict

import pytest

from stsun import cli
from stsun.bench.cases import Case
from stsun.bench.run import read_run
from stsun.terminal import to_json


@pytest.fixture
def bench(monkeypatch, capfd):
    """Run the verb in this process: exit code, stdout, stderr."""

    def bench(*arguments):
        monkeypatch.setattr(sys, "argv", ["stsun", "bench", *map(str, arguments)])
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
        return (code, *capfd.readouterr())

    return bench


def test_figures_are_measured_written_and_compared(tmp_path, bench, in_this_process):
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    what = ("--sizes", "nano", "--inputs", "1x3x32x32", "2x3x32x32", "--repeats", 1)
    code, out, err = bench(*what, "--json", first)
    assert (code, err) == (0, "") and out.count("| nano |") == 2
    assert [cost.case for cost in read_run(first).costs] == [Case("nano", "1x3x32x32"), Case("nano", "2x3x32x32")]

    code, out, _ = bench(*what[:4], *what[5:], "--compare", first, "--json", second)
    assert code == 0 and "| nano | 1x3x32x32 | 1.000 | 1.000 |" in out and "| 2x3x32x32 |" not in out
    assert len(read_run(second).costs) == 1

    code, out, _ = bench("--from", second, "--compare", first)
    assert code == 0 and "| nano | 1x3x32x32 | 1.000 | 1.000 |" in out


def test_json_alone_is_printed_for_machines(bench, in_this_process):
    code, out, _ = bench("--sizes", "nano", "--inputs", "1x3x32x32", "--repeats", 1, "--generic", "--json", "-")
    content = json.loads(out)
    assert code == 0 and set(content) >= {"version", "torch", "threads"}
    assert content["costs"][0]["case"] == {"size": "nano", "input": "1x3x32x32", "specialised": False}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--sizes", "huge"), "no size 'huge'"),
        (("--inputs", "512"), "input '512'"),
        (("--compare", "missing.json"), "no such file"),
        (("--from", "missing.json"), "no such file"),
        (("--from", "known.json", "--all"), "--from"),
        (("--compare", "known.json", "--json", "-"), "--json -"),
        (("--compare", "known.json", "--sizes", "base"), "measure one of these"),
        (("--json", "no/such/folder.json"), "cannot be written"),
        (("--compare", "known.json", "--json", "./known.json"), "would replace"),
    ],
)
def test_a_mistake_is_one_message_before_anything_is_measured(
    bench, tmp_path, monkeypatch, make_run, make_cost, arguments, said
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "known.json").write_text(to_json(asdict(make_run(make_cost()))))
    monkeypatch.setattr("stsun.bench.run.apart", lambda *_, **__: pytest.fail("something was measured"))
    code, out, err = bench(*arguments)
    assert (code, out) == (2, "") and said in err and err.count("\n") == 1
