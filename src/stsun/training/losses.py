"""The loss of each task, all with one rule for ignored pixels: they count nowhere and get exactly zero gradient.

Every term is about 1 for an untrained network (cross-entropies are in units of a uniform guess), so that data sets
with two and with twenty categories weigh alike.
"""

import math

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from stsun.configuration import Configuration
from stsun.data.sample import IGNORE

SMOOTH = 1.0
"""Added to both sides of the Dice ratio, in pixels."""

MISSED = 1.5
"""What a pixel of change weighs against one without: F1 gains by calling changed what is more likely than half of the
F1 within reach (Lipton et al. 2014), not only what is more likely than not. How it was chosen: docs/design.md."""

LEAST_LOG_PROBABILITY = -1e-6


def loss(logits: Tensor, labels: Tensor, configuration: Configuration, *, label_smoothing: float = 0.0) -> Tensor:
    """Return the loss of one batch, a scalar in float32.

    Segmentation: cross-entropy plus Dice. Binary change: the same with one logit. Semantic change: the segmentation
    loss of every date, plus the binary one on the change that two consecutive maps imply.

    Args:
        logits: ``B T2 K H W``, any float type.
        labels: ``B T2 H W`` int64, 255 = ignore.
        configuration: Tells the task.
        label_smoothing: Probability that the labels leave to the other categories, 0..1; segmentation terms only.

    Returns:
        A scalar; exactly 0, with a gradient of zeros, where every pixel is ignored.
    """
    known = labels != IGNORE
    with torch.autocast(logits.device.type, enabled=False):
        # the select, rather than a product, also stops NaN of ignored pixels from reaching the gradient
        logits = torch.where(known.unsqueeze(2), logits.float(), 0.0)
        if configuration.task == "binary_change":
            return _change_loss(F.logsigmoid(logits[:, :, 0]), F.logsigmoid(-logits[:, :, 0]), labels == 1, known)
        total = _category_loss(logits, labels, label_smoothing)
        return total + _implied_change_loss(logits, labels) if configuration.task == "semantic_change" else total


def _category_loss(logits: Tensor, labels: Tensor, label_smoothing: float) -> Tensor:
    """Cross-entropy over known pixels plus Dice; logits ``B T2 K H W``, labels ``B T2 H W``."""
    scores = rearrange(logits, "b t k h w -> (b t) k h w")
    truth = rearrange(labels, "b t h w -> (b t) h w")
    total = F.cross_entropy(scores, truth, ignore_index=IGNORE, reduction="sum", label_smoothing=label_smoothing)
    count = (truth != IGNORE).sum().clamp(min=1)
    return total / count / math.log(max(scores.shape[1], 2)) + _category_dice(scores, truth)


def _category_dice(scores: Tensor, truth: Tensor) -> Tensor:
    """1 - Dice of each category over the whole batch, averaged over the categories that occur.

    A category occurs if a known pixel is labelled or predicted as it: one that is absent from both says nothing, one
    that is predicted where it is absent is an error.
    """
    categories = scores.shape[1]
    known = (truth != IGNORE).unsqueeze(1)
    wanted = torch.arange(categories, device=truth.device)[None, :, None, None] == truth.unsqueeze(1)  # N K H W
    predicted = (scores.argmax(1, keepdim=True) == torch.arange(categories, device=truth.device)[:, None, None]) & known
    occurs = (wanted | predicted).flatten(2).any(2).any(0)  # K
    probabilities = scores.softmax(1) * known
    overlap = (probabilities * wanted).sum((0, 2, 3))
    size = probabilities.sum((0, 2, 3)) + wanted.sum((0, 2, 3))
    dice = 1 - (2 * overlap + SMOOTH) / (size + SMOOTH)
    return (dice * occurs).sum() / occurs.sum().clamp(min=1)


def _implied_change_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Binary loss of the change that consecutive maps imply: its probability is 1 - sum_k p_k(t) p_k(t + 1)."""
    log_p = logits.log_softmax(2)
    log_same = torch.logsumexp(log_p[:, :-1] + log_p[:, 1:], 2).clamp(max=LEAST_LOG_PROBABILITY)  # B T-1 H W
    before, after = labels[:, :-1], labels[:, 1:]
    known = (before != IGNORE) & (after != IGNORE)
    return _change_loss(_log_of_complement(log_same), log_same, before != after, known)


def _change_loss(log_changed: Tensor, log_same: Tensor, changed: Tensor, known: Tensor) -> Tensor:
    """Cross-entropy over known pixels plus 1 - Dice over the whole batch; all arguments ``B T2 H W``.

    Not a Dice of each map: that of a map without change punishes every doubt, and crops without change are many. Scores
    pool all pixels, too, and a pooled Dice calls changed what the pooled F1 gains by.
    """
    entropy = -torch.where(changed, MISSED * log_changed, log_same)
    count = known.sum().clamp(min=1)
    cross_entropy = torch.where(known, entropy, 0.0).sum() / count / math.log(2)
    probability = torch.where(known, log_changed.exp(), 0.0)
    wanted = changed & known
    overlap = (probability * wanted).sum()
    return cross_entropy + 1 - (2 * overlap + SMOOTH) / (probability.sum() + wanted.sum() + SMOOTH)


def _log_of_complement(log_p: Tensor) -> Tensor:
    """Return log(1 - p) from log(p) < 0, accurate at both ends."""
    near_one = log_p > -math.log(2)
    # each branch gets an argument that is harmless for it: a NaN gradient in the branch not taken would spread
    close = torch.log(-torch.expm1(torch.where(near_one, log_p, -1.0)))
    far = torch.log1p(-torch.exp(torch.where(near_one, -1.0, log_p)))
    return torch.where(near_one, close, far)
