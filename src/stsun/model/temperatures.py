"""Which temperature a request has: that of its categories where one is known, else that of its task."""

from collections.abc import Mapping

from stsun.configuration import Configuration
from stsun.tasks import CHANGE


def key_of(configuration: Configuration) -> str:
    """Return the task and the set of categories asked for, such as ``segmentation: building, road``.

    What a category is called does not matter, but what it stands for in the model's words: ``lake=water`` is water, and
    merged ones are joined by ``+``. A binary change of no named kind is any change.
    """
    names = sorted("+".join(sorted(parts)) for parts in configuration.parts) or [CHANGE]
    return f"{configuration.task}: {', '.join(names)}"


def temperature_for(temperatures: Mapping[str, float], configuration: Configuration) -> float | None:
    """Return what logits of a request are divided by before they become probabilities; None = nothing is known.

    Args:
        temperatures: By task, and by what `key_of` returns.
        configuration: The request.
    """
    return temperatures.get(key_of(configuration), temperatures.get(configuration.task))
