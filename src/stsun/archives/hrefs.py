"""Where the files of a STAC item are: addresses in it to paths that can be opened."""

import re
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from stsun.errors import ConfigurationError

_REMOTE = re.compile(r"https?://[^\s]+", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://.*")


def located(base: str, href: str) -> str | None:
    """Return a local file's path or an http(s) address; None where there is no such file, or nothing can reach it.

    Only files that are there count as local, so that none of GDAL's virtual paths slips in.

    Args:
        base: The item's own file or address.
        href: As written in the item.
    """
    try:
        if _REMOTE.fullmatch(href):
            return href
        if href.lower().startswith("file://"):
            path = Path(unquote(urlsplit(href).path))
        elif _SCHEME.fullmatch(href) or not href:
            return None
        elif _REMOTE.fullmatch(base):
            return _served(base, href)
        else:
            path = Path(base).parent / href
        return str(path) if path.is_file() else None
    except (OSError, ValueError):  # no path or address at all, such as one with a NUL
        return None


def is_remote(path: str) -> bool:
    """Return whether a located path is an http(s) address."""
    return _REMOTE.fullmatch(path) is not None


def readable(where: str, path: str, remote: bool) -> str:
    """Return a located path as GDAL opens it.

    Raises:
        ConfigurationError: It is remote, and that is not allowed; ``where`` is the item, for the message.
    """
    if not is_remote(path):
        return path
    if not remote:
        raise ConfigurationError(
            f"{where}: {path} lies on a server; fetch the files (those of an item to where it says), or allow reading "
            "over the network (--remote, in Python remote=True)"
        )
    return f"/vsicurl/{path}"


def _served(base: str, href: str) -> str | None:
    path = Path(href)
    if path.is_absolute() and path.is_file():
        return href
    address = urljoin(base, href)
    return address if _REMOTE.fullmatch(address) else None
