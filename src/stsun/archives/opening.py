"""Archives opened by what they are: a SAFE folder, Landsat or HLS files, a STAC file."""

import re
from collections.abc import Sequence
from pathlib import Path

from stsun.archives.acquisition import Acquisition
from stsun.archives.hls import is_hls, open_hls
from stsun.archives.landsat import is_landsat, open_landsat
from stsun.archives.safe import METADATA, is_safe, open_safe
from stsun.archives.stac import open_stac
from stsun.errors import RasterError

KNOWN = (
    "a Sentinel-2 product (name.SAFE with MTD_MSIL1C.xml or MTD_MSIL2A.xml), "
    "Landsat Collection 2 scenes (LC08_L2SP_..._SR_B4.TIF, ...), "
    "HLS granules (HLS.S30.T..._.B04.tif, ...), or a STAC Item or ItemCollection as a .json file"
)
"""What is read, for messages."""

_PACKED = re.compile(r".*\.(zip|tar|tar\.gz|tgz)", re.IGNORECASE)
_MTL = re.compile(r".*_MTL\.(json|txt|xml)", re.IGNORECASE)


def open_archive(
    path: str | Path, only: Sequence[str] | None = None, *, remote: bool = False
) -> list[Acquisition] | None:
    """Return the acquisitions of an archive, the earliest first, or None where the path is an ordinary file.

    Args:
        path: A folder as unpacked from the archive, its metadata file, or a STAC file.
        only: The bands to take, by name (``B04``, ``B4``) or common name (``red``); None = all.
        remote: Allow a STAC file's bands to lie on http(s) servers.

    Raises:
        RasterError: A folder of another kind, a packed product, or one that is incomplete or malformed.
        ConfigurationError: A band asked for is not there, bands are remote, or the extra ``stac`` is missing.
    """
    path = Path(path)
    if path.is_dir():
        return _open_folder(path, only)
    if not path.is_file():
        return None
    if path.name in METADATA:
        return [open_safe(path.parent, only)]
    if _MTL.fullmatch(path.name):
        return _of_metadata(path, only)
    if path.suffix.lower() in (".json", ".geojson"):
        return open_stac(path, only, remote=remote)
    if _PACKED.fullmatch(path.name):
        raise RasterError(f"{path}: is packed; unpack it, and give the folder. Read are {KNOWN}")
    return None


def _of_metadata(path: Path, only: Sequence[str] | None) -> list[Acquisition]:
    scenes = [taken for taken in open_landsat(path.parent, only) if path.name.upper().startswith(taken.name)]
    if not scenes:
        raise RasterError(f"{path}: there is no band of its scene beside it; unpack the whole scene. Read are {KNOWN}")
    return scenes


def _open_folder(folder: Path, only: Sequence[str] | None) -> list[Acquisition]:
    try:
        if is_safe(folder):
            return [open_safe(folder, only)]
        if is_landsat(folder):
            return open_landsat(folder, only)
        if is_hls(folder):
            return open_hls(folder, only)
        found = ", ".join(sorted(entry.name for entry in folder.iterdir())[:5]) or "nothing"
    except OSError as problem:
        raise RasterError(f"{folder}: cannot be read ({problem.strerror}); check who may read it") from problem
    raise RasterError(f"{folder}: is a folder with {found}; expected {KNOWN}, or a single raster file")
