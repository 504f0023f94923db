"""A specialised network gives the model's logits, and holds nothing that only metadata need."""

import math

import pytest
import torch

from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.errors import ConfigurationError
from stsun.model.blocks import AttentionBlock, ConditionedNorm, Rescaled
from stsun.model.checkpoint import load
from stsun.model.hypernetwork import BasisGenerator, TransformerGenerator
from stsun.model.inference import local_attention
from stsun.model.issum import SpectralUnification
from stsun.model.ossum import CategoryTable
from stsun.model.specialise import fastest, network_for, specialise
from stsun.model.stsun import STSUN, create
from stsun.sensors import sensor
from stsun.tasks import TASKS

from .conftest import CATEGORIES, bands, configuration, logits, scene

CLOSE = {"atol": 1e-5, "rtol": 1e-5}
RADAR = (Band("vv"), Band("vh"))
SENSORS = {"aerial": sensor("naip").bands[:3], "Sentinel-2": sensor("sentinel-2-l2a").bands, "radar": RADAR}
GONE = (SpectralUnification, CategoryTable, ConditionedNorm, Rescaled)
HYPERNETWORKS = (BasisGenerator, TransformerGenerator)


@pytest.fixture(scope="module")
def shipped():
    return load()


def fast_logits(fast, images, valid, days, *more):
    with torch.inference_mode():
        return fast(images, valid, days, *more)


def size(model):
    return sum(tensor.numel() for tensor in (*model.parameters(), *model.buffers()))


@pytest.mark.parametrize("own", SENSORS.values(), ids=SENSORS)
@pytest.mark.parametrize("task", TASKS)
def test_the_shipped_model_specialised_gives_its_logits(shipped, task, own):
    asked = Configuration(own, 10.0, task, ["water", "background", "forest"])
    request = scene(batch=2, dates=2, count=len(own), height=33, width=18)
    torch.testing.assert_close(
        fast_logits(specialise(shipped, asked), *request), logits(shipped, *request, asked), **CLOSE
    )


@pytest.mark.parametrize("per_date", [False, True])
@pytest.mark.parametrize("dates", [1, 3])
def test_every_layout_specialised_gives_its_logits_for_any_dates(model, dates, per_date):
    asked = configuration(per_date=per_date)
    fast = specialise(model, asked)
    images, valid, days = scene(batch=2, dates=dates, height=33, width=18)
    for request in ((images, valid, days), (images, valid, days * math.nan)):
        torch.testing.assert_close(fast_logits(fast, *request), logits(model, *request, asked), **CLOSE)


@pytest.mark.parametrize(
    "choices",
    [
        {"spectral": "fixed", "fixed_bands": tuple(bands(4))},
        {"temporal": "linear", "windows": "shifted"},
        {"temporal": "mean", "head": "generated"},
        {"task_embedding": False},
    ],
)
def test_exchanged_modules_specialise_too(choices):
    model = create("nano", CATEGORIES, **choices).eval()
    for task, dates in (("binary_change", 2), ("segmentation", 1)):
        asked, request = configuration(task=task), scene(dates=dates, height=40, width=24)
        torch.testing.assert_close(
            fast_logits(specialise(model, asked), *request), logits(model, *request, asked), **CLOSE
        )


def test_dates_of_different_sensors_specialise_too(nano):
    images, valid, days = scene(dates=3)
    mixed = [images[:, 0], images[:, 1, :2], images[:, 2]]
    asked = Configuration([bands(4), RADAR, bands(4)], 10, "semantic_change", ["water", "forest"])
    fast = specialise(nano, asked)
    assert len(fast.mixings) == 2, "one set of weights for each sensor"
    torch.testing.assert_close(fast_logits(fast, mixed, valid, days), logits(nano, mixed, valid, days, asked), **CLOSE)


def test_what_metadata_need_is_gone(model):
    fast = specialise(model, Configuration([bands(4)], 10, "segmentation", ["water", "forest"]))
    for name, module in fast.named_modules():
        assert not isinstance(module, GONE), name
        assert not isinstance(module, HYPERNETWORKS) or "tum" in name, name
    assert not any(hasattr(fast, name) for name in ("tasks", "gsd", "issum", "ossum"))
    assert size(fast) < 0.95 * size(model)


def test_over_one_date_there_is_no_attention_left(nano):
    one, any_number = (
        specialise(nano, Configuration(own, 10, "segmentation", ["water"])) for own in ([bands(4)], bands(4))
    )
    assert not any(isinstance(module, HYPERNETWORKS) for module in one.modules())
    assert size(one) < size(any_number)
    request = scene(height=33, width=18)
    assert torch.equal(fast_logits(one, *request), fast_logits(any_number, *request))
    with pytest.raises(ConfigurationError, match="1 dates, but there are 2 images"):
        fast_logits(one, *scene(dates=2))


def test_the_model_stays_as_it_is_and_shares_nothing(nano):
    before = {name: tensor.clone() for name, tensor in nano.state_dict().items()}
    fast = specialise(nano, Configuration([bands(4)], 10, "segmentation", ["water"]))
    kept = {tensor.untyped_storage().data_ptr() for tensor in (*nano.parameters(), *nano.buffers())}
    for tensor in (*fast.parameters(), *fast.buffers()):
        assert tensor.untyped_storage().data_ptr() not in kept and not tensor.requires_grad
        with torch.no_grad():
            tensor.zero_()
    assert all(torch.equal(tensor, before[name]) for name, tensor in nano.state_dict().items())
    assert all(parameter.requires_grad for parameter in nano.parameters())


def test_the_windows_that_the_model_has_now_are_kept(nano):
    with local_attention(nano):
        fast = specialise(nano, configuration())
        expected = logits(nano, *scene(height=160, width=160), configuration())
    assert not any(module.window.spread for module in fast.modules() if isinstance(module, AttentionBlock))
    torch.testing.assert_close(fast_logits(fast, *scene(height=160, width=160)), expected, **CLOSE)


def test_another_configuration_is_refused_and_its_own_is_not(nano):
    fast = specialise(nano, configuration())
    assert torch.equal(fast_logits(fast, *scene(), configuration()), fast_logits(fast, *scene()))
    with pytest.raises(ConfigurationError, match="was specialised for"):
        fast_logits(fast, *scene(), configuration(gsd_m=20.0))
    with pytest.raises(ConfigurationError, match="did you mean 'water'"):
        specialise(nano, configuration(categories=["waterr"]))


def test_only_what_is_asked_the_usual_way_is_specialised(nano):
    class Doubled(STSUN):
        def forward(self, *request):
            return 2 * super().forward(*request)

    doubled = Doubled(nano.config)
    assert fastest(doubled, configuration()) is doubled
    other = torch.nn.Identity()
    assert fastest(other, configuration()) is other
    assert fastest(nano, configuration()) is not nano


def test_a_configuration_is_specialised_when_it_is_asked_for_again(nano):
    network = network_for(nano)
    first, second, third = (network(configuration()) for _ in range(3))
    assert first is nano and second is third and second is not nano
    assert network(configuration(gsd_m=1.0)) is nano
