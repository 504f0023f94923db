"""A category more: one row of the table, from labelled pixels or from words; all other weights stay as they are."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from stsun.bands import is_name
from stsun.categories.examples import row_of_examples
from stsun.categories.words import Tower, row_of_words
from stsun.data.sample import Sample
from stsun.errors import ConfigurationError
from stsun.model.stsun import STSUN
from stsun.tasks import CHANGE, NEUTRAL, TASKS


def add_category(
    model: STSUN,
    name: str,
    samples: Sequence[Sample] = (),
    *,
    like: str | None = None,
    tower: Tower | None = None,
) -> STSUN:
    """Return a model that knows one category more; what it knew, it answers as before, bit by bit.

    Args:
        model: The model; left as it is.
        name: Of the new category.
        samples: Examples of one task, with the category among those of their configurations. A few labelled pixels do;
            all others have the label 255. Pixels with other labels tell what the category is not.
        like: In the place of examples: the name of a known category, of which the new one becomes a synonym, or words
            that say what it is (extra ``text``).
        tower: What embeds words; None = that of the extra.

    Raises:
        ConfigurationError: The name is none or taken, there are neither examples nor words or both, no pixel has the
            label, or the model has no rows to add to (``head: generated``).
    """
    if not is_name(name):
        raise ConfigurationError(f"the new category is called {name!r}, which is no name; give it one")
    if name in (*model.categories, *NEUTRAL, CHANGE):
        raise ConfigurationError(f"this model knows {name!r} already; choose another name")
    if bool(samples) == (like is not None):
        raise ConfigurationError(f"{name!r} needs either samples that show it, or like: words; give one of the two")
    if like is not None:
        row, nearest = row_of_words(model, like, tower)
        tasks = [task for task in TASKS if nearest in model.categories_for(task)]
    else:
        row, tasks = row_of_examples(model, name, samples), [samples[0].configuration.task]
    return _with_row(model, name, row, tasks)


def _with_row(model: STSUN, name: str, row: Tensor, tasks: Sequence[str]) -> STSUN:
    config = model.config
    listed = dict(config.task_categories)
    for task in tasks:
        # for a task that it was not trained for, the row of ``changed`` says nothing
        others = listed.get(task, tuple(other for other in config.categories_for(task) if other != CHANGE))
        listed[task] = (*others, name)
    # the rows in their order, the new one behind them
    neutral = tuple(other for other in config.categories if other in NEUTRAL)
    with torch.random.fork_rng(devices=[]):
        grown = STSUN(replace(config, categories=(*config.rows, *neutral, name), task_categories=tuple(listed.items())))
    table = "ossum.table.rows"
    weights = model.state_dict()
    weights[table] = torch.cat([weights[table], row.to(weights[table])[None]])
    grown.load_state_dict(weights)
    grown.name, grown.checkpoint = model.name, model.checkpoint
    grown.colors, grown.temperatures = dict(model.colors), dict(model.temperatures)
    return grown.to(weights[table].device).train(model.training)
