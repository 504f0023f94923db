"""Acquisitions found on a STAC API server. Needs the extra ``stac``; the only module that uses the network."""

import math
import warnings
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from stsun.archives.acquisition import Acquisition
from stsun.archives.stac import item_acquisition, read_item
from stsun.errors import ConfigurationError, RasterError, StsunError
from stsun.extras import extra_package
from stsun.raster.metadata import parse_day

PAGE = 100
"""Items asked for at a time."""

LOOKED_AT = 10_000
"""Items of a search that are looked at, at most, where few are clear enough."""

TIMEOUT_S = 30.0
"""Seconds that a server may take to answer."""


def search(
    catalog_url: str,
    *,
    collections: Sequence[str],
    bbox: Sequence[float],
    dates: tuple[str, str],
    max_cloud: float | None = None,
    limit: int = 20,
    only: Sequence[str] | None = None,
) -> list[Acquisition]:
    """Return what a STAC API has of a place and time, the earliest first; one acquisition per item.

    Pixels are not fetched: the bands' paths are read through GDAL's ``/vsicurl/`` when they are used.

    Args:
        catalog_url: The API's address, ``https://...``.
        collections: Names of its collections, such as ``sentinel-2-l2a``.
        bbox: West, south, east, north in degrees.
        dates: First and last day, ``2020-05-01``.
        max_cloud: Largest cloud cover of an item, in percent; items that do not tell it are left out. None = any.
        limit: Most items to return. Where there are more, the server's order decides, usually the newest first.
        only: The bands to take, by name, common name or asset; None = all.

    Raises:
        ConfigurationError: The question cannot be asked, or the extra ``stac`` is missing.
        RasterError: The server cannot be reached, does not speak STAC, or has nothing that fits.
    """
    _check(catalog_url, collections, bbox, dates, max_cloud, limit)
    question = {"collections": list(collections), "bbox": list(bbox), "datetime": "/".join(dates)}
    items = _ask(catalog_url, question, max_cloud, limit)
    if not items:
        clear = "" if max_cloud is None else f" with at most {max_cloud:g} % cloud"
        raise RasterError(
            f"{catalog_url}: has nothing of {', '.join(collections)} in {list(bbox)} from {dates[0]} to {dates[1]}"
            f"{clear}; ask for a larger area, more days or more cloud"
        )
    taken = [item_acquisition(item, item.get_self_href() or catalog_url, only, remote=True) for item in items]
    return sorted(taken, key=lambda acquisition: acquisition.day)


def _ask(url: str, question: dict[str, Any], max_cloud: float | None, limit: int) -> list[Any]:
    api_error = extra_package("pystac_client.exceptions", "stac", "searches").APIError
    try:
        with warnings.catch_warnings(action="ignore"):  # of extensions that a server lacks: none is needed
            return _clear_items(url, question, max_cloud, limit)
    except StsunError:
        raise
    except api_error as problem:
        raise RasterError(
            f"{url}: the server cannot be reached or refuses ({_short(problem)}); check the address, the names of the "
            "collections, and the network"
        ) from problem
    except Exception as problem:  # pystac-client fails in many ways on answers that are no STAC
        raise RasterError(
            f"{url}: the answer is not that of a STAC API ({_short(problem)}); give the address of its landing "
            "page, such as https://earth-search.aws.element84.com/v1"
        ) from problem


def _clear_items(url: str, question: dict[str, Any], max_cloud: float | None, limit: int) -> list[Any]:
    from pystac_client import Client
    from pystac_client.conformance import ConformanceClasses
    from pystac_client.stac_api_io import StacApiIO

    client = Client.open(url, stac_io=StacApiIO(max_retries=1, timeout=TIMEOUT_S), timeout=TIMEOUT_S)
    if max_cloud is not None and client.conforms_to(ConformanceClasses.QUERY):
        question = {**question, "query": {"eo:cloud_cover": {"lte": max_cloud}}}
    # GET is the way that every server must offer
    found = client.search(method="GET", max_items=LOOKED_AT, limit=min(limit, PAGE), **question)
    items: list[Any] = []
    for page in found.pages_as_dicts():
        for feature in page["features"]:
            item = read_item(feature, url)
            if max_cloud is None or _cloud(item) <= max_cloud:
                items.append(item)
            if len(items) == limit:
                return items
    return items


def _short(problem: Exception) -> str:
    return " ".join((str(problem) or repr(problem)).split())[:300]


def _cloud(item: Any) -> float:
    cover = item.properties.get("eo:cloud_cover")
    return cover if isinstance(cover, int | float) and not math.isnan(cover) else math.inf


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:  # such as http://[::1
        return False
    return parts.scheme.lower() in ("http", "https") and bool(parts.netloc)


def _check(
    url: str,
    collections: Sequence[str],
    bbox: Sequence[float],
    dates: tuple[str, str],
    max_cloud: float | None,
    limit: int,
) -> None:
    if not _is_address(url):
        raise ConfigurationError(
            f"{url!r} is no address of a server; expected https://... (a STAC file is opened by its path)"
        )
    if isinstance(collections, str) or not collections:
        raise ConfigurationError(
            f"collections are {collections!r}; expected a list of names such as ['sentinel-2-l2a']"
        )
    west_east = len(bbox) == 4 and -180 <= bbox[0] <= 180 and -180 <= bbox[2] <= 180
    if not west_east or not -90 <= bbox[1] < bbox[3] <= 90:
        raise ConfigurationError(
            f"bbox is {list(bbox)}; expected west, south, east, north in degrees, south below north"
        )
    days = [parse_day(text) for text in dates]
    if len(days) != 2 or days[0] is None or days[1] is None or days[1] < days[0]:
        raise ConfigurationError(
            f"dates are {dates}; expected the first and the last day, such as ('2020-05-01', '2020-09-30')"
        )
    if max_cloud is not None and not 0 <= max_cloud <= 100:
        raise ConfigurationError(f"max_cloud is {max_cloud}; expected percent, 0 to 100")
    if limit < 1:
        raise ConfigurationError(f"limit is {limit}; expected at least 1")
