"""A report holds what the evaluation gives, in four forms, and shows data as text."""

import json
import re
import sys
from datetime import date
from html.parser import HTMLParser

import pytest
import yaml

from stsun.data.dataset import DataSet
from stsun.errors import ConfigurationError, RasterError
from stsun.evaluation.evaluate import evaluate
from stsun.model.stsun import create
from stsun.report.contents import Report
from stsun.report.latex import to_latex
from stsun.report.words import TITLES
from stsun.report.write import JSON, LATEX, MARKDOWN, PAGE, SHOWN, evaluate_and_report, write_report
from stsun.simulation.dataset import write_dataset

HOSTILE = ("<img src=x onerror=alert(1)>", "|50% of $x_1$ & {more} \\ ~^#|")
SIZE, SAMPLES = 24, 10
VOID = {"meta", "link", "img", "br"}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """A data set whose categories, title and samples have names that every form must escape."""
    path = write_dataset(
        tmp_path_factory.mktemp("data") / "set",
        ["sentinel-2-l2a"],
        [date(2020, 5, 1), date(2020, 7, 15)],
        size=SIZE,
        samples=SAMPLES,
    )
    text = yaml.safe_load(path.read_text(encoding="utf-8"))
    names = dict(zip(list(text["classes"].values())[:2], HOSTILE, strict=True))
    text["classes"] = {value: names.get(name, name) for value, name in text["classes"].items()}
    text["colors"] = {HOSTILE[0]: "#123456"}
    text["title"] = "<b>bold</b>"
    path.write_text(yaml.safe_dump(text), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def model(dataset):
    return create("nano", list(yaml.safe_load(dataset.read_text())["classes"].values()), seed=0).eval()


@pytest.fixture(scope="module")
def made(model, dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report") / "new"
    return folder, evaluate_and_report(model, dataset, "train", folder)


class Page(HTMLParser):
    """Tags with their attributes, and all text; refuses tags that are not closed in order."""

    def __init__(self, source):
        super().__init__()
        self.source, self.tags, self.open, self.text = source, [], [], ""
        self.feed(source)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def page(made):
    return Page((made[0] / PAGE).read_text(encoding="utf-8"))


def without_time(scores):
    return {name: value for name, value in scores.items() if name != "seconds"}


def test_four_files_are_written_and_the_scores_are_those_of_evaluate(made, model, dataset):
    folder, scores = made
    assert sorted(path.name for path in folder.iterdir()) == sorted([PAGE, MARKDOWN, JSON, LATEX])
    assert without_time(scores) == without_time(evaluate(model, dataset, "train"))


def test_the_page_needs_nothing_but_itself(page):
    for tag, attributes in page.tags:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            assert re.match(r"data:|#", attributes.get(name, "#")), (tag, attributes)
        assert not any(name.startswith("on") for name in attributes)
    assert not page.all("script") and not page.all("b") and not re.search(r"url\(|@import", page.source)
    identities = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(identities) == len(set(identities))


def test_the_page_shows_every_score_and_category_with_its_interval(page, made):
    scores = made[1]
    for key, title in TITLES.items():
        assert (title in page.text) == (key in scores)
    for key, bounds in scores["intervals"].items():
        if key != "categories":
            assert f"{bounds[0]:z.3f} to {bounds[1]:z.3f}" in page.text
    assert set(HOSTILE) <= set(scores["categories"]) and all(name in page.text for name in scores["categories"])
    assert "background:#123456" in page.source  # the data set's own colour


def test_the_page_has_plots_and_the_best_and_the_worst_samples(page, made):
    pictures = page.all("img")
    assert sum("svg+xml" in picture["src"] for picture in pictures) == 2  # confusion and reliability
    # two dates, and truth, prediction, errors of one map
    assert sum("image/png" in picture["src"] for picture in pictures) == 2 * SHOWN * (2 + 3)
    assert all(len(picture["alt"]) > 20 for picture in pictures)
    told = json.loads((made[0] / JSON).read_text(encoding="utf-8"))["evaluations"][0]
    for one in (*told["best"], *told["worst"]):
        assert f"{one['sample']}: mean IoU {one['score']:.3f}" in page.text
    legends = [attributes for attributes in page.all("ul") if attributes.get("aria-label") == "Categories"]
    assert len(legends) == 2  # above the best and above the worst
    ranked = [one["score"] for one in (*told["best"], *told["worst"][::-1])]
    assert len(ranked) == 2 * SHOWN and ranked == sorted(ranked, reverse=True)


def test_the_page_is_accessible(page):
    assert page.all("html") == [{"lang": "en"}] and page.all("title")
    assert all(cell["scope"] in ("row", "col") for cell in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))


def test_the_json_twin_holds_all_scores_and_where_they_are_from(made):
    folder, scores = made
    told = json.loads((folder / JSON).read_text(encoding="utf-8"))
    (evaluation,) = told["evaluations"]
    assert {key: evaluation[key] for key in scores} == scores
    assert evaluation["asked"]["first sample"].endswith(f"{SIZE} x {SIZE} pixels, 2020-05-01, 2020-07-15")
    assert {"torch", "stsun", "made", "model"} <= set(told["provenance"])
    assert told["provenance"]["data set"] == "<b>bold</b>"


def test_the_markdown_twin_shows_names_as_text_in_whole_tables(made):
    folder, scores = made
    text = (folder / MARKDOWN).read_text(encoding="utf-8")
    assert "<img" not in text and "<b>" not in text and "&lt;img" in text and f"{scores['mean_iou']:.3f}" in text
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        cells = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(cells) == 1, table


def test_the_latex_twin_has_whole_tables_of_escaped_text(made):
    text = (made[0] / LATEX).read_text(encoding="utf-8")
    assert r"50\% of \$x\_1\$ \& \{more\} \textbackslash{} \textasciitilde{}\textasciicircum{}\#" in text
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 2
    tables = re.findall(r"\\begin\{tabular\}\{(lr*)\}\n\\toprule\n(.*?)\\bottomrule", text, re.DOTALL)
    assert len(tables) == 2
    for columns, body in tables:
        lines = [line for line in body.splitlines() if line != r"\midrule"]
        assert {len(re.findall(r"(?<!\\)&", line)) + 1 for line in lines} == {len(columns)}
        assert all(line.endswith(r" \\") for line in lines)


def test_negative_scores_have_a_minus_in_latex(made):
    assert "kappa & $-$0.250 & " in to_latex([{**made[1], "kappa": -0.25}])


def test_every_sample_is_read_once(model, dataset, tmp_path, monkeypatch):
    read, asked = DataSet.read, []
    monkeypatch.setattr(DataSet, "read", lambda self, record: asked.append(record.id) or read(self, record))
    evaluate_and_report(model, dataset, "val", tmp_path)
    assert len(asked) == len(set(asked)) == SAMPLES // 5


def test_what_would_fail_at_the_end_is_told_before_the_work(model, dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(DataSet, "read", lambda self, record: pytest.fail("the evaluation has begun"))
    (tmp_path / "file").write_text("")
    with pytest.raises(RasterError, match="file"):
        evaluate_and_report(model, dataset, "val", tmp_path / "file")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ConfigurationError, match=r"stsun\[report\]"):
        evaluate_and_report(model, dataset, "val", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_report_replaces_an_earlier_one(tmp_path):
    for title in ("first", "second <i>"):
        write_report(Report(title, (), {"made": "now"}, settings="a: <i>\n"), tmp_path)
    text = (tmp_path / PAGE).read_text(encoding="utf-8")
    assert "second &lt;i&gt;" in text and "first" not in text and "a: &lt;i&gt;" in text
    assert to_latex([]).startswith("%")
