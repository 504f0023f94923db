"""The three tasks, and the one rule that gives their output maps (interfaces: section 1)."""

from dataclasses import dataclass

from stsun.errors import ConfigurationError

NEUTRAL = ("background", "unchanged")
"""Categories that mean 'nothing of what is asked for': their logit is 0 by definition, wherever they occur."""

CHANGE = "changed"
"""The category of a binary change whose kind is not told; every model knows it."""


@dataclass(frozen=True)
class Task:
    """What one task answers.

    Args:
        name: ``segmentation``, ``binary_change`` or ``semantic_change``.
        minimum_dates: The fewest dates it makes sense for.
    """

    name: str
    minimum_dates: int


TASKS = {
    "segmentation": Task("segmentation", 1),
    "binary_change": Task("binary_change", 2),
    "semantic_change": Task("semantic_change", 2),
}


def check_task(name: str) -> Task:
    """Return the task of that name.

    Raises:
        ConfigurationError: There is no such task.
    """
    if not isinstance(name, str) or name not in TASKS:
        raise ConfigurationError(f"no task {name!r}; expected one of {', '.join(TASKS)}")
    return TASKS[name]


def output_periods(task: str, dates: int, per_date: bool = False) -> list[tuple[int, int]]:
    """Return the (start, end) date indices that each output map speaks for.

    A segmentation gives one map for the whole series, or one per date; a semantic change one per date; a binary
    change one per consecutive pair.

    Raises:
        ConfigurationError: Too few dates for the task.
    """
    minimum = check_task(task).minimum_dates
    if dates < minimum:
        raise ConfigurationError(
            f"{task} needs at least {minimum} date{'s' if minimum > 1 else ''}, got {dates}; "
            + ("give one image for each date" if minimum > 1 else "give at least one image")
        )
    if task == "binary_change":
        return [(i, i + 1) for i in range(dates - 1)]
    if task == "semantic_change" or per_date:
        return [(i, i) for i in range(dates)]
    return [(0, dates - 1)]


def channels(task: str, categories: int) -> int:
    """Return the number of logits per pixel: one for a binary change, else one per category."""
    return 1 if task == "binary_change" else categories
