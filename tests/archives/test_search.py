"""A search against a small STAC API on this machine, and what servers can do wrong."""

import json

import pytest
from small_archives import item_json, write_tiff

from stac_api import CONFORMS, PROXIES, serving
from stsun.archives import search as searching
from stsun.archives.search import search
from stsun.errors import ConfigurationError, RasterError, StsunError
from stsun.raster.metadata import moment_text

EO = {"name": "red", "common_name": "red", "center_wavelength": 0.665, "full_width_half_max": 0.038}
ASK = {"collections": ["small"], "bbox": [-60.0, -30.0, -59.0, -29.0], "dates": ("2020-01-01", "2020-12-31")}


def feature(name, day, cloud, href):
    asset = {"href": href, "roles": ["data"], "eo:bands": [EO], "raster:bands": [{"scale": 1e-4, "offset": 0}]}
    item = item_json({"red": asset}, name=name, datetime=f"{day}T10:00:00Z", **{"eo:cloud_cover": cloud})
    return {**item, "collection": "small", "bbox": [-60, -30, -59, -29]}


@pytest.fixture
def api(tmp_path, monkeypatch):
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    local = str(write_tiff(tmp_path / "a.tif"))
    with serving() as server:
        server.items = [
            feature("late", "2020-09-01", 5, local), feature("cloudy", "2020-06-01", 80, local),
            feature("early", "2020-03-01", 10, f"{server.url}/a.tif"), feature("unsaid", "2020-02-01", None, local),
        ]  # fmt: skip
        yield server


def test_what_is_found_comes_in_the_order_of_time(api, tmp_path):
    taken = search(api.url, **ASK)
    assert [acquisition.name for acquisition in taken] == ["unsaid", "early", "cloudy", "late"]
    assert taken[1].bands[0].path == f"/vsicurl/{api.url}/a.tif" and taken[3].bands[0].path == str(tmp_path / "a.tif")
    assert moment_text(taken[3].day) == "2020-09-01T10:00:00Z"
    path, question = api.asked[-1]
    assert path == "/search" and question["bbox"] == "-60.0,-30.0,-59.0,-29.0"
    assert question["datetime"] == "2020-01-01T00:00:00Z/2020-12-31T23:59:59Z" and question["collections"] == "small"


def test_clouds_are_looked_at_even_where_the_server_does_not(api):
    assert [taken.name for taken in search(api.url, **ASK, max_cloud=20)] == ["early", "late"]
    assert "query" not in api.asked[-1][1]
    api.conforms = [*CONFORMS, "https://api.stacspec.org/v1.0.0/item-search#query"]
    assert [taken.name for taken in search(api.url, **ASK, max_cloud=20)] == ["early", "late"]
    assert json.loads(api.asked[-1][1]["query"]) == {"eo:cloud_cover": {"lte": 20}}


def test_no_more_than_needed_is_asked_for_page_by_page(api):
    assert [taken.name for taken in search(api.url, **ASK, limit=1)] == ["late"]
    assert [path for path, _ in api.asked].count("/search") == 1 and api.asked[-1][1]["limit"] == "1"
    api.asked.clear()
    assert [taken.name for taken in search(api.url, **ASK, limit=2, max_cloud=20)] == ["early", "late"]
    assert [question["limit"] for path, question in api.asked if path == "/search"] == ["2", "2"]


def test_bands_can_be_asked_for(api):
    assert len(search(api.url, **ASK, only=["red"])) == 4
    with pytest.raises(ConfigurationError, match=r"no band 'nir'; it has red"):
        search(api.url, **ASK, only=["nir"])


def test_finding_nothing_says_what_was_asked(api):
    with pytest.raises(
        RasterError, match=r"has nothing of other in .* from 2020-01-01 to 2020-12-31 with at most 5 % cloud"
    ):
        search(api.url, **{**ASK, "collections": ["other"]}, max_cloud=5)


def test_a_server_that_is_not_there(api):
    with pytest.raises(RasterError, match=r"the server cannot be reached or refuses .*check the address"):
        search("http://127.0.0.1:9", **ASK)


@pytest.mark.parametrize(
    "path, status, content",
    [
        ("/", 200, b"<html>hello</html>"), ("/", 200, b""), ("/", 200, b"\xff\xfe"), ("/", 200, {"type": "Catalog"}),
        ("/", 200, []), ("/", 404, b"gone"), ("/", 500, {"code": "broken"}), ("/search", 500, b"broken"),
        ("/search", 400, {"description": "no such collection"}), ("/search", 200, {"features": 3}), ("/search", 200, b"[1]"),
        ("/search", 200, {"features": [3]}), ("/search", 200, {"features": [{"type": "Feature"}]}),
        ("/search", 200, {"features": [], "links": 3}), ("/", 200, b"[" * 100_000),
    ],
)  # fmt: skip
def test_nonsense_from_the_server_is_told_as_such(api, path, status, content):
    api.instead[path] = (status, content)
    with pytest.raises(RasterError) as raised:
        search(api.url, **ASK)
    assert str(raised.value).startswith(api.url) and len(str(raised.value)) < 700


def test_pages_without_end_come_to_an_end(api, monkeypatch):
    monkeypatch.setattr(searching, "LOOKED_AT", 30)
    page = {"features": [api.items[1]], "links": [{"rel": "next", "href": f"{api.url}/search"}]}
    api.instead["/search"] = (200, page)
    with pytest.raises(RasterError, match="has nothing of small"):
        search(api.url, **ASK, max_cloud=20)
    assert 1 <= [path for path, _ in api.asked].count("/search") <= 30


def test_a_server_that_does_not_answer_in_time(api, monkeypatch):
    monkeypatch.setattr(searching, "TIMEOUT_S", 0.2)
    api.pause_s = 1.0
    with pytest.raises(RasterError, match=r"cannot be reached or refuses .*[Tt]imed? ?out"):
        search(api.url, **ASK)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"catalog_url": "catalog.json"}, "is no address of a server; expected https"),
        ({"catalog_url": "http://[::1"}, "is no address of a server; expected https"),
        ({"catalog_url": "http://"}, "is no address of a server; expected https"),
        ({"collections": "small"}, "expected a list of names"),
        ({"collections": []}, "expected a list of names"),
        ({"bbox": [1, 2, 3]}, "west, south, east, north"),
        ({"bbox": [0, 10, 1, 5]}, "south below north"),
        ({"bbox": [0, float("nan"), 1, 5]}, "west, south, east, north"),
        ({"dates": ("2020-05-01", "soon")}, "expected the first and the last day"),
        ({"dates": ("2020-05-01", "2020-04-01")}, "expected the first and the last day"),
        ({"max_cloud": 120}, "expected percent"),
        ({"limit": 0}, "expected at least 1"),
    ],
)
def test_questions_that_cannot_be_asked_are_refused(change, message):
    asked = {"catalog_url": "http://127.0.0.1:9", **ASK, **change}
    with pytest.raises(StsunError, match=message):
        search(asked.pop("catalog_url"), **asked)
