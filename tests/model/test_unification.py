"""The temporal unification of the paper: what its generated maps can say beyond the dates' content."""

import torch
from torch import nn

from stsun.model.config import named_config
from stsun.model.encoder import Level
from stsun.model.encodings import DATE_FEATURES, PERIOD_FEATURES
from stsun.model.tum import LinearTUM


@torch.inference_mode()
def test_both_generated_maps_of_the_papers_temporal_unification_have_a_bias():
    torch.manual_seed(0)
    tum = LinearTUM(named_config("paper", ["water"]), 4, 4)
    empty = Level(torch.zeros(1, 3, 2, 2, 4), torch.ones(1, 3, 2, 2, dtype=torch.bool))
    dates, maps = torch.rand(1, 1, 3, DATE_FEATURES), torch.rand(1, 1, PERIOD_FEATURES)
    before = tum(empty, dates, maps)
    assert (tum(empty, dates + 1, maps) - before).abs().max() > 1e-5  # of the first map: content says nothing here
    nn.init.zeros_(tum.to_hidden.out.weight)
    nn.init.zeros_(tum.to_hidden.out.bias)
    assert torch.equal(tum(empty, dates + 1, maps), tum(empty, dates, maps))
    # of the second: now nothing is hidden
    assert (tum(empty, dates, maps + 1) - tum(empty, dates, maps)).abs().max() > 1e-5
