"""QGIS styles: a .qml file beside a raster, which QGIS applies when it opens the raster."""

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

SUFFIX = ".qml"
HEAD = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
VERSION = "3.28.0"
"""Of the QGIS whose form of styles this is; later ones read it, too."""

PLAIN = {"opacity": "1", "alphaBand": "-1", "nodataColor": ""}

RAMP = ("#440154", "#3b528b", "#21918c", "#5ec962", "#fde725")
"""The colours of 0, 1/4, ... 1: matplotlib's viridis, which the colour-blind can read, too."""

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def style_path(raster: Path) -> Path:
    """Return where QGIS looks for the style of a raster: beside it, under its name."""
    return raster.with_suffix(SUFFIX)


def category_style(categories: Sequence[tuple[str, str]]) -> str:
    """Return the style of a raster of categories: each value with its name and colour.

    Args:
        categories: Name and colour (``#rrggbb``) of each value from 0 on.
    """
    renderer = _renderer("paletted")
    palette = SubElement(renderer, "colorPalette")
    for value, (name, color) in enumerate(categories):
        SubElement(palette, "paletteEntry", value=str(value), label=_shown(name), color=color, alpha="255")
    return _document(renderer)


def ramp_style() -> str:
    """Return the style of a raster of probabilities: a ramp from 0 to 1. QGIS applies the scale of the file first."""
    renderer = _renderer("singlebandpseudocolor", classificationMin="0", classificationMax="1")
    bounds = {"minimumValue": "0", "maximumValue": "1", "clip": "0", "labelPrecision": "2"}
    shader = SubElement(
        SubElement(renderer, "rastershader"),
        "colorrampshader",
        {"colorRampType": "INTERPOLATED", "classificationMode": "1", **bounds},
    )
    for step, color in enumerate(RAMP):
        value = f"{step / (len(RAMP) - 1):g}"
        SubElement(shader, "item", value=value, label=value, color=color, alpha="255")
    return _document(renderer)


def _renderer(kind: str, **more: str) -> Element:
    renderer = Element("rasterrenderer", {"type": kind, "band": "1", **PLAIN, **more})
    SubElement(renderer, "rasterTransparency")
    return renderer


def _document(renderer: Element) -> str:
    root = Element("qgis", version=VERSION, styleCategories="Symbology")
    SubElement(root, "pipe").append(renderer)
    SubElement(root, "blendMode").text = "0"
    ElementTree.indent(root)
    return HEAD + ElementTree.tostring(root, encoding="unicode") + "\n"


def _shown(name: str) -> str:
    """Return a name that XML can hold."""
    return _NOT_IN_XML.sub("\ufffd", name)
