import colorsys
import itertools
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stsun.errors import DataError
from stsun.legend import COLORS, Legend, color_of, legend_of


def rgb(color):
    return tuple(int(color[i : i + 2], 16) for i in (1, 3, 5))


def test_the_order_of_the_classes_is_the_order_of_the_categories():
    legend = legend_of({255: "water", 3: "forest", 0: "road"}, [7], {})
    assert legend.names == ("water", "forest", "road")
    assert legend.indices == {255: 0, 3: 1, 0: 2}
    assert legend.ignore == (7,)


def test_given_colours_win_over_the_default_ones():
    legend = legend_of({1: "water", 2: "forest"}, [], {"forest": "#ABCDEF"})
    assert legend.colors == (color_of("water"), "#ABCDEF")


@pytest.mark.parametrize(
    ("classes", "ignore", "colors", "fix"),
    [
        ({}, [], {}, "needs 1 to 255 classes, got 0"),
        ({i: f"c{i}" for i in range(256)}, [], {}, "needs 1 to 255 classes, got 256"),
        ({1: "water", 2: "water"}, [], {}, "'water' is given to 2 values; give each value its own name"),
        ({1: "water", 2: "forest"}, [2], {}, "2 is both the class 'forest' and ignored; keep it in one"),
        ({-1: "water"}, [], {}, "value -1, expected 0 to 65535"),
        ({65536: "water"}, [], {}, "value 65536, expected 0 to 65535"),
        ({"1": "water"}, [], {}, "whole number, got '1'"),
        ({True: "water"}, [], {}, "whole number, got True"),
        ({1: "water"}, [0.5], {}, "whole number, got 0.5"),
        ({1: ""}, [], {}, "a class needs a name"),
        ({1: False}, [], {}, "a class needs a name, got False"),
        ({1: "water"}, [], {"water": "blue"}, "'water' has the colour 'blue'; expected '#rrggbb'"),
        ({1: "water"}, [], {"water": "#fff"}, "expected '#rrggbb'"),
        ({1: "water"}, [], {"watr": "#ffffff"}, "colors names 'watr', but the classes are 'water'"),
    ],
)
def test_contradictions_are_refused_with_the_fix(classes, ignore, colors, fix):
    with pytest.raises(DataError, match=fix):
        legend_of(classes, ignore, colors)


def test_a_legend_made_by_hand_is_checked_too():
    with pytest.raises(DataError, match="'water', 'forest' share the value 1"):
        Legend(("water", "forest"), (1, 1), (), ("#000000", "#ffffff"))
    with pytest.raises(DataError, match="got 2 names, 1 values and 2 colours"):
        Legend(("water", "forest"), (1,), (), ("#000000", "#ffffff"))


def test_a_value_for_not_labelled_may_be_negative():
    assert legend_of({1: "water"}, [-9999], {}).ignore == (-9999,)


@given(st.text(min_size=1))
def test_every_name_has_a_colour(name):
    assert re.fullmatch("#[0-9a-f]{6}", color_of(name))


def test_colours_do_not_depend_on_the_process():
    names = ["winter triticale", "glacier", "été", "water"]
    program = f"from stsun.legend import color_of; print(*[color_of(n) for n in {names!r}])"
    for seed in ("0", "1"):
        out = subprocess.run(
            [sys.executable, "-X", "utf8", "-c", program],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert out.stdout.split() == [color_of(name) for name in names]


def test_capitals_and_blanks_do_not_change_the_colour():
    assert color_of(" Bare  Soil ") == color_of("bare soil")


def test_common_land_covers_look_as_people_expect():
    hue = {name: colorsys.rgb_to_hls(*(c / 255 for c in rgb(color_of(name))))[0] * 360 for name in COLORS}
    assert 180 < hue["water"] < 250 and 90 < hue["forest"] < 170 and 90 < hue["tree"] < 170
    assert 230 < hue["building"] < 290 and max(rgb(color_of("building"))) < 160
    assert color_of("road") == "#000000"


def test_the_core_land_covers_can_be_told_apart():
    names = ["water", "forest", "building", "road", "bare soil", "grassland", "agriculture", "snow", "cloud", "artificial surface", "wetland", "pavement"]  # fmt: skip
    for a, b in itertools.combinations(names, 2):
        assert sum((x - y) ** 2 for x, y in zip(rgb(color_of(a)), rgb(color_of(b)), strict=True)) > 40**2, (a, b)
