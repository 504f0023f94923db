"""What must hold of the network whatever its weights."""

import math

import pytest
import torch

from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.errors import ConfigurationError
from stsun.model.specialise import specialise
from stsun.model.stsun import create
from stsun.tasks import TASKS, output_periods

from .conftest import CATEGORIES, PAPER, bands, configuration, logits, scene

CLOSE = {"atol": 1e-5, "rtol": 1e-5}


@pytest.mark.parametrize("task", TASKS)
def test_bands_and_their_metadata_may_be_permuted_together(model, task):
    images, valid, days = scene(dates=2, count=6)
    own = [*bands(5), Band("vv")]
    order = [4, 2, 5, 0, 3, 1]
    before = logits(model, images, valid, days, Configuration(own, 10, task, CATEGORIES[:3]))
    after = logits(
        model, images[:, :, order], valid, days, Configuration([own[i] for i in order], 10, task, CATEGORIES[:3])
    )
    torch.testing.assert_close(after, before, **CLOSE)


def test_dates_may_be_permuted_with_their_days_in_a_whole_series(model):
    images, valid, days = scene(batch=2, dates=5)
    order = [3, 0, 4, 2, 1]
    before = logits(model, images, valid, days, configuration())
    after = logits(model, images[:, order], valid[:, order], days[:, order], configuration())
    torch.testing.assert_close(after, before, **CLOSE)


def test_days_matter_in_a_whole_series(model):
    images, valid, days = scene(dates=4)
    before = logits(model, images, valid, days, configuration())
    after = logits(model, images, valid, days + torch.tensor([0, 0, 90, 0]), configuration())
    assert (after - before).abs().max() > 1e-4


@pytest.mark.parametrize("content", [0.0, 1e6, math.nan, math.inf])
def test_a_wholly_invalid_date_changes_nothing(model, content):
    images, valid, days = scene(dates=3)
    before = logits(model, images, valid, days, configuration())
    for place in (0, 3):
        parts = [images[:, :place], torch.full_like(images[:, :1], content), images[:, place:]]
        more_valid = torch.cat([valid[:, :place], torch.zeros_like(valid[:, :1]), valid[:, place:]], dim=1)
        more_days = torch.cat([days[:, :place], days[:, :1] - 4000, days[:, place:]], dim=1)
        after = logits(model, torch.cat(parts, dim=1), more_valid, more_days, configuration())
        torch.testing.assert_close(after, before, **CLOSE)


@pytest.mark.parametrize("task", TASKS)
def test_values_of_invalid_pixels_are_never_read(model, task):
    images, valid, days = scene(dates=2)
    before = logits(model, images, valid, days, configuration(task=task))
    for content in (math.nan, -1e9, math.inf):
        spoiled = torch.where(valid[:, :, None], images, content)
        assert torch.equal(logits(model, spoiled, valid, days, configuration(task=task)), before)


@pytest.mark.parametrize("task", TASKS)
def test_a_sample_does_not_depend_on_its_batch_neighbours(model, task):
    images, valid, days = scene(batch=3, dates=2)
    together = logits(model, images, valid, days, configuration(task=task))
    for i in range(3):
        alone = logits(model, images[[i]], valid[[i]], days[[i]], configuration(task=task))
        torch.testing.assert_close(together[[i]], alone, **CLOSE)


@pytest.mark.parametrize(
    "change",
    [
        {"bands": bands(4, first=430)},
        {"bands": [Band(b.name, b.wavelength_nm, 60) for b in bands(4)]},
        {"bands": [*bands(3), Band("vv")]},
        {"gsd_m": 0.5},
        {"gsd_m": None},
        {"task": "binary_change"},
    ],
)
def test_other_metadata_gives_another_output(model, change):
    images, valid, days = scene(dates=2)
    known = {"bands": bands(4), "gsd_m": 10.0, "task": "semantic_change", "categories": ["water"]}
    before = logits(model, images, valid, days, Configuration(**known))
    after = logits(model, images, valid, days, Configuration(**{**known, **change}))
    assert (after[:, :1] - before[:, :1]).abs().max() > 1e-4


@pytest.mark.parametrize("dates", [1, 2, 3, 5, 12, 61])
@pytest.mark.parametrize("task", TASKS)
def test_one_model_takes_any_number_of_dates(model, dates, task):
    if dates < TASKS[task].minimum_dates:
        pytest.skip("the task needs more dates")
    size = 16 if dates > 12 else 32
    output = logits(model, *scene(dates=dates, height=size, width=size), configuration(task=task))
    kinds = 1 if task == "binary_change" else 3
    assert output.shape == (1, len(output_periods(task, dates)), kinds, size, size)
    assert output.isfinite().all()


@pytest.mark.parametrize("count", [1, 3, 4, 10, 13, 103, 224])
def test_one_model_takes_any_number_of_bands(model, count):
    before = {name: value.shape for name, value in model.state_dict().items()}
    output = logits(model, *scene(count=count), configuration(count))
    assert output.isfinite().all()
    assert {name: value.shape for name, value in model.state_dict().items()} == before


@pytest.mark.parametrize("size", [(1, 1), (17, 23), (100, 37), (256, 64)])
def test_one_model_takes_any_size(model, size):
    output = logits(model, *scene(dates=2, height=size[0], width=size[1]), configuration(task="semantic_change"))
    assert output.shape == (1, 2, 3, *size)
    assert output.isfinite().all()


def test_a_large_image_passes(nano):
    output = logits(nano, *scene(height=1024, width=640, count=3), configuration(3))
    assert output.shape == (1, 1, 3, 1024, 640)
    assert output.isfinite().all()


@pytest.mark.parametrize("task", TASKS)
def test_in_bfloat16_logits_stay_finite_and_close(model, task):
    request = (*scene(dates=3), configuration(task=task))
    exact = logits(model, *request)
    with torch.autocast("cpu", torch.bfloat16):
        found = logits(model, *request).float()
    assert found.isfinite().all()
    assert (found - exact).norm() < 0.05 * exact.norm()  # it has eight bits: 0.4 % at each step


@pytest.mark.parametrize("task", TASKS)
def test_nothing_valid_at_all_gives_finite_logits(model, task):
    images, valid, days = scene(dates=2)
    output = logits(model, images * math.nan, torch.zeros_like(valid), days * math.nan, configuration(task=task))
    assert output.isfinite().all()


def test_per_date_gives_one_map_per_date(model):
    output = logits(model, *scene(dates=3), configuration(per_date=True))
    assert output.shape == (1, 3, 3, 32, 32)


def test_reordering_categories_reorders_the_output(model):
    before = logits(model, *scene(), configuration(categories=["building", "water", "forest"]))
    after = logits(model, *scene(), configuration(categories=["forest", "building", "water"]))
    torch.testing.assert_close(after, before[:, :, [2, 0, 1]], **CLOSE)


def test_asking_for_a_subset_leaves_the_others_as_they_were(nano):
    before = logits(nano, *scene(), configuration(categories=["building", "water", "forest"]))
    after = logits(nano, *scene(), configuration(categories=["forest", "water"]))
    torch.testing.assert_close(after, before[:, :, [2, 1]], **CLOSE)


def test_neutral_categories_have_the_logit_zero(model):
    output = logits(model, *scene(), configuration(categories=["water", "background"]))
    assert (output[:, :, 1] == 0).all()
    assert (output[:, :, 0] != 0).all()


def test_several_kinds_of_change_count_as_one(nano):
    def ask(names):
        return logits(nano, *scene(dates=2), configuration(task="binary_change", categories=names))

    either = ask(["building", "water"])
    expected = torch.logaddexp(ask(["building"]), ask(["water"]))
    torch.testing.assert_close(either, expected, **CLOSE)
    torch.testing.assert_close(ask(["unchanged", "building"]), ask(["building"]), **CLOSE)
    torch.testing.assert_close(ask([]), ask(["changed"]), **CLOSE)


def test_dates_of_different_sensors_give_what_each_would_alone(nano):
    images, valid, days = scene(dates=2, count=4)
    optical, radar = bands(4), [Band("vv"), Band("vh")]
    mixed = Configuration([optical, radar], 10, "segmentation", ["water"], per_date=True)
    output = logits(nano, [images[:, 0], images[:, 1, :2]], valid, days, mixed)
    assert output.shape == (1, 2, 1, 32, 32)
    swapped = Configuration([radar, optical], 10, "segmentation", ["water"], per_date=True)
    back = logits(nano, [images[:, 1, :2], images[:, 0]], valid.flip(1), days.flip(1), swapped)
    torch.testing.assert_close(back.flip(1), output, **CLOSE)


def test_one_list_of_bands_and_the_same_list_for_each_date_agree(nano):
    images, valid, days = scene(dates=2)
    same = Configuration([bands(4), bands(4)], 10, "binary_change")
    assert same == Configuration(bands(4), 10, "binary_change")
    torch.testing.assert_close(
        logits(nano, list(images.unbind(1)), valid, days, same), logits(nano, images, valid, days, same), **CLOSE
    )


def test_forward_many_equals_one_by_one(model):
    requests = [
        (*scene(batch=1, dates=2, seed=1), configuration(task="binary_change")),
        (*scene(batch=2, dates=3, count=7, height=17, width=23, seed=2), configuration(7)),
        (*scene(batch=1, dates=2, seed=3), configuration(task="binary_change")),
        (*scene(batch=1, dates=2, seed=4), configuration(task="semantic_change")),
    ]
    with torch.inference_mode():
        together = model.forward_many(requests)
        for request, result in zip(requests, together, strict=True):
            torch.testing.assert_close(result, model(*request), **CLOSE)


@pytest.mark.parametrize("choices", [{}, PAPER])
def test_every_parameter_gets_a_gradient_in_a_mixed_step(choices):
    model = create("paper" if choices else "nano", CATEGORIES, **choices)
    for task in TASKS:
        model(*scene(dates=3), configuration(task=task, categories=CATEGORIES)).square().mean().backward()
    missing = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert missing == []


@pytest.mark.parametrize(
    "choices",
    [
        {"spectral": "hypernetwork"},
        {"spectral": "fixed", "fixed_bands": tuple(bands(4))},
        {"windows": "shifted"},
        {"windows": "global"},
        {"temporal": "linear"},
        {"temporal": "mean"},
        {"head": "generated"},
        {"task_embedding": False},
    ],
)
@pytest.mark.parametrize("task", TASKS)
def test_every_module_can_be_exchanged(choices, task):
    model = create("nano", CATEGORIES, **choices).eval()
    images, valid, days = scene(dates=3, height=40, width=56)
    output = logits(model, images, valid, days, configuration(task=task))
    assert output.isfinite().all()
    spoiled = torch.where(valid[:, :, None], images, math.nan)
    assert torch.equal(logits(model, spoiled, valid, days, configuration(task=task)), output)


def test_the_seed_decides_the_weights_and_nothing_else_is_touched():
    state = torch.get_rng_state()
    first, again, other = (create("nano", CATEGORIES, seed=seed).state_dict() for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m(*scene(count=10), configuration(3)), "3 bands"),
        (lambda m: m(*scene(dates=1), configuration(task="binary_change")), "at least 2 dates"),
        (lambda m: m(*scene(), configuration(categories=["waterr"])), "did you mean 'water'"),
        (lambda m: m(*scene(count=1), Configuration([Band("mystery")], 10, "segmentation", ["water"])), "not a token"),
        (lambda m: m(scene()[0], scene(height=16)[1], scene()[2], configuration()), "valid has shape"),
        (lambda m: m(scene()[0], scene()[1], scene(dates=2)[2], configuration()), "days has shape"),
        (lambda m: m(scene()[0], scene()[1].float(), scene()[2], configuration()), "must be bool"),
        (lambda m: m([torch.rand(1, 4, 8, 8)] * 3, torch.ones(1, 3, 8, 8) > 0, torch.zeros(1, 3),
                     Configuration([bands(4), bands(3)], 10, "segmentation", ["water"])), "2 dates"),
        (lambda m: create("huge", ["water"]), "nano, tiny"),
        (lambda m: create("nano", ["water"], temporl="mean"), "did you mean 'temporal'"),
        (lambda m: create("nano", ["water"], temporal="median"), "attention, linear, mean"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_a_hint(nano, call, message):
    with pytest.raises(ConfigurationError, match=message):
        call(nano)


def test_a_single_date_gives_the_same_with_and_without_company(nano):
    images, valid, days = scene()
    alone = logits(nano, images, valid, days, configuration())
    company = [torch.cat([part, part], dim=1) for part in (images, valid, days)]
    company[1][:, 1] = False
    torch.testing.assert_close(logits(nano, *company, configuration()), alone, **CLOSE)


@pytest.mark.parametrize("categories", ["water", 3, ["water", ""], ["water", 3]])
def test_categories_that_are_no_list_of_names_are_refused(categories):
    with pytest.raises(ConfigurationError, match="names"):
        create("nano", categories)


def test_a_seed_gives_the_same_weights_and_leaves_the_global_state_alone():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    one, same, other = (create("nano", ["water"], seed=seed).state_dict() for seed in (3, 3, 4))
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_a_model_tells_the_categories_it_was_given():
    model = create("nano", ["background", "water", "building", "water"])
    assert model.categories == ("background", "water", "building")
    assert model.categories_for("segmentation") == ("background", "water", "building")
    assert model.categories_for("binary_change") == ("changed",)


def test_a_merged_category_has_the_summed_odds_of_its_parts(model):
    parts = configuration(categories=("building", "water", "forest", "background"))
    merged = configuration(
        categories=("built or wet", "rest"),
        merged={"built or wet": ["building", "water"], "rest": ["forest", "background"]},
    )
    whole, single = logits(model, *scene(), merged), logits(model, *scene(), parts)
    expected = torch.stack([single[:, :, :2].logsumexp(2), single[:, :, 2:].logsumexp(2)], dim=2)
    torch.testing.assert_close(whole, expected)
    torch.testing.assert_close(logits(specialise(model, merged), *scene(), merged), whole, atol=1e-4, rtol=1e-4)
    with pytest.raises(ConfigurationError, match="watre"):
        model.check_categories(configuration(categories=("wet", "forest"), merged={"wet": ["watre"]}))


def test_features_are_what_rows_are_compared_with(nano):
    asked = configuration(task="segmentation")
    with torch.inference_mode():
        features = nano.features(*scene(dates=2), asked)
        weight, bias = nano.ossum.head(nano.ossum.table(asked.categories))
    assert features.norm(dim=2).min() > 0.9 and features.norm(dim=2).max() < 1.001
    expected = torch.einsum("bmehw,ke->bmkhw", features, weight[:, 0]) + bias[:, None, None]
    torch.testing.assert_close(logits(nano, *scene(dates=2), asked), expected, atol=1e-4, rtol=1e-4)
