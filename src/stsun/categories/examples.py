"""From a few labelled pixels to the row of a category: a prototype, moved by a few steps of logistic regression."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from stsun.data.batching import collate
from stsun.data.sample import IGNORE, Sample
from stsun.errors import ConfigurationError
from stsun.model.inference import evaluating, within_memory
from stsun.model.stsun import STSUN
from stsun.tasks import NEUTRAL

MOST_PIXELS = 5_000
"""Of the labelled pixels of one sample at most so many are looked at, evenly spread."""
STEPS = 30
PULL, POWER = 0.01, 1.0
"""How much the prototype weighs against a single pixel that shows the category; against n pixels, 1 / n^power of that.
"""


@dataclass(frozen=True)
class Pixels:
    """Labelled pixels as the last layer sees them.

    Args:
        features: ``N E``, of length 1.
        shows: ``N`` bool, whether a pixel shows the new category.
        rival: ``N``, the logit of all else that is asked for: the log of the summed odds.
    """

    features: Tensor
    shows: Tensor
    rival: Tensor


def row_of_examples(model: STSUN, name: str, samples: Sequence[Sample]) -> Tensor:
    """Return the row ``E + 1`` of a category: direction and bias.

    Its direction is the mean feature of the pixels that show it. From there on both follow the gradient of the logistic
    loss against the categories that the model knows, whose rows are fixed; the direction is held near where it
    began, for few pixels say little.

    Args:
        model: The model, of ``head: category``.
        name: A category of the samples' configurations; of a binary change the kind, label 1.
        samples: With labels; 255 = not told.

    Raises:
        ConfigurationError: No pixel shows the category, or samples have no labels.
    """
    with evaluating(model, None) as device:
        found = [pixels_of(model, name, sample, device) for sample in samples]
    pixels = Pixels(*(torch.cat(parts) for parts in zip(*((p.features, p.shows, p.rival) for p in found), strict=True)))
    if not pixels.shows.any():
        raise ConfigurationError(
            f"no pixel of the {len(samples)} samples shows {name!r}; give samples in which some are labelled as it"
        )
    return fitted(pixels, float(model.ossum.head.log_scale.detach().exp()))


@torch.no_grad()
def pixels_of(model: STSUN, name: str, sample: Sample, device: torch.device) -> Pixels:
    """Return the labelled pixels of one sample.

    Raises:
        ConfigurationError: It has no labels, or the category is not one of its own.
    """
    configuration = sample.configuration
    if sample.labels is None or name not in configuration.categories:
        raise ConfigurationError(
            f"sample {sample.id!r} cannot show {name!r}: "
            + ("it has no labels" if sample.labels is None else f"it tells apart {', '.join(configuration.categories)}")
        )
    others = [other for other in configuration.categories if other in (*model.categories, *NEUTRAL)]
    asked = replace(configuration, categories=others or model.categories_for(configuration.task))
    batch = collate([replace(sample, labels=None, configuration=asked)]).to(device)
    tensors: Any = (batch.images, batch.valid, batch.days, asked)
    labels = torch.from_numpy(sample.labels)  # M H W
    places = _spread(labels != IGNORE)
    wanted = 1 if configuration.task == "binary_change" else configuration.categories.index(name)
    shows = (labels[places] == wanted).to(device)
    height, width = sample.size
    whole = f"sample {sample.id!r} of {height} x {width} pixels at {len(sample.images)} dates"
    with within_memory(whole, device, "cut it into smaller samples"):
        features = model.features(*tensors)[0].movedim(1, -1)[places]  # N E
        if configuration.task == "binary_change":
            return Pixels(features, shows, features.new_zeros(len(features)))
        return Pixels(features, shows, model(*tensors)[0].movedim(1, -1)[places].logsumexp(dim=-1))


def fitted(pixels: Pixels, scale: float, *, steps: int = STEPS, pull: float = PULL, power: float = POWER) -> Tensor:
    """Return direction (length 1) and bias as one row ``E + 1``; the same pixels give the same row.

    Args:
        pixels: The labelled pixels; those that show the category and those that do not weigh the same together.
        scale: What the head multiplies cosines by.
        steps: Of the quasi-Newton method (L-BFGS); 0 = the prototype alone.
        pull: Weight of the prototype (see `PULL`).
        power: How fast it falls with the number of pixels.
    """
    shows = pixels.shows
    prototype = F.normalize(pixels.features[shows].mean(dim=0), dim=0)
    margin = scale * pixels.features @ prototype - pixels.rival
    bias = _threshold(margin, shows)
    if not steps:
        return torch.cat([prototype, bias[None]])
    weight = torch.where(shows, 0.5 / shows.sum(), 0.5 / (~shows).sum().clamp(min=1)).to(margin)
    row = torch.cat([prototype, bias[None]]).detach().requires_grad_()
    method = torch.optim.LBFGS([row], max_iter=steps, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        method.zero_grad()
        direction = F.normalize(row[:-1], dim=0)
        logit = scale * pixels.features @ direction + row[-1] - pixels.rival
        misfit = (weight * F.binary_cross_entropy_with_logits(logit, shows.to(logit), reduction="none")).sum()
        moved = (row[:-1] - prototype).square().sum() * scale + (row[-1] - bias).square() / scale
        total: Tensor = misfit + pull / shows.sum() ** power * moved
        total.backward()
        return total

    method.step(loss)
    return torch.cat([F.normalize(row[:-1], dim=0), row[-1:]]).detach()


def _threshold(margin: Tensor, shows: Tensor) -> Tensor:
    """Return the bias that puts zero in the middle between the median margins of both kinds of pixels."""
    inside = margin[shows].median()
    outside = margin[~shows].median() if (~shows).any() else inside - 2
    return -(inside + outside) / 2


def _spread(known: Tensor) -> tuple[Tensor, ...]:
    places = known.nonzero()
    chosen = np.unique(np.linspace(0, max(len(places) - 1, 0), min(len(places), MOST_PIXELS)).round().astype(int))
    return places[torch.from_numpy(chosen)].unbind(dim=1)
