"""Which rivals there are, and what each can be trained on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch

from bit import Bit
from image_networks import NETWORKS, ImageTrunk
from perceiver import Perceiver
from rival import Port, Rival, Trunk
from siamese import FCSiamDiff
from stsun.tasks import channels
from tsvit import Tsvit
from utae import Utae
from vit import Vit

Ports = Sequence[Port]
FORMS = ("image", "dated", "pair", "series")
"""Of data sets: see `rival.Port.form`."""


@dataclass(frozen=True)
class Contender:
    """A kind of rival.

    Args:
        forms: Of the data sets it can be trained on, alone or on several together.
        trunk: From these data sets and the largest side that it shall see at once to its network.
    """

    forms: tuple[str, ...]
    trunk: Callable[[Ports, int], Trunk]


def _image_trunk(name: str, ports: Ports, _window: int) -> Trunk:
    return ImageTrunk(NETWORKS[name], pairs=any(port.form == "pair" for port in ports))


def _tsvit(ports: Ports, _window: int) -> Trunk:
    return Tsvit(max(channels(port.task, len(port.categories)) for port in ports))


ROSTER: dict[str, Contender] = {
    **{name: Contender(("image", "dated", "pair"), partial(_image_trunk, name)) for name in NETWORKS},
    "fc-siam-diff": Contender(("pair",), lambda _ports, _window: FCSiamDiff()),
    "bit": Contender(("pair",), lambda _ports, _window: Bit()),
    "u-tae": Contender(("series",), lambda _ports, _window: Utae()),
    "tsvit": Contender(("series",), _tsvit),
    "perceiver-io": Contender(FORMS, lambda _ports, window: Perceiver(window)),
    "vit": Contender(FORMS, lambda _ports, window: Vit(window)),
}
"""By name; the networks for images are those whose speed `benchmarks/speed/rivals.py` measures."""


def suits(name: str, ports: Ports) -> bool:
    """Return whether a rival can be trained on these data sets."""
    return all(port.form in ROSTER[name].forms for port in ports)


def build(name: str, ports: Ports, *, window: int, seed: int) -> Rival:
    """Return an untrained rival; the global random state is left as it was.

    Args:
        name: One of ``ROSTER``.
        ports: Of the data sets it is to be trained on.
        window: Side in pixels of the crops it is trained on; those that see all at once see no more than that later.
        seed: Of the random weights.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Rival(name, ports, ROSTER[name].trunk(ports, window))
