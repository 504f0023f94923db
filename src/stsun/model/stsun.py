"""STSUN: one network for any bands, dates, size, task and set of categories."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stsun.configuration import Configuration
from stsun.errors import ConfigurationError
from stsun.model.blocks import MLP
from stsun.model.config import STSUNConfig, named_config
from stsun.model.decoder import PlainDecoder, PyramidDecoder
from stsun.model.encoder import Encoder
from stsun.model.encodings import GSD_FEATURES, encode_gsd
from stsun.model.issum import SpectralUnification
from stsun.model.network import Images, Made, Network, check_configuration, checked, dates_of
from stsun.model.ossum import OSSUM, Scoring
from stsun.model.tum import TemporalUnification
from stsun.tasks import CHANGE, NEUTRAL, TASKS

Request = tuple[Images, Tensor, Tensor, Configuration]
REQUEST = ("images", "valid", "days", "configuration")
"""The parts of a request."""


class STSUN(Network):
    """The Spatial-Temporal-Spectral Unified Network (arXiv 2505.12280).

    Every parameter serves every configuration: none is added for new bands, dates, sizes, tasks or category subsets.

    Attributes:
        config: Its architecture and vocabulary.
        name: What it is called in scores: its checkpoint's name, or its size.
        colors: ``#rrggbb`` of categories, as the data sets it was trained on had them.
        temperatures: What logits are divided by before they become probabilities, by task or by task and categories
            (see `stsun.model.temperatures`); what is left out: 1.
        checkpoint: The weights file it was loaded from, or that it was grown from by a category; None = none.
    """

    def __init__(self, config: STSUNConfig) -> None:
        super().__init__()
        self.config = config
        self.name = f"STSUN {config.size}"
        self.colors: dict[str, str] = {}
        self.temperatures: dict[str, float] = {}
        self.checkpoint: Path | None = None
        pyramid = config.layout == "pyramid"
        self.tasks = nn.Parameter(torch.randn(len(TASKS), config.condition))
        self.gsd = MLP(GSD_FEATURES, 2 * config.condition, config.condition)
        self.issum = SpectralUnification(config)
        self.encoder = Encoder(config)
        channels, outs = config.widths, config.widths
        if pyramid:
            channels, outs = (config.virtual_bands, *channels), (config.embedding, *outs)
        self.tum = TemporalUnification(config, channels, outs)
        self.decoder = PyramidDecoder(config) if pyramid else PlainDecoder(config)
        self.ossum = OSSUM(config)

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of the categories the model knows."""
        return self.config.categories

    def categories_for(self, task: str) -> tuple[str, ...]:
        """Names to ask for when all that the model knows for a task is wanted."""
        return self.config.categories_for(task)

    def check_categories(self, configuration: Configuration) -> None:
        """Refuse categories that ``forward`` would refuse.

        Raises:
            ConfigurationError: The model does not know a category that is asked for.
        """
        asked = [name for group in _asked(configuration) for name in group if name not in NEUTRAL]
        if asked:
            self.ossum.table(asked)

    def forward(self, images: Images, valid: Tensor, days: Tensor, configuration: Configuration) -> Tensor:
        """Return logits ``B T2 K H W``.

        Args:
            images: ``B T C H W`` float32, physical values; or a list of T tensors ``B C_t H W``.
            valid: ``B T H W`` bool; values of invalid pixels are never read.
            days: ``B T`` float64, days since 1970-01-01 UTC, NaN = unknown.
            configuration: What the batch shares.

        Raises:
            ConfigurationError: The tensors do not fit the configuration or one another.
        """
        return self.run(images, valid, days, configuration, self.made(configuration))

    def features(self, images: Images, valid: Tensor, days: Tensor, configuration: Configuration) -> Tensor:
        """Return pixel features of length 1, ``B T2 E H W``: what rows of categories are compared with.

        The logit of a category is the scalar product with its direction, times the head's scale, plus its bias.

        Raises:
            ConfigurationError: The tensors do not fit the configuration or one another, or the model has no such rows
                (``head: generated``).
        """
        if self.config.head != "category":
            raise ConfigurationError(f"features need a model of head 'category'; this one has {self.config.head!r}")
        made, width = self.made(configuration), self.config.embedding
        axes = torch.eye(width, device=self.tasks.device)[:, None]
        scoring = Scoring(self.ossum.head.logits, self.ossum.patch, axes, axes.new_zeros(width), [1] * width)
        return self.run(images, valid, days, configuration, Made(made.mixings, scoring, made.condition))

    def made(self, configuration: Configuration) -> Made:
        """Return what the metadata of a configuration make of the network.

        Raises:
            ConfigurationError: It is none, or the model does not know a band without wavelength, or a category.
        """
        check_configuration(configuration)
        return Made(
            [self.issum(bands) for bands in configuration.sensors],
            self.ossum(_asked(configuration)),
            self._condition(configuration),
        )

    def forward_many(self, requests: Sequence[Request]) -> list[Tensor]:
        """Return the logits of unlike samples, each as ``forward`` would; like ones go through the network together.

        Raises:
            ConfigurationError: A request is none that ``forward`` would take; names its number, from 0.
        """
        groups: dict[Any, list[int]] = {}
        for index, request in enumerate(requests):
            try:
                images, valid, days, configuration = _four(request)
                checked(images, valid, days, configuration)
                self.check_categories(configuration)
            except ConfigurationError as problem:
                raise ConfigurationError(f"request {index}: {problem}") from problem
            groups.setdefault((configuration, valid.shape[1:]), []).append(index)
        results: dict[int, Tensor] = {}
        for (configuration, _), members in groups.items():
            dates, valid, days = zip(*(requests[index][:3] for index in members), strict=True)
            images = [torch.cat(date) for date in zip(*(dates_of(one) for one in dates), strict=True)]
            logits = self(images, torch.cat(valid), torch.cat(days), configuration)
            results.update(zip(members, logits.split([len(one) for one in valid]), strict=True))
        return [results[index] for index in range(len(requests))]

    def _condition(self, configuration: Configuration) -> Tensor:
        """Return the vector ``Z`` that task and GSD give."""
        condition = self.gsd(encode_gsd(configuration.gsd_m, self.tasks.device))
        weight = 1.0 if self.config.task_embedding else 0.0
        return F.silu(condition + weight * self.tasks[list(TASKS).index(configuration.task)])


def create(size: str, categories: Sequence[str], *, seed: int = 0, **choices: Any) -> STSUN:
    """Return an untrained model of a named size (nano, tiny, small, base, paper).

    Args:
        size: One of ``stsun.model.config.SIZES``.
        categories: Names of the categories it shall know; ``background``, ``unchanged`` and ``changed`` need
            not be among them.
        seed: Of the random weights; the global random state is left as it was.
        **choices: Fields of ``STSUNConfig`` to exchange, for example ``temporal="mean"``.

    Raises:
        ConfigurationError: No such size or choice.
    """
    config = named_config(size, categories, **choices)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return STSUN(config)


def _four(request: Request) -> Request:
    """Return a request, refusing what is none."""
    if not isinstance(request, Sequence) or len(request) != len(REQUEST):
        found = f"{len(request)} parts" if isinstance(request, Sequence) else type(request).__name__
        raise ConfigurationError(f"got {found}, expected {', '.join(REQUEST)}")
    return request


def _asked(configuration: Configuration) -> tuple[tuple[str, ...], ...]:
    """Return the names that each logit stands for; a binary change of no named kind is any change."""
    if configuration.task != "binary_change":
        return configuration.parts
    kinds = tuple(name for group in configuration.parts for name in group if name not in NEUTRAL)
    return (kinds or (CHANGE,),)
