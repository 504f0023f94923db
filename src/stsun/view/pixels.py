"""What is known of one pixel: its values at all dates, what maps say of it, how sure they are, and what it became."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from rasterio import windows

from stsun.raster.grid import Window
from stsun.raster.reader import read_classes
from stsun.scene.sources import SceneDate, SceneFile
from stsun.view.frames import corner, pixel_at
from stsun.view.layers import Layer, Place, Shot


def pixel(place: Place, identifier: str, longitude: float, latitude: float) -> dict[str, Any]:
    """Return what the layers of a place say of a point.

    Args:
        place: The place.
        identifier: Of the place; layers are told by theirs.
        longitude: In degrees, on the page's map.
        latitude: See ``longitude``.

    Raises:
        RasterError: A file cannot be read.
    """
    images, maps, shares = [], [], []
    for number, layer in enumerate(place.layers):
        known = {"layer": f"{identifier}.{number}", "title": layer.title}
        if layer.kind == "imagery":
            dates = [_date(shot, longitude, latitude) for shot in layer.shots]
            if any(date["inside"] for date in dates):
                images.append({**known, "dates": dates})
        elif layer.kind == "probability":
            dates = [_date(shot, longitude, latitude) for shot in layer.shots]
            if any(date["inside"] for date in dates):
                shares.append({**known, "dates": dates})
        elif layer.shots:
            said = _categories(layer, longitude, latitude)
            if said:
                maps.append({**known, "dates": said, "changes": _changes(said)})
    spot = _spot(place, longitude, latitude)
    return {"pixel": spot, "images": images, "maps": maps, "probabilities": shares}


def _date(shot: Shot, longitude: float, latitude: float) -> dict[str, Any]:
    """Return the values of one date, None where it holds none; clouds hide them where a mask tells of clouds."""
    values = _values(shot.image, longitude, latitude)
    read: Sequence[float | None] = [None] * len(shot.image.bands) if values is None else values
    return {
        "name": shot.name,
        "when": shot.when,
        "inside": values is not None,
        "bands": [
            {"name": band.name, "wavelength_nm": band.wavelength_nm, "value": value}
            for band, value in zip(shot.image.bands, read, strict=True)
        ],
    }


def _values(image: SceneDate, longitude: float, latitude: float) -> list[float | None] | None:
    """Return the value of each band, None for no data; None where the point lies outside of the image."""
    grid = image.files[0].grid
    place = pixel_at(grid, longitude, latitude)
    if place is None:
        return None
    values, valid = image.read(Window(*place, 1, 1), grid, None)
    return [float(value) if valid[0, 0] else None for value in values[:, 0, 0]]


def _categories(layer: Layer, longitude: float, latitude: float) -> list[dict[str, Any]]:
    """Return what a map says of a point at each of its dates; a value that no legend explains is no data."""
    names = {entry.value: entry for entry in layer.legend}
    said = []
    for shot in layer.shots:
        file = shot.image.files[0]
        assert isinstance(file, SceneFile)
        place = pixel_at(file.grid, longitude, latitude)
        if place is not None:
            stored, _ = read_classes(file.path, index=file.indexes[0], window=windows.Window(place[1], place[0], 1, 1))
            entry = names.get(int(stored[0, 0]))
            said.append(
                {
                    "name": shot.name,
                    "category": None if entry is None else entry.name,
                    "color": None if entry is None else entry.color,
                }
            )
    return said


def _changes(said: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return from what to what a pixel went between each two maps, where it did."""
    return [
        {"from": before["category"], "to": after["category"], "start": before["name"], "end": after["name"]}
        for before, after in pairwise(said)
        if None not in (before["category"], after["category"]) and before["category"] != after["category"]
    ]


def _spot(place: Place, longitude: float, latitude: float) -> dict[str, int] | None:
    """Return row and column of a point in the first raster that holds it, counted from 0."""
    for layer in place.layers:
        for shot in layer.shots[:1]:
            grid = shot.image.files[0].grid
            found = pixel_at(grid, longitude, latitude)
            if found is not None:
                column, row = corner(grid) if place.flat else (0, 0)
                return {"row": found[0] + row, "column": found[1] + column}
    return None
