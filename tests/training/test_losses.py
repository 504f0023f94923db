import math

import pytest
import torch
import torch.nn.functional as F
from monai.losses import DiceLoss

from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.training.losses import MISSED, loss

TASKS = ("segmentation", "binary_change", "semantic_change")


def configuration(task, categories=3):
    names = ("changed",) if task == "binary_change" else tuple(f"class {number}" for number in range(categories))
    return Configuration((Band("red", 665),), None, task, names)


def random_case(task, *, categories=3, ignored=0.3, seed=0, dates=2):
    generator = torch.Generator().manual_seed(seed)
    maps = {"segmentation": 1, "binary_change": dates - 1, "semantic_change": dates}[task]
    channels = 1 if task == "binary_change" else categories
    logits = torch.randn(2, maps, channels, 8, 9, generator=generator)
    labels = torch.randint(0, max(channels, 2), (2, maps, 8, 9), generator=generator)
    labels[torch.rand(labels.shape, generator=generator) < ignored] = 255
    return logits.requires_grad_(), labels


def test_segmentation_is_cross_entropy_in_units_of_a_guess_plus_dice():
    logits, labels = random_case("segmentation", ignored=0)
    scores, truth = logits[:, 0], labels[:, 0]
    dice = DiceLoss(to_onehot_y=True, softmax=True, batch=True, smooth_nr=1, smooth_dr=1)(scores, truth[:, None])
    expected = F.cross_entropy(scores, truth) / math.log(3) + dice
    assert loss(logits, labels, configuration("segmentation")).item() == pytest.approx(expected.item(), rel=1e-5)


def test_binary_change_is_cross_entropy_plus_dice_of_the_batch():
    logits, labels = random_case("binary_change", ignored=0)
    dice = DiceLoss(sigmoid=True, batch=True, smooth_nr=1, smooth_dr=1)(logits[:, 0], labels)
    entropy = F.binary_cross_entropy_with_logits(logits[:, 0, 0], labels[:, 0].float(), pos_weight=torch.tensor(MISSED))
    expected = entropy / math.log(2) + dice
    assert loss(logits, labels, configuration("binary_change")).item() == pytest.approx(expected.item(), rel=1e-5)


def test_semantic_change_adds_the_change_that_its_maps_imply():
    # one pixel, two dates, two categories with p = (0.9, 0.1) then (0.2, 0.8); truth 0 then 1
    logits = torch.tensor([[0.9, 0.1], [0.2, 0.8]]).log().reshape(1, 2, 2, 1, 1)
    labels = torch.tensor([0, 1]).reshape(1, 2, 1, 1)
    changed = 1 - (0.9 * 0.2 + 0.1 * 0.8)  # 0.74
    cross_entropy = -(math.log(0.9) + math.log(0.8)) / 2 / math.log(2) - MISSED * math.log(changed) / math.log(2)
    # Dice of a category: overlap 0.9 of 0.9 + 0.2 predicted and 1 labelled, or 0.8 of 0.1 + 0.8 and 1
    category_dice = ((1 - (1.8 + 1) / (1.1 + 1 + 1)) + (1 - (1.6 + 1) / (0.9 + 1 + 1))) / 2
    change_dice = 1 - (2 * changed + 1) / (changed + 1 + 1)
    expected = cross_entropy + category_dice + change_dice
    value = loss(logits, labels, configuration("semantic_change", 2))
    assert value.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("task", TASKS)
def test_every_gradient_is_finite_and_exactly_zero_where_ignored(task):
    logits, labels = random_case(task)
    with torch.no_grad():
        logits[0, :, :, 0] *= 1e4
        logits[1, :, :, 1] = 0.0
    loss(logits, labels, configuration(task)).backward()
    assert logits.grad.isfinite().all()
    ignored = (labels == 255).unsqueeze(2).expand_as(logits)
    assert (logits.grad[ignored] == 0).all()
    assert (logits.grad[~ignored] != 0).float().mean() > 0.8


@pytest.mark.parametrize("task", TASKS)
def test_ignored_pixels_may_hold_anything(task):
    logits, labels = random_case(task)
    spoiled = logits.detach().clone()
    spoiled[(labels == 255).unsqueeze(2).expand_as(spoiled)] = float("nan")
    spoiled.requires_grad_()
    value = loss(spoiled, labels, configuration(task))
    assert value.item() == loss(logits, labels, configuration(task)).item()
    value.backward()
    assert spoiled.grad.isfinite().all()


@pytest.mark.parametrize("task", TASKS)
def test_a_batch_without_labels_costs_exactly_nothing(task):
    logits, labels = random_case(task)
    value = loss(logits, torch.full_like(labels, 255), configuration(task))
    assert value.item() == 0
    value.backward()
    assert (logits.grad == 0).all()


@pytest.mark.parametrize("task", TASKS)
def test_a_right_answer_costs_next_to_nothing_and_a_wrong_one_much(task):
    _, labels = random_case(task, ignored=0)
    if task == "binary_change":
        right = torch.where(labels == 1, 20.0, -20.0).unsqueeze(2)
    else:
        right = 40.0 * F.one_hot(labels, 3).movedim(-1, 2).float()
    assert loss(right, labels, configuration(task)) < 0.01
    assert loss(-right, labels, configuration(task)) > 5


@pytest.mark.parametrize("categories", [2, 5, 20])
def test_an_untrained_network_costs_about_one_cross_entropy_whatever_the_number_of_categories(categories):
    _, labels = random_case("segmentation", categories=categories, ignored=0)
    logits = torch.zeros(2, 1, categories, 8, 9)
    value = loss(logits, labels, configuration("segmentation", categories))
    assert 1 < value.item() < 2


def test_a_category_that_is_neither_labelled_nor_predicted_has_no_part_in_dice():
    logits, labels = random_case("segmentation", categories=2, ignored=0)
    never = torch.full((2, 1, 1, 8, 9), -30.0)
    more = torch.cat([logits, never], 2)
    plain = loss(logits, labels, configuration("segmentation", 2)) - F.cross_entropy(
        logits[:, 0], labels[:, 0]
    ) / math.log(2)
    wider = loss(more, labels, configuration("segmentation", 3)) - F.cross_entropy(more[:, 0], labels[:, 0]) / math.log(
        3
    )
    assert wider.item() == pytest.approx(plain.item(), abs=1e-5)


def test_label_smoothing_spreads_the_labels():
    logits, labels = random_case("segmentation", ignored=0)
    plain = loss(logits, labels, configuration("segmentation"))
    smooth = loss(logits, labels, configuration("segmentation"), label_smoothing=0.05)
    expected = F.cross_entropy(logits[:, 0], labels[:, 0], label_smoothing=0.05) - F.cross_entropy(
        logits[:, 0], labels[:, 0]
    )
    assert (smooth - plain).item() == pytest.approx(expected.item() / math.log(3), abs=1e-5)


@pytest.mark.parametrize("task", TASKS)
def test_half_precision_logits_are_reckoned_in_full(task):
    logits, labels = random_case(task)
    half = logits.detach().bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        value = loss(half, labels, configuration(task))
    assert value.dtype == torch.float32
    assert value.item() == loss(half.float(), labels, configuration(task)).item()
