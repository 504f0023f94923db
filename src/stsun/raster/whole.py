"""Files that appear whole or not at all, and what goes wrong while they are written."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# not public, but what rasterio.shutil raises is neither a RasterioError nor an OSError
from rasterio._err import CPLE_BaseError
from rasterio.errors import RasterioError

from stsun.errors import RasterError

_BESIDE = ("", "-journal", "-wal", "-shm", ".aux.xml", ".ovr.tmp", ".tmp", ".tmp.ovr")
"""What SQLite and GDAL leave beside a file that was not finished: endings of its name, and the file itself."""


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Tell what goes wrong while a file is written as an error of that file.

    Raises:
        RasterError: The block raised an error of the operating system or of GDAL.
    """
    try:
        yield
    except (RasterioError, CPLE_BaseError, OSError) as error:
        raise RasterError(
            f"{path} cannot be written: {error}; check the folder, its rights, the free space and the name's length"
        ) from error


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield the path to write to, beside ``path``, which takes its name when the block ends well.

    Missing folders are made. After an error nothing is left, and whatever was at ``path`` is untouched. What a killed
    run leaves has the same name every time, so that the next run replaces it; two at once must not write one file.

    Raises:
        RasterError: The block or the change of name raised an error of the operating system or of GDAL.
    """
    with explained(path), appearing(path) as unfinished:
        yield unfinished


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """Do as `whole_file`, for a block that does more than write: its errors are passed on as they are."""
    unfinished = unfinished_path(path)
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(unfinished)  # to what is left of another run, some formats would add instead of starting again
    try:
        yield unfinished
        with explained(path):
            unfinished.replace(path)
    finally:
        with suppress(OSError):  # the error that led here says more
            _remove(unfinished)


def unfinished_path(path: Path) -> Path:
    """Return where a file is written until it is whole."""
    return path.with_name(f".{path.name}.unfinished{path.suffix}")


def check_writable(path: Path) -> None:
    """Refuse a path that cannot be written, before any work is done: its unfinished file is made and removed again.

    Folders that it makes for that are removed, too.

    Raises:
        RasterError: The folder cannot be made or written, or the name is too long.
    """
    with explained(path):
        missing = [folder for folder in path.parents if not folder.exists()]
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = unfinished_path(path)
            _try_to_write(unfinished)
            _try_to_write(unfinished.with_name(unfinished.name + max(_BESIDE, key=len)))  # the longest name there is
        finally:
            for folder in missing:  # the innermost first
                with suppress(OSError):
                    folder.rmdir()


def _try_to_write(unfinished: Path) -> None:
    try:
        unfinished.open("xb").close()
    except FileExistsError:  # of a run that was killed, or of one that still writes: it stays
        unfinished.open("ab").close()
    else:
        unfinished.unlink()


def _remove(unfinished: Path) -> None:
    for ending in _BESIDE:
        unfinished.with_name(unfinished.name + ending).unlink(missing_ok=True)
