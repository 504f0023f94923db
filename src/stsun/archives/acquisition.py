"""An acquisition: what was taken of one place at one time, as bands of files, with what must be known to read them."""

from dataclasses import dataclass

from stsun.bands import Band


@dataclass(frozen=True)
class BandFile:
    """One band of one file.

    Args:
        path: A local path, or one that GDAL reads (``/vsicurl/...``).
        index: The band's number in the file, from 1.
        band: What it measures.
        scale: Stored value * scale + offset = physical value: reflectance 0..1, kelvin, or the band's own unit.
        offset: See ``scale``.
        nodata: Stored value that means 'no data'; None = what the file says.
    """

    path: str
    index: int
    band: Band
    scale: float
    offset: float
    nodata: float | None


@dataclass(frozen=True)
class CloudMask:
    """The file that says which pixels are usable.

    Args:
        path: A local path, or one that GDAL reads.
        index: The mask's band number in the file, from 1.
        kind: What its codes mean; one of ``stsun.archives.masks.KINDS``.
    """

    path: str
    index: int
    kind: str


@dataclass(frozen=True)
class Acquisition:
    """What was taken at one time.

    Args:
        name: The product's or item's own name.
        day: Days since 1970-01-01 UTC, with the time of day where it is known.
        bands: Its bands; they may lie on different grids.
        cloud_mask: Which pixels are usable, or None where nobody says; may lie on a grid of its own.
        notes: What was assumed or left out, in words for the user; without the name.
    """

    name: str
    day: float
    bands: tuple[BandFile, ...]
    cloud_mask: CloudMask | None
    notes: tuple[str, ...]
