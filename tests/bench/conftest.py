"""Runs whose figures are known."""

import pytest
import torch

from stsun.bench.cases import Case
from stsun.bench.clock import Times
from stsun.bench.measure import Cost
from stsun.bench.run import Run


def make_cost(size="nano", text="1x3x32x32", *, gflops=1.0, est_ms=10.0, peak_mb=300.0, specialised=True):
    return Cost(Case(size, text, specialised), 1000, gflops, Times(0.1, 0.1, 50.0, est_ms), 0.5, peak_mb)


def make_run(*costs):
    return Run("stsun bench 1", "0.1.0", "2.13.0", 1, 3, costs)


@pytest.fixture(name="make_cost")
def cost_maker():
    return make_cost


@pytest.fixture(name="make_run")
def run_maker():
    return make_run


@pytest.fixture
def in_this_process(monkeypatch):
    """Measure without starting processes, and compute with as many threads as before afterwards."""
    threads = torch.get_num_threads()
    monkeypatch.setattr("stsun.bench.run.apart", lambda call, *arguments, **options: call(*arguments, **options))
    yield
    torch.set_num_threads(threads)
