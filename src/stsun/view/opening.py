"""What the user gave, as places to look at: folders, rasters, archives, STAC files, polygons, data sets.

Nothing but these is ever shown: in a folder, neither a link nor a STAC item that leads out of it is followed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from stsun.archives.documents import read_json
from stsun.archives.hls import is_hls
from stsun.archives.hrefs import is_remote, located
from stsun.archives.landsat import is_landsat
from stsun.archives.safe import is_safe
from stsun.data.info import YAML_SUFFIXES
from stsun.errors import ConfigurationError, RasterError, StsunError
from stsun.maps.vector_file import DRIVERS
from stsun.scene.scene import open_scene
from stsun.view.frames import is_flat
from stsun.view.layers import Layer, Place, Sight, stacked
from stsun.view.rasters import SUFFIXES, Found, layers_of, look, of_scene
from stsun.view.samples import sample_places

MOST_FILES = 2000
"""Files of one folder that are opened, at the most."""

DEPTH = 2
"""Levels of folders below the one that was given."""

ITEM = ".json"


def sights_of(paths: Sequence[Path], cache: Path) -> list[Sight]:
    """Return the places that files and folders show.

    Args:
        paths: Folders; rasters, polygons and STAC files, which are seen together; data sets, each sample a place.
        cache: Folder for the samples of data sets while they are looked at.

    Raises:
        RasterError: A path is not there, or nothing of what was given can be shown.
        DataError: A data set's description is wrong.
        ConfigurationError: Nothing was given.
    """
    if not paths:
        raise ConfigurationError("nothing to look at; name a folder, rasters, a STAC item or a data set (.yaml)")
    for path in paths:
        if not path.exists():
            raise RasterError(f"{path}: there is no such file or folder; check the path")
    sets = [path for path in paths if path.is_file() and path.suffix.lower() in YAML_SUFFIXES]
    loose = [path for path in paths if path not in sets and (path.is_file() or _is_archive(path))]
    places = places_of(loose, loose[0].stem if len(loose) == 1 else "Files") if loose else []
    for path in paths:
        if path.is_dir() and path not in loose:
            places += _of_folder(path.resolve(), path.resolve(), path.resolve().name, DEPTH)
    sights = [Sight(place.title, partial(_opened, place)) for place in _shown(places)]
    for path in sets:
        sights += sample_places(path, cache)
    if not sights:
        told = "".join(f"\n  {note}" for place in places for note in place.notes)
        raise RasterError(
            f"{', '.join(map(str, paths))}: nothing that can be shown; expected rasters ({', '.join(SUFFIXES)}), "
            f"polygons ({', '.join(DRIVERS)}), STAC items, archive folders or data sets (.yaml){told}"
        )
    return sights


def _shown(places: Sequence[Place]) -> list[Place]:
    """Return the places that show something; the first also tells what could not be opened of the others."""
    shown, empty = [place for place in places if place.layers], [place for place in places if not place.layers]
    if shown:
        shown[0] = replace(shown[0], notes=(*shown[0].notes, *(note for place in empty for note in place.notes)))
    return shown


def places_of(files: Sequence[Path], title: str, home: Path | None = None) -> list[Place]:
    """Return the places that files show: one on the earth, and one for each size of images without a place on it.

    Args:
        files: What to open (see `open_files`).
        title: What it is called.
        home: See `open_files`.
    """
    layers, problems = open_files(files, home)
    frames = list(dict.fromkeys(_frame(layer) for layer in layers if layer.shots)) or [None]
    theirs = None if None in frames else frames[0]  # of polygons, whose place nobody tells
    places = []
    for frame in frames:
        own = stacked([layer for layer in layers if (_frame(layer) if layer.shots else theirs) == frame])
        named = title if frame is None else f"{title} ({frame[1]} x {frame[0]} pixels)"
        places.append(Place(named, own, frame is not None, tuple(problems)))
    return places


def _opened(place: Place) -> Place:
    return place


def open_files(files: Sequence[Path], home: Path | None = None) -> tuple[list[Layer], list[str]]:
    """Return the layers that files make, and in words what could not be opened.

    Args:
        files: Rasters, archive folders, STAC files, polygons.
        home: The folder that they were found in, with all links followed: what they name must lie in it. None = each
            was given by its name.
    """
    layers: list[Layer] = []
    rasters: list[Found] = []
    problems: list[str] = []
    for path in files:
        try:
            suffix = path.suffix.lower()
            if path.is_dir():
                layers.append(_of_archive(path, home))
            elif suffix == ITEM:
                layers += _of_item(path, read_json(path), home)
            elif suffix in DRIVERS:
                layers.append(Layer(path.stem, "polygons", vector=path))
            else:
                rasters.append(look(path))
        except StsunError as problem:
            problems.append(str(problem))
    return [*layers_of(rasters), *layers], problems


def _frame(layer: Layer) -> tuple[int, int] | None:
    """Return height and width of a layer without a place on the earth; None for one that has it."""
    grid = layer.shots[0].image.files[0].grid
    return (grid.height, grid.width) if is_flat(grid) else None


def _of_folder(folder: Path, home: Path, title: str, depth: int) -> list[Place]:
    """Return the places that a folder shows; ``home`` is the one that was given, which it lies in."""
    try:
        entries = [path for path in sorted(folder.iterdir()) if _is_inside(path, folder)]
        folders = [path for path in entries if path.is_dir()]
        archives = [path for path in folders if _is_archive(path)]
        files = [*(path for path in entries if path.is_file() and _is_shown(path)), *archives]
    except OSError as problem:
        return [Place(title, (), notes=(f"{folder}: cannot be read ({problem.strerror}); check who may read it",))]
    if len(files) > MOST_FILES:
        raise RasterError(f"{folder}: holds {len(files)} files, expected at most {MOST_FILES}; name some of them")
    places = places_of(files, title, home) if files else []
    if depth:
        for path in folders:
            if path not in archives:
                places += _of_folder(path, home, f"{title}/{path.name}", depth - 1)
    return places


def _is_inside(path: Path, folder: Path) -> bool:
    """Return whether an entry of a folder is really in it: no hidden file, no link to elsewhere or in a circle."""
    try:
        return not path.name.startswith(".") and path.resolve().is_relative_to(folder)
    except (OSError, RuntimeError):  # a circle of links is the one in Python 3.13, the other before
        return False


def _is_shown(path: Path) -> bool:
    """Return whether a file of a folder is one to open: of STAC files, only what is no description of the rest."""
    if path.suffix.lower() == ITEM:
        return _stac_type(path) is not None and not _is_prediction(read_json(path))
    return path.suffix.lower() in (*SUFFIXES, *DRIVERS)


def _stac_type(path: Path) -> str | None:
    try:
        content = read_json(path)
    except RasterError:
        return None
    return content["type"] if content.get("type") in ("Feature", "FeatureCollection") and _has_assets(content) else None


def _has_assets(content: dict[str, Any]) -> bool:
    features = content.get("features") if content["type"] == "FeatureCollection" else [content]
    if not isinstance(features, list) or not features:
        return False
    return all(isinstance(one, dict) and "assets" in one for one in features)


def _is_archive(path: Path) -> bool:
    try:
        return path.is_dir() and (is_safe(path) or is_landsat(path) or is_hls(path))
    except OSError:  # whoever looks into it is told
        return False


def _is_prediction(item: dict[str, Any]) -> bool:
    """Return whether a STAC item is one that this package has written beside its maps."""
    properties = item.get("properties")
    return isinstance(properties, dict) and properties.get("mlm:architecture") == "STSUN"


def _of_archive(path: Path, home: Path | None) -> Layer:
    """Return the layer of an archive folder or a STAC file, none of whose files may lie outside its home."""
    scene = open_scene([path])
    outside = [file for file in scene.files if home is not None and not Path(file).resolve().is_relative_to(home)]
    if outside:
        raise RasterError(
            f"{path}: leads to {outside[0]}, outside the folder {home} that it was found in; open it by its own name"
        )
    return of_scene(scene, path.stem)


def _of_item(path: Path, item: dict[str, Any], home: Path | None) -> list[Layer]:
    """Return the layers of a STAC file; of a prediction's own item, given by name, those of its files and images."""
    if not _is_prediction(item):
        return [_of_archive(path, home)]
    files = list(dict.fromkeys(file for file in _files_of(path, item) if file.suffix.lower() in (*SUFFIXES, *DRIVERS)))
    layers, problems = open_files(files)
    if not layers:
        raise RasterError(f"{path}: none of its files can be shown ({'; '.join(problems) or 'they are not there'})")
    return layers


def _files_of(path: Path, item: dict[str, Any]) -> Iterator[Path]:
    """Yield the files that a prediction's item names, where they are on this machine."""
    assets, links = item.get("assets"), item.get("links")
    named = list(assets.values()) if isinstance(assets, dict) else []
    if isinstance(links, list):
        named += [link for link in links if isinstance(link, dict) and link.get("rel") == "derived_from"]
    for entry in named:
        place = located(str(path), str(entry.get("href", ""))) if isinstance(entry, dict) else None
        if place is not None and not is_remote(place):
            yield Path(place)
