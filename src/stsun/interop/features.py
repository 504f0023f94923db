"""STSUN as a backbone of benchmark suites: ``forward_features``, and feature maps at several strides."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from stsun.configuration import Configuration
from stsun.errors import ConfigurationError
from stsun.interop.layouts import to_series
from stsun.model.stsun import STSUN
from stsun.tasks import output_periods


class FeatureMaps(nn.Module):
    """A model and the configuration of what it is shown; images in, feature maps out.

    Its parameters are those of the model: whoever wants it frozen calls ``requires_grad_(False)``.

    Args:
        model: The model, of ``layout: pyramid`` and ``head: category``.
        configuration: Bands, GSD and task; of the categories the features do not depend.
        layout: How images come (see `stsun.interop.layouts`); single images and dicts of modalities are fine, too.

    Attributes:
        strides: Of `forward_intermediates`.
        out_channels: Channels at each of them.
        embed_dim: Channels of `forward_features`.
    """

    def __init__(self, model: STSUN, configuration: Configuration, layout: str = "torchgeo") -> None:
        super().__init__()
        if model.config.layout != "pyramid" or model.config.head != "category":
            raise ConfigurationError(
                f"features at several strides need layout 'pyramid' and head 'category'; this model has "
                f"{model.config.layout!r} and {model.config.head!r}"
            )
        self.model, self.configuration, self.layout = model, configuration, layout
        self.strides = list(model.encoder.strides)
        self.out_channels = list(model.config.widths)
        self.embed_dim = model.config.embedding

    def forward(self, images: Tensor | Mapping[str, Tensor]) -> list[Tensor]:
        """Return what `forward_intermediates` does, of images that are valid throughout and of unknown days."""
        return self.forward_intermediates(images)

    def forward_features(
        self, images: Tensor | Mapping[str, Tensor], valid: Tensor | None = None, days: Tensor | None = None
    ) -> Tensor:
        """Return pixel features of length 1, ``B E H W``: what categories are compared with.

        Args:
            images: A batch in the layout.
            valid: ``B T H W`` bool; None = wherever the images are finite.
            days: ``B T`` float64, days since 1970-01-01 UTC; None = unknown.

        Raises:
            ConfigurationError: The images do not fit the configuration, or it asks for more than one map.
            DataError: They are of another layout.
        """
        return self.model.features(*self._request(images, valid, days), self.configuration)[:, 0]

    def forward_intermediates(
        self, images: Tensor | Mapping[str, Tensor], valid: Tensor | None = None, days: Tensor | None = None
    ) -> list[Tensor]:
        """Return maps ``B C h w`` of all dates together at each of `strides`, finest first; h is H / stride rounded up.

        Raises:
            ConfigurationError: As in `forward_features`.
            DataError: As in `forward_features`.
        """
        series, seen, times = self._request(images, valid, days)
        made = self.model.made(self.configuration)
        levels = self.model.unified(series, seen, times, self.configuration, made)
        height, width = series.shape[-2:]
        return [
            level[:, 0, : -(-height // stride), : -(-width // stride)].movedim(-1, 1)
            for level, stride in zip(levels, self.strides, strict=True)
        ]

    def _request(
        self, images: Tensor | Mapping[str, Tensor], valid: Tensor | None, days: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        series = to_series(images, self.layout).float()
        maps = len(output_periods(self.configuration.task, series.shape[1], self.configuration.per_date))
        if maps != 1:
            raise ConfigurationError(
                f"{self.configuration.task} of {series.shape[1]} dates gives {maps} maps, and so as many features; "
                "ask for one, such as a segmentation of the whole series"
            )
        seen = series.isfinite().all(dim=2) if valid is None else valid
        times = days if days is not None else torch.full(series.shape[:2], torch.nan, dtype=torch.float64)
        return series, seen, times.to(series.device)
