"""Rasters that stay open between two reads: opening takes its time, and blocks that were decoded are kept.

Nobody else ever holds them: each thread has its own, a forked process starts with none, and a raster in use is not
among them. A file that has changed in any way is closed and opened anew.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

MOST = 16
"""Rasters that one thread keeps open."""

State = tuple[tuple[int, int, int] | None, ...]


class Handle(NamedTuple):
    """An opened raster.

    Args:
        source: The raster.
        files: What it is made of, with the folder: a mask file may come to lie beside it.
        state: What `state_of` said of these when it was opened.
    """

    source: Any
    files: tuple[Path, ...]
    state: State


class _Handles(threading.local):
    def __init__(self) -> None:
        self._process = os.getpid()
        self._kept: OrderedDict[str, Handle] = OrderedDict()

    def take(self, name: str) -> Handle | None:
        """Take out the raster kept under a name, or None if there is none, or it has changed since."""
        if self._process != os.getpid():  # forked: both processes would move one file position
            self.__init__()  # type: ignore[misc]
        handle = self._kept.pop(name, None)
        if handle is not None and state_of(handle.files) != handle.state:
            handle.source.close()
            return None
        return handle

    def keep(self, name: str, handle: Handle) -> None:
        """Keep a raster that was taken out or opened, and close the one that was used longest ago."""
        replaced = self._kept.pop(name, None)
        self._kept[name] = handle
        if replaced is None and len(self._kept) > MOST:
            replaced = self._kept.popitem(last=False)[1]
        if replaced is not None:
            replaced.source.close()


HANDLES = _Handles()


def state_of(files: Iterable[Path]) -> State:
    """Return what changes when one of the files does: time, size and inode, or None where it is missing."""
    return tuple(_stat(file) for file in files)


def _stat(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
