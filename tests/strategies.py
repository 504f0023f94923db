"""Inputs for properties and fuzzing: what may come, what nearly may, and what real files have been seen to hold."""

import copy
import random
from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from stsun.bands import BANDWIDTH_RANGE_NM, TOKENS, WAVELENGTH_RANGE_NM, Band
from stsun.prediction.tiling import Layout

NAMES = st.sampled_from(["red", "nir", "B8A", "Wasser / Fluß", "水", "no", "a=b", "0", "x" * 300, "tree +"])

WAVELENGTHS_NM = st.floats(*WAVELENGTH_RANGE_NM)

ODD_NUMBERS = st.sampled_from(
    [0, -1, 1, 255, 2**31, 2**63, 2**64, 10**30, -(10**30), 0.0, -0.0, 1e-320, 1e-40, 1e38, 1e300, -1e300,
     float("nan"), float("inf"), -float("inf"), True, False]
)  # fmt: skip
"""Zeros, limits of types, what no type holds, and truth values that pass for numbers."""

ODD_TEXTS = st.sampled_from(
    ["", " ", "\t", "\n", "nan", "inf", "-inf", "1e999", "0x10", "1_000", "12:30", "٢٠٢٠-٠١-٠١", "no", "null", "~", "é",
     "e\u0301", "\u202e", "\ud800", "\x00", "\x1b[31m", "..", "../x", "/etc/hostname", "a" * 300, "a/" * 300, "{id}", "{",
     "{}", "{date}", "%s", "#ff00ff", "#gg0000", "http://a/b", "/vsicurl/http://a/b", "file:///a", "2020-13-01",
     "0000-00-00", "9999-12-31", "2020-01-01T24:00:00Z", "2020-01-01T00:00:00+99:99", "20200101", "1" * 5000]
)  # fmt: skip
"""Texts that were numbers, days, paths or names somewhere, or that look like one."""

ODD = st.none() | ODD_NUMBERS | ODD_TEXTS | st.integers() | st.floats() | st.text(max_size=6)

JUNK = st.recursive(
    ODD, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ODD_TEXTS, inner, max_size=3), max_leaves=5
)
"""Any plain data, as JSON and YAML give it."""

DAYS = st.dates().map(str) | st.datetimes().map(str) | st.from_regex(r"(1[89]|2[01])\d{6}(T\d{6})?", fullmatch=True)
"""ISO days and times, of all years there are."""

FILE_TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/"), min_size=1, max_size=12)


@st.composite
def bands(draw):
    """A band that can be: with a wavelength and perhaps a width, or a named token."""
    if draw(st.booleans()):
        return Band(draw(st.sampled_from(TOKENS)))
    wavelength_nm = draw(WAVELENGTHS_NM)
    widest = min(BANDWIDTH_RANGE_NM[1], 2 * wavelength_nm)
    width_nm = draw(st.none() | st.floats(BANDWIDTH_RANGE_NM[0], widest))
    return Band(f"{wavelength_nm:g}", wavelength_nm, width_nm)


def band_lists(most=6):
    """Bands of one image: none twice."""
    key = st.lists(bands(), min_size=1, max_size=most, unique_by=(lambda band: band.name, _spectrum))
    return key.filter(lambda found: len(found) == 1 or len({_spectrum(band) for band in found}) > 1)


def _spectrum(band):
    return band.token if band.wavelength_nm is None else band.wavelength_nm


@st.composite
def series_days(draw, dates):
    """Days since 1970 of so many dates, not earlier than one another; some unknown."""
    days = sorted(draw(st.lists(st.floats(-40_000, 80_000), min_size=dates, max_size=dates)))
    return [float("nan") if draw(st.integers(0, 4)) == 0 else day for day in days]


@st.composite
def layouts(draw, side=60):
    """A raster's tiles and chunks."""
    tile = draw(st.integers(2, 40))
    overlap = draw(st.integers(0, tile - 1))
    sizes = st.integers(1, side)
    return Layout(draw(sizes), draw(sizes), tile, overlap, draw(st.integers(1, 4)))


@st.composite
def maps(draw, categories, side=6):
    """Two maps of categories of one size; the first holds ignored pixels."""
    shape = draw(st.tuples(st.integers(1, side), st.integers(1, side)))
    labels = draw(arrays.arrays(np.int64, shape, elements=st.sampled_from([*range(categories), 255])))
    return labels, draw(arrays.arrays(np.int64, shape, elements=st.integers(0, categories - 1)))


@st.composite
def rasters(draw, side=5):
    """Stored numbers ``C H W`` of any type a file may have."""
    dtype = np.dtype(draw(st.sampled_from(["uint8", "int16", "uint16", "int32", "uint32", "float32", "float64"])))
    shape = draw(st.tuples(st.integers(1, 3), st.integers(1, side), st.integers(1, side)))
    return draw(arrays.arrays(dtype, shape, elements=arrays.from_dtype(dtype, allow_subnormal=False)))


@st.composite
def damaged(draw, whole, times=3):
    """Plain data in which something is another thing, is gone, is there twice, or has company."""
    inside = copy.deepcopy(whole)
    for _ in range(draw(st.integers(0, times))):
        holders = [place for place in _places(inside) if isinstance(place, dict | list) and place]
        if not holders:
            break
        holder = draw(st.sampled_from(holders))
        key = draw(st.sampled_from(list(holder) if isinstance(holder, dict) else range(len(holder))))
        change = draw(st.sampled_from(["replace", "replace", "remove", "add", "repeat"]))
        if change == "remove":
            del holder[key]
        elif change == "repeat" and isinstance(holder, list):
            holder += [copy.deepcopy(holder[key])] * draw(st.sampled_from([1, 1, 200]))
        elif change == "add" and isinstance(holder, dict):
            holder[draw(ODD_TEXTS | st.sampled_from(list(holder)))] = draw(JUNK)
        else:
            holder[key] = draw(JUNK)
    return inside


MUTATIONS = st.one_of(st.just(0), *[st.integers(0, 2**32 - 1)] * 7)
"""Numbers for `mutate`, each of which changes something else; 0 changes nothing."""


def mutated(seeds: Sequence[bytes], tokens: Sequence[bytes] = ()):
    """Seeds with bytes flipped, parts cut out, doubled, moved, repeated, and tokens put in; number 0 is the seed."""
    return st.builds(mutate, st.sampled_from(seeds), MUTATIONS, st.just(tuple(tokens)))


def mutate(seed: bytes, number: int, tokens: tuple[bytes, ...]) -> bytes:
    """Return what a number makes of a seed, the same on every machine."""
    if number == 0:
        return seed
    rng, content = random.Random(number), bytearray(seed)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        start = rng.randrange(len(content) + 1)
        end = min(len(content), start + rng.choice((0, 1, 1, 2, 4, 16, 100)))
        part = bytes(content[start:end])
        kind = rng.randrange(8)
        if kind == 0:
            content[start:end] = b""
        elif kind == 1:
            content[start:end] = bytes(rng.randrange(256) for _ in part)
        elif kind == 2:
            content[start:end] = part * rng.choice((2, 3, 50, 1000))
        elif kind == 3:
            content = content[:start] if rng.random() < 0.3 else content
        elif kind == 4:
            del content[start:end]
            place = rng.randrange(len(content) + 1)
            content[place:place] = part
        else:
            content[start : end if kind == 5 else start] = rng.choice(tokens or (b"\0",))
    return bytes(content)


def _places(value):
    """Every value inside plain data, itself among them."""
    yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _places(inner)
