import pytest
import torch
import torch.nn.functional as F
from torch import nn

from stsun.bench.cases import CATEGORIES, random_request
from stsun.bench.flops import count_gflops, parameter_count
from stsun.model.specialise import specialise
from stsun.model.stsun import create

LENGTH, WIDTH = 10, 8


class Attention(nn.Module):
    def forward(self, tokens):
        return F.scaled_dot_product_attention(tokens, tokens, tokens)


def test_a_linear_layer_is_counted_as_its_product():
    linear = nn.Linear(WIDTH, 3)
    assert count_gflops(linear, torch.rand(LENGTH, WIDTH)) * 1e9 == pytest.approx(2 * LENGTH * WIDTH * 3)
    assert parameter_count(linear) == WIDTH * 3 + 3


class Summed(nn.Module):
    def forward(self, total, left, right):
        return total.baddbmm_(left, right)


def test_a_product_that_is_added_in_place_is_counted_as_one():
    left, right = torch.rand(2, 5, WIDTH), torch.rand(2, WIDTH, 7)
    assert count_gflops(Summed(), torch.zeros(2, 5, 7), left, right) * 1e9 == pytest.approx(2 * 2 * 5 * WIDTH * 7)


def test_attention_is_counted_as_its_two_matrix_products():
    tokens = torch.rand(3, 2, LENGTH, WIDTH)  # sequences, heads
    scores = mixing = 2 * 3 * 2 * LENGTH * LENGTH * WIDTH
    assert count_gflops(Attention(), tokens) * 1e9 == pytest.approx(scores + mixing)


def test_a_transformer_layer_is_counted_although_it_has_a_fused_form():
    layer = nn.TransformerEncoderLayer(WIDTH, 2, 16, dropout=0.0, batch_first=True).eval()
    projections = 4 * 2 * LENGTH * WIDTH * WIDTH
    attention = 2 * 2 * LENGTH * LENGTH * WIDTH
    mlp = 2 * 2 * LENGTH * WIDTH * 16
    assert count_gflops(layer, torch.rand(1, LENGTH, WIDTH)) * 1e9 == pytest.approx(projections + attention + mlp)


def test_a_depthwise_convolution_is_counted_per_channel():
    conv = nn.Conv2d(6, 6, 3, padding=1, groups=6)
    assert count_gflops(conv, torch.rand(1, 6, 5, 7)) * 1e9 == pytest.approx(2 * 9 * 6 * 5 * 7)


def test_counting_leaves_the_fused_forms_as_they_were():
    before = torch.backends.mha.get_fastpath_enabled()
    count_gflops(Attention(), torch.rand(1, 1, 2, 4))
    assert torch.backends.mha.get_fastpath_enabled() == before


def test_twice_the_area_costs_twice_as_much():
    model = create("nano", CATEGORIES).eval()
    small, large = (count_gflops(model, *random_request(name)) for name in ("1x3x64x64", "1x3x64x128"))
    assert large / small == pytest.approx(2, rel=0.05)


def test_a_specialised_network_costs_less_than_the_model():
    model, request = create("nano", CATEGORIES).eval(), random_request("1x3x32x32")
    network = specialise(model, request[-1])
    assert count_gflops(network, *request) < count_gflops(model, *request)
    assert parameter_count(network) < parameter_count(model)
