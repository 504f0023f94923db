import pytest
import yaml

import transfer

RUNS = {
    "without": [{("a", "change_f1"): 0.5, ("b", "mean_iou"): 0.4}, {("a", "change_f1"): 0.7, ("b", "mean_iou"): 0.4}],
    "before": [{("a", "change_f1"): 0.6, ("b", "mean_iou"): 0.4}, {("a", "change_f1"): 0.6, ("b", "mean_iou"): 0.1}],
}
REAL = {"dataset": "../a/b.yaml", "weight": 3}
PLAN = {
    "steps": 600,
    "optimiser": {"warmup": 100},
    "model": {"size": "nano"},
    "stream": {"accumulate": 2, "crop": 64},
    "data": [REAL, {"simulation": "aerial-change"}, {"simulation": "hyperspectral", "weight": 2}],
}


@pytest.mark.parametrize(
    ("arm", "names"),
    [("without", 1), ("before", 1), ("instead", 3), ("beside", 3), ("simulated", 2)],
)
def test_arms_differ_in_their_data_only(arm, names):
    plan = transfer.plan_of(PLAN, arm, steps=300)
    assert len(plan["data"]) == names
    assert (plan["steps"], plan["optimiser"]["warmup"]) == ((300, 50) if arm == "simulated" else (600, 100))
    assert plan["model"] == PLAN["model"] and (REAL in plan["data"]) == (arm != "simulated")


def test_simulated_batches_beside_real_ones_take_none_of_their_places():
    plan = transfer.plan_of(PLAN, "beside", extra=3)
    weights = [entry["weight"] for entry in plan["data"]]
    assert plan["stream"] == {"accumulate": 5, "crop": 64}
    assert weights[0] / sum(weights) * 5 == pytest.approx(2)
    assert weights[2] == pytest.approx(2 * weights[1])


def test_kinds_can_be_tried_by_themselves():
    assert transfer.kept(PLAN, ["hyperspectral"])["data"] == [PLAN["data"][0], PLAN["data"][2]]
    assert transfer.kept(PLAN, []) == PLAN


def test_a_run_is_written_with_its_data_where_they_are_and_what_it_starts_from(tmp_path):
    source = tmp_path / "configs" / "plan.yaml"
    file = transfer.write_experiment(PLAN, source, tmp_path / "run-4", seed=4, start=tmp_path / "simulated")
    plan = yaml.safe_load(file.read_text())
    assert plan["data"][0] == {"dataset": str(tmp_path / "a" / "b.yaml"), "weight": 3}
    assert (plan["name"], plan["output"], plan["seed"]) == ("run-4", str(tmp_path / "run-4"), 4)
    assert plan["model"] == {"checkpoint": str(tmp_path / "simulated")}


def test_every_arm_is_compared_with_the_real_data_alone_seed_by_seed():
    lines = transfer.table(transfer.compared(RUNS)).splitlines()
    assert lines[2] == "| a | change_f1 | 0.600 ± 0.100 | 0.600 ± 0.000 | 0.000 ± 0.100 | 1 of 2 |"
    assert lines[3].endswith("| -0.150 ± 0.150 | 1 of 2 |")
