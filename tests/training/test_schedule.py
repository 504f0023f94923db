from itertools import pairwise

import pytest
import torch
from torch import nn

from stsun.errors import ExperimentError
from stsun.model.stsun import create
from stsun.training.schedule import OptimiserPlan, adamw, learning_rate_share, parameter_groups, warm_up_cosine


def test_every_parameter_is_in_one_group_and_only_matrices_decay():
    model = create("nano", ["water"])
    groups = parameter_groups(model, 0.1)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    decaying, staying = ([names[id(parameter)] for parameter in group["params"]] for group in groups)
    assert sorted(decaying + staying) == sorted(names.values())
    assert [group["weight_decay"] for group in groups] == [0.1, 0.0]
    assert {"tasks", "ossum.table.rows"} & set(decaying) == set()
    assert "tasks" in staying
    assert all(name.endswith("weight") for name in decaying)


def test_embeddings_do_not_decay():
    model = nn.Sequential(nn.Embedding(3, 4), nn.Linear(4, 2))
    decaying, staying = parameter_groups(model, 0.1)
    assert [tuple(parameter.shape) for parameter in decaying["params"]] == [(2, 4)]
    assert [tuple(parameter.shape) for parameter in staying["params"]] == [(3, 4), (2,)]


def test_the_learning_rate_rises_linearly_and_falls_as_a_cosine_to_one_percent():
    shares = [learning_rate_share(step, warmup=10, steps=110) for step in range(111)]
    assert shares[:10] == pytest.approx([0.1 * step for step in range(1, 11)])
    assert shares[60] == pytest.approx((1 + 0.01) / 2)
    assert shares[110] == pytest.approx(0.01)
    assert all(later <= earlier for earlier, later in pairwise(shares[10:]))
    assert learning_rate_share(0, warmup=0, steps=10) == 1


def test_the_optimiser_starts_at_the_first_share():
    optimiser = adamw(parameter_groups(nn.Linear(2, 2), 0.1), OptimiserPlan(learning_rate=0.5, warmup=5))
    warm_up_cosine(optimiser, warmup=5, steps=20)
    assert [group["lr"] for group in optimiser.param_groups] == pytest.approx([0.1, 0.1])
    assert isinstance(optimiser, torch.optim.AdamW)


@pytest.mark.parametrize(
    "wrong", [{"learning_rate": 0.0}, {"learning_rate": float("nan")}, {"ema": 1.0}, {"clip": -1.0}]
)
def test_implausible_plans_are_refused(wrong):
    with pytest.raises(ExperimentError, match=next(iter(wrong))):
        OptimiserPlan(**wrong)
