"""How tensors flow through the network, once metadata have made the weights that depend on them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from stsun.configuration import Bands, Configuration
from stsun.errors import ConfigurationError
from stsun.model.config import STSUNConfig
from stsun.model.decoder import PlainDecoder, PyramidDecoder, enlarge, enlarged_rows
from stsun.model.encoder import Encoder, Level
from stsun.model.encodings import encode_dates, encode_periods
from stsun.model.issum import unify_dates
from stsun.model.ossum import Scoring
from stsun.model.recompute import Recomputed, recomputed_by_groups, recomputed_by_rows
from stsun.model.strips import at_once, by_groups, by_strips
from stsun.model.tum import TemporalUnification
from stsun.tasks import output_periods

Images = Tensor | Sequence[Tensor]
Times = tuple[Tensor, Tensor]
"""What each date is to each output map, ``B M T F``, and what the map's period is, ``B M F``."""


@dataclass(frozen=True)
class Made:
    """What the metadata of a configuration make of the network.

    Args:
        mixings: From bands to virtual bands, a `Mixing` for each of ``configuration.sensors``.
        scoring: From pixel features to the logits of the categories asked for.
        condition: What scales and shifts every norm; None where the norms have taken it in.
    """

    mixings: Sequence[nn.Module]
    scoring: Scoring
    condition: Tensor | None


class Network(nn.Module):
    """The parts that all configurations share, and the one way through them.

    Attributes:
        recompute: Whether gradients are to take less memory and more time: what lies between the parts is then not kept
            for them, but computed again.
    """

    recompute = False
    config: STSUNConfig
    encoder: Encoder
    tum: TemporalUnification
    decoder: PyramidDecoder | PlainDecoder

    def run(
        self,
        images: Images,
        valid: Tensor,
        days: Tensor,
        configuration: Configuration,
        made: Made,
        added: Sequence[Tensor] | None = None,
    ) -> Tensor:
        """Return logits ``B T2 K H W``.

        Args:
            images: ``B T C H W`` float32, physical values; or a list of T tensors ``B C_t H W``.
            valid: ``B T H W`` bool; values of invalid pixels are never read.
            days: ``B T`` float64, days since 1970-01-01 UTC, NaN = unknown.
            configuration: What the batch shares.
            made: What its metadata make of the network.
            added: What to add to each level of the encoder, ``B T h w C``; None = nothing.

        Raises:
            ConfigurationError: The tensors do not fit the configuration or one another.
        """
        levels, times, seen = self._dates(images, valid, days, configuration, made, added)
        if self._sparing:
            logits = self._recomputed(levels, times, seen, made)
        elif isinstance(self.decoder, PyramidDecoder):
            logits = self._detailed(self.decoder, levels, times, seen, made)
        else:
            logits = made.scoring(self.decoder(_each(self.tum(levels, *times)), seen, made.condition))
        height, width = valid.shape[-2:]
        return rearrange(logits, "(b m) k h w -> b m k h w", b=valid.shape[0])[..., :height, :width]

    def unified(
        self, images: Images, valid: Tensor, days: Tensor, configuration: Configuration, made: Made
    ) -> list[Tensor]:
        """Return ``B M h w C`` of all output maps at each stride of the encoder, of images padded to the coarsest.

        Arguments are those of `run`.

        Raises:
            ConfigurationError: The tensors do not fit the configuration or one another.
        """
        levels, times, _ = self._dates(images, valid, days, configuration, made, None)
        return self.tum(levels[-len(self.config.widths) :], *times)

    def _dates(
        self,
        images: Images,
        valid: Tensor,
        days: Tensor,
        configuration: Configuration,
        made: Made,
        added: Sequence[Tensor] | None,
    ) -> tuple[list[Level], Times, Tensor]:
        """Return the levels of all dates, what they are to the maps, and ``(B M) H W``: where a map's period is seen.

        In the pyramid the virtual bands themselves are the finest level.
        """
        dates, bands, periods = checked(images, valid, days, configuration)
        dates, valid = _padded(dates, valid, self.config.stride)
        mixings = dict(zip(configuration.sensors, made.mixings, strict=True))
        if self._sparing:
            mixings = {sensor: Recomputed(mixing) for sensor, mixing in mixings.items()}
        pixels = unify_dates(mixings, dates, valid, bands)
        parted = recomputed_by_groups if self._sparing else by_groups
        levels: list[Level] = self.encoder(pixels, valid, made.condition, parted)
        if added is not None:
            levels = [Level(own.tokens + more, own.valid) for own, more in zip(levels, added, strict=True)]
        if self.config.layout == "pyramid":
            levels = [Level(pixels, valid), *levels]
        return levels, _times(valid, days, configuration, periods), _seen(valid, periods)

    @property
    def _sparing(self) -> bool:
        return self.recompute and torch.is_grad_enabled()

    def _recomputed(self, levels: list[Level], times: Times, seen: Tensor, made: Made) -> Tensor:
        """Return logits ``(B M) K H W``: dates are unified level by level, decoded are a few maps at a time."""
        decoder = self.decoder
        pixels = []
        if isinstance(decoder, PyramidDecoder):
            native, *levels = levels
            pixels = [recomputed_by_rows(self.tum.native(native.valid, *times), native)]

        def logits(*maps: Tensor) -> list[Tensor]:
            *coarser, seen = maps
            if not isinstance(decoder, PyramidDecoder):
                return [made.scoring(decoder(coarser, seen, made.condition))]
            finest = coarser.pop()
            coarse = enlarge(decoder.coarse(coarser, seen, made.condition), finest.shape[1:3])
            return [made.scoring(decoder.fine(finest, coarse, made.condition))]

        maps = _each([*Recomputed(self.tum)(levels, *times), *pixels])
        return recomputed_by_groups(logits, *maps, seen)[0]

    def _detailed(
        self, decoder: PyramidDecoder, levels: Sequence[Level], times: Times, seen: Tensor, made: Made
    ) -> Tensor:
        """Return logits ``(B M) K H W`` of the pyramid; all that is done at native resolution, strip by strip."""
        native, *others = levels
        coarse = decoder.coarse(_each(self.tum(others, *times)), seen, made.condition)
        height, width = native.tokens.shape[2:4]
        unify = self.tum.native(native.valid, *times)

        def logits(level: Level, enlarged: Tensor) -> Tensor:
            pixels = unify(level).flatten(0, 1)
            return made.scoring(decoder.fine(pixels, enlarged, made.condition))

        def rows(top: int, bottom: int) -> Tensor:
            near = Level(native.tokens[:, :, top:bottom], native.valid[:, :, top:bottom])
            return logits(near, enlarged_rows(coarse, top, bottom))

        if at_once(coarse):
            return logits(native, enlarge(coarse, torch.Size((height, width))))
        # of a date less is at work at a time than of a map
        return by_strips(rows, height, width * max(seen.shape[0], native.valid.shape[:2].numel() // 8))


def _each(maps: Sequence[Tensor]) -> list[Tensor]:
    return [rearrange(level, "b m h w c -> (b m) h w c") for level in maps]


def _times(valid: Tensor, days: Tensor, configuration: Configuration, periods: Sequence[tuple[int, int]]) -> Times:
    """Return what each date is to each output map, and what its period is."""
    whole = configuration.task == "segmentation" and not configuration.per_date
    usable = valid.flatten(2).any(dim=2)
    return encode_dates(days, usable, periods, whole), encode_periods(days, usable, periods, whole)


def dates_of(images: Images) -> list[Tensor]:
    """Return the image ``B C_t H W`` of each date."""
    return list(images.unbind(1)) if isinstance(images, Tensor) else list(images)


def check_configuration(given: object) -> None:
    """Refuse what is no configuration.

    Raises:
        ConfigurationError: It is none.
    """
    if not isinstance(given, Configuration):
        raise ConfigurationError(f"the configuration is {type(given).__name__}, expected a stsun.Configuration")


def checked(
    images: Images, valid: Tensor, days: Tensor, configuration: Configuration
) -> tuple[list[Tensor], tuple[Bands, ...], list[tuple[int, int]]]:
    """Return the image and the bands of each date, and the period of each output map.

    Raises:
        ConfigurationError: The tensors do not fit the configuration or one another.
    """
    check_configuration(configuration)
    if not isinstance(images, Tensor | Sequence):
        raise ConfigurationError(
            f"images is {type(images).__name__}, expected a tensor, or a list of one for each date"
        )
    if isinstance(images, Tensor) and images.ndim != 5:
        raise ConfigurationError(
            f"images has shape {tuple(images.shape)}, expected (batch, dates, bands, height, width); "
            "a single sample is a batch of one: images[None]"
        )
    dates = dates_of(images)
    if not dates:
        raise ConfigurationError("no images; expected at least one date")
    bands = configuration.bands_of_dates(len(dates))
    _check(dates, valid, days, bands)
    return dates, bands, output_periods(configuration.task, len(dates), configuration.per_date)


def _check(dates: Sequence[Tensor], valid: Tensor, days: Tensor, bands: Sequence[Bands]) -> None:
    told = {**{f"the image of date {index}": date for index, date in enumerate(dates)}, "valid": valid, "days": days}
    for name, given in told.items():
        if not isinstance(given, Tensor):
            raise ConfigurationError(f"{name} is {type(given).__name__}, expected a tensor")
    batch, _, height, width = dates[0].shape if dates[0].ndim == 4 else (0, 0, 0, 0)
    for index, (date, own) in enumerate(zip(dates, bands, strict=True)):
        if date.shape != (batch, len(own), height, width) or 0 in (batch, height, width):
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


def _padded(dates: Sequence[Tensor], valid: Tensor, stride: int) -> tuple[list[Tensor], Tensor]:
    """Pad bottom and right to a multiple of the stride, as invalid."""
    height, width = valid.shape[-2:]
    pad = (0, -width % stride, 0, -height % stride)
    if not torch.compiler.is_compiling() and not any(pad):  # padding by nothing would copy
        return list(dates), valid
    return [F.pad(date, pad) for date in dates], F.pad(valid, pad)


def _seen(valid: Tensor, periods: Sequence[tuple[int, int]]) -> Tensor:
    """Return ``(B M) H W``: where any date of each map's period is valid."""
    maps = [valid[:, start : end + 1].any(dim=1) for start, end in periods]
    return rearrange(maps, "m b h w -> (b m) h w")
