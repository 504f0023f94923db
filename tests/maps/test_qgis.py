"""Styles for QGIS: valid XML that says of each value what the raster says of it."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
import rasterio

from stsun.errors import RasterError
from stsun.maps.qgis import RAMP, category_style, ramp_style, style_path
from stsun.prediction.predict import predict

FIRST, SECOND = np.random.default_rng(0).integers(0, 3, (2, 20, 30)).astype(np.float32)
HOSTILE = ('</qgis><script>"&', "tab\tand\x00bell\x07", "Wälder, 森林", "']]><!--")


def entries(style):
    renderer = ElementTree.fromstring(style).find("pipe/rasterrenderer")
    assert renderer.get("type") == "paletted" and renderer.get("band") == "1"
    return [
        (int(entry.get("value")), entry.get("label"), entry.get("color"), entry.get("alpha"))
        for entry in renderer.iter("paletteEntry")
    ]


def ramp(style):
    renderer = ElementTree.fromstring(style).find("pipe/rasterrenderer")
    assert renderer.get("type") == "singlebandpseudocolor"
    assert (renderer.get("classificationMin"), renderer.get("classificationMax")) == ("0", "1")
    shader = renderer.find("rastershader/colorrampshader")
    assert shader.get("colorRampType") == "INTERPOLATED"
    return [(float(item.get("value")), item.get("color")) for item in shader.iter("item")]


@pytest.fixture
def pair(write_image):
    return [write_image("a.tif", FIRST, day="2018-05-01"), write_image("b.tif", SECOND, day="2024-05-02")]


def test_any_name_becomes_valid_xml_that_shows_it():
    shown = entries(category_style([(name, "#010203") for name in HOSTILE]))
    assert [value for value, *_ in shown] == [0, 1, 2, 3]
    assert [label for _, label, *_ in shown] == [re.sub("[\x00\x07]", "\ufffd", name) for name in HOSTILE]


def test_a_ramp_goes_from_0_to_1_in_equal_steps():
    assert ramp(ramp_style()) == list(zip((0, 0.25, 0.5, 0.75, 1), RAMP, strict=True))


def test_styles_say_what_the_rasters_tags_say(model, pair, tmp_path):
    names = {"output": "m.tif", "changes": "ch.tif", "probabilities": "p.tif", "confidence": "c.tif"}
    files = {key: tmp_path / name for key, name in names.items()}
    predict(model, pair, task="semantic_change", **files)
    for key in ("output", "changes"):
        with rasterio.open(files[key]) as raster:
            tags = raster.tags(1)
        count = sum(name.startswith("category_") for name in tags)
        expected = [(value, tags[f"category_{value}"], tags[f"color_{value}"], "255") for value in range(count)]
        assert count > 2 and entries(style_path(files[key]).read_text(encoding="utf-8")) == expected
    for key in ("probabilities", "confidence"):
        with rasterio.open(files[key]) as raster:  # QGIS applies this scale before the style
            assert raster.scales[0] * 250 == pytest.approx(1)
        assert ramp(style_path(files[key]).read_text(encoding="utf-8"))[-1][0] == 1


def test_changes_of_many_categories_which_no_tag_names_are_named_by_the_style(model, pair, tmp_path):
    names = [f"kind {number}" for number in range(16)]
    predict(
        model, pair, task="semantic_change", categories=names, output=tmp_path / "m.tif", changes=tmp_path / "c.tif"
    )
    shown = entries((tmp_path / "c.qml").read_text(encoding="utf-8"))
    assert len(shown) == 1 + 16 * 16 and shown[0][1] == "unchanged"
    assert shown[1 + 3 * 16 + 5][:2] == (1 + 3 * 16 + 5, "kind 3 to kind 5")  # 1 + from x K + to


def test_a_style_is_an_output_like_the_others(model, pair, tmp_path):
    style = tmp_path / "m.qml"
    style.write_text("of the user")
    with pytest.raises(RasterError, match=r"m\.qml is already there"):
        predict(model, pair, task="binary_change", output=tmp_path / "m.tif")
    assert style.read_text() == "of the user" and not (tmp_path / "m.tif").exists() and not model.calls
    predict(model, pair, task="binary_change", output=tmp_path / "m.tif", overwrite=True)
    assert [label for _, label, *_ in entries(style.read_text())] == ["unchanged", "flooded"]
    with pytest.raises(RasterError, match=r"p\.qml would overwrite"):  # p.tif and p.tiff have one style
        predict(model, pair, task="binary_change", output=tmp_path / "p.tif", probabilities=tmp_path / "p.tiff")
