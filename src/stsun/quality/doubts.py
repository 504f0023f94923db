"""Labels in doubt: the samples that a trained model disagrees with most."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from stsun.data.dataset import DataSet
from stsun.data.sample import IGNORE, Sample
from stsun.errors import DataError
from stsun.evaluation.evaluate import logits_of
from stsun.evaluation.summary import scored_names
from stsun.model.inference import evaluating

CERTAIN = 0.9
"""A model that gives another category more than this probability contradicts the label."""

Progress = Callable[[int, int], object]


@dataclass(frozen=True)
class Doubt:
    """How far a model and the labels of one sample are apart.

    Args:
        split: The sample's split.
        id: The sample.
        loss: Mean cross-entropy of its scored pixels, in nats.
        contradicted: Share of its scored pixels where the model is certain of another category.
        labelled: The label of most of these pixels, or None where there are none.
        predicted: What the model sees in most of them instead.
    """

    split: str
    id: str
    loss: float
    contradicted: float
    labelled: str | None
    predicted: str | None


def doubts(
    model: nn.Module,
    dataset: DataSet,
    split: str,
    *,
    count: int = 20,
    device: str | torch.device | None = None,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Return the samples of a split with the highest loss, the highest first, as plain values (see `Doubt`).

    A high loss is a hint, no proof: it may be the label or the model that is wrong. On samples that the model was
    trained on, errors of labels show less the longer it was trained.

    Args:
        model: Takes images, valid, days and configuration, gives logits ``B T2 K H W``.
        dataset: The data set.
        split: Name of the split.
        count: How many samples to return.
        device: Where to compute; None = where the model is.
        progress: Told (samples done, samples in all).

    Raises:
        DataError: There is no such split, or a sample has no labels.
        ConfigurationError: This machine has no such device.
    """
    records, found = dataset.records(split), list[Doubt]()
    with evaluating(model, device) as used:
        for done, record in enumerate(records, start=1):
            doubt = _doubt(model, dataset.read(record), split, used)
            found += [] if doubt is None else [doubt]
            if progress is not None:
                progress(done, len(records))
    worst = sorted(found, key=lambda doubt: -doubt.loss)
    return [asdict(doubt) for doubt in worst[:count]]


@torch.inference_mode()
def _doubt(model: nn.Module, sample: Sample, split: str, device: torch.device) -> Doubt | None:
    """Return the doubts of one sample; None where no pixel is scored."""
    if sample.labels is None:
        raise DataError(f"sample {sample.id!r} has no labels; doubts are about labels")
    logits = logits_of(model, sample, device)  # T2 K H W
    if sample.configuration.task == "binary_change":
        logits = torch.cat([torch.zeros_like(logits), logits], dim=1)
    labels = torch.from_numpy(sample.labels)
    known = labels != IGNORE
    if not known.any():
        return None
    loss = F.cross_entropy(logits, labels, ignore_index=IGNORE)
    probability, best = logits.softmax(dim=1).max(dim=1)
    against = known & (best != labels) & (probability > CERTAIN)
    names = scored_names(sample.configuration)
    pairs = labels[against] * len(names) + best[against]
    most = int(pairs.bincount().argmax()) if len(pairs) else None
    return Doubt(
        split,
        sample.id,
        float(loss),
        int(against.sum()) / int(known.sum()),
        None if most is None else names[most // len(names)],
        None if most is None else names[most % len(names)],
    )
