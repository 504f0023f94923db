"""Plots show what the scores hold, and names of data as they are."""

import sys
from xml.etree import ElementTree

import pytest

from stsun.errors import ConfigurationError, ExperimentError
from stsun.report.curves import MOST_POINTS, Panel, panels_of
from stsun.report.plots import confusion_plot, curve_plot, reliability_plot

HOSTILE = ("<script>x</script>", "costs $5 & $6", r"\frac{1}{2}$\undefined$", "森林", "a" * 100)
HEAD = "epoch,step,loss,loss/segmentation,loss/binary_change,lr-AdamW/pg1,lr-AdamW/pg2,town/mean_iou,sea/change_f1\n"


def texts(svg):
    return [
        "".join(element.itertext()) for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("text")
    ]


def log(tmp_path, rows):
    path = tmp_path / "metrics.csv"
    path.write_text(HEAD + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


EVALUATIONS = [
    {"data_set": "town", "task": "segmentation"},
    {"data_set": "sea", "task": "binary_change"},
    {"data_set": "never logged", "task": "segmentation"},
]


def test_a_confusion_matrix_shows_the_share_of_each_label():
    scores = {"confusion_names": list(HOSTILE), "confusion_matrix": [[0] * 5 for _ in HOSTILE]}
    scores["confusion_matrix"][1] = [1, 2, 0, 0, 1]
    shown = texts(confusion_plot(scores))
    for name in HOSTILE[:4]:
        assert shown.count(name) == 2  # row and column
    assert shown.count("25") == 2 and shown.count("50") == 1 and shown.count("0") == 22
    assert confusion_plot(scores) == confusion_plot(scores)


def test_a_matrix_of_many_categories_has_no_numbers():
    names = [f"kind {number}" for number in range(40)]
    matrix = [[int(row == column) for column in range(40)] for row in range(40)]
    shown = texts(confusion_plot({"confusion_names": names, "confusion_matrix": matrix}))
    assert set(names) <= set(shown) and "100" not in shown


def test_a_reliability_diagram_can_have_empty_bins():
    bins = {"pixels": [0] * 14 + [5], "confidence": [None] * 14 + [0.98], "accuracy": [None] * 14 + [0.6]}
    assert {"accuracy", "confidence", "% of pixels"} <= set(texts(reliability_plot({"reliability": bins})))


def test_curves_name_their_lines():
    lines = {name: ([1, 2, 3], [3.0, 2.0, 1.0]) for name in HOSTILE}
    shown = texts(curve_plot(Panel("loss", lines)))
    assert {"loss", "updates", *HOSTILE[:4]} <= set(shown)


def test_a_log_becomes_losses_the_learning_rate_and_validations(tmp_path):
    rows = [f",{step},,,,{step / 1000},{step / 1000},," for step in range(1000)]
    rows += [f"0,{step},{step}.0,{2 * step}.0,,,,," for step in range(1000)]
    rows += ["0,499,,,,,,0.25,0.5", "0,999,,,,,,0.5,"]
    loss, rate, town = panels_of(log(tmp_path, rows), EVALUATIONS)
    assert set(loss.lines) == {"all tasks", "segmentation", "binary change"}
    steps, values = loss.lines["segmentation"]
    assert len(steps) == MOST_POINTS and steps[0] == pytest.approx(3) and values[0] == pytest.approx(4)  # steps 1 to 5
    assert list(rate.lines) == ["lr-AdamW/pg1"] and rate.title == "learning rate"
    assert town.title == "mean IoU, validation" and town.lines == {"town": ([500, 1000], [0.25, 0.5])}


def test_a_log_without_anything_to_draw_gives_no_panel(tmp_path):
    assert panels_of(log(tmp_path, []), EVALUATIONS) == ()
    assert panels_of(log(tmp_path, ["0,0,1.0,1.0,,,,,"]), EVALUATIONS) == ()


@pytest.mark.parametrize("row", ["0,x,1.0,,,,,,", "0,1,much,,,,,,"])
def test_a_damaged_log_is_refused(tmp_path, row):
    with pytest.raises(ExperimentError, match=r"metrics\.csv"):
        panels_of(log(tmp_path, [row]), EVALUATIONS)


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ConfigurationError, match=r"stsun\[report\]"):
        curve_plot(Panel("loss", {}))
