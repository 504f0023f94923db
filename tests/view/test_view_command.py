"""The verb ``stsun view``."""

import signal
import subprocess
import sys

import httpx
import pytest

from stsun import cli


def test_it_serves_what_it_was_given_until_it_is_interrupted(world, tmp_path):
    command = [sys.executable, "-m", "stsun", "view", str(world / "town"), "--port", "0", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        line = process.stdout.readline()
        address = next(word for word in line.split() if word.startswith("http://127.0.0.1:"))
        assert "1 place" in line
        assert httpx.get(address).text.startswith("<!doctype html>")
        place = httpx.get(f"{address}api/places").json()["places"][0]
        assert httpx.get(f"{address}tiles/{place['id']}.0/0/15/17750/10779.png").headers["content-type"] == "image/png"
        process.send_signal(signal.SIGINT)
        _, problems = process.communicate(timeout=30)
    assert process.returncode == 0 and problems == ""
    assert list(tmp_path.iterdir()) == []  # nothing is left behind where nothing was predicted


@pytest.fixture
def run(monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["stsun", "view", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code, capsys.readouterr().err

    return run


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("missing", "--port", "0"), "no such file"),
        (("--port", "0", "--host", "0.0.0.0", "{town}"), "--allow-remote"),
        (("--port", "0", "{empty}"), "expected rasters"),
    ],
)
def test_users_errors_are_one_message(run, world, tmp_path, arguments, words):
    code, problems = run(*(one.format(town=world / "town", empty=tmp_path) for one in arguments))
    assert code == 2 and words in problems and problems.startswith("stsun: ") and "Traceback" not in problems


def test_a_missing_extra_is_named(run, world, monkeypatch):
    monkeypatch.setitem(sys.modules, "fastapi", None)
    code, problems = run(world / "town")
    assert code == 2 and "pip install 'stsun[view]'" in problems


def test_it_starts_without_what_only_a_prediction_needs():
    program = "import sys, stsun.view.server; print(*{'torch', 'xarray', 'pandas', 'lightning'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "\n"
