"""STSUN: one network for any bands, dates, size, task and set of categories."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from stsun.configuration import Bands, Configuration
from stsun.errors import ConfigurationError
from stsun.model.blocks import MLP
from stsun.model.config import STSUNConfig, named_config
from stsun.model.decoder import PlainDecoder, PyramidDecoder
from stsun.model.encoder import Encoder, Level, pool_valid
from stsun.model.encodings import GSD_FEATURES, encode_dates, encode_gsd, encode_periods
from stsun.model.issum import SpectralUnification, unify_dates
from stsun.model.ossum import OSSUM
from stsun.model.tum import TemporalUnification
from stsun.tasks import CHANGE, NEUTRAL, TASKS, output_periods

Images = Tensor | Sequence[Tensor]
Request = tuple[Images, Tensor, Tensor, Configuration]


class STSUN(nn.Module):
    """The Spatial-Temporal-Spectral Unified Network (arXiv 2505.12280).

    Every parameter serves every configuration: none is added for new bands, dates, sizes, tasks or category subsets.

    Attributes:
        config: Its architecture and vocabulary.
        name: What it is called in scores: its checkpoint's name, or its size.
        colors: ``#rrggbb`` of categories, as the data sets it was trained on had them.
        checkpoint: The weights file it was loaded from; None = none.
    """

    def __init__(self, config: STSUNConfig) -> None:
        super().__init__()
        self.config = config
        self.name = f"STSUN {config.size}"
        self.colors: dict[str, str] = {}
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
        asked = [name for name in _asked(configuration) if name not in NEUTRAL]
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
        dates, bands, periods = _checked(images, valid, days, configuration)
        height, width = valid.shape[-2:]
        dates, valid = _prepare(dates, valid, self.config.stride)
        condition = self._condition(configuration)

        levels = self._encode(dates, valid, bands, condition)
        maps = self._unify_time(levels, valid, days, configuration, periods)
        seen = _seen(valid, periods)
        pixels = self.decoder([rearrange(level, "b m h w c -> (b m) h w c") for level in maps], seen, condition)
        union = configuration.task == "binary_change"
        logits = self.ossum(pixels, _asked(configuration), union)
        return rearrange(logits, "(b m) k h w -> b m k h w", m=len(periods))[..., :height, :width]

    def forward_many(self, requests: Sequence[Request]) -> list[Tensor]:
        """Return the logits of unlike samples, each as ``forward`` would; like ones go through the network together.

        Raises:
            ConfigurationError: A request is none that ``forward`` would take; names its number, from 0.
        """
        groups: dict[Any, list[int]] = {}
        for index, (images, valid, days, configuration) in enumerate(requests):
            try:
                _checked(images, valid, days, configuration)
                self.check_categories(configuration)
            except ConfigurationError as problem:
                raise ConfigurationError(f"request {index}: {problem}") from problem
            groups.setdefault((configuration, valid.shape[1:]), []).append(index)
        results: dict[int, Tensor] = {}
        for (configuration, _), members in groups.items():
            dates, valid, days = zip(*(requests[index][:3] for index in members), strict=True)
            images = [torch.cat(date) for date in zip(*(_dates(one) for one in dates), strict=True)]
            logits = self(images, torch.cat(valid), torch.cat(days), configuration)
            results.update(zip(members, logits.split([len(one) for one in valid]), strict=True))
        return [results[index] for index in range(len(requests))]

    def _condition(self, configuration: Configuration) -> Tensor:
        """Return the vector ``Z`` that task and GSD give."""
        condition = self.gsd(encode_gsd(configuration.gsd_m, self.tasks.device))
        weight = 1.0 if self.config.task_embedding else 0.0
        return F.silu(condition + weight * self.tasks[list(TASKS).index(configuration.task)])

    def _encode(self, dates: Sequence[Tensor], valid: Tensor, bands: Sequence[Any], condition: Tensor) -> list[Level]:
        """Return the levels of all dates, finest first; in the pyramid the virtual bands themselves are the finest."""
        pixels = unify_dates(self.issum, dates, bands)
        patch = self.config.patch
        mask = rearrange(pool_valid(valid.flatten(0, 1), patch), "(b t) h w -> b t h w", t=len(dates))
        pixels = pixels * mask[:, :, None]
        levels = self.encoder(pixels, valid, condition)
        if self.config.layout == "plain":
            return levels
        return [Level(rearrange(pixels, "b t r h w -> b t h w r"), valid), *levels]

    def _unify_time(
        self,
        levels: list[Level],
        valid: Tensor,
        days: Tensor,
        configuration: Configuration,
        periods: Sequence[tuple[int, int]],
    ) -> list[Tensor]:
        whole = configuration.task == "segmentation" and not configuration.per_date
        usable = valid.flatten(2).any(dim=2)
        relations = encode_dates(days, usable, periods, whole)
        return self.tum(levels, relations, encode_periods(days, usable, periods, whole))


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


def _dates(images: Images) -> list[Tensor]:
    return list(images.unbind(1)) if isinstance(images, Tensor) else list(images)


def _checked(
    images: Images, valid: Tensor, days: Tensor, configuration: Configuration
) -> tuple[list[Tensor], tuple[Bands, ...], list[tuple[int, int]]]:
    """Return the image and the bands of each date, and the period of each output map."""
    if isinstance(images, Tensor) and images.ndim != 5:
        raise ConfigurationError(
            f"images has shape {tuple(images.shape)}, expected (batch, dates, bands, height, width); "
            "a single sample is a batch of one: images[None]"
        )
    dates = _dates(images)
    if not dates:
        raise ConfigurationError("no images; expected at least one date")
    bands = configuration.bands_of_dates(len(dates))
    _check(dates, valid, days, bands)
    return dates, bands, output_periods(configuration.task, len(dates), configuration.per_date)


def _check(dates: Sequence[Tensor], valid: Tensor, days: Tensor, bands: Sequence[Bands]) -> None:
    batch, _, height, width = dates[0].shape if dates[0].ndim == 4 else (0, 0, 0, 0)
    for index, (date, own) in enumerate(zip(dates, bands, strict=True)):
        if date.shape != (batch, len(own), height, width) or not height * width * batch:
            raise ConfigurationError(
                f"the image of date {index} has shape {tuple(date.shape)}, expected (batch, {len(own)} bands "
                f"[{', '.join(band.name for band in own[:12])}], height, width), the same size at all dates; "
                "list the bands of the configuration in the order of the channels"
            )
    for name, tensor, expected in (
        ("valid", valid, (batch, len(dates), height, width)),
        ("days", days, (batch, len(dates))),
    ):
        if tuple(tensor.shape) != expected:
            raise ConfigurationError(f"{name} has shape {tuple(tensor.shape)}, the images need {expected}")
    if valid.dtype != torch.bool:
        raise ConfigurationError(f"valid must be bool (true where there is data), got {valid.dtype}")


def _prepare(dates: Sequence[Tensor], valid: Tensor, stride: int) -> tuple[list[Tensor], Tensor]:
    """Zero what is invalid (NaN included) and pad bottom and right to a multiple of the stride, as invalid."""
    height, width = valid.shape[-2:]
    pad = (0, -width % stride, 0, -height % stride)
    clean = [
        F.pad(torch.where(mask[:, None], date.float(), 0.0), pad)
        for date, mask in zip(dates, valid.unbind(1), strict=True)
    ]
    return clean, F.pad(valid, pad)


def _seen(valid: Tensor, periods: Sequence[tuple[int, int]]) -> Tensor:
    """Return ``(B M) H W``: where any date of each map's period is valid."""
    maps = [valid[:, start : end + 1].any(dim=1) for start, end in periods]
    return rearrange(maps, "m b h w -> (b m) h w")


def _asked(configuration: Configuration) -> tuple[str, ...]:
    """Return the categories to score; a binary change of no named kind is any change."""
    categories: tuple[str, ...] = configuration.categories
    if configuration.task == "binary_change" and all(name in NEUTRAL for name in categories):
        return (CHANGE,)
    return categories
