"""What a network costs on a batch is told of the network that is used for it."""

import pytest

from costing import cost_on
from stsun.bench.flops import count_gflops, parameter_count
from stsun.data.batching import collate
from stsun.model.specialise import specialise
from stsun.model.stsun import create
from stsun.simulation.scenes import simulate


def test_costs_are_those_of_the_specialised_network_and_parameters_of_the_model():
    batch = collate([simulate("sentinel2-series", 0, 32)])
    model = create("nano", batch.configuration.categories).eval()
    network, inputs = specialise(model, batch.configuration), (batch.images, batch.valid, batch.days)
    found = cost_on(model, batch)
    assert found["parameters"] == parameter_count(model) > parameter_count(network)
    assert found["gflops"] == pytest.approx(count_gflops(network, *inputs))
    assert found["est_ms"] > 0 and 50 < found["peak_mb"] < 4000
