"""What an exported file says of itself: plain texts, JSON where they are more than a word."""

import json

from stsun import __version__
from stsun.configuration import Configuration
from stsun.errors import ConfigurationError
from stsun.export.request import as_written
from stsun.model.card import NORMALISATION
from stsun.model.checkpoint import read_card
from stsun.model.stsun import STSUN
from stsun.tasks import output_periods

INPUTS = (
    f"images: float32, batch dates bands height width; normalisation {NORMALISATION}. valid: bool, batch dates height "
    "width, true where there is data. days: float64, batch dates, days since 1970-01-01 UTC, NaN = unknown."
)
OUTPUT = (
    "logits: float32, batch maps categories height width; the first and last date of each map, counted from 0, are its "
    "periods; a binary change has one logit: of any of the categories."
)
UNSTATED = "not stated"
UNTRAINED = "none: the weights are not from a checkpoint"


def facts_of(model: STSUN, configuration: Configuration, weights: str) -> dict[str, str]:
    """Return what a file of this model and configuration says of itself.

    Args:
        model: The model; where its checkpoint is known, so is what it was trained on.
        configuration: With a settled number of dates.
        weights: How they are stored.

    Raises:
        ConfigurationError: The number of dates is not settled.
        CheckpointError: The model's checkpoint is not there any more, or damaged.
    """
    dates = configuration.dates
    if dates is None:
        raise ConfigurationError(
            "an export has a fixed number of dates, and this configuration is for any; list its bands date by date, "
            "such as bands=[bands] * 2 for pairs"
        )
    written = as_written(configuration)
    values = {
        "configuration": written,
        "bands": written["bands"],
        "categories": list(configuration.categories) or ["changed"],
        "colors": {name: model.colors[name] for name in configuration.categories if name in model.colors},
        "periods": output_periods(configuration.task, dates, configuration.per_date),
        "licence": _licences(model),
    }
    return {
        "model": model.name,
        "stsun": __version__,
        "weights": weights,
        "inputs": INPUTS,
        "output": OUTPUT,
        **{name: json.dumps(value) for name, value in values.items()},
    }


def _licences(model: STSUN) -> dict[str, str]:
    """Return the licence of each data set that the model was trained on."""
    if model.checkpoint is None:
        return {"training data": UNTRAINED}
    known = read_card(model.checkpoint).get("training_data", ())
    return {data.get("title") or data["name"]: data.get("licence") or UNSTATED for data in known}
