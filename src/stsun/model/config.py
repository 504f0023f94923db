"""Every choice that makes one STSUN, and the named sizes."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from stsun.bands import TOKENS, Band
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
        windows: Attention windows of successive blocks: ``cycle`` (wide, square, tall, global grid), ``shifted``
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
    depths: tuple[int, ...] = (2, 2, 4)
    decoder_depths: tuple[int, ...] = (1, 1, 2)
    attention_width: int = 32
    window: int = 8
    temporal_heads: int = 6
    embedding: int = 32
    condition: int = 64
    task_embedding: bool = True
    fixed_bands: tuple[Band, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "categories", _named(self.categories))
        object.__setattr__(self, "tokens", tuple(dict.fromkeys(token.strip().lower() for token in self.tokens)))
        for name, kinds in CHOICES.items():
            if getattr(self, name) not in kinds:
                raise ConfigurationError(f"{name} is {getattr(self, name)!r}; expected one of {', '.join(kinds)}")
        levels = 3 if self.layout == "pyramid" else 1
        for name in ("widths", "depths", "decoder_depths"):
            if len(getattr(self, name)) != levels:
                raise ConfigurationError(f"{name} needs {levels} numbers for layout {self.layout!r}")
        if self.layout == "pyramid" and self.patch != 1:
            raise ConfigurationError("layout 'pyramid' works at native resolution: patch must be 1")
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
        for task, _ in self.task_categories:
            check_task(task)

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
        "widths": (64, 128, 256), "depths": (2, 2, 6), "decoder_depths": (1, 1, 3), "embedding": 48,
    },
    "base": {
        "virtual_bands": 24, "widths": (96, 192, 384), "depths": (3, 3, 9), "decoder_depths": (2, 2, 4),
        "embedding": 64, "condition": 128,
    },
    "paper": {
        "layout": "plain", "spectral": "hypernetwork", "temporal": "linear", "head": "generated",
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


def _named(categories: Sequence[str]) -> tuple[str, ...]:
    """Keep each name once."""
    if isinstance(categories, str) or not isinstance(categories, Sequence):
        raise ConfigurationError(f"categories must be a list of names, got {categories!r}; write ['water', 'forest']")
    if any(not isinstance(name, str) or not name.strip() for name in categories):
        raise ConfigurationError(f"categories are names, got {categories!r}")
    return tuple(dict.fromkeys(categories))
