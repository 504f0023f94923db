"""Every choice that makes one STSUN, and the named sizes."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from stsun.bands import TOKENS, Band, is_name
from stsun.errors import ConfigurationError
from stsun.tasks import CHANGE, NEUTRAL, check_task

CHOICES = {
    "layout": ("pyramid", "plain"),
    "spectral": ("basis", "hypernetwork", "fixed"),
    "windows": ("cycle", "shifted", "global"),
    "temporal": ("attention", "linear", "mean"),
    "head": ("category", "generated"),
}
"""The modules that can be exchanged, for ablation, and their kinds; the first is the default."""

RANGES = {
    "virtual_bands": (1, 4096), "patch": (1, 64), "attention_width": (1, 4096), "window": (1, 1024),
    "temporal_heads": (1, 1024), "embedding": (1, 16_384), "condition": (1, 16_384),
    "widths": (1, 16_384), "depths": (0, 100), "decoder_depths": (0, 100),
}  # fmt: skip
"""Least and most of each number: beyond lies a slip of the pen, or a card that asks for all memory there is."""

LEVELS = ("widths", "depths", "decoder_depths")
"""What there is one number of for each level."""

SWITCHES = ("task_embedding", "surroundings")
"""What is either there or not."""

LONGEST_NAME = 1000
"""Characters of a category's or token's name."""


@dataclass(frozen=True)
class STSUNConfig:
    """Architecture and vocabulary of one model.

    Args:
        size: The name it was made from.
        categories: Names of the categories it knows.
        tokens: Names of the bands without wavelength that it knows.
        task_categories: Which categories each task was trained for; a task left out knows all.
        layout: ``pyramid`` (strides 4, 8, 16 with skips and a native-resolution path) or ``plain`` (one stride, as the
            paper has it).
        spectral: How bands become virtual bands: continuous spectral ``basis``, Transformer ``hypernetwork`` over all
            bands, or ``fixed`` rows learned for ``fixed_bands`` only.
        windows: Attention windows of successive blocks: ``cycle`` (square, global grid, wide, tall), ``shifted``
            (Swin), ``global``.
        temporal: How dates become output maps: ``attention``, ``linear`` (the paper's), ``mean``.
        head: How categories become logits: embedding dot product (``category``) or ``generated`` weights.
        virtual_bands: Channels after the spectral unification.
        patch: Side in pixels of the cell that the spectral unification and the generated head work on.
        widths: Channels of each level, finest first.
        depths: Encoder blocks of each level, per date.
        decoder_depths: Decoder blocks of each level, per output map.
        attention_width: Channels of one attention head.
        window: Tokens along one side of a square window.
        temporal_heads: Attention heads over dates, or hidden dates of the linear kind.
        embedding: Channels of pixel and category embeddings.
        condition: Channels of the task and GSD condition.
        task_embedding: Whether the task conditions the network.
        surroundings: Whether the encoder sees pixels relative to their neighbourhood, and that as context, or as they
            are; layout ``pyramid`` only.
        fixed_bands: The bands that ``spectral: fixed`` has rows for.
    """

    size: str
    categories: tuple[str, ...]
    tokens: tuple[str, ...] = TOKENS
    task_categories: tuple[tuple[str, tuple[str, ...]], ...] = ()
    layout: str = "pyramid"
    spectral: str = "basis"
    windows: str = "cycle"
    temporal: str = "attention"
    head: str = "category"
    virtual_bands: int = 16
    patch: int = 1
    widths: tuple[int, ...] = (48, 96, 160)
    depths: tuple[int, ...] = (2, 2, 3)
    decoder_depths: tuple[int, ...] = (1, 1, 2)
    attention_width: int = 32
    window: int = 8
    temporal_heads: int = 4
    embedding: int = 32
    condition: int = 64
    task_embedding: bool = True
    surroundings: bool = True
    fixed_bands: tuple[Band, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "categories", _named("categories", self.categories))
        tokens = (token.strip().lower() for token in _named("tokens", self.tokens))
        object.__setattr__(self, "tokens", tuple(dict.fromkeys(tokens)))
        for name, kinds in CHOICES.items():
            if getattr(self, name) not in kinds:
                raise ConfigurationError(f"{name} is {getattr(self, name)!r}; expected one of {', '.join(kinds)}")
        for name in RANGES:
            object.__setattr__(self, name, _numbers(name, getattr(self, name)))
        _check_switches(self)
        _check_levels(self)
        if self.layout == "pyramid" and self.patch != 1:
            raise ConfigurationError("layout 'pyramid' works at native resolution: patch must be 1")
        if self.layout == "plain" and self.surroundings:
            raise ConfigurationError("layout 'plain' knows no surroundings; set surroundings to False")
        if self.widths[-1] % self.attention_width:
            raise ConfigurationError(
                f"width {self.widths[-1]} is no multiple of {self.attention_width} (attention_width)"
            )
        if self.temporal == "attention" and self.temporal_heads % 2:
            raise ConfigurationError(
                f"temporal_heads is {self.temporal_heads}, expected an even number: heads are contrasted in pairs"
            )
        if self.spectral == "fixed" and not self.fixed_bands:
            raise ConfigurationError("spectral 'fixed' needs fixed_bands: the bands it shall learn rows for")
        _check_answers(self)

    @property
    def stride(self) -> int:
        """Pixels per token of the coarsest level; sizes are padded to a multiple of it."""
        return 16 if self.layout == "pyramid" else 8 * self.patch

    @property
    def rows(self) -> tuple[str, ...]:
        """Names of the rows of the category table: no neutral category has one, ``changed`` always has."""
        names = tuple(name for name in self.categories if name not in NEUTRAL)
        return names if CHANGE in names else (*names, CHANGE)

    def categories_for(self, task: str) -> tuple[str, ...]:
        """Return the names to ask for when a user asks for all that the model knows for a task."""
        known = dict(self.task_categories).get(check_task(task).name)
        if known is not None:
            return known
        return tuple(name for name in self.categories if name != CHANGE) if task != "binary_change" else (CHANGE,)


SIZES: dict[str, dict[str, object]] = {
    "nano": {
        "virtual_bands": 8, "widths": (24, 48, 96), "depths": (1, 1, 2), "decoder_depths": (1, 1, 1), "embedding": 24,
        "condition": 32,
    },
    "tiny": {},
    "small": {
        "widths": (56, 128, 256), "depths": (2, 2, 5), "decoder_depths": (1, 1, 3), "embedding": 40,
    },
    "base": {
        "virtual_bands": 24, "widths": (96, 192, 384), "depths": (3, 3, 9), "decoder_depths": (2, 2, 4),
        "embedding": 64, "condition": 128,
    },
    "paper": {
        "layout": "plain", "surroundings": False, "spectral": "hypernetwork", "temporal": "linear", "head": "generated",
        "virtual_bands": 32, "patch": 2, "widths": (384,), "depths": (4,), "decoder_depths": (4,),
        "attention_width": 64, "temporal_heads": 8, "condition": 384,
    },
}  # fmt: skip
"""Named sizes: what each changes of the defaults."""


def named_config(size: str, categories: Sequence[str], **changes: object) -> STSUNConfig:
    """Return the configuration of a named size, with some choices exchanged.

    Raises:
        ConfigurationError: No such size or choice, or a choice's value does not exist.
    """
    if size not in SIZES:
        raise ConfigurationError(f"no size {size!r}; expected one of {', '.join(SIZES)}")
    fields = {field.name for field in dataclasses.fields(STSUNConfig)} - {"size", "categories"}
    for name in changes.keys() - fields:
        close = get_close_matches(name, fields, 1)
        hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(fields))}"
        raise ConfigurationError(f"no choice {name!r}; {hint}")
    return STSUNConfig(size, categories, **{**SIZES[size], **changes})  # type: ignore[arg-type]


def _check_switches(config: STSUNConfig) -> None:
    for name in SWITCHES:
        if not isinstance(getattr(config, name), bool):
            raise ConfigurationError(f"{name} is {getattr(config, name)!r}; expected True or False")


def _check_levels(config: STSUNConfig) -> None:
    levels = 3 if config.layout == "pyramid" else 1
    for name in LEVELS:
        if len(getattr(config, name)) != levels:
            raise ConfigurationError(f"{name} needs {levels} numbers for layout {config.layout!r}")


def _check_answers(config: STSUNConfig) -> None:
    known = {*config.categories, *NEUTRAL, CHANGE}
    for task, names in config.task_categories:
        check_task(task)
        unknown = [name for name in names if name not in known]
        if unknown:
            raise ConfigurationError(f"{task} is to answer {unknown[0]!r}, which is none of the model's categories")


def _named(what: str, names: Sequence[str]) -> tuple[str, ...]:
    """Keep each name once."""
    if isinstance(names, str) or not isinstance(names, Sequence):
        raise ConfigurationError(f"{what} must be a list of names, got {names!r}; write ['water', 'forest']")
    if not all(map(is_name, names)):
        raise ConfigurationError(f"{what} are names, got {names!r}")
    if max(map(len, names), default=0) > LONGEST_NAME:
        raise ConfigurationError(f"{what} hold a name of more than {LONGEST_NAME} characters; shorten it")
    return tuple(dict.fromkeys(names))


def _numbers(name: str, value: object) -> object:
    """Return a number, or the numbers of all levels, within their range."""
    least, most = RANGES[name]
    several = isinstance(value, list | tuple)
    numbers = tuple(value) if isinstance(value, list | tuple) else (value,)
    if several != (name in LEVELS) or any(type(one) is not int or not least <= one <= most for one in numbers):
        wanted = "a list of whole numbers" if name in LEVELS else "a whole number"
        raise ConfigurationError(f"{name} is {value!r}; expected {wanted} from {least} to {most}")
    return numbers if several else value
