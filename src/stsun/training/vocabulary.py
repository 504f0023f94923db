"""What a model must know to train on some data: categories, tokens, and which categories answer which task."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from stsun.bands import TOKENS, Band
from stsun.configuration import Bands, Configuration
from stsun.errors import ExperimentError
from stsun.model.checkpoint import load
from stsun.model.config import STSUNConfig
from stsun.model.stsun import STSUN, create
from stsun.tasks import NEUTRAL, TASKS
from stsun.training.plan import ModelPlan

DEFAULT_SIZE = "tiny"


@dataclass(frozen=True)
class Vocabulary:
    """The union over data sets; a name that occurs in several is one category.

    Args:
        categories: All names, in the order in which they occur.
        tokens: Names of bands without wavelength.
        task_categories: For each task the names that answer it.
        bands: All bands.
    """

    categories: tuple[str, ...]
    tokens: tuple[str, ...]
    task_categories: tuple[tuple[str, tuple[str, ...]], ...]
    bands: Bands


def vocabulary_of(configurations: Iterable[Configuration]) -> Vocabulary:
    """Return the vocabulary of all configurations together."""
    all_of = list(dict.fromkeys(configurations))
    bands = tuple(dict.fromkeys(band for configuration in all_of for band in _bands_of(configuration)))
    tasks = [(task, _names_for([each for each in all_of if each.task == task])) for task in TASKS]
    return Vocabulary(
        tuple(dict.fromkeys(name for configuration in all_of for name in configuration.categories)),
        tuple(dict.fromkeys(band.token for band in bands if band.token is not None)),
        tuple((task, names) for task, names in tasks if names),
        bands,
    )


def _bands_of(configuration: Configuration) -> Iterable[Band]:
    lists: tuple[Any, ...] = configuration.bands if configuration.mixed_sensors else (configuration.bands,)
    return (band for own in lists for band in own)


def _names_for(configurations: list[Configuration]) -> tuple[str, ...]:
    """A neutral category answers a task only where every data set has it: elsewhere its logit of 0 means nothing."""
    names = dict.fromkeys(name for configuration in configurations for name in configuration.categories)
    return tuple(
        name
        for name in names
        if name not in NEUTRAL or all(name in configuration.categories for configuration in configurations)
    )


def start_model(plan: ModelPlan, vocabulary: Vocabulary, *, seed: int) -> STSUN:
    """Return the model that training begins with: fresh, or a checkpoint's that has learned the missing names.

    Args:
        plan: Size and options of a fresh model, or the path of a checkpoint.
        vocabulary: What it must know.
        seed: Of fresh weights.

    Raises:
        ConfigurationError: No such size or option.
        CheckpointError: The checkpoint cannot be loaded.
        ExperimentError: Its architecture cannot learn new bands.
    """
    if plan.checkpoint is not None:
        return extended(load(plan.checkpoint), vocabulary, seed=seed)
    choices: dict[str, Any] = {name: _frozen(value) for name, value in plan.options.items()}
    if choices.get("spectral") == "fixed":
        choices.setdefault("fixed_bands", vocabulary.bands)
    tokens = tuple(dict.fromkeys((*TOKENS, *vocabulary.tokens)))
    return create(
        plan.size or DEFAULT_SIZE,
        vocabulary.categories,
        seed=seed,
        **{"tokens": tokens, "task_categories": vocabulary.task_categories, **choices},
    )


def extended(model: STSUN, vocabulary: Vocabulary, *, seed: int) -> STSUN:
    """Return the model with rows added for the names that it lacks; what it knew, it answers as before.

    Raises:
        ExperimentError: The model has one row per band (``spectral: fixed``) and lacks some.
    """
    config: STSUNConfig = model.config
    missing = [band.name for band in vocabulary.bands if band not in config.fixed_bands]
    if config.spectral == "fixed" and missing:
        raise ExperimentError(f"the checkpoint knows fixed bands only, and lacks {', '.join(missing)}; train afresh")
    known = dict(config.task_categories)
    new = dict(vocabulary.task_categories)
    tasks = tuple((task, _union(known.get(task, ()), new.get(task, ()))) for task in TASKS if task in {*known, *new})
    wider = replace(
        config,
        # the old rows first and in their order: new ones are appended to the table
        categories=_union(config.rows, _union(config.categories, vocabulary.categories)),
        tokens=_union(config.tokens, vocabulary.tokens),
        task_categories=tasks,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        grown = STSUN(wider)
    weights = grown.state_dict()
    for name, old in model.state_dict().items():
        weights[name][: len(old)].copy_(old) if old.ndim else weights[name].copy_(old)
    return grown


def _union(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    return Band(**value) if isinstance(value, Mapping) else value
