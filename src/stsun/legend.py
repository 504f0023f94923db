"""A legend: which stored label value is which category, which values are not scored, and the colours on a map."""

import colorsys
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stsun.bands import is_name
from stsun.errors import DataError

VALUE_RANGE = (0, 65_535)
COLORED = 1 << 24
"""A label stored as the colour ``#rrggbb`` has the value 2**24 + RRGGBB, above all class numbers."""
MAXIMUM_CATEGORIES = 255  # label maps are stored as one byte, whose 255 means 'ignored'

COLORS = {
    "background": "#d9d9d9", "unchanged": "#d9d9d9", "changed": "#cc3311", "building change": "#cc3311",
    "flooded": "#0077bb", "burned area": "#aa3377", "deforested": "#aa3377",
    "building": "#332288", "building minor damage": "#ddcc77", "building major damage": "#ee7733",
    "building destroyed": "#cc3311", "road": "#000000", "railway": "#4d3319", "pavement": "#777777",
    "artificial surface": "#cc6677", "pervious surface": "#e5d8a8", "vehicle": "#ff00ff", "ship": "#ff00ff",
    "water": "#56b4e9", "wetland": "#44aa99", "snow": "#cc99ff", "ice": "#e0ccff",
    "cloud": "#f0f0f0", "cloud shadow": "#444444", "land": "#c2a878",
    "bare soil": "#a6761d", "plowed land": "#8c510a", "sediment": "#e5d8a8", "sand": "#f2dfa0", "tundra": "#c5b0a0",
    "forest": "#117733", "tree": "#117733", "forest and other vegetation": "#1b7837", "coniferous tree": "#004d33",
    "deciduous tree": "#44aa66", "vegetation": "#44aa66", "shrubland": "#999933", "grassland": "#bbcc33",
    "meadow": "#bbcc33", "low vegetation": "#bbcc33", "herbaceous vegetation": "#bbcc33", "mangrove": "#0b6e4f",
    "agriculture": "#ffd24d", "vineyard": "#aa4499", "orchard": "#ee9955", "fallow": "#d6c08f",
    "maize": "#ffee88", "winter wheat": "#ddaa33", "winter barley": "#997700", "spring barley": "#c2a878",
    "winter rapeseed": "#ffff00", "sunflower": "#ee7733", "beet": "#882255", "potatoes": "#664422",
    "soybean": "#5f7a1f", "rice": "#66ccaa",
}  # fmt: skip
"""Colours of common categories, the same on every map. Any other name gets one from its letters."""


@dataclass(frozen=True)
class Legend:
    """Categories as a data set stores them; the position in ``names`` is the category's index.

    Args:
        names: The categories, in declared order.
        values: The stored label value of each category: 0 to 65 535, or colours of all (see ``COLORED``).
        ignore: Stored label values that are not scored.
        colors: ``#rrggbb`` of each category.

    Raises:
        DataError: Two categories share a name or a value, a value is both a category and ignored, or a value or
            colour cannot be one.
    """

    names: tuple[str, ...]
    values: tuple[int, ...]
    ignore: tuple[int, ...]
    colors: tuple[str, ...]

    def __post_init__(self) -> None:
        if not len(self.names) == len(self.values) == len(self.colors):
            raise DataError(
                f"a legend needs one value and one colour for each category, got {len(self.names)} names, "
                f"{len(self.values)} values and {len(self.colors)} colours"
            )
        _check_names(self.names)
        _check_values(self.names, self.values, self.ignore)
        for name, color in zip(self.names, self.colors, strict=True):
            _check_color(name, color)

    @property
    def colored(self) -> bool:
        """True where labels are stored as colours."""
        return self.values[0] >= COLORED

    @property
    def indices(self) -> dict[int, int]:
        """The category index of each stored label value; ignored values are not in it."""
        return {value: index for index, value in enumerate(self.values)}


def legend_of(
    classes: Mapping[int, str], ignore: Sequence[int] = (), colors: Mapping[str, str] | None = None
) -> Legend:
    """Return the legend of a data set's ``classes``, ``ignore`` and ``colors`` entries.

    Args:
        classes: Stored label value to category name, in the order of the categories.
        ignore: Stored label values that are not scored.
        colors: ``#rrggbb`` of some or all categories; the others get ``color_of``.

    Raises:
        DataError: The entries contradict one another, or ``colors`` names a category that is not there.
    """
    given = colors or {}
    names = tuple(classes.values())
    _check_names(names)
    unknown = [name for name in given if name not in names]
    if unknown:
        raise DataError(
            f"colors names {', '.join(map(repr, unknown))}, but the classes are {', '.join(map(repr, names))}; "
            "give colours to declared classes only"
        )
    return Legend(names, tuple(classes), tuple(ignore), tuple(given.get(name, color_of(name)) for name in names))


def color_value(color: str) -> int:
    """Return the stored label value of a colour ``#rrggbb``.

    Raises:
        DataError: It is no such colour.
    """
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", color):
        raise DataError(f"the stored label value {color!r} is neither a whole number nor a colour such as '#0000ff'")
    return COLORED + int(color[1:], 16)


def value_text(value: int) -> str:
    """Return a stored label value as it is written: a number, or a colour ``#rrggbb``."""
    return f"#{value - COLORED:06x}" if COLORED <= value < 2 * COLORED else str(value)


def color_of(name: str) -> str:
    """Return the ``#rrggbb`` of a category: the same for the same name in every data set, on every machine."""
    key = " ".join(name.lower().split())
    if key in COLORS:
        return COLORS[key]
    digest = hashlib.sha256(key.encode()).digest()
    hue = int.from_bytes(digest[:2], "big") / 65_536
    lightness, saturation = (0.35, 0.5, 0.65)[digest[2] % 3], (0.55, 0.85)[digest[3] % 2]
    channels = colorsys.hls_to_rgb(hue, lightness, saturation)
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in channels)


def _check_names(names: Sequence[object]) -> None:
    if not 1 <= len(names) <= MAXIMUM_CATEGORIES:
        raise DataError(
            f"a legend needs 1 to {MAXIMUM_CATEGORIES} classes, got {len(names)}; "
            "list them under classes as {stored value: name}"
        )
    for name in names:
        if not is_name(name):
            raise DataError(f"a class needs a name, got {name!r}; for example {{1: water}}")
        if names.count(name) > 1:
            raise DataError(
                f"the class name {name!r} is given to {names.count(name)} values; give each value its own name, "
                "or list the values that are not scored under ignore"
            )


def _check_values(names: Sequence[str], values: Sequence[int], ignore: Sequence[int]) -> None:
    low, high = VALUE_RANGE
    for value in (*values, *ignore):
        if isinstance(value, bool) or not isinstance(value, int):
            raise DataError(f"a stored label value is a whole number, got {value!r}; for example {{1: water}}")
    for name, value in zip(names, values, strict=True):
        if not (low <= value <= high or COLORED <= value < 2 * COLORED):
            raise DataError(
                f"class {name!r} has the stored label value {value}, expected {low} to {high}; "
                "a value that means 'not labelled' belongs under ignore"
            )
        if values.count(value) > 1:
            shared = [other for other, its in zip(names, values, strict=True) if its == value]
            raise DataError(
                f"the classes {', '.join(map(repr, shared))} share the value {value_text(value)}; give each its own"
            )
        if value in ignore:
            raise DataError(
                f"the value {value_text(value)} is both the class {name!r} and ignored; keep it in one of the two"
            )
    if len({value >= COLORED for value in (*values, *ignore)}) > 1:
        raise DataError("classes and ignore mix colours and numbers; labels are stored as one of the two")


def _check_color(name: str, color: object) -> None:
    if not isinstance(color, str) or not re.fullmatch(r"#[0-9a-fA-F]{6}", color):
        raise DataError(f"class {name!r} has the colour {color!r}; expected '#rrggbb', for example {color_of(name)!r}")
