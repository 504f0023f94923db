import pytest
import torch
import torch.nn.functional as F
from torch import nn

import cost
from stsun.model.stsun import create
from stsun.tasks import TASKS

LENGTH, WIDTH = 10, 8


class Attention(nn.Module):
    def forward(self, tokens):
        return F.scaled_dot_product_attention(tokens, tokens, tokens)


def test_attention_is_counted_as_its_two_matrix_products():
    tokens = torch.rand(3, 2, LENGTH, WIDTH)  # sequences, heads
    scores = mixing = 2 * 3 * 2 * LENGTH * LENGTH * WIDTH
    assert cost.count_gflops(Attention(), tokens) * 1e9 == pytest.approx(scores + mixing)


def test_a_transformer_layer_is_counted_although_it_has_a_fused_form():
    layer = nn.TransformerEncoderLayer(WIDTH, 2, 16, dropout=0.0, batch_first=True).eval()
    projections = 4 * 2 * LENGTH * WIDTH * WIDTH
    attention = 2 * 2 * LENGTH * LENGTH * WIDTH
    mlp = 2 * 2 * LENGTH * WIDTH * 16
    assert cost.count_gflops(layer, torch.rand(1, LENGTH, WIDTH)) * 1e9 == pytest.approx(projections + attention + mlp)


def test_a_depthwise_convolution_is_counted_per_channel():
    conv = nn.Conv2d(6, 6, 3, padding=1, groups=6)
    assert cost.count_gflops(conv, torch.rand(1, 6, 5, 7)) * 1e9 == pytest.approx(2 * 9 * 6 * 5 * 7)


def test_counting_leaves_the_fused_forms_as_they_were():
    before = torch.backends.mha.get_fastpath_enabled()
    cost.count_gflops(Attention(), torch.rand(1, 1, 2, 4))
    assert torch.backends.mha.get_fastpath_enabled() == before


@pytest.mark.parametrize("name", ["1x3x32x48", "2x3x32x32", "3x10x32x32"])
def test_inputs_are_what_a_model_takes(name):
    images, valid, days, configuration = cost.random_input(name)
    assert "x".join(map(str, images.shape[1:])) == name
    assert configuration.task in TASKS
    with torch.no_grad():
        logits = create("nano", cost.CATEGORIES)(images, valid, days, configuration)
    assert logits.shape[-2:] == images.shape[-2:]


def test_twice_the_area_costs_twice_as_much():
    model = create("nano", cost.CATEGORIES).eval()
    small, large = (cost.count_gflops(model, *cost.random_input(name)) for name in ("1x3x128x128", "1x3x128x256"))
    assert large / small == pytest.approx(2, rel=0.05)
