"""What is no STAC item, or a damaged one, gives an error for people, never another exception."""

import json
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_archives import S2, item_json, reflectance, taken_from, write_json, write_tiff

from stsun.archives.stac import open_stac
from stsun.errors import ConfigurationError, RasterError, StsunError


@pytest.mark.parametrize(
    "content, message",
    [
        ({"type": "Collection", "id": "a"}, "expected a STAC Item or ItemCollection, got a STAC Collection"),
        ({"type": "FeatureCollection", "features": []}, "the collection of items is empty"),
        ({"type": "FeatureCollection", "features": [3]}, "holds no STAC item that can be read"),
        ({"type": "FeatureCollection"}, "got something else"),
        ({"type": "Feature", "geometry": None}, "holds no STAC item that can be read"),
        ([], "expected keys and values in braces, got a list"),
        ({**item_json({"red": reflectance("a.tif")}), "id": ""}, "has an empty id"),
        (item_json({}), "none of its assets holds bands, only nothing"),
        (item_json({"red": reflectance("a.tif")}, datetime="soon"), "soon"),
        (item_json({"red": reflectance("a.tif", {"name": "r", "center_wavelength": 665})}), "665000 nm.*micrometres"),
        (
            item_json({"red": reflectance("a.tif", {"name": "r", "center_wavelength": "red"})}),
            "is 'red', expected a number",
        ),
        (item_json({"red": reflectance("a.tif", raster={"scale": "small"})}), "raster:scale is 'small'"),
        (
            item_json({"red": {**reflectance("a.tif"), "raster:bands": [{}, {}]}}),
            "lists 1 bands, and 2 in raster:bands",
        ),
        (item_json({"red": {**reflectance("a.tif"), "eo:bands": "red"}}), "eo:bands is no list of bands"),
    ],
)
def test_what_is_no_item_or_cannot_be_is_refused(tmp_path, content, message):
    write_tiff(tmp_path / "a.tif")
    with pytest.raises(StsunError, match=message):
        open_stac(write_json(tmp_path / "item.json", content))


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 100_000, '{"a": ' * 100_000, '{"type": NaN}', '{"a": ' + "9" * 5000 + "}", "\udcff"]
)
def test_what_is_no_json_is_refused(tmp_path, text):
    path = tmp_path / "item.json"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(RasterError, match=r"is no JSON that can be read|is not UTF-8"):
        open_stac(path)


def test_without_the_extra_the_command_that_installs_it_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pystac", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'stsun\[stac\]'"):
        taken_from(tmp_path, {"red": reflectance("a.tif")})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
    | st.sampled_from(["red", "vv", "data", "a.tif", "http://a/b", "sentinel-2a", "2020-01-01T00:00:00Z", "nan"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def places(value, path=()):
    """Every place in nested keys and lists."""
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_items_give_an_error_for_people_or_a_whole_answer(tmp_path_factory, data):
    root = tmp_path_factory.getbasetemp()
    if not (root / "a.tif").exists():
        write_tiff(root / "a.tif")
    modern = {"href": "a.tif", "bands": [{"name": "B08", "eo:common_name": "nir"}], "raster:scale": 1e-4, "gsd": 10}
    whole = item_json({"red": reflectance("a.tif"), "nir": modern, "scl": {"href": "a.tif", "gsd": 20}}, **S2)
    damaged = json.loads(json.dumps(whole))
    path = data.draw(st.sampled_from(list(places(damaged))[1:]))
    inside = damaged
    for key in path[:-1]:
        inside = inside[key]
    if data.draw(st.booleans()):
        inside[path[-1]] = data.draw(JSON)
    else:
        del inside[path[-1]]
    try:
        (taken,) = open_stac(write_json(root / "damaged.json", damaged))
        assert taken.bands and all(isinstance(file.scale, float) for file in taken.bands)
    except StsunError as problem:
        assert str(problem)
