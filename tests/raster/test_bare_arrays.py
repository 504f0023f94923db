"""Bare arrays are read as rasters are: bands, windows, types; and nothing is unpickled."""

import h5py
import numpy as np
import pytest
import scipy.io

from stsun.errors import RasterError
from stsun.raster.reader import inspect, read, read_labels

ROWS, COLUMNS = 5, 7


def cube(*leading, dtype="int16"):
    """Values that tell their place: 1000 * band + 10 * row + column."""
    bands = int(np.prod(leading))
    band, row, column = np.ogrid[:bands, :ROWS, :COLUMNS]
    return (1000 * band + 10 * row + column).reshape(*leading, ROWS, COLUMNS).astype(dtype)


@pytest.fixture
def save(tmp_path):
    def save(name, array, **more):
        path = tmp_path / name
        if name.endswith(".npy"):
            np.save(path, array, **more)
        elif name.startswith("new"):
            with h5py.File(path, "w", userblock_size=512) as file:  # MATLAB stores axes in reverse
                file["cube"] = array.T
            with path.open("r+b") as file:
                file.write(b"MATLAB 7.3 MAT-file".ljust(512))
        else:
            scipy.io.savemat(path, {"cube": array, **more})
        return path

    return save


@pytest.mark.parametrize("name", ["series.npy", "cube.mat", "new.mat"])
def test_bands_and_windows_are_where_they_should_be(save, name):
    array = cube(2, 3) if name == "series.npy" else np.moveaxis(cube(6), 0, -1)
    path = save(name, array)
    info = inspect(path)
    assert (info.count, info.height, info.width, info.dtypes[0], info.crs) == (6, ROWS, COLUMNS, "int16", None)
    values, valid = read(path, bands=[5, 2], window=((1, 4), (2, 7)))
    np.testing.assert_array_equal(values, cube(6)[[4, 1], 1:4, 2:7])
    assert valid.all()


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float64", "bool"])
def test_numbers_of_any_type_are_read(save, dtype):
    values, _ = read(save("a.npy", cube(1, dtype=dtype)))
    np.testing.assert_array_equal(values, cube(1, dtype=dtype))


def test_nan_and_nodata_are_invalid(save):
    array = cube(2, dtype="float32")
    array[0, 0, 0] = np.nan
    _, valid = read(save("a.npy", array), nodata=1011)
    assert not valid[0, 0] and not valid[1, 1] and valid.sum() == ROWS * COLUMNS - 2


def test_nodata_of_truths_is_that_of_zeros_and_ones(save):
    array = np.arange(ROWS * COLUMNS).reshape(1, ROWS, COLUMNS) % 3 > 0
    assert (read(save("a.npy", array), nodata=0)[1] == array[0]).all()
    assert read(save("a.npy", array), nodata=255)[1].all()


def test_one_band_of_several_can_be_the_label(save):
    path = save("a.npy", cube(3))
    np.testing.assert_array_equal(read_labels(path, band=2), cube(3)[1])
    with pytest.raises(RasterError, match="has 3 bands, expected one"):
        read_labels(path)


def test_python_objects_are_refused_unopened(save):
    path = save("a.npy", np.array([{"a": 1}], dtype=object))
    with pytest.raises(RasterError, match="Python objects"):
        inspect(path)


def test_a_file_of_several_arrays_is_refused_by_their_names(save):
    path = save("a.mat", cube(1)[0], other=cube(1)[0])
    with pytest.raises(RasterError, match=r"it holds cube \(5, 7\), other \(5, 7\)"):
        inspect(path)


@pytest.mark.parametrize("name", ["a.npy", "a.mat", "new.mat"])
def test_a_file_that_was_cut_off_is_told_as_damaged(save, name):
    path = save(name, cube(2))
    path.write_bytes(path.read_bytes()[: 600 if name == "new.mat" else 140])
    with pytest.raises(RasterError, match="damaged"):
        inspect(path)


def test_an_array_is_read_anew_when_it_changes(save):
    first = read(save("a.npy", cube(1)))[0]
    second = read(save("a.npy", cube(1) + 1))[0]
    np.testing.assert_array_equal(second, first + 1)
