import json
import os
from dataclasses import asdict, replace

import pytest
import torch

from stsun.bench import clock
from stsun.bench.apart import apart, peak_mb
from stsun.bench.cases import ALL_INPUTS, CATEGORIES, Case, cases_of, random_request, shape_of
from stsun.bench.clock import share_of_rate, timed
from stsun.bench.run import check_shared, read_run, run
from stsun.bench.tables import cost_table, ratio_table
from stsun.errors import BenchmarkError
from stsun.model.stsun import create
from stsun.tasks import TASKS
from stsun.terminal import to_json


@pytest.mark.parametrize("name", ["1x3x32x48", "2x3x32x32", "3x10x32x32"])
def test_inputs_are_what_a_model_takes(name):
    images, valid, days, configuration = random_request(name)
    assert "x".join(map(str, images.shape[1:])) == name
    assert configuration.task in TASKS
    with torch.no_grad():
        logits = create("nano", CATEGORIES)(images, valid, days, configuration)
    assert logits.shape[-2:] == images.shape[-2:]


@pytest.mark.parametrize("text", ["", "3x512x512", "1x3x0x512", "1x3x-4x4", "1x3x5.5x4", "axbxcxd", "1x3x512x512x1"])
def test_what_is_no_input_is_refused(text):
    with pytest.raises(BenchmarkError, match="24x10x128x128"):
        shape_of(text)


def test_the_whole_suite_holds_every_size_on_every_input_once():
    whole = cases_of(None, None, everything=True, specialised=True)
    assert len(set(whole)) == len(whole) == 5 * len(ALL_INPUTS)
    assert {shape_of(text)[0] for text in ALL_INPUTS} == {1, 2, 5, 12, 24, 61}
    assert {shape_of(text)[1] for text in ALL_INPUTS} >= {3, 10, 224}
    assert set(cases_of(None, None, everything=False, specialised=True)) < set(whole)


def test_an_estimate_does_not_depend_on_the_speed_of_the_machine(monkeypatch):
    """A call that takes as long as k products takes k x 2.147 GFLOP / 160 GFLOP per second, however long they take."""
    products = 3
    for slowness in (0.02, 0.5):
        lasts = {"gemm": slowness, "call": products * slowness}
        monkeypatch.setattr(clock, "seconds", lambda call, lasts=lasts: (9.0, lasts[getattr(call, "kind", "gemm")]))

        def call():
            pass

        call.kind = "call"
        times = timed(call, 3)
        assert times.est_ms == pytest.approx(products * 1000 * 2 * 1024**3 / 160e9)
        assert share_of_rate(products * 2 * 1024**3 / 1e9, times) == pytest.approx(1)


def test_the_peak_of_a_process_of_its_own_is_its_own():
    ballast = bytearray(b"x") * 200_000_000
    here = peak_mb()
    del ballast
    assert here > 200
    assert apart(peak_mb) < here - 100


def test_a_process_that_dies_is_an_error():
    with pytest.raises(BenchmarkError, match="ended early"):
        apart(os._exit, 1)


def test_a_run_measures_its_cases_and_comes_back_from_its_file(tmp_path, in_this_process):
    told = []
    cases = (Case("nano", "1x3x32x32"), Case("nano", "1x3x32x32", specialised=False))
    made = run(cases, repeats=1, threads=1, training=True, progress=lambda *numbers: told.append(numbers))
    assert [cost.case for cost in made.costs] == list(cases) and told == [(1, 2), (2, 2)]
    own, generic = made.costs
    assert own.gflops < generic.gflops and own.parameters < generic.parameters
    assert own.step is not None and own.step_peak_mb >= own.peak_mb > 100
    path = tmp_path / "run.json"
    path.write_text(to_json(asdict(made)))
    assert read_run(path) == made


def damaged(content, change):
    content = json.loads(json.dumps(content))
    change(content)
    return json.dumps(content)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda content: content.pop("costs"), "costs"),
        (lambda content: content.update(format="stsun bench 9"), "format"),
        (lambda content: content.update(colour="red"), "colour"),
        (lambda content: content["costs"].clear(), "at least one"),
        (lambda content: content["costs"].append(content["costs"][0]), "one of each case"),
        (lambda content: content["costs"][0].update(gflops="many"), "gflops"),
        (lambda content: content["costs"][0].update(gflops=0), "above 0"),
        (lambda content: content["costs"][0]["forward"].update(est_ms=float("nan")), "above 0"),
        (lambda content: content["costs"][0]["case"].pop("input"), "input"),
    ],
)
def test_a_file_that_is_damaged_is_refused(tmp_path, make_run, make_cost, change, said):
    path = tmp_path / "run.json"
    path.write_text(damaged(asdict(make_run(make_cost())), change))
    with pytest.raises(BenchmarkError, match=said):
        read_run(path)


@pytest.mark.parametrize("text", ["", "[]", "3", "{", '{"a": 1}', "size,input\ntiny,1"])
def test_a_file_that_is_something_else_is_refused(tmp_path, text):
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(BenchmarkError, match=r"run\.json"):
        read_run(path)


def test_ratios_are_new_by_old_case_by_case(make_run, make_cost):
    old = make_run(make_cost(gflops=4, est_ms=10, peak_mb=400), make_cost("tiny"))
    new = make_run(make_cost(gflops=1, est_ms=15, peak_mb=200), make_cost("small"))
    head, _, shared, alone = ratio_table(new, old).splitlines()
    assert [cell.strip() for cell in head.split("|")[3:-1]] == ["parameters", "GFLOPs", "est. ms", "peak MB"]
    assert [cell.strip() for cell in shared.split("|")[1:-1]] == [
        "nano", "1x3x32x32", "1.000", "0.250", "1.50", "0.50",
    ]  # fmt: skip
    assert [cell.strip() for cell in alone.split("|")[1:-1]] == ["small", "1x3x32x32", "–", "–", "–", "–"]


def test_the_same_network_generic_is_another_case(make_run, make_cost):
    old, new = make_run(make_cost(specialised=False)), make_run(make_cost())
    with pytest.raises(BenchmarkError, match="nano 1x3x32x32 generic"):
        check_shared(new.of_cases, old)
    check_shared(new.of_cases, new)


def test_a_table_shows_training_where_it_was_timed(make_cost):
    plain = make_cost()
    trained = replace(plain, case=Case("tiny", "1x3x32x32"), step=plain.forward, step_peak_mb=512.0)
    assert "backward" not in cost_table([plain])
    head, _, *rows = cost_table([plain, trained]).splitlines()
    assert "backward" in head and rows[0].endswith("| – | – |") and rows[1].endswith("| 10 | 512 |")
