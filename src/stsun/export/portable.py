"""The network as other runtimes get it: tensors in, tensors out, with any batch, height and width."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from stsun.model.blocks import AttentionBlock
from stsun.model.network import Images, dates_of
from stsun.model.specialise import Specialised
from stsun.model.windows import Window

OUTPUT = "logits"
LARGEST = 2**16
TRACED_SIZE = (72, 104)
"""Of the images that the network is traced with; what is traced holds for all sizes."""

Inputs = tuple[Images, Tensor, Tensor]


@dataclass(frozen=True)
class _FreeWindow(Window):
    def fit(self, length: int, side: int) -> tuple[int, int, int]:
        size, count, lead = super().fit(length, side)
        return (size, count, lead) if side == 0 else (_free(size), _free(count), _free(lead, 0) if self.shifted else 0)


class Portable(nn.Module):
    """A specialised network that pads its images itself, by sizes that tracing takes for free whole numbers.

    A size that is padded to a multiple of 16 inside the network is a quotient of the height, and what is reckoned with
    it further on soon is too long a formula. As a number of its own times 16 it stays short.
    """

    def __init__(self, network: Specialised) -> None:
        super().__init__()
        self.network = network
        for block in network.modules():
            if isinstance(block, AttentionBlock):
                block.window = _FreeWindow(**asdict(block.window))

    def forward(self, images: Images, valid: Tensor, days: Tensor) -> Tensor:
        """Return logits ``B T2 K H W`` of images ``B T C H W``, or, of unlike sensors, T tensors ``B C_t H W``."""
        stride = self.network.config.stride
        height, width = valid.shape[-2:]
        rows, columns = (stride * _free((length + stride - 1) // stride) for length in (height, width))

        def padded(tensor: Tensor) -> Tensor:
            return F.pad(tensor, (0, columns - tensor.shape[-1], 0, rows - tensor.shape[-2]))

        logits = self.network([padded(date) for date in dates_of(images)], padded(valid), days)
        return logits[..., :height, :width]


def traced(network: Portable) -> ExportedProgram:
    """Return the network as a graph of tensor operations, free in batch, height and width."""
    # as many samples as nothing else in the network, so that no other size is taken for the batch's
    inputs = scene(network.network, batch=3, height=TRACED_SIZE[0], width=TRACED_SIZE[1])
    with torch.no_grad(), quiet():
        return torch.export.export(
            network,
            inputs,
            dynamic_shapes=_dynamic(network.network),
            strict=False,
            prefer_deferred_runtime_asserts_over_guards=True,
        )


def input_names(network: Specialised) -> list[str]:
    """Return the names of the inputs: images (date by date where sensors differ), valid, days."""
    sensors, dates = network.configuration.sensors, network.configuration.dates or 1
    images = ["images"] if len(sensors) == 1 else [f"images_{date}" for date in range(dates)]
    return [*images, "valid", "days"]


def flat(inputs: Inputs) -> list[Tensor]:
    """Return the tensors of the inputs in the order of their names."""
    images, valid, days = inputs
    return [*([images] if isinstance(images, Tensor) else images), valid, days]


def scene(network: Specialised, *, batch: int, height: int, width: int, seed: int = 0) -> Inputs:
    """Return random reflectances with holes, whose pixels are NaN, and days, unknown for the last sample."""
    random = torch.Generator().manual_seed(seed)
    configuration = network.configuration
    bands = configuration.bands_of_dates(configuration.dates or 1)
    valid = torch.rand(batch, len(bands), height, width, generator=random) > 0.1
    days = 17_000 + torch.cumsum(torch.rand(batch, len(bands), generator=random, dtype=torch.float64) * 40, dim=1)
    days[-1] = torch.nan
    images = [
        torch.where(seen[:, None], torch.rand(batch, len(own), height, width, generator=random), torch.nan)
        for own, seen in zip(bands, valid.unbind(1), strict=True)
    ]
    return images if len(configuration.sensors) > 1 else torch.stack(images, dim=1), valid, days


@contextmanager
def quiet() -> Iterator[None]:
    """Keep back what torch and onnxruntime say of their own inner matters while they export."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _dynamic(network: Specialised) -> tuple[Any, Any, Any]:
    batch, height, width = (Dim(name, min=1, max=LARGEST) for name in ("batch", "height", "width"))
    dates = network.configuration.dates or 1
    images: Any = {0: batch, 3: height, 4: width}
    if len(network.configuration.sensors) > 1:
        images = [{0: batch, 2: height, 3: width}] * dates
    return images, {0: batch, 2: height, 3: width}, {0: batch}


def _free(number: int, least: int = 1) -> Any:
    """Return the number; while tracing, as one of which nothing is known but a lower bound."""
    free = torch.tensor(number).item()
    torch._check(free >= least)
    return free
