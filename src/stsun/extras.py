"""Packages that only some work needs: imported when it is done, and named with their extra where they are missing."""

from importlib import import_module
from typing import Any

from stsun.errors import ConfigurationError


def extra_package(name: str, extra: str, work: str) -> Any:
    """Return a package, or a module of it.

    Args:
        name: What to import, such as ``pyarrow.parquet``.
        extra: The extra of this package that installs it, such as ``vector``.
        work: What needs it, in the plural, for the message: ``polygons``.

    Raises:
        ConfigurationError: It is not installed.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"{work} need the package {error.name}, which is not installed; pip install 'stsun[{extra}]'"
        ) from error
