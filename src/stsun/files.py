"""Files and folders that appear whole or not at all: whatever the package writes takes its name here."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

from stsun.errors import StsunError

PROBE = ".checked"
"""Ending of the file that is made and removed to see whether one can be; as long as the longest of the others."""

BESIDE = ("", "-journal", "-wal", "-shm", ".aux.xml", ".ovr.tmp", ".tmp", ".tmp.ovr", PROBE)
"""What SQLite, GDAL and we leave beside a file that was not finished: endings of its name, and the file itself."""

UNFINISHED = ".unfinished"
"""The folder, within one that is being filled, of what is not whole yet."""

CHECK = "check the folder, its rights, the free space and the name's length"

Explained = Callable[[Path], AbstractContextManager[object]]
"""Tells what goes wrong in its block as an error of the file."""


@contextmanager
def appearing(path: Path, explained: Explained = nullcontext) -> Iterator[Path]:
    """Yield the path to write to, beside ``path``, which takes its name when the block ends well.

    Missing folders are made. After an error nothing is left, and whatever was at ``path`` is untouched. What a killed
    run leaves has the same name every time, so that the next run replaces it; two at once must not write one file. A
    link stays one; devices and pipes, which cannot take another name, are written to as they are.

    Args:
        path: The file.
        explained: Tells errors around the block; those of the block are passed on as they are.

    Raises:
        OSError: The folder cannot be made or the name not be given, and ``explained`` does not tell it otherwise.
    """
    with explained(path):
        device = path.is_char_device() or path.is_fifo()
        target = path.resolve() if path.is_symlink() else path
    if device:
        yield path
        return
    unfinished = unfinished_path(target)
    with explained(path):
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove(unfinished)  # to what is left of another run, some formats would add instead of starting again
    try:
        yield unfinished
        with explained(path):
            unfinished.replace(target)
    finally:
        with suppress(OSError):  # the error that led here says more
            _remove(unfinished)


@contextmanager
def filled(folder: Path, last: str) -> Iterator[Path]:
    """Yield an empty folder; what is put into it moves to ``folder`` when the block ends well, the file ``last`` last.

    So where ``last`` is there, all is there. Missing folders are made; files of the same names are replaced. After an
    error nothing is left, and what a killed run leaves is replaced by the next.

    Raises:
        OSError: A folder cannot be made, or something not be moved.
    """
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    unfinished = folder / UNFINISHED
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        yield unfinished
        for path in sorted(unfinished.iterdir(), key=lambda path: path.name == last):
            target = folder / path.name
            if target.is_dir():  # a killed run had come so far
                shutil.rmtree(target)
            path.replace(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
        with suppress(OSError):
            for each in made:  # the innermost first; none that holds something
                each.rmdir()


def write_text(path: Path, text: str, error: type[StsunError]) -> None:
    """Write a text file (UTF-8) whole or not at all.

    Raises:
        StsunError: Of the kind ``error``: it cannot be written.
    """
    try:
        with appearing(path) as unfinished:
            unfinished.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise error(f"{path} cannot be written: {problem.strerror or problem}; {CHECK}") from problem


def check_new(folder: Path, error: type[StsunError]) -> None:
    """Refuse a folder that holds something, before the work whose result it shall hold.

    Raises:
        StsunError: Of the kind ``error``: it is neither empty nor what a killed run was filling.
    """
    if folder.exists() and not (folder.is_dir() and (not any(folder.iterdir()) or (folder / UNFINISHED).is_dir())):
        raise error(f"{folder} is there already and not an empty folder; choose another --output")


def unfinished_path(path: Path) -> Path:
    """Return where a file is written until it is whole."""
    return path.with_name(f".{path.name}.unfinished{path.suffix}")


def _remove(unfinished: Path) -> None:
    for ending in BESIDE:
        unfinished.with_name(unfinished.name + ending).unlink(missing_ok=True)
