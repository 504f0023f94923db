"""Landsat Collection 2 scenes as unpacked folders: level 2 (reflectance, temperature) and level 1 (reflectance).

Sources: USGS, Landsat 8-9 Collection 2 Level 2 Science Product Guide (LSDS-1619) and its counterpart for Landsat 4 to 7
(LSDS-1618): file names, scales, fill value; Landsat 8 Data Users Handbook (LSDS-1574): level 1 reflectance =
(REFLECTANCE_MULT * stored + REFLECTANCE_ADD) / sin(sun elevation).
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stsun.archives.acquisition import Acquisition, BandFile, CloudMask
from stsun.archives.mtl import MTL_ENDINGS, Groups, read_mtl, told
from stsun.archives.selection import Candidate, select
from stsun.bands import Band, reflective
from stsun.errors import RasterError
from stsun.raster.metadata import parse_day
from stsun.sensors import sensor

LEVEL_2_SCALES = {True: (2.75e-5, -0.2), False: (3.41802e-3, 149.0)}
"""Whether a band is reflective -> scale and offset of every Collection 2 level 2 product, to reflectance or kelvin."""

SENSORS = {
    "LC09": "landsat-9", "LO09": "landsat-9", "LT09": "landsat-9", "LC08": "landsat-8", "LO08": "landsat-8",
    "LT08": "landsat-8", "LE07": "landsat-7", "LT05": "landsat-5", "LT04": "landsat-5",
}  # fmt: skip
"""Start of the product's name -> sensor of the catalogue."""

LOWEST_SUN = 0.01
"""Degrees above the horizon, below which light is no sunlight and dividing by its sine no correction."""

_FILE = re.compile(
    r"(L[A-Z]\d{2}_L[12][A-Z]{2}_\d{6}_\d{8}_\d{8}_\d{2}_[A-Z0-9]{2})_(.+)\.(?:tiff?|json|txt|xml)", re.IGNORECASE
)
_THERMAL_1 = re.compile(r"B6(_VCID_\d)?|B1[01]")


@dataclass(frozen=True)
class _Scene:
    """One product.

    Args:
        where: Its folder and name, for messages.
        name: Its name.
        level: ``1`` or ``2``.
        files: Its files by what their names end in: ``SR_B4``, ``QA_PIXEL``, ``MTL.txt``.
        mtl: What its metadata tells; None without metadata.
        mtl_path: The metadata file, for messages.
    """

    where: str
    name: str
    level: str
    files: Mapping[str, Path]
    mtl: Groups | None
    mtl_path: str


def is_landsat(folder: Path) -> bool:
    """Return whether a folder holds files named as Landsat's."""
    return any(_FILE.fullmatch(path.name) and path.is_file() for path in folder.iterdir())


def open_landsat(folder: Path, only: Sequence[str] | None = None) -> list[Acquisition]:
    """Return the scenes of a folder, the earliest first.

    Args:
        folder: The folder of one unpacked scene, or of several.
        only: The bands to take, by name (``B4``, ``SR_B4``) or common name (``red``); None = all.

    Raises:
        RasterError: Files or metadata are missing or malformed, or of another collection or sensor.
        ConfigurationError: A band asked for is not there.
    """
    scenes: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.iterdir()):
        match = _FILE.fullmatch(path.name)
        if match is not None and path.is_file():
            scenes.setdefault(match[1].upper(), {})[_ending(match[2], path.suffix)] = path
    taken = [_acquisition(_scene(folder, name, files), only) for name, files in scenes.items()]
    return sorted(taken, key=lambda acquisition: acquisition.day)


def _ending(ending: str, suffix: str) -> str:
    return f"MTL{suffix.lower()}" if ending.upper() == "MTL" else ending.upper()


def _scene(folder: Path, name: str, files: Mapping[str, Path]) -> _Scene:
    satellite, level, _, _, _, collection, _ = name.split("_")
    if collection != "02":
        raise RasterError(
            f"{folder / name}: is of Landsat Collection {collection}, expected 02; fetch the scene of Collection 2"
        )
    if satellite not in SENSORS:
        raise RasterError(f"{folder / name}: no bands are known for {satellite}; expected one of {', '.join(SENSORS)}")
    path = next((files[ending] for ending in MTL_ENDINGS if ending in files), None)
    mtl = read_mtl(path) if path is not None else None
    return _Scene(str(folder / name), name, level[1], files, mtl, str(path))


def _acquisition(scene: _Scene, only: Sequence[str] | None) -> Acquisition:
    notes: list[str] = []
    if scene.name.startswith("LT04"):
        notes.append("wavelengths are those of Landsat 5, whose instrument is of the same design")
    missing: list[str] = []
    candidates = (_level_2 if scene.level == "2" else _level_1)(scene, missing, notes)
    if not candidates:
        raise RasterError(
            f"{scene.where}: holds no band that can be read, only {', '.join(scene.files)}; unpack the whole scene"
        )
    bands = select(scene.where, candidates, only)
    if missing and only is None:
        notes.append(f"{', '.join(missing)} left out, there are no such files")
    quality = scene.files.get("QA_PIXEL")
    if quality is None:
        notes.append(f"clouds are not masked, there is no {scene.name}_QA_PIXEL.TIF")
    mask = None if quality is None else CloudMask(str(quality), 1, "qa_pixel")
    return Acquisition(scene.name, _day(scene), bands, mask, tuple(notes))


def _level_2(scene: _Scene, missing: list[str], notes: list[str]) -> list[Candidate]:
    """Return the bands of surface reflectance, and of temperature where there are any."""
    name, candidates, assumed = SENSORS[scene.name[:4]], [], []
    for band, common in [*_bands(name), *_bands(f"{name}-thermal")]:
        kind = "SR" if reflective(band) else "ST"
        path = scene.files.get(f"{kind}_{band.name}")
        if path is None:
            missing += [f"SR_{band.name}"] if kind == "SR" else []
            continue
        scale, offset, read = _level_2_scale(scene, band)
        assumed += [] if read else [band.name]
        candidates.append(Candidate(BandFile(str(path), 1, band, scale, offset, 0.0), common))
    if assumed:
        why = "there is no MTL file" if scene.mtl is None else "the MTL file does not tell them"
        notes.append(f"scale and offset of {', '.join(assumed)} are the published ones of Collection 2, {why}")
    return candidates


def _level_2_scale(scene: _Scene, band: Band) -> tuple[float, float, bool]:
    """Return scale and offset of a band, and whether the scene's own metadata tells them."""
    mtl, where = scene.mtl or {}, scene.mtl_path
    if reflective(band):
        group, what, key = "LEVEL2_SURFACE_REFLECTANCE_PARAMETERS", "REFLECTANCE", band.name[1:]
    else:
        group, what, key = "LEVEL2_SURFACE_TEMPERATURE_PARAMETERS", "TEMPERATURE", f"ST_{band.name}"
    scale = told(mtl, group, f"{what}_MULT_BAND_{key}", where)
    offset = told(mtl, group, f"{what}_ADD_BAND_{key}", where)
    if scale is None or offset is None:
        return *LEVEL_2_SCALES[reflective(band)], False
    return *_meaningful(where, band, scale, offset), True


def _level_1(scene: _Scene, missing: list[str], notes: list[str]) -> list[Candidate]:
    """Return the bands of top-of-atmosphere reflectance; brightness temperature is no scale and offset."""
    where, sine = scene.mtl_path, _sine_of_sun(scene)
    candidates, mtl = [], scene.mtl or {}
    for band, common in _bands(f"{SENSORS[scene.name[:4]]}-toa"):
        path = scene.files.get(band.name)
        if path is None or not reflective(band):
            missing += [band.name] if reflective(band) else []
            continue
        pair = [
            told(mtl, "LEVEL1_RADIOMETRIC_RESCALING", f"REFLECTANCE_{what}_BAND_{band.name[1:]}", where)
            for what in ("MULT", "ADD")
        ]
        if pair[0] is None or pair[1] is None:
            raise RasterError(f"{where}: tells no scale and offset of {band.name}; fetch the scene again")
        scale, offset = _meaningful(where, band, pair[0] / sine, pair[1] / sine)
        candidates.append(Candidate(BandFile(str(path), 1, band, scale, offset, 0.0), common))
    if any(_THERMAL_1.fullmatch(ending) for ending in scene.files):
        notes.append("thermal bands are left out; take level 2 for temperatures")
    return candidates


def _meaningful(where: str, band: Band, scale: float, offset: float) -> tuple[float, float]:
    if scale == 0 or not (math.isfinite(scale) and math.isfinite(offset)):
        raise RasterError(
            f"{where}: gives {band.name} the scale {scale:g} and the offset {offset:g}, expected finite numbers and no "
            "scale of 0; fetch the scene again"
        )
    return scale, offset


def _bands(name: str) -> list[tuple[Band, tuple[str, ...]]]:
    catalogue = sensor(name)
    return [
        (band, (common,) if common else ())
        for band, common in zip(catalogue.bands, catalogue.common_names, strict=True)
    ]


def _sine_of_sun(scene: _Scene) -> float:
    if scene.mtl is None:
        raise RasterError(
            f"{scene.where}: there is no MTL file, which says what level 1 numbers mean and how high the sun "
            f"stood; put {scene.name}_MTL.txt beside the bands"
        )
    elevation = told(scene.mtl, "IMAGE_ATTRIBUTES", "SUN_ELEVATION", scene.mtl_path)
    if elevation is None or not LOWEST_SUN <= elevation <= 90:
        raise RasterError(
            f"{scene.mtl_path}: SUN_ELEVATION is {elevation}, expected degrees above the horizon; a scene taken at "
            "night holds no reflectance"
        )
    return math.sin(math.radians(elevation))


def _day(scene: _Scene) -> float:
    attributes = (scene.mtl or {}).get("IMAGE_ATTRIBUTES", {})
    text = attributes.get("DATE_ACQUIRED", scene.name.split("_")[3])
    if "DATE_ACQUIRED" in attributes and "SCENE_CENTER_TIME" in attributes:
        text = f"{text}T{attributes['SCENE_CENTER_TIME']}"
    day = parse_day(text)
    if day is None:
        raise RasterError(f"{scene.where}: {text!r} is no day or time; correct the MTL file or the name")
    return day
