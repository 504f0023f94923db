"""Properties of what is read: numbers arrive as stored, parts are parts of the whole, vocabulary keeps its promises."""

import math

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strategies import DAYS, NAMES, band_lists, rasters
from stsun.bands import describe
from stsun.configuration import Configuration
from stsun.errors import ConfigurationError
from stsun.raster.metadata import YEARS, moment_text, parse_day
from stsun.raster.reader import inspect, read
from stsun.yamlfile import dump, load_yaml

ON_FILES = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("read")


@ON_FILES
@given(rasters(), st.data())
def test_a_pixel_is_its_stored_number_scaled_or_is_not_valid(folder, stored, data):
    scale = data.draw(st.sampled_from([1.0, 1e-4, -2.5, 3e4]))
    offset = data.draw(st.sampled_from([0.0, -0.1, 273.15]))
    nodata = data.draw(st.none() | st.sampled_from(stored.ravel().tolist()))
    values, valid = read(write(folder / "a.tif", stored, nodata), scale=scale, offset=offset)
    exact = stored.astype(np.float64)
    missing = ~np.isfinite(exact) | (np.equal(stored, nodata) if nodata is not None else False)
    with np.errstate(over="ignore", invalid="ignore"):
        expected = exact * scale + offset
        largest = np.abs(exact * scale) + abs(offset)
        too_large = np.abs(expected) > np.finfo(np.float32).max
        near = np.abs(np.abs(expected) / np.finfo(np.float32).max - 1) < 1e-6  # either is right at the very limit
    for row, column in np.ndindex(valid.shape):
        if near[:, row, column].any():
            continue
        assert valid[row, column] == (not (missing | too_large)[:, row, column].any())
        here = values[:, row, column]
        if valid[row, column]:
            # scale, product, offset and sum are rounded to float32, none of them larger than the largest term
            assert (np.abs(here - expected[:, row, column]) <= 3e-7 * largest[:, row, column] + 1e-44).all()
        else:
            assert (here == 0).all()


@ON_FILES
@given(rasters(), st.data())
def test_a_window_is_that_part_of_the_whole(folder, stored, data):
    path = write(folder / "b.tif", stored, None)
    values, valid = read(path)
    high, wide = valid.shape
    top, left = data.draw(st.integers(0, high - 1)), data.draw(st.integers(0, wide - 1))
    bottom, right = data.draw(st.integers(top + 1, high)), data.draw(st.integers(left + 1, wide))
    part, seen = read(path, window=((top, bottom), (left, right)))
    np.testing.assert_array_equal(part, values[:, top:bottom, left:right])
    np.testing.assert_array_equal(seen, valid[top:bottom, left:right])
    assert (inspect(path).height, inspect(path).width, inspect(path).count) == (high, wide, len(stored))


def write(path, stored, nodata):
    count, height, width = stored.shape
    profile = {"count": count, "height": height, "width": width, "dtype": stored.dtype.name, "nodata": nodata}
    with rasterio.open(path, "w", driver="GTiff", **profile) as target:
        target.write(stored)
    return path


@ON_FILES
@given(DAYS)
def test_a_day_that_is_taken_comes_back_as_it_was_written_to_the_second(text):
    try:
        day = parse_day(text)
    except ConfigurationError:
        year = int(text[:4])
        assert not YEARS[0] <= year <= YEARS[1]
        return
    if day is not None:
        again = moment_text(day)
        assert abs(parse_day(again) - day) <= 0.5001 / 86_400
        digits = [sign for sign in text if sign.isdigit()]
        assert [sign for sign in again if sign.isdigit()][:8] == digits[:8] or day != math.floor(day)


@ON_FILES
@given(band_lists(), st.none() | st.floats(0.001, 100_000), st.lists(NAMES, unique=True, min_size=1, max_size=4))
def test_a_configuration_is_its_own_key_whatever_numbers_it_was_made_of(bands, gsd_m, names):
    first = Configuration(bands, gsd_m, "segmentation", names)
    second = Configuration(tuple(bands), None if gsd_m is None else np.float64(gsd_m), "segmentation", tuple(names))
    assert first == second and hash(first) == hash(second)
    assert first.bands_of_dates(3) == (tuple(bands),) * 3
    assert all(describe(band) for band in first.bands)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=("Cs", "Cc", "Co", "Cn")), max_size=12)
    | st.sampled_from(["yes", "010", "1e3", "12:30", "2019-09-18", "0x1f", "1_000", "~", ".inf", "=", "<<", "- a", "#", "a: b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@ON_FILES
@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), PLAIN, max_size=4))
def test_what_is_dumped_is_read_as_it_was(folder, mapping):
    (folder / "a.yaml").write_text(dump(mapping), encoding="utf-8")
    assert load_yaml(folder / "a.yaml", ConfigurationError) == mapping
