"""How the bands of an image become red, green and blue: the composites that its bands allow."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from stsun.bands import Band

NAMED_NM = {
    "blue": 490.0, "green": 560.0, "red": 665.0, "infrared": 842.0, "short-wave infrared": 1610.0,
    "far short-wave infrared": 2190.0,
}  # fmt: skip
NEAR = 0.075
"""How far from these a band may lie and still be called by their name, as a share of the wavelength."""

RECIPES = {
    "true": ("True colour", ("red", "green", "blue")),
    "false": ("False colour: infrared, red, green", ("infrared", "red", "green")),
    "shortwave": ("False colour: short-wave infrared, infrared, red", ("short-wave infrared", "infrared", "red")),
    "geology": (
        "False colour: far and near short-wave infrared, red",
        ("far short-wave infrared", "short-wave infrared", "red"),
    ),
}
"""Key -> title, and what becomes red, green and blue; the first that the bands allow is shown first."""

POLARISATIONS = (("vv", "vh"), ("hh", "hv"))


class Channel(NamedTuple):
    """What one colour shows: a band by its place, or its difference to another (a ratio, in decibels)."""

    band: int
    minus: int | None = None


@dataclass(frozen=True)
class Composite:
    """One way to show an image.

    Args:
        key: What the page calls it.
        title: In words.
        channels: Red, green and blue; or one, in grey.
    """

    key: str
    title: str
    channels: tuple[Channel, ...]

    @property
    def places(self) -> list[int]:
        """The places of the bands that it needs, each once."""
        used = [place for channel in self.channels for place in channel if place is not None]
        return list(dict.fromkeys(used))


def composites_of(bands: Sequence[Band]) -> list[Composite]:
    """Return the ways to show an image of these bands, the most telling first; each band in grey comes last."""
    named = _named(bands)
    made = [
        Composite(key, title, tuple(Channel(named[name]) for name in names))
        for key, (title, names) in RECIPES.items()
        if all(name in named for name in names)
    ]
    made += _radar(bands)
    if not made and len(bands) >= 3:
        made.append(_as_they_come(bands))
    return made + [Composite(f"band-{place}", _title(band), (Channel(place),)) for place, band in enumerate(bands)]


def chosen(bands: Sequence[Band], key: str | None) -> Composite:
    """Return the composite of that key, or the first one where these bands have none of it."""
    offered = composites_of(bands)
    return next((one for one in offered if one.key == key), offered[0])


def _named(bands: Sequence[Band]) -> dict[str, int]:
    """Return the place of the band nearest to each named wavelength, where one is near enough."""
    optical = {place: band.wavelength_nm for place, band in enumerate(bands) if band.wavelength_nm is not None}
    found = {}
    for name, target_nm in NAMED_NM.items():
        place = min(optical, key=lambda place: abs(optical[place] - target_nm), default=None)
        if place is not None and math.isclose(optical[place], target_nm, rel_tol=NEAR):
            found[name] = place
    return found


def _radar(bands: Sequence[Band]) -> list[Composite]:
    tokens = [band.token for band in bands]
    return [
        Composite(
            like,
            f"{like.upper()}, {cross.upper()} and their difference",
            (
                Channel(tokens.index(like)),
                Channel(tokens.index(cross)),
                Channel(tokens.index(like), tokens.index(cross)),
            ),
        )
        for like, cross in POLARISATIONS
        if like in tokens and cross in tokens
    ]


def _as_they_come(bands: Sequence[Band]) -> Composite:
    """Return three bands as colours: from long waves to short where these are known, else the first three."""
    waves = {place: band.wavelength_nm for place, band in enumerate(bands) if band.wavelength_nm is not None}
    order = sorted(waves, key=lambda place: -waves[place])
    taken = [order[0], order[len(order) // 2], order[-1]] if len(order) >= 3 else [0, 1, 2]
    return Composite("bands", ", ".join(bands[place].name for place in taken), tuple(map(Channel, taken)))


def _title(band: Band) -> str:
    if band.wavelength_nm is None:
        return f"{band.name} in grey"
    said = f"{band.wavelength_nm:.0f} nm"
    return f"{band.name} in grey" if band.name == said else f"{band.name} ({said}) in grey"
