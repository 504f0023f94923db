"""Residual branches: what they add is in proportion to what they add to."""

import torch

from stsun.model.blocks import AttentionBlock, ConvBlock, Rescaled
from stsun.model.stsun import create
from stsun.model.windows import Window

from .conftest import configuration, scene


def test_a_rescaled_map_is_little_at_the_start_and_folds_into_a_linear_one():
    torch.manual_seed(0)
    rescaled, tokens = Rescaled(12, 5), torch.randn(3, 4, 12)
    plain = torch.nn.functional.linear(tokens, rescaled.weight, rescaled.bias)
    torch.testing.assert_close(rescaled(tokens), 0.1 * plain)
    with torch.no_grad():
        rescaled.scale.copy_(torch.arange(5.0))
    folded = rescaled.folded()
    assert type(folded) is torch.nn.Linear
    torch.testing.assert_close(folded(tokens), plain * torch.arange(5.0))


def test_a_branch_adds_little_to_tokens_at_the_start():
    torch.manual_seed(0)
    block, tokens = ConvBlock(48, 8), torch.randn(2, 16, 16, 48)
    added = block(tokens, torch.randn(8), torch.ones(2, 16, 16, dtype=torch.bool)) - tokens
    assert 0 < added.std() < 0.1 * tokens.std()


def test_an_attention_branch_stays_in_proportion_however_large_its_weights_are():
    torch.manual_seed(0)
    block, tokens = AttentionBlock(64, 8, 32, Window(4, 4)), torch.randn(2, 8, 8, 64)
    with torch.no_grad():
        for linear in (block.qkv, block.out[0], *block.mlp[0]):
            for parameter in linear.parameters():
                parameter.mul_(100)
    added = block(tokens, torch.randn(8), torch.ones(2, 8, 8, dtype=torch.bool)) - tokens
    assert 0 < added.std() < 0.3 * tokens.std()


def test_each_stride_begins_from_tokens_of_one_size_however_large_those_of_the_one_before_are():
    model = create("nano", ["building", "water", "forest"], seed=0).eval()
    images, valid, days = scene(height=64, width=64)
    inputs = []
    for down in model.encoder.downs:
        down.register_forward_hook(lambda _map, arguments, _result: inputs.append(arguments[0]))

    def sizes():
        inputs.clear()
        with torch.inference_mode():
            model(images, valid, days, configuration())
        return [float(cells.square().mean()) for cells in inputs]

    before = sizes()
    with torch.no_grad():
        model.encoder.stem.norm.weight.mul_(100)
    assert all(0.5 < now / then < 2 for now, then in zip(sizes(), before, strict=True))
