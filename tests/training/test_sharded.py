"""Weights dealt out over two processes (``strategy: fsdp``), on the CPU."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from stsun.errors import ExperimentError
from stsun.training.fit import LAST
from stsun.training.plan import Experiment

pytestmark = pytest.mark.timeout(1500)  # eight short trainings, which take minutes on a machine that is busy


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The folder of all runs, made by the same two processes one after the other."""
    folder = tmp_path_factory.mktemp("sharded")
    script = Path(__file__).with_name("sharded_runs.py")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2", "TORCHELASTIC_RUN_ID": "test"}
    processes = []
    for rank in ("0", "1"):
        environment = {
            **os.environ,
            **told,
            "RANK": rank,
            "LOCAL_RANK": rank,
            "GROUP_RANK": "0",
            "LOCAL_WORLD_SIZE": "2",
        }
        with (folder / f"errors{rank}.txt").open("w") as errors:
            command = [sys.executable, str(script), str(folder)]
            processes.append(subprocess.Popen(command, env=environment, stdout=errors, stderr=errors))
    try:
        codes = [process.wait(timeout=1400) for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert codes == [0, 0], "\n".join((folder / f"errors{rank}.txt").read_text()[-3000:] for rank in "01")
    return folder


def facts(folder):
    return json.loads((folder / "facts.json").read_text())


def assert_same_weights(found, expected):
    one, other = (load_file(folder / "weights.safetensors") for folder in (expected, found))
    assert other.keys() == one.keys()
    for name, value in one.items():
        torch.testing.assert_close(
            other[name], value, rtol=1e-3, atol=2e-5, msg=lambda text, name=name: f"{name}: {text}"
        )


@pytest.mark.slow
def test_dealt_out_weights_are_trained_as_whole_ones(runs):  # and what they need is computed again, too
    assert_same_weights(runs / "fsdp", runs / "ddp")
    assert facts(runs / "fsdp")["means"] == pytest.approx(facts(runs / "ddp")["means"], rel=1e-6)
    assert facts(runs / "fsdp")["parts"] < 0.55 * facts(runs / "ddp")["parts"]  # cut by rows, which may be odd


@pytest.mark.slow
@pytest.mark.parametrize("run", ["resumed", "resumed-by-ddp"])
def test_a_resumed_run_is_an_unbroken_one_whatever_its_processes_held_before(runs, run):
    assert_same_weights(runs / run, runs / "ddp")
    assert facts(runs / run)["means"] == pytest.approx(facts(runs / "ddp")["means"][1:], rel=1e-6)


@pytest.mark.slow
def test_what_is_computed_again_changes_no_weights(runs):
    assert_same_weights(runs / "ddp-sparing", runs / "ddp")


@pytest.mark.slow
def test_a_batch_that_is_not_finite_is_left_out_by_all(runs):
    assert_same_weights(runs / "rotten", runs / "rotten-ddp")
    assert facts(runs / "rotten")["skipped"] == facts(runs / "rotten-ddp")["skipped"] > 0


@pytest.mark.slow
def test_a_checkpoint_holds_whole_tensors(runs):
    dealt, whole = (torch.load(runs / run / LAST, weights_only=True) for run in ("fsdp", "ddp"))
    for key in ("state_dict", "current_model_state"):
        assert {name: value.shape for name, value in dealt[key].items()} == {
            name: value.shape for name, value in whole[key].items()
        }
    shapes, expected = (
        {number: values["exp_avg"].shape for number, values in one["optimizer_states"][0]["state"].items()}
        for one in (dealt, whole)
    )
    assert shapes == expected


def test_one_process_has_nothing_to_deal_out():
    with pytest.raises(ExperimentError, match="devices of 2 or more, or ddp"):
        Experiment("test", (), strategy="fsdp")
