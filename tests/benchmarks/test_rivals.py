"""The rivals of benchmarks/rivals: networks, what their trials say together, and the program."""

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
import torch
import yaml

import compare
import costs
import roster
import trials
from comparison import cost_of_all, groups_of, lead, reference_for, summary_of, verdicts
from rival import key_of, port_of
from stsun.bands import Band
from stsun.bench.cases import random_request
from stsun.bench.flops import count_gflops
from stsun.configuration import Configuration
from stsun.data import transforms
from stsun.data.batching import collate
from stsun.data.dataset import open_dataset
from stsun.data.sample import Sample
from stsun.errors import ConfigurationError
from stsun.evaluation.evaluate import evaluate
from stsun.model.checkpoint import save
from stsun.model.config import SIZES
from stsun.model.stsun import create
from stsun.simulation.dataset import write_dataset
from stsun.training.losses import loss
from stsun.training.plan import Experiment
from trials import Result

RED, NIR = Band("red", 665, 30), Band("nir", 840, 100)
SHAPES = {
    "image": (1, {"task": "segmentation", "categories": ("water", "forest", "land")}),
    "series": (3, {"task": "segmentation", "categories": ("water", "forest", "land")}),
    "dated": (2, {"task": "semantic_change", "categories": ("water", "forest", "land")}),
    "pair": (2, {"task": "binary_change", "categories": ("changed",)}),
}
"""Of each form the dates, and what is asked for."""
COST = {"parameters": 10, "gflops": 1.0, "est_ms": 1.0, "peak_mb": 1.0}
PAIRS = [(name, form) for name, contender in roster.ROSTER.items() for form in contender.forms]


@pytest.fixture(autouse=True)
def networks_are_there():
    pytest.importorskip("monai")


def sample(form, seed, size=(32, 32)):
    """Blocks of 16 x 16 pixels: the darker, the lower their category; for a series, pair or each date, of that date."""
    dates, asked = SHAPES[form]
    rng = np.random.default_rng(seed)
    blocks = rng.integers(3, size=(1 if form == "series" else dates, *(-(-side // 16) for side in size)))
    cover = np.kron(blocks, np.ones((1, 16, 16), np.int64))[:, : size[0], : size[1]]
    pixels = 0.1 + 0.2 * np.broadcast_to(cover, (dates, *size))[:, None] + rng.uniform(0, 0.02, (dates, 2, *size))
    labels = (cover[1:] != cover[:-1]).astype(np.int64) if form == "pair" else cover
    days = 18_000.0 + 16.0 * np.arange(dates)
    valid = np.ones((dates, *size), bool)
    configuration = Configuration((RED, NIR), 10.0, **asked)
    return Sample(f"{form}-{seed}", list(pixels.astype(np.float32)), valid, days, labels, configuration)


def rival(name, form, **options):
    return roster.build(
        name, [port_of([sample(form, seed) for seed in range(4)])], **{"window": 32, "seed": 0} | options
    )


def logits_of(network, batch):
    return network(batch.images, batch.valid, batch.days, batch.configuration)


@pytest.mark.parametrize(("name", "form"), PAIRS)
def test_logits_have_the_shape_of_labels_and_every_parameter_learns(name, form):
    network = rival(name, form)
    batch = collate([sample(form, seed, size=(40, 52)) for seed in range(2)])
    logits = logits_of(network, batch)
    maps, (height, width) = batch.labels.shape[1], batch.labels.shape[2:]
    assert logits.shape == (2, maps, 1 if form == "pair" else 3, height, width)
    loss(logits, batch.labels, batch.configuration).backward()
    for place, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), place
        assert parameter.ndim < 2 or parameter.grad.any(), place


@pytest.mark.parametrize("name", roster.ROSTER)
def test_a_small_batch_is_learned(name):
    form = roster.ROSTER[name].forms[-1]
    batch = collate([sample(form, seed) for seed in range(2)])
    network = rival(name, form)
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3)
    for _ in range(60):
        logits = logits_of(network, batch)
        found = (logits[:, :, 0] > 0).long() if form == "pair" else logits.argmax(2)
        if (found == batch.labels).float().mean() > 0.95:
            return
        optimiser.zero_grad()
        loss(logits, batch.labels, batch.configuration).backward()
        optimiser.step()
    pytest.fail("never were 95 % of the pixels right")


@pytest.mark.parametrize(("name", "form"), [("unet", "image"), ("bit", "pair"), ("u-tae", "series"), ("vit", "dated")])
def test_what_is_not_valid_is_not_read(name, form):
    network = rival(name, form).eval()
    seen, spoiled = collate([sample(form, 0)]), collate([sample(form, 0)])
    for batch in (seen, spoiled):
        batch.valid[:, -1, :20] = False
    spoiled.images[:, -1, :, :20] = torch.nan
    assert torch.equal(logits_of(network, seen), logits_of(network, spoiled))
    assert logits_of(network, seen).isfinite().all()


@pytest.mark.parametrize("name", ["tsvit", "u-tae", "perceiver-io", "vit"])
def test_a_series_may_lack_days_and_lose_dates_and_bands(name):
    network = rival(name, "series").eval()
    less = transforms.drop_metadata(sample("series", 0), gsd=True, days=True, bandwidths=True)
    less = transforms.drop_bands(transforms.drop_dates(less, [0, 2]), [(1,), (1,)])
    assert logits_of(network, collate([less])).isfinite().all()


def test_dates_of_two_sensors_have_places_for_the_bands_of_both():
    one = sample("dated", 0)
    other = (Band("red", 660, 30), Band("vv"))
    mixed = replace(one, configuration=replace(one.configuration, bands=[(RED, NIR), other]))
    network = roster.build("unet", [port_of([mixed])], window=32, seed=0)
    assert network.ports[0].bands == tuple(map(key_of, (RED, NIR, *other)))
    assert logits_of(network, collate([mixed])).shape == (1, 2, 3, 32, 32)


@pytest.mark.parametrize("name", ["perceiver-io", "vit", "tsvit"])
def test_a_large_image_is_seen_window_by_window(name):
    network = rival(name, "series", window=32).eval()
    whole = sample("series", 0, size=(96, 96))
    side = network.trunk.window
    corner = replace(
        whole,
        images=[image[:, side:, side:][:, :side, :side] for image in whole.images],
        valid=whole.valid[:, side:, side:][:, :side, :side],
        labels=None,
    )
    expected = logits_of(network, collate([corner]))
    found = logits_of(network, collate([whole]))[..., side:, side:]
    assert torch.allclose(found[..., :side, :side], expected, atol=1e-5)


def test_shapes_alone_are_counted_as_what_is_computed():
    counted = {one["network"]: one for one in costs.costs_on("2x3x64x64", ["nano"])}
    network = roster.build("bit", [costs.port_for("2x3x64x64")], window=costs.WINDOW, seed=0).eval()
    assert counted["bit"]["gflops"] == count_gflops(network, *random_request("2x3x64x64"))
    assert list(counted) == ["stsun nano", *(name for name in roster.ROSTER if "pair" in roster.ROSTER[name].forms)]


def test_bands_are_standardised_by_valid_pixels():
    first, second = sample("pair", 0), sample("pair", 1)
    first.valid[0, :, :10] = False
    first.images[0][:, :, :10] = np.nan
    port = port_of([first, second])
    red = np.concatenate([one.images[date][0][one.valid[date]] for one in (first, second) for date in range(2)])
    assert port.bands == (key_of(RED), key_of(NIR)) and port.form == "pair" and port.dates == 2
    assert port.means[0] == pytest.approx(red.mean(), rel=1e-5)
    assert port.deviations[0] == pytest.approx(red.std(), rel=1e-5)


def test_two_data_sets_have_an_input_layer_and_a_head_each():
    ports = [port_of([sample(form, 0)]) for form in ("image", "pair")]
    network = roster.build("vit", ports, window=32, seed=0)
    assert logits_of(network, collate([sample("image", 1)])).shape[2] == 3
    assert logits_of(network, collate([sample("pair", 1)])).shape[2] == 1
    other = replace(sample("pair", 1), configuration=Configuration((RED, NIR), task="binary_change", categories=("x",)))
    with pytest.raises(ConfigurationError, match="vit has no input layer for binary_change of x"):
        logits_of(network, collate([other]))


def result(network, seed, matrices):
    (_, false), (missed, hits) = np.sum(matrices, axis=0)
    return Result(
        data_set="a", task="binary_change", network=network, joint=False, seed=seed, learning_rate=1e-3, updates=1,
        samples_seen=4, minutes=1.0, parameters=10, gflops=1.0, est_ms=1.0, peak_mb=1.0, score=float(2 * hits / (2 * hits + false + missed)),
        matrices=matrices,
    )  # fmt: skip


GOOD, POOR = [[8, 0], [0, 2]], [[8, 0], [1, 1]]
"""Confusion matrices whose F1 of change are 1 and 2/3."""


def test_a_difference_is_that_of_the_same_samples_and_seeds():
    results = [result("stsun", seed, [GOOD, GOOD, GOOD]) for seed in (0, 1)]
    results += [result("bit", seed, [POOR, POOR, POOR]) for seed in (0, 1)]
    ours, theirs = groups_of(results)
    assert reference_for(theirs, [ours, theirs]) is ours
    summary = summary_of(theirs, ours, "change_f1")
    assert summary["score"] == pytest.approx(2 / 3) and summary["standard_error"] == pytest.approx(0)
    assert summary["behind_stsun"] == pytest.approx(1 / 3)
    assert summary["interval"] == pytest.approx([1 / 3, 1 / 3])


def test_an_interval_is_wider_where_samples_disagree_and_none_where_there_is_one_sample():
    theirs = [result("bit", 0, [POOR, GOOD, GOOD, POOR])]
    summary = summary_of(theirs, [result("stsun", 0, [GOOD, POOR, GOOD, POOR])], "change_f1")
    assert summary["interval"][0] < 0 < summary["interval"][1] and summary["standard_error"] is None
    assert summary_of([result("bit", 0, [POOR])], [result("stsun", 0, [GOOD])], "change_f1")["interval"] is None


def test_the_unified_model_is_held_against_the_best_rival_and_against_itself_alone():
    results = [result("bit", 0, [POOR, POOR]), result("unet", 0, [GOOD, POOR]), result("stsun", 0, [POOR, POOR])]
    results += [replace(result("vit", 0, [GOOD, GOOD]), joint=True)]  # trained together: no single-task rival
    results += [replace(result(name, 0, [GOOD, GOOD]), joint=True) for name in ("stsun", "shipped")]
    (verdict,) = verdicts(groups_of(results), {"binary_change": "change_f1"})
    assert (verdict["rival"]["network"], verdict["rival"]["score"]) == ("unet", pytest.approx(6 / 7))
    assert verdict["alone"] == pytest.approx(2 / 3) and list(verdict["unified"]) == ["stsun", "shipped"]
    for unified in verdict["unified"].values():
        assert unified["score"] == 1
        assert unified["over_rival"][0] == pytest.approx(1 / 7) and unified["over_alone"][0] == pytest.approx(1 / 3)
        assert unified["over_rival"][1] == pytest.approx([0, 1 / 3])


def test_serving_all_takes_a_rival_for_each_data_set_but_one_unified_model():
    results = [replace(result("bit", 0, [GOOD]), parameters=30, gflops=3.0), result("stsun", 0, [GOOD])]
    results += [replace(result("stsun", 0, [GOOD]), joint=True)]
    everywhere = [replace(one, data_set=name) for name in ("a", "b") for one in results]
    costs_of_all = cost_of_all(verdicts(groups_of(everywhere), {"binary_change": "change_f1"}))
    assert costs_of_all == {
        "rivals": {"parameters": 60, "gflops": 6.0}, "stsun": {"parameters": 10, "gflops": 2.0},
    }  # fmt: skip


def test_networks_without_a_seed_in_common_are_not_compared():
    assert lead([result("stsun", 0, [GOOD])], [result("bit", 1, [POOR])], "change_f1") == (None, None)
    (verdict,) = verdicts(groups_of([result("bit", 0, [GOOD])]), {"binary_change": "change_f1"})
    assert verdict["alone"] is None and verdict["unified"] == {}


@pytest.fixture
def experiment(tmp_path):
    """Two simulated data sets of tiny pictures, one of single dates and one of pairs, and a training of two updates."""
    spring, summer = date(2004, 5, 1), date(2004, 7, 20)
    for name, dates, task in (("one", [spring], "segmentation"), ("two", [spring, summer], "binary_change")):
        write_dataset(tmp_path / name, ["sentinel-2-l2a"], dates, size=32, task=task, samples=4)
    plan = {
        "name": "mini", "model": {"size": "nano"}, "steps": 2, "accelerator": "cpu", "threads": 1,
        "stream": {"crop": 32, "batch_size": 2, "accumulate": 1, "power": 0.0},
        "data": [{"dataset": f"{name}/dataset.yaml", "validation": "val"} for name in ("one", "two")],
    }  # fmt: skip
    (tmp_path / "mini.yaml").write_text(yaml.safe_dump(plan), encoding="utf-8")
    return tmp_path / "mini.yaml"


def test_the_program_trains_alone_and_together_and_repeats_nothing(experiment, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(trials, "cost_on", lambda model, batch: COST)
    command = [
        str(experiment), "--networks", "stsun", "vit", "fc-siam-diff", "--joint",
        "--output", str(tmp_path / "runs"), "--json", str(tmp_path / "found.json"),
    ]  # fmt: skip
    compare.main(command)
    table = capsys.readouterr().out.partition("| data set")[2]
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    rows = [(row["network"], row["joint"], row["metric"]) for row in found["rows"]]
    image, pair = (
        [(name, joint, metric) for joint in (False, True) for name in ("stsun", "vit")]
        for metric in ("mean_iou", "change_f1")
    )
    assert rows == [*image, *pair[:2], ("fc-siam-diff", False, "change_f1"), *pair[2:]]
    assert all(row["updates"] == (4 if row["joint"] else 2) for row in found["rows"])
    assert len({row["samples_seen"] for row in found["rows"] if not row["joint"]}) == 1
    assert table.count("| fc-siam-diff |") == 1 and str(tmp_path) not in json.dumps(found)
    monkeypatch.setattr(trials, "fit", None)
    compare.main(command)
    assert capsys.readouterr().out.partition("| data set")[2] == table
    with pytest.raises(SystemExit, match="other settings"):
        compare.main([*command, "--set", "steps=3"])
    monkeypatch.setitem(SIZES, "nano", {**SIZES["nano"], "embedding": 16})
    with pytest.raises(SystemExit, match="other settings"):  # a size that stands for another design now
        compare.main(command)


def test_test_splits_are_scored_by_the_kept_weights_and_beside_a_checkpoint(experiment, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(trials, "cost_on", lambda model, batch: COST)
    pairs = open_dataset(tmp_path / "two" / "dataset.yaml")
    command = [str(experiment), "--only", pairs.name, "--networks", "stsun", "bit", "--output", str(tmp_path / "runs")]
    compare.main(command)
    monkeypatch.setattr(trials, "fit", None)
    model = create("nano", ["changed"])
    parts = {"samples_seen": {pairs.name: 7}, "earlier": {"samples_seen": {pairs.name: 2}}}
    save(model, tmp_path / "other", {"training": parts})
    json_file = tmp_path / "test.json"
    compare.main([*command, "--test", "--shipped", str(tmp_path / "other"), "--json", str(json_file)])
    found = json.loads(json_file.read_text(encoding="utf-8"))
    assert found["split"] == "test" and [row["network"] for row in found["rows"]] == ["stsun", "bit", "shipped"]
    assert found["rows"][-1]["samples_seen"] == 9
    (verdict,) = found["verdicts"]
    assert verdict["rival"]["network"] == "bit" and list(verdict["unified"]) == ["shipped"]
    assert found["rows"][-1]["score"] == (evaluate(model, pairs, "test")["change_f1"] or 0)
    assert f"| {pairs.name} | change_f1 |" in capsys.readouterr().out.partition("over the rival")[2]
    with pytest.raises(SystemExit, match="no data set named three"):
        compare.main([str(experiment), "--only", "three"])


def test_all_seeds_use_the_learning_rate_that_scores_best_with_the_first(monkeypatch, tmp_path):
    done = []

    def fake(network, experiment, folder, *, metrics, split):
        done.append((experiment.seed, experiment.optimiser.learning_rate, folder.name))
        return [
            replace(result(network, experiment.seed, [GOOD]), score=1 - abs(experiment.optimiser.learning_rate - 0.2))
        ]

    monkeypatch.setattr(compare, "trial", fake)
    options = compare.parse(["x.yaml", "--seeds", "3", "4", "--learning-rates", "0.1", "0.2", "0.4"])
    found = compare.all_seeds("vit", trials.Part("a", Experiment("a", ()), ()), options)
    assert [one.score for one in found] == [1, 1] and [one.seed for one in found] == [3, 4]
    assert [rate for _, rate, _ in done] == [0.1, 0.2, 0.4, 0.2, 0.2]
    assert done[-1][2] == "vit-4-0.2"


def test_equal_operations_give_a_cheaper_network_more_updates(experiment):
    (part, _) = trials.parts_of(compare.read_experiment(experiment), None, joint=False)
    plan = replace(part.experiment, steps=1000)
    steps = {name: trials.with_equal_flops(plan, name).steps for name in ("unet", "segresnet")}
    assert steps["unet"] > steps["segresnet"] > 1
