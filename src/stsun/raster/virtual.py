"""Virtual rasters (VRT): mosaics and stacks of files in one folder, and nothing else that the format can do.

A VRT is a small program: it can name any file or server, hold code, and nest. What is read here is its plain part,
which ``gdalbuildvrt`` and ``gdal_translate`` write, put together anew so that GDAL sees only what was checked.
"""

from pathlib import Path, PurePosixPath, PureWindowsPath
from xml.etree import ElementTree

from stsun.errors import RasterError

LARGEST, MOST_ELEMENTS, DEEPEST = 2**26, 2**21, 20
"""Bytes, elements, and levels of elements within one another of a description, at the most."""

ELEMENTS = frozenset(
    """
    vrtdataset srs geotransform gcplist gcp metadata vrtrasterband description unittype offset scale nodatavalue nodata
    hidenodatavalue colorinterp colortable entry categorynames category maskband overviewlist histograms
    simplesource complexsource averagedsource sourcefilename sourceband sourceproperties srcrect dstrect
    scaleoffset scaleratio lut usemaskband colortablecomponent exponent srcmin srcmax dstmin dstmax
    """.split()
)
ATTRIBUTES = frozenset(
    """
    rasterxsize rasterysize datatype band blockxsize blockysize dataaxistosrsaxismapping coordinateepoch domain format
    relativetovrt shared resampling xoff yoff xsize ysize c1 c2 c3 c4 id info pixel line x y z projection
    """.split()
)
INERT = ("metadata", "histograms")
"""Elements that say something and do nothing, whatever they hold."""


def is_vrt(start: bytes) -> bool:
    """Return whether a file that starts so is a virtual raster."""
    return start.lstrip().startswith(b"<VRTDataset")


def checked_vrt(path: Path, rasters: tuple[bytes, ...]) -> tuple[str, tuple[Path, ...]]:
    """Return a virtual raster's description, with absolute paths, and the files that it shows.

    Args:
        path: The file.
        rasters: How files that it may show begin.

    Raises:
        RasterError: The description is damaged, does more than showing files, or names one that is no such raster or
            lies outside its own folder.
    """
    root = _parsed(path)
    _check_depth(path, root)
    sources = []
    waiting = [root]
    while waiting:
        element = waiting.pop()
        _check_plain(path, element)
        if element.tag.lower() == "sourcefilename":
            source = _source(path, element)
            _check_raster(path, source, rasters)
            element.text = str(source)
            element.attrib = {"relativeToVRT": "0"}
            sources.append(source)
        if element.tag.lower() not in INERT:
            waiting += element
    if not sources:
        raise RasterError(f"{path}: the VRT shows no file; make it again (for example with gdalbuildvrt)")
    return ElementTree.tostring(root, encoding="unicode"), tuple(dict.fromkeys(sources))


def _parsed(path: Path) -> ElementTree.Element:
    if path.stat().st_size > LARGEST:
        raise RasterError(f"{path}: the VRT is larger than {LARGEST >> 20} MiB; split it")
    content = path.read_bytes()
    if content.count(b"<") > 2 * MOST_ELEMENTS:
        raise RasterError(f"{path}: the VRT has more than {MOST_ELEMENTS} elements; split it")
    if b"<!" in content.replace(b"<!--", b"").replace(b"<![CDATA[", b""):
        raise RasterError(f"{path}: the VRT declares a document type, expected none; make it again with gdalbuildvrt")
    try:
        return ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, LookupError) as problem:
        raise RasterError(f"{path}: the VRT is damaged ({problem}); make it again with gdalbuildvrt") from problem


def _check_depth(path: Path, root: ElementTree.Element) -> None:
    """Refuse what would be written anew by a function that calls itself for each level."""
    level = [root]
    for _ in range(DEEPEST):
        level = [child for element in level for child in element]
    if level:
        raise RasterError(f"{path}: the VRT is nested deeper than {DEEPEST} levels; make it again with gdalbuildvrt")


def _check_plain(path: Path, element: ElementTree.Element) -> None:
    """Refuse what is not known to be harmless; GDAL minds no case, and takes elements for attributes."""
    kind = element.tag.lower()
    odd = [name for name in element.attrib if name.lower() not in ATTRIBUTES and kind not in INERT]
    odd = [name for name in odd if (kind, element.attrib[name]) != ("vrtrasterband", "VRTSourcedRasterBand")]
    if kind not in ELEMENTS or odd:
        found = f"{odd[0]}={element.attrib[odd[0]]!r} in {element.tag}" if odd else element.tag
        raise RasterError(
            f"{path}: the VRT has {found}, expected a plain mosaic or stack of files; make a GeoTIFF of it (for "
            "example with gdal_translate) if you trust it"
        )


def _source(path: Path, element: ElementTree.Element) -> Path:
    """Return the file that a source names, all links followed."""
    name, folder = element.text or "", path.resolve().parent
    absolute = PurePosixPath(name).is_absolute() or PureWindowsPath(name).is_absolute()
    relative = any(key.lower() == "relativetovrt" and value == "1" for key, value in element.attrib.items())
    odd = any(sign in PureWindowsPath(name).relative_to(PureWindowsPath(name).anchor).as_posix() for sign in '<>:"?*{')
    if not name.strip() or odd or name.startswith("/vsi") or absolute == relative:
        raise RasterError(
            f"{path}: the VRT names the source {name[:200]!r}, expected the path of a file, relative to the VRT; "
            "make it again with gdalbuildvrt"
        )
    source = (folder / name).resolve()
    if not source.is_relative_to(folder):
        raise RasterError(
            f"{path}: the VRT names the source {name!r} outside its own folder, expected files in it; put them "
            "together, or make a GeoTIFF of it (for example with gdal_translate) if you trust it"
        )
    return source


def _check_raster(path: Path, source: Path, rasters: tuple[bytes, ...]) -> None:
    if not source.is_file():
        raise RasterError(f"{path}: the VRT names the source {source}, which is not there; put it back")
    with source.open("rb") as file:
        if not file.read(16).startswith(rasters):
            raise RasterError(
                f"{path}: the VRT names the source {source}, which is no GeoTIFF, JPEG 2000, PNG or JPEG; convert it"
            )
