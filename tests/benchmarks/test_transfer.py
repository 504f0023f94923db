import yaml

import transfer

RUNS = {
    "without": [{("a", "change_f1"): 0.5, ("b", "mean_iou"): 0.4}, {("a", "change_f1"): 0.7, ("b", "mean_iou"): 0.4}],
    "with": [{("a", "change_f1"): 0.6, ("b", "mean_iou"): 0.4}, {("a", "change_f1"): 0.6, ("b", "mean_iou"): 0.1}],
}


def test_both_arms_differ_in_the_simulations_only(tmp_path):
    (tmp_path / "configs").mkdir()
    plan = tmp_path / "configs" / "plan.yaml"
    plan.write_text("name: x\nsteps: 7\ndata: [{dataset: ../a/b.yaml, weight: 3}, {simulation: aerial-change}]\n")
    arms = [
        yaml.safe_load(transfer.write_experiment(plan, tmp_path / f"r{arm}", simulated=arm, seed=4).read_text())
        for arm in (False, True)
    ]
    real = {"dataset": str(tmp_path / "a" / "b.yaml"), "weight": 3}
    assert arms[0].pop("data") == [real] and arms[1].pop("data") == [real, {"simulation": "aerial-change"}]
    assert [(arm.pop("name"), arm.pop("output")[-6:]) for arm in arms] == [("rFalse", "rFalse"), ("rTrue", "/rTrue")]
    assert arms[0] == arms[1] == {"steps": 7, "seed": 4}


def test_scores_are_compared_seed_by_seed():
    first, second = transfer.compared(RUNS)
    assert [round(gain, 9) for gain in first["difference"]] == [0.1, -0.1]
    lines = transfer.table([first, second]).splitlines()
    assert lines[2] == "| a | change_f1 | 0.600 ± 0.100 | 0.600 ± 0.000 | 0.000 ± 0.100 | 1 of 2 |"
    assert lines[3].endswith("| -0.150 ± 0.150 | 1 of 2 |")
