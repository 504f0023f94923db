"""STAC items and item collections, versions 1.0 and 1.1, as acquisitions. Needs the extra ``stac``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stsun.archives.acquisition import Acquisition, BandFile, CloudMask
from stsun.archives.assets import AssetBand, asset_bands, gsd_of, mask_kind
from stsun.archives.documents import read_json
from stsun.archives.hrefs import is_remote, located, readable
from stsun.archives.scaling import meaning
from stsun.archives.selection import Candidate, select
from stsun.errors import RasterError
from stsun.extras import extra_package
from stsun.raster.metadata import parse_day


@dataclass
class _Item:
    """One item while it is read: where it is, what it tells, and what had to be assumed, by reason."""

    where: str
    base: str
    remote: bool
    properties: Mapping[str, Any]
    assets: Mapping[str, Mapping[str, Any]]
    assumed: dict[str, list[str]] = field(default_factory=dict)

    def note(self, reason: str, name: str) -> None:
        self.assumed.setdefault(reason, []).append(name)


def open_stac(path: Path, only: Sequence[str] | None = None, *, remote: bool = False) -> list[Acquisition]:
    """Return the items of a STAC file, the earliest first.

    Args:
        path: A JSON file with an Item or an ItemCollection; relative addresses are relative to it.
        only: The bands to take, by name, common name or asset; None = all.
        remote: Allow bands that lie on http(s) servers; they are read through GDAL's ``/vsicurl/``.

    Raises:
        RasterError: It is no STAC file, malformed, or its bands are not known.
        ConfigurationError: A band asked for is not there, bands are remote, or the extra ``stac`` is missing.
    """
    items = _items(read_json(path), str(path))
    taken = [item_acquisition(item, str(path), only, remote=remote) for item in items]
    return sorted(taken, key=lambda acquisition: acquisition.day)


def open_items(items: Any, only: Sequence[str] | None = None, *, remote: bool = False) -> list[Acquisition]:
    """Return what a ``pystac.Item`` or ``ItemCollection`` holds, the earliest first.

    Args:
        items: Relative addresses are relative to each item's link to itself.
        only: See `open_stac`.
        remote: See `open_stac`.

    Raises:
        RasterError: See `open_stac`.
        ConfigurationError: See `open_stac`.
    """
    found = _items(items.to_dict(transform_hrefs=False), repr(items))
    taken = [item_acquisition(item, item.get_self_href() or "", only, remote=remote) for item in found]
    return sorted(taken, key=lambda acquisition: acquisition.day)


def _items(content: Mapping[str, Any], where: str) -> list[Any]:
    """Return the ``pystac.Item``s that a document holds; ``where`` is what it is called in messages."""
    kind = content.get("type")
    features = [content] if kind == "Feature" else content.get("features") if kind == "FeatureCollection" else None
    if not isinstance(features, list):
        found = f"a STAC {kind}" if kind in ("Catalog", "Collection") else "something else"
        raise RasterError(f"{where}: expected a STAC Item or ItemCollection, got {found}; give the files of its items")
    if not features:
        raise RasterError(f"{where}: the collection of items is empty; search again")
    return [read_item(feature, where) for feature in features]


def read_item(feature: object, where: str) -> Any:
    """Return a feature as a ``pystac.Item``.

    Raises:
        RasterError: It is none; ``where`` is the file or server, for the message.
        ConfigurationError: The extra ``stac`` is missing.
    """
    pystac = extra_package("pystac", "stac", "STAC files")
    try:
        if not isinstance(feature, dict):
            raise TypeError(f"it is a {type(feature).__name__}")
        return pystac.Item.from_dict(feature, migrate=False)
    except Exception as problem:  # pystac fails in many ways on what is no item
        raise RasterError(
            f"{where}: holds no STAC item that can be read ({problem!r:.200}); check the file"
        ) from problem


def item_acquisition(item: Any, base: str, only: Sequence[str] | None = None, *, remote: bool = False) -> Acquisition:
    """Return what one item holds.

    Args:
        item: A ``pystac.Item``.
        base: The item's own file or address.
        only: The bands to take, by name, common name or asset; None = all.
        remote: Allow bands that lie on http(s) servers.

    Raises:
        RasterError: The item is malformed, or none of its bands is known.
        ConfigurationError: A band asked for is not there, or bands are remote and ``remote`` is false.
    """
    name = str(item.id)[:200]
    if not name:
        raise RasterError(f"{base}: the STAC item has an empty id; give it one")
    assets = {key: asset.to_dict() for key, asset in item.assets.items()}
    properties = {**item.properties, "collection": item.collection_id}
    read = _Item(f"{base}: item {name!r}", base, remote, properties, assets)
    bands = {_unscaled(band, path): band for band, path in _distinct(read, everything=only is None)}
    candidates = [
        Candidate(file, tuple(word for word in (band.common_name, band.asset) if word)) for file, band in bands.items()
    ]
    chosen = select(read.where, candidates, only)
    files = tuple(_scaled(read, bands[file], file) for file in chosen)
    mask, day = _cloud_mask(read), _day(read)
    notes = tuple(f"{reason}: {', '.join(dict.fromkeys(about))}" for reason, about in read.assumed.items())
    return Acquisition(name, day, files, mask, notes)


def _distinct(item: _Item, *, everything: bool) -> list[tuple[AssetBand, str]]:
    """Return the bands that are known and within reach, each once, with their paths, in the item's order."""
    found = [band for key, asset in item.assets.items() for band in asset_bands(item.where, key, asset)]
    if not found:
        raise RasterError(f"{item.where}: none of its assets holds bands, only {', '.join(item.assets) or 'nothing'}")
    kept: dict[str, tuple[int, AssetBand, str]] = {}
    left_out: dict[str, str] = {}
    order = sorted(enumerate(found), key=lambda entry: _preference(item, entry[1].asset, entry[1].href, entry[1].gsd_m))
    for place, band in order:
        path = located(item.base, band.href)
        if band.band is None or path is None:
            left_out.setdefault(
                band.name, "nobody says what it measures" if band.band is None else "there is no such file"
            )
        else:
            kept.setdefault(band.name.lower(), (place, band, path))
    for name, reason in left_out.items():
        if everything and name.lower() not in kept:
            item.note(f"left out, {reason}", name)
    if not kept:
        told = ", ".join(f"{name} ({reason})" for name, reason in left_out.items())
        raise RasterError(
            f"{item.where}: no band can be used: {told}; fetch the files, or add eo:center_wavelength or "
            "eo:common_name to the item's bands"
        )
    return _told_apart(item, [(band, path) for _, band, path in sorted(kept.values(), key=lambda entry: entry[0])])


def _told_apart(item: _Item, bands: Sequence[tuple[AssetBand, str]]) -> list[tuple[AssetBand, str]]:
    """Return the bands without those of a spectrum that came before."""
    spectra: dict[object, str] = {}
    kept = []
    for band, path in bands:
        spectrum = band.band and (band.band.wavelength_nm, band.band.bandwidth_nm, band.band.token)
        first = spectra.setdefault(spectrum, band.name)
        if first == band.name:
            kept.append((band, path))
        else:
            item.note(f"left out, by what the item tells the same as {first}", band.name)
    return kept


def _preference(item: _Item, key: str, href: str, gsd_m: float) -> tuple[bool, bool, float, bool]:
    """Return what sorts twins of a band: within reach, local, fine, and not in JPEG 2000, which is slow, come first."""
    path = located(item.base, href)
    return (
        path is None,
        path is not None and is_remote(path),
        gsd_m,
        "jp2" in key.lower() or href.lower().endswith(".jp2"),
    )


def _unscaled(found: AssetBand, path: str) -> BandFile:
    assert found.band is not None  # _distinct keeps none without
    return BandFile(path, found.index, found.band, 1.0, 0.0, found.nodata)


def _scaled(item: _Item, found: AssetBand, file: BandFile) -> BandFile:
    path = readable(item.where, file.path, item.remote)
    if found.nominal:
        item.note("nominal wavelengths of common names", found.name)
    where = f"{item.where}: asset {found.asset!r}"
    scale, offset, assumed = meaning(where, item.properties, file.band, found.told, (file.path, file.index))
    if assumed:
        item.note(assumed, found.name)
    return BandFile(path, file.index, file.band, scale, offset, file.nodata)


def _cloud_mask(item: _Item) -> CloudMask | None:
    masks = [(key, str(asset.get("href", "")), gsd_of(item.where, asset)) for key, asset in item.assets.items()]
    masks = sorted((entry for entry in masks if mask_kind(entry[0])), key=lambda entry: _preference(item, *entry))
    if not masks:
        item.note("clouds are not masked", "there is no asset scl, qa_pixel or fmask")
        return None
    key, href, _ = masks[0]
    path, kind = located(item.base, href), mask_kind(key)
    if path is None or kind is None:
        item.note("clouds are not masked, there is no such file", key)
        return None
    return CloudMask(readable(item.where, path, item.remote), 1, kind)


def _day(item: _Item) -> float:
    texts = [item.properties.get(key) for key in ("datetime", "start_datetime", "end_datetime")]
    days = [parse_day(text) if isinstance(text, str) else None for text in texts]
    if days[0] is not None:
        return days[0]
    if texts[0] is None and days[1] is not None and days[2] is not None:
        item.note("taken as of the middle of its period", f"{texts[1]} to {texts[2]}")
        return (days[1] + days[2]) / 2
    raise RasterError(
        f"{item.where}: datetime is {str(texts[0])[:80]!r}, expected an ISO day and time; correct the item"
    )
