"""The network for one configuration: what metadata make of it is computed once, and what makes it is gone."""

from collections.abc import Callable
from copy import deepcopy
from functools import lru_cache

import torch
from torch import Tensor, nn

from stsun.configuration import Configuration
from stsun.errors import ConfigurationError
from stsun.model.blocks import fold
from stsun.model.network import Images, Made, Network
from stsun.model.stsun import STSUN

KEPT = 4
"""Specialised networks that are held at a time."""


def specialise(model: STSUN, configuration: Configuration) -> "Specialised":
    """Return a network that gives the same logits for one configuration, and holds only what that needs.

    It shares nothing with the model, which stays as it is. Days stay input, and so what depends on them.

    Args:
        model: The model.
        configuration: What to specialise for. Where it lists bands date by date, the number of dates is settled, too.

    Raises:
        ConfigurationError: The model does not know a band without wavelength, or a category.
    """
    with torch.no_grad():
        return Specialised(model, configuration).requires_grad_(False).eval()


def fastest(model: nn.Module, configuration: Configuration) -> nn.Module:
    """Return what to ask for many answers of one configuration: the model specialised, if it is one that can be."""
    own_way = type(model).forward is not STSUN.forward
    return model if not isinstance(model, STSUN) or own_way else specialise(model, configuration)


def network_for(model: nn.Module) -> Callable[[Configuration], nn.Module]:
    """Return what gives the network to ask for each configuration: first the model, and specialised if asked again.

    To specialise takes as long as some ten small images gain by it.
    """
    seen: set[Configuration] = set()

    @lru_cache(maxsize=KEPT)
    def specialised(configuration: Configuration) -> nn.Module:
        return fastest(model, configuration)

    def network(configuration: Configuration) -> nn.Module:
        again = configuration in seen
        seen.add(configuration)
        return specialised(configuration) if again else model

    return network


class Specialised(Network):
    """The network for one configuration, from `specialise`.

    Attributes:
        name: That of the model.
        configuration: What it is for.
    """

    def __init__(self, model: STSUN, configuration: Configuration) -> None:
        super().__init__()
        made = model.made(configuration)
        self.config, self.name, self.configuration = model.config, model.name, configuration
        self.mixings, self.scoring = nn.ModuleList(made.mixings), made.scoring
        self.encoder, self.tum, self.decoder = deepcopy((model.encoder, model.tum, model.decoder))
        fold(self, made.condition)
        if configuration.dates == 1:
            self.tum.fold_one_date()

    def forward(
        self, images: Images, valid: Tensor, days: Tensor, configuration: Configuration | None = None
    ) -> Tensor:
        """Return logits ``B T2 K H W``, as the model would.

        Args:
            images: ``B T C H W`` float32, physical values; or a list of T tensors ``B C_t H W``.
            valid: ``B T H W`` bool; values of invalid pixels are never read.
            days: ``B T`` float64, days since 1970-01-01 UTC, NaN = unknown.
            configuration: Left out, or the one that the network is for.

        Raises:
            ConfigurationError: It is another one, or the tensors do not fit it or one another.
        """
        if configuration is not None and configuration != self.configuration:
            raise ConfigurationError(
                f"this network was specialised for {self.configuration}, but is asked for {configuration}; "
                "specialise the model for that one, too, or ask the model itself"
            )
        return self.run(images, valid, days, self.configuration, Made(list(self.mixings), self.scoring, None))
