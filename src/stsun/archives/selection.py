"""The bands of an acquisition that are asked for, by the product's names or by STAC common names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from stsun.archives.acquisition import BandFile
from stsun.bands import check_bands
from stsun.errors import ConfigurationError

_NUMBERED = re.compile(r"(?:SR_|ST_)?B0*(\d+A?)", re.IGNORECASE)


@dataclass(frozen=True)
class Candidate:
    """A band that there is.

    Args:
        file: Where it is, and what it measures.
        names: What it may be called besides its band's name: common name, asset.
    """

    file: BandFile
    names: tuple[str, ...] = ()


def select(where: str, candidates: Sequence[Candidate], only: Sequence[str] | None) -> tuple[BandFile, ...]:
    """Return the bands asked for, in the order asked for, or all.

    Args:
        where: The product, for messages.
        candidates: The bands that there are.
        only: Names (``B04`` is ``B4``, ``red``), in either case; None = all. A name that several bands share means all.

    Raises:
        ConfigurationError: A name is unknown, none is given, or the bands cannot be one image's.
    """
    if only is None:
        chosen = list(candidates)
    else:
        chosen = [candidate for name in only for candidate in _called(where, candidates, name)]
        if not chosen:
            raise ConfigurationError(f"{where}: no band is asked for; name at least one of {_listed(candidates)}")
    files = tuple(dict.fromkeys(candidate.file for candidate in chosen))
    try:
        check_bands([file.band for file in files])
    except ConfigurationError as problem:
        raise ConfigurationError(f"{where}: {problem}") from problem
    return files


def _called(where: str, candidates: Sequence[Candidate], name: str) -> list[Candidate]:
    key = _key(name)
    found = [
        candidate
        for candidate in candidates
        if key in {_key(own) for own in (candidate.file.band.name, *candidate.names)}
    ]
    if not found:
        raise ConfigurationError(f"{where}: has no band {name!r}; it has {_listed(candidates)}")
    return found


def _key(name: str) -> str:
    numbered = _NUMBERED.fullmatch(name.strip())
    return (f"b{numbered[1]}" if numbered else name.strip()).lower()


def _listed(candidates: Sequence[Candidate]) -> str:
    if not candidates:
        return "no band that is known"
    return ", ".join(
        candidate.file.band.name + "".join(f" ({name})" for name in candidate.names[:1]) for candidate in candidates
    )
