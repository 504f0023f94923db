"""Foundation models: the features of a frozen backbone (DINOv3, DOFA, OlmoEarth, ...) for the decoder of STSUN."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import torch
import torch.nn.functional as F
from einops import rearrange
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from stsun.configuration import Configuration
from stsun.errors import CheckpointError, ConfigurationError
from stsun.files import appearing
from stsun.model import checkpoint
from stsun.model.backbone import BackboneLevels, cells_of
from stsun.model.network import Images, checked
from stsun.model.stsun import STSUN

MODEL, LEVELS = "model", "backbone.safetensors"
"""What `save` writes: a folder with the checkpoint of the model, and the weights between it and the backbone."""


class OnBackbone(nn.Module):
    """STSUN on the features of a frozen backbone: trained, evaluated and asked for maps as STSUN itself is.

    What a date's map shows is added to the levels of STSUN's encoder, by learned projections that start at zero. From
    there on all is as it was: the temporal unification, the decoder, and the bands at native resolution with their
    detail.

    Args:
        model: What learns, with the projections: shipped, or fresh (``depths=(0, 0, 0)`` leaves its own encoder only a
            stem).
        backbone: Called with the images of one sensor ``B T C H W`` (H and W multiples of the stride, zero where
            invalid), their bands, and days ``B T``; gives maps ``B T c h w``, or tokens ``B T n c``, row by row.
        channels: Of its features, c.
        stride: Pixels along one side of what one feature stands for.
        prefix: Tokens that come before those of the image, such as a class token and registers.
    """

    def __init__(self, model: STSUN, backbone: nn.Module, *, channels: int, stride: int, prefix: int = 0) -> None:
        super().__init__()
        self.model = model
        self.backbone = backbone.requires_grad_(False).eval()
        self.levels = BackboneLevels(channels, stride, model.encoder.strides, model.config.widths)
        self.prefix = prefix

    @property
    def name(self) -> str:
        """What it is called in scores."""
        return f"{self.model.name} on {type(self.backbone).__name__}"

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of the categories the model knows."""
        return self.model.categories

    @property
    def colors(self) -> dict[str, str]:
        """Colours of categories."""
        return self.model.colors

    @property
    def temperatures(self) -> dict[str, float]:
        """What logits of a task are divided by before they become probabilities."""
        return self.model.temperatures

    def categories_for(self, task: str) -> tuple[str, ...]:
        """Names to ask for when all that the model knows for a task is wanted."""
        return self.model.categories_for(task)

    def check_categories(self, configuration: Configuration) -> None:
        """Refuse categories that ``forward`` would refuse.

        Raises:
            ConfigurationError: The model does not know a category that is asked for.
        """
        self.model.check_categories(configuration)

    def train(self, mode: bool = True) -> Self:
        """Put all but the backbone into training mode."""
        super().train(mode)
        self.backbone.eval()
        return self

    def forward(self, images: Images, valid: Tensor, days: Tensor, configuration: Configuration) -> Tensor:
        """Return logits ``B T2 K H W``.

        Args:
            images: ``B T C H W`` float32, physical values; or a list of T tensors ``B C_t H W``.
            valid: ``B T H W`` bool; values of invalid pixels are never read.
            days: ``B T`` float64, days since 1970-01-01 UTC, NaN = unknown.
            configuration: What the batch shares.

        Raises:
            ConfigurationError: The tensors do not fit the configuration or one another, or the backbone gives something
                else than was told.
        """
        made, step = self.model.made(configuration), self.model.config.stride
        height, width = cells_of(valid.shape[-2:], step)
        added = self.levels(self.maps(images, valid, days, configuration), (height * step, width * step))
        return self.model.run(images, valid, days, configuration, made, added)

    @torch.no_grad()
    def maps(self, images: Images, valid: Tensor, days: Tensor, configuration: Configuration) -> Tensor:
        """Return what the backbone makes of each date, ``B T c h w`` float32; it sees the dates of a sensor together.

        Raises:
            ConfigurationError: The tensors do not fit the configuration, or it gives something else than was told.
        """
        dates, bands, _ = checked(images, valid, days, configuration)
        stride = self.levels.stride
        cells = cells_of(valid.shape[-2:], stride)
        pad = (0, cells[1] * stride - valid.shape[-1], 0, cells[0] * stride - valid.shape[-2])
        found: dict[int, Tensor] = {}
        for sensor in configuration.sensors:
            members = [index for index, own in enumerate(bands) if own == sensor]
            shown = torch.stack([torch.where(valid[:, i, None], dates[i].float(), 0.0) for i in members], dim=1)
            features = self.backbone(F.pad(shown, pad), sensor, days[:, members])
            maps = as_maps(features, (len(valid), len(members), self.levels.channels, *cells), self.prefix)
            found.update(zip(members, maps.float().unbind(1), strict=True))
        return torch.stack([found[index] for index in range(len(dates))], dim=1)


class EachDate(nn.Module):
    """A backbone that sees one image at a time, asked for series.

    Args:
        network: Called with images ``N C H W`` and their bands; gives maps ``N c h w``, or tokens ``N n c``.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor, bands: Sequence[Any], days: Tensor) -> Tensor:
        """Return ``B T c h w`` or ``B T n c`` of images ``B T C H W``."""
        features: Tensor = self.network(rearrange(images, "b t c h w -> (b t) c h w"), bands)
        return features.unflatten(0, images.shape[:2])


def as_maps(features: Tensor, shape: tuple[int, ...], prefix: int = 0) -> Tensor:
    """Return maps ``B T c h w`` of what a backbone gave.

    Args:
        features: Maps already, or tokens ``B T n c``, row by row.
        shape: Of the maps: ``B T c h w``.
        prefix: Tokens that come before those of the image.

    Raises:
        ConfigurationError: They are of another shape.
    """
    batch, dates, channels, height, width = shape
    expected = (batch, dates, prefix + height * width, channels)
    if tuple(features.shape) == expected:
        return rearrange(features[:, :, prefix:], "b t (h w) c -> b t c h w", h=height)
    if tuple(features.shape) != shape:
        more = features.shape[2] - height * width if features.ndim == 4 else 0
        hint = f"; {more} tokens are not of the image: prefix={more}?" if more > 0 and more != prefix else ""
        raise ConfigurationError(
            f"the backbone gave features of shape {tuple(features.shape)}, expected maps {shape} or tokens {expected} "
            f"(batch, dates, tokens, channels){hint}; check channels, stride and prefix, and that it pools nothing"
        )
    return features


def save(model: OnBackbone, folder: str | Path, card: Mapping[str, Any]) -> Path:
    """Write all that was learned, but not the backbone; return the folder.

    Args:
        model: The model.
        folder: Made if need be.
        card: What else is known of the model (see `stsun.model.checkpoint.save`), such as which backbone it is for.

    Raises:
        CheckpointError: The folder cannot be written, or the card is no JSON.
    """
    folder = Path(folder)
    checkpoint.save(model.model, folder / MODEL, card)
    told = {"channels": model.levels.channels, "stride": model.levels.stride, "prefix": model.prefix}
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.levels.state_dict().items()}
    try:
        with appearing(folder / LEVELS) as unfinished:
            save_file(weights, unfinished, metadata={name: str(value) for name, value in told.items()})
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"cannot write {folder / LEVELS}: {error}") from error
    return folder


def load(folder: str | Path, backbone: nn.Module, *, device: str | torch.device = "cpu") -> OnBackbone:
    """Return a model that `save` has written, in evaluation mode.

    Args:
        folder: The folder.
        backbone: That which it was trained on, with the same weights: nobody can check that.
        device: Where to put both.

    Raises:
        CheckpointError: A file is missing or damaged, or the files do not fit one another.
        ConfigurationError: This machine has no such device.
    """
    inner = checkpoint.load(Path(folder) / MODEL, device=device)
    file = Path(folder) / LEVELS
    try:
        with safe_open(file, framework="pt") as opened:
            told = {name: int(value) for name, value in (opened.metadata() or {}).items()}
            weights = {name: opened.get_tensor(name) for name in opened.keys()}
        model = OnBackbone(inner, backbone, **told)
        model.levels.load_state_dict(weights, strict=True)
    except (OSError, SafetensorError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"cannot read {file}, which goes with the model in {folder}: {error}") from error
    return model.to(device).eval()
