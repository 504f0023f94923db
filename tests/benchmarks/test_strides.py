import pytest
import torch

import strides
from stsun.evaluation.evaluate import logits_of
from stsun.model.stsun import create
from stsun.simulation.scenes import simulate


@pytest.mark.parametrize("stride", [4, 8, 16])
def test_a_silenced_stride_changes_what_a_model_says_while_it_is_lent(stride):
    sample = simulate("aerial-buildings", seed=3, size=64)
    model = create("nano", sample.configuration.categories, seed=0).eval()

    def logits():
        return logits_of(model, sample, torch.device("cpu"))

    before = logits()
    with strides.silenced(model, stride) as lent:
        assert lent is model and not torch.allclose(logits(), before)
    assert torch.equal(logits(), before)
    with strides.silenced(model, None):
        assert torch.equal(logits(), before)
