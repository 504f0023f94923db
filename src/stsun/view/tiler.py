"""rio-tiler, imported without the packages by which it reads xarray's objects, too: they take seconds."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _hidden(*names: str) -> Iterator[None]:
    """Let Python believe that packages are not installed."""
    held = {name: sys.modules.get(name) for name in names}
    sys.modules.update(dict.fromkeys(names))  # type: ignore[arg-type]  # None says that there is none
    try:
        yield
    finally:
        for name, own in held.items():
            if own is None:
                del sys.modules[name]
            else:
                sys.modules[name] = own


with _hidden("xarray", "rioxarray"):
    from rio_tiler.reader import part
    from rio_tiler.utils import render

__all__ = ["part", "render"]
