"""What makes a rival of any network: an input layer and a linear head for each data set, and our interface."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from stsun.bands import Band
from stsun.configuration import Bands, Configuration
from stsun.data.sample import Sample
from stsun.errors import ConfigurationError
from stsun.tasks import channels, output_periods

WIDTH = 16
"""Channels of a date behind an input layer: as many as STSUN's virtual bands."""

Key = tuple[str, float | None]
Periods = Sequence[tuple[int, int]]


def key_of(band: Band) -> Key:
    """Return what tells a band, also in batches that are told no bandwidths."""
    return band.name, band.wavelength_nm


@dataclass(frozen=True)
class Port:
    """What a data set brings and asks for.

    Args:
        bands: All its bands.
        means: Of each band, over the valid pixels that it was made from.
        deviations: Standard deviation of each band.
        task: The task.
        categories: Their names.
        per_date: Whether a segmentation has one map per date.
        dates: Of the longest series.
    """

    bands: tuple[Key, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    task: str
    categories: tuple[str, ...]
    per_date: bool
    dates: int

    @property
    def form(self) -> str:
        """``image``, ``series`` (one map of many dates), ``dated`` (a map of each date) or ``pair``."""
        if self.task == "binary_change":
            return "pair"
        if self.task == "semantic_change" or self.per_date:
            return "dated"
        return "image" if self.dates == 1 else "series"

    def takes(self, configuration: Configuration) -> bool:
        """Return whether a batch can be of this data set; it may lack bands."""
        asked = (configuration.task, configuration.categories, configuration.per_date)
        keys = {key_of(band) for own in configuration.sensors for band in own}
        return asked == (self.task, self.categories, self.per_date) and keys <= set(self.bands)


def port_of(samples: Iterable[Sample]) -> Port:
    """Return what the samples of a data set, at least one, bring and ask for."""
    sums: dict[Key, np.ndarray] = {}
    dates = 0
    for sample in samples:
        dates, configuration = max(dates, len(sample.images)), sample.configuration
        for image, valid, bands in zip(
            sample.images, sample.valid, configuration.bands_of_dates(len(sample.images)), strict=True
        ):
            for values, band in zip(image[:, valid].astype(np.float64), bands, strict=True):
                found = np.array([values.size, values.sum(), np.square(values).sum()])
                sums[key_of(band)] = sums.get(key_of(band), 0) + found
    counts, totals, squares = np.stack(list(sums.values())).T
    means = totals / counts.clip(1)
    deviations = np.sqrt((squares / counts.clip(1) - means**2).clip(0))
    deviations[deviations < 1e-6 * (1 + np.abs(means))] = 1  # a band of one value
    return Port(
        bands=tuple(sums),
        means=tuple(means.tolist()),
        deviations=tuple(deviations.tolist()),
        task=configuration.task,
        categories=configuration.categories,
        per_date=configuration.per_date,
        dates=dates,
    )


class Trunk(nn.Module):
    """The rival proper: from features of dates to features of maps.

    Its ``forward(features, seen, days, periods)`` takes ``B T WIDTH H W``, ``B T H W`` bool, ``B T`` and the (start,
    end) dates of each map, and returns ``B M outputs H W``.

    Attributes:
        outputs: Channels of its maps.
        multiple: Heights and widths are multiples of this.
        window: Larger images are cut into squares of this side, a multiple of ``multiple``; None = they are not.
    """

    outputs: int
    multiple: int
    window: int | None = None


class Input(nn.Module):
    """Standardised bands in their places, zero where there is none, and validity, mixed to WIDTH channels."""

    means: Tensor
    deviations: Tensor

    def __init__(self, port: Port) -> None:
        super().__init__()
        self.places = {band: place for place, band in enumerate(port.bands)}
        for name in ("means", "deviations"):
            self.register_buffer(name, torch.tensor(getattr(port, name))[:, None, None])
        self.mix = nn.Conv2d(len(port.bands) + 1, WIDTH, 1)

    def forward(self, dates: Sequence[Tensor], valid: Tensor, configuration: Configuration) -> Tensor:
        """Return ``B T WIDTH H W`` of T tensors ``B C_t H W``."""
        bands = configuration.bands_of_dates(len(dates))
        placed = [self._placed(date, valid[:, number], bands[number]) for number, date in enumerate(dates)]
        mixed: Tensor = self.mix(torch.cat(placed))
        return rearrange(mixed, "(t b) d h w -> b t d h w", t=len(dates))

    def _placed(self, image: Tensor, valid: Tensor, bands: Bands) -> Tensor:
        known = valid.unsqueeze(1)
        places = torch.tensor([self.places[key_of(band)] for band in bands], device=image.device)
        standard = torch.where(known, (image - self.means[places]) / self.deviations[places], 0.0)
        full = image.new_zeros(len(image), len(self.places), *image.shape[-2:])
        return torch.cat((full.index_copy(1, places, standard), known.to(image.dtype)), 1)


class Rival(nn.Module):
    """A trunk with an input layer and a linear head for each data set, called as STSUN is.

    Args:
        name: What it is called in scores.
        ports: Of its data sets. Of those that a configuration cannot tell apart the first one is used.
        trunk: The network.
    """

    def __init__(self, name: str, ports: Sequence[Port], trunk: Trunk) -> None:
        super().__init__()
        self.name = name
        self.ports = tuple(ports)
        self.inputs = nn.ModuleList(Input(port) for port in ports)
        self.trunk = trunk
        self.heads = nn.ModuleList(
            nn.Conv2d(trunk.outputs, channels(port.task, len(port.categories)), 1) for port in ports
        )

    def forward(
        self, images: Tensor | list[Tensor], valid: Tensor, days: Tensor, configuration: Configuration
    ) -> Tensor:
        """Return logits ``B M K H W`` (see `stsun.model.stsun.STSUN.forward`).

        Raises:
            ConfigurationError: No data set of this rival has such bands and categories.
        """
        number = self._port_of(configuration)
        dates = list(images.unbind(1)) if isinstance(images, Tensor) else images
        periods = output_periods(configuration.task, len(dates), configuration.per_date)
        maps = self._maps(self.inputs[number](dates, valid, configuration), valid, days, periods)
        logits: Tensor = self.heads[number](maps.flatten(0, 1))
        return logits.unflatten(0, maps.shape[:2])

    def _port_of(self, configuration: Configuration) -> int:
        for number, port in enumerate(self.ports):
            if port.takes(configuration):
                return number
        raise ConfigurationError(
            f"{self.name} has no input layer for {configuration.task} of {', '.join(configuration.categories)} from "
            "these bands; train it on the data set first"
        )

    def _maps(self, features: Tensor, seen: Tensor, days: Tensor, periods: Periods) -> Tensor:
        """Run the trunk on the image, padded, or on the windows it is cut into; ``B M outputs H W``."""
        height, width = seen.shape[-2:]
        side, across = self._side(height), self._side(width)
        padding = (0, -width % across, 0, -height % side)
        features, seen = F.pad(features, padding), F.pad(seen, padding)
        rows, columns = seen.shape[-2] // side, seen.shape[-1] // across
        maps = self.trunk(
            rearrange(features, "b t d (i h) (j w) -> (b i j) t d h w", i=rows, j=columns),
            rearrange(seen, "b t (i h) (j w) -> (b i j) t h w", i=rows, j=columns),
            days.repeat_interleave(rows * columns, 0),
            periods,
        )
        whole = rearrange(maps, "(b i j) m e h w -> b m e (i h) (j w)", i=rows, j=columns)
        return whole[..., :height, :width]

    def _side(self, length: int) -> int:
        padded = math.ceil(length / self.trunk.multiple) * self.trunk.multiple
        return padded if self.trunk.window is None else min(padded, self.trunk.window)
