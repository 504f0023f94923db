"""The notebooks run from the first cell to the last, on small scenes and with a short training."""

import runpy
from pathlib import Path

import matplotlib
import pytest

NOTEBOOKS = Path(__file__).resolve().parents[2] / "docs" / "notebooks"


@pytest.fixture
def execute(toy, tmp_path, monkeypatch):
    """Run a notebook as a script; return what its cells have defined."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    matplotlib.use("Agg")
    yield lambda name: runpy.run_path(str(NOTEBOOKS / f"{name}.py"))
    matplotlib.pyplot.close("all")


def test_the_first_map(execute):
    cells = execute("first_map")
    result = cells["result"]
    assert [path.suffix for path in result.files] == [".tif", ".tif", ".csv", ".qml", ".qml"]
    assert all(path.is_file() for path in result.files) and len(cells["maps"]) == len(result.maps) == 2
    assert cells["scores"]["data_set"] == "simulated-sentinel-2-l2a-semantic-change-0"


def test_fine_tuning(execute):
    cells = execute("fine_tuning")
    assert (cells["run"] / "report.html").is_file()
    assert set(cells["before"]["categories"]) == set(cells["after"]["categories"])
    assert cells["before"]["model"] != cells["after"]["model"] == "tuned"


def test_an_unseen_sensor(execute):
    cells = execute("unseen_sensor")
    assert list(cells["scores"]) == ["as they are", "reversed", "5 of them", "3 of them", "1 of them"]
    assert all(0 <= value <= 1 for value in cells["scores"].values())
    assert (cells["right"] != cells["lied"]).any()


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.py")), ids=lambda path: path.name)
def test_they_begin_with_a_title_and_mix_text_and_code(path):
    cells = path.read_text(encoding="utf-8").split("# %%")[1:]
    assert cells[0].startswith(" [markdown]\n# # ")
    assert 0.3 < sum(cell.startswith(" [markdown]") for cell in cells) / len(cells) < 0.7
