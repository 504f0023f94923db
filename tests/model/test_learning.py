"""A model can learn one batch of each task by heart, all three with the same weights."""

import pytest
import torch
import torch.nn.functional as F

from stsun.model.stsun import create
from stsun.tasks import TASKS
from stsun.training.losses import loss

from .conftest import CATEGORIES, PAPER, configuration, scene

KINDS = ("building", "water", "forest")


def world(task, seed):
    """A batch whose labels are blobs that show in the images only by a faint shift of their values."""
    images, valid, days = scene(batch=2, dates=2, height=32, width=32, seed=seed)
    maps = {"segmentation": 1, "binary_change": 1, "semantic_change": 2}[task]
    kinds = 2 if task == "binary_change" else len(KINDS)
    random = torch.Generator().manual_seed(seed)
    blobs = F.interpolate(torch.randn(2, maps * kinds, 5, 5, generator=random), 32, mode="bilinear")
    labels = blobs.unflatten(1, (maps, kinds)).argmax(2)
    images = (
        images + 0.1 * labels[:, :, None] if maps == 2 else images + 0.1 * labels[:, :, None].expand(-1, 2, -1, -1, -1)
    )
    return (images, valid, days, configuration(task=task, categories=KINDS)), labels


def loss_and_accuracy(request, logits, labels):
    found = logits[:, :, 0] > 0 if logits.shape[2] == 1 else logits.argmax(2)
    return loss(logits, labels, request[-1]), (found == labels).float().mean()


@pytest.mark.parametrize(("size", "options", "rate"), [("nano", {}, 4e-3), ("paper", PAPER, 2e-3)])
def test_one_model_overfits_one_batch_of_each_task(size, options, rate):
    model = create(size, CATEGORIES, seed=0, **options)
    batches = [world(task, seed) for seed, task in enumerate(TASKS)]
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0)
    steps = 400
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps)
    for _ in range(steps):
        results = [loss_and_accuracy(request, model(*request), labels) for request, labels in batches]
        if min(accuracy for _, accuracy in results) > 0.99:
            break
        optimiser.zero_grad()
        sum(value for value, _ in results).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    assert [round(float(accuracy), 3) for _, accuracy in results if accuracy <= 0.99] == []
