"""What goes wrong while rasters and their like are written, told as an error of the file (see `stsun.files`)."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

# not public, but what rasterio.shutil raises is neither a RasterioError nor an OSError
from rasterio._err import CPLE_BaseError
from rasterio.errors import RasterioError

from stsun import files
from stsun.errors import RasterError


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Tell what goes wrong while a file is written as an error of that file.

    Raises:
        RasterError: The block raised an error of the operating system or of GDAL.
    """
    try:
        yield
    except (RasterioError, CPLE_BaseError, OSError) as error:
        raise RasterError(f"{path} cannot be written: {error}; {files.CHECK}") from error


def check_name(path: str | Path) -> None:
    """Refuse a name that GDAL does not take.

    Raises:
        RasterError: The path holds bytes that are no UTF-8.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError as problem:
        raise RasterError(f"{path}: the name of the file, or of its folder, is no UTF-8; rename it") from problem


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Do as `stsun.files.appearing`, for a block that only writes.

    Raises:
        RasterError: The block or the change of name raised an error of the operating system or of GDAL.
    """
    with explained(path), appearing(path) as unfinished:
        yield unfinished


def appearing(path: Path) -> AbstractContextManager[Path]:
    """Do as `whole_file`, for a block that does more than write: its errors are passed on as they are."""
    return files.appearing(path, explained)


def check_writable(path: Path) -> None:
    """Refuse a path that cannot be written, before any work is done: a file beside it is made and removed again.

    Folders that it makes for that are removed, too.

    Raises:
        RasterError: The folder cannot be made or written, or the name is too long or no UTF-8.
    """
    check_name(path.absolute())
    with explained(path):
        missing = [folder for folder in path.parents if not folder.exists()]
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _try_to_write(files.unfinished_path(path))
        finally:
            for folder in missing:  # the innermost first
                with suppress(OSError):
                    folder.rmdir()


def _try_to_write(unfinished: Path) -> None:
    """Make and remove a file of the longest name that writing takes, which no other run ever needs."""
    probe = unfinished.with_name(unfinished.name + files.PROBE)
    try:
        probe.open("wb").close()
    finally:
        probe.unlink(missing_ok=True)
