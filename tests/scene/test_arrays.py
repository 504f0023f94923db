import sys

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from stsun.bands import Band
from stsun.errors import ConfigurationError, RasterError
from stsun.prediction.predict import predict
from stsun.raster.grid import Grid, Window
from stsun.scene.scene import open_scene, read_scene

xarray = pytest.importorskip("xarray")
rioxarray = pytest.importorskip("rioxarray")

RNG = np.random.default_rng(0)
VALUES = RNG.uniform(-0.4, 2.4, (2, 40, 53)).astype(np.float32)
VALUES[0, 3, 4] = np.nan
VALUES[1, 30:, 40:] = -9
X, Y = 500_000 + 10 * (np.arange(53) + 0.5), 5_000_000 - 10 * (np.arange(40) + 0.5)
NAMES = ["red", "nir"]
WHOLE = Window(0, 0, 40, 53)
SMALL = {"task": "segmentation", "tile": 16, "overlap": 5}


def labelled(values=VALUES, dims=("band", "y", "x"), *, crs="EPSG:32633", name=None, **labels):
    """An array on the grid of ``write_image``; labels are coordinates, or attributes where they are no arrays."""
    coords = {key: value for key, value in labels.items() if isinstance(value, tuple | np.ndarray)}
    attrs = {key: value for key, value in labels.items() if key not in coords}
    coords = {"y": Y, "x": X} | coords
    array = xarray.DataArray(values, dims=dims, coords=coords, attrs=attrs, name=name)
    return array if crs is None else array.rio.write_crs(crs)


def named(values=VALUES, **labels):
    return labelled(values, **{"band": np.array(NAMES), "_FillValue": -9.0, **labels})


def pixels(images, window=WHOLE, **options):
    scene = open_scene(images, **options)
    return scene, *read_scene(scene, window)


@pytest.fixture
def file(write_image):
    tags = (("wavelength", "665"),)
    return write_image("a.tif", VALUES, tags=tags, day="2018-05-01", descriptions=("a", "b"), nodata=-9)


WAVES = {"wavelength": ("band", [665.0, 765.0]), "_FillValue": -9.0, "ACQUISITION_DATE": "2018-05-01"}


def test_an_array_gives_the_bytes_of_the_file_with_the_same_content(model, file, tmp_path):
    products = {"probability_type": "float32", **SMALL}
    for name, image in (("file", file), ("array", labelled(**WAVES)), ("lazy", labelled(**WAVES).chunk({"y": 7}))):
        predict(model, [image], output=tmp_path / f"{name}.tif", probabilities=tmp_path / f"{name}.p.tif", **products)
    for name in ("array", "lazy"):
        for suffix in (".tif", ".p.tif"):
            assert (tmp_path / (name + suffix)).read_bytes() == (tmp_path / ("file" + suffix)).read_bytes()


@pytest.mark.parametrize("order", [("y", "x", "band"), ("x", "band", "y")])
def test_the_order_of_dimensions_and_the_direction_of_rows_and_columns_do_not_matter(file, order):
    expected = pixels([file])
    for turn in ({}, {"y": slice(None, None, -1)}, {"x": slice(None, None, -1)}):
        scene, images, valid = pixels([labelled(**WAVES).transpose(*order).isel(turn)])
        assert scene.grid == expected[0].grid
        np.testing.assert_array_equal(images[0], expected[1][0])
        np.testing.assert_array_equal(valid, expected[2])


def test_an_array_on_another_grid_is_resampled_as_a_file_is(file, write_image):
    coarser = Grid(rasterio.crs.CRS.from_epsg(4326), from_origin(14.9995, 45.1538, 0.0002, 0.00016), 30, 40)
    for window in (Window(0, 0, 30, 40), Window(3, 8, 11, 20)):
        for array in (labelled(**WAVES), labelled(**WAVES).isel(y=slice(None, None, -1)).chunk({"x": 9})):
            scene, images, valid = pixels([array], window, like=coarser)
            _, expected, there = pixels([file], window, like=coarser)
            assert there.any()
            np.testing.assert_array_equal(images[0], expected[0])
            np.testing.assert_array_equal(valid, there)
    assert "resampled to the grid of the maps" in scene.notes[-1]


def test_each_time_step_is_a_date_in_the_order_of_the_array(model, tmp_path):
    times = np.array(["2020-06-01", "2020-01-01T12:00", "NaT"], dtype="datetime64[ns]")
    series = named(
        np.stack([np.where(VALUES == -9, -9, k * VALUES) for k in (1, 2, 3)]),
        dims=("time", "band", "y", "x"),
        time=times,
    )
    scene, images, _ = pixels([series])
    np.testing.assert_array_equal(scene.days, [18414, 18262.5, np.nan])
    np.testing.assert_array_equal(images[2][0, :20], np.nan_to_num(3 * VALUES[0, :20]))
    assert [one.names for one in scene.dates] == [
        "image 1, 2020-06-01",
        "image 1, 2020-01-01T12:00:00Z",
        "image 1, step 3",
    ]
    with pytest.raises(ConfigurationError, match="must not decrease, got 2020-06-01, 2020-01-01T12:00:00Z"):
        predict(model, [series], output=tmp_path / "m.tif", **{**SMALL, "task": "binary_change"})
    result = predict(model, [series[1::-1]], output=tmp_path / "m.tif", **{**SMALL, "task": "binary_change"})
    assert result.maps[0].period == "2020-01-01 to 2020-06-01"


def test_files_and_arrays_may_be_mixed(model, file, write_image, tmp_path):
    later = named(2 * VALUES, time=np.datetime64("2020-01-01"), name="later")
    scene = open_scene([file, later.assign_coords(time=np.datetime64("2020-01-01"))])
    assert [one.names for one in scene.dates] == [str(file), "image 2 (later)"]
    np.testing.assert_array_equal(scene.days, [17652, 18262])
    radar = write_image("vv.tif", VALUES[0], tags=(), descriptions=("vv",))
    scene = open_scene([[named(), radar]], dates=["2020-01-01"])
    assert [band.name for band in scene.bands[0]] == ["red", "nir", "vv"] and scene.days == [18262]
    predict(model, [[named(), radar]], output=tmp_path / "m.tif", **SMALL)


def test_only_the_chunks_that_a_window_needs_are_computed():
    import dask.array

    computed = []

    def block(values, block_info):
        computed.append(block_info[0]["chunk-location"])
        return values

    lazy = dask.array.map_blocks(block, dask.array.from_array(VALUES, (2, 10, 10)), dtype=VALUES.dtype, meta=VALUES[:0])
    scene = open_scene([named(lazy)])
    assert not computed
    read_scene(scene, Window(12, 5, 6, 10))
    assert sorted(computed) == [(0, 1, 0), (0, 1, 1)]
    assert "lazy, not checked" in repr(scene.dates[0].files[0])


def test_pixels_are_invalid_where_they_are_nan_or_nodata():
    expected = np.isfinite(VALUES).all(axis=0) & (VALUES != -9).all(axis=0)
    for attrs in ({"_FillValue": -9}, {"nodata": np.float32(-9)}, {"_FillValue": None, "missing_value": -9.0}):
        attrs = {key: value for key, value in attrs.items() if value is not None}
        array = labelled(band=np.array(NAMES), **attrs)
        np.testing.assert_array_equal(pixels([array])[2][0], expected)
    whole = np.where(VALUES == -9, 0, 3).astype(np.uint16)
    array = labelled(whole, band=np.array(NAMES), nodata=0)
    np.testing.assert_array_equal(pixels([array], scale=1)[2][0], (whole > 0).all(axis=0))
    array.attrs["nodata"] = -9999
    assert pixels([array], scale=1)[2].all()


def test_stored_values_mean_what_the_attributes_the_user_or_the_sensor_say():
    whole = np.full((2, 40, 53), 3000, np.uint16)
    array = labelled(whole, band=np.array(NAMES))
    with pytest.raises(RasterError, match=r"image 1: red 660 nm .* stored as uint16, and nobody says"):
        open_scene([array])
    assert pixels([array], scale=1e-4)[1][0][0, 0, 0] == pytest.approx(0.3)
    array.attrs |= {"scale_factor": 1e-4, "add_offset": -0.1}
    assert pixels([array])[1][0][0, 0, 0] == pytest.approx(0.2)
    array.attrs = {"scale_factor": 1e-4, "scales": (1e-4, 2e-4), "offsets": (0.0, 0.1)}
    numbered = array.assign_coords(band=[2, 1])
    assert pixels([numbered], bands=["nir", "red"])[1][0][:, 0, 0] == pytest.approx([0.7, 0.3])
    b04 = labelled(whole, band=np.array(["B04", "B08"]))
    assert pixels([b04], sensor="sentinel-2-l2a")[1][0][0, 0, 0] == pytest.approx(0.3, abs=0.1)
    with pytest.raises(RasterError, match="holds values around 1000"):
        pixels([labelled(np.full_like(VALUES, 1000), band=np.array(NAMES))])
    for wrong in (0.0, "abc", [1e-4]):
        with pytest.raises(RasterError, match="its attributes say scale_factor"):
            open_scene([named(scale_factor=wrong)])


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"wavelength": ("band", [665.0, 842.0])}, [(665, None), (842, None)]),
        ({"center_wavelength": ("band", [0.665, 0.842]), "fwhm": ("band", [0.03, 0.1])}, [(665, 30), (842, 100)]),
        (
            {
                "wavelength": ("band", [6.65, 10.9], {"units": "um"}),
                "fwhm": ("band", [0.03, 1.0], {"units": "um"}),
            },
            [(6650, 30), (10900, 1000)],
        ),
    ],
)
def test_bands_are_told_by_wavelengths_along_them(labels, expected):
    bands = open_scene([labelled(**labels)]).bands[0]
    assert [(band.wavelength_nm, band.bandwidth_nm) for band in bands] == expected


def test_bands_are_told_by_names():
    assert open_scene([labelled(band=np.array(["red", "vv"]))]).bands[0][1] == Band("vv")
    numbered = labelled(band=np.array([1, 2]), long_name=["red", "nir"])
    assert [band.name for band in open_scene([numbered]).bands[0]] == NAMES
    assert [band.name for band in open_scene([numbered.isel(band=[1, 0])]).bands[0]] == NAMES[::-1]
    assert [band.name for band in open_scene([numbered.sel(band=2)]).bands[0]] == ["nir"]
    for array in (labelled(), labelled(band=np.array([1, 2])), labelled(long_name="red")):
        with pytest.raises(RasterError, match=r"image 1: 2 band.*--sensor"):
            open_scene([array])
    assert open_scene([labelled()], bands=["red:665", "vv"]).bands[0] == (Band("red", 665), Band("vv"))
    assert open_scene([labelled(VALUES[0], ("y", "x"), name="ndvi")]).bands[0] == (Band("ndvi"),)


def test_a_band_taken_out_of_a_file_keeps_no_wavelength_of_another(file):
    """rioxarray gives an array the tags of its first band."""
    array = rioxarray.open_rasterio(file)
    assert array.attrs["wavelength"] == 665
    with pytest.raises(RasterError, match="no wavelength tag or known name"):
        open_scene([array.sel(band=2)])


def test_a_dataset_has_a_band_for_each_variable():
    days = np.array(["2020-01-01", "2020-06-01"], dtype="datetime64[ns]")
    cube = {"time": days, "dims": ("time", "y", "x")}
    red = labelled(np.stack([VALUES[0], 2 * VALUES[0]]), **cube)
    nir = labelled(np.full((2, 40, 53), 200, np.uint8), nodata=0, scale_factor=0.01, **cube).chunk({"time": 1})
    dem = labelled(np.full((40, 53), 300, np.int16), ("y", "x"))
    scene, images, valid = pixels([xarray.Dataset({"red": red, "nir": nir, "dem": dem})])
    assert [[band.name for band in bands] for bands in scene.bands] == [["red", "nir", "dem"]] * 2
    np.testing.assert_array_equal(scene.days, [18262, 18414])
    assert images[1][1:, 0, 0] == pytest.approx([2, 300])
    np.testing.assert_array_equal(images[1][0], np.nan_to_num(2 * VALUES[0]))
    np.testing.assert_array_equal(valid[0], np.isfinite(VALUES[0]))


def test_what_rioxarray_opens_reads_as_the_file_itself(file):
    _, expected, there = pixels([file])
    for options in ({}, {"masked": True}, {"chunks": {"x": 16, "y": 16}}, {"lock": False, "cache": False}):
        array = rioxarray.open_rasterio(file, **options)
        for one in (array, array.isel(y=slice(None, None, -1))):
            scene, images, valid = pixels([one], bands=["red:665", "b:765"])
            np.testing.assert_array_equal(images[0], expected[0])
            np.testing.assert_array_equal(valid, there)
            assert scene.days == [17652]
    half = array[:, ::2, ::2]
    assert open_scene([half], bands=["red:665", "b:765"]).gsd_m == pytest.approx(20, rel=1e-2)


def test_two_are_the_same_for_an_unfinished_prediction_if_their_pixels_are():
    def told(array):
        return repr(open_scene([array]).dates[0].files[0])

    changed = VALUES.copy()
    changed[1, 20, 20] += 1e-3
    assert told(named()) == told(named(VALUES.copy())) != told(named(changed))
    assert "0x" not in told(named().chunk())


def crooked(place, step):
    array = named()
    return array.assign_coords({place: array[place].values + step * (np.arange(array.sizes[place]) % 2)})


@pytest.mark.parametrize(
    ("image", "error", "words"),
    [
        (lambda: crooked("x", 2.0), RasterError, "x and y are not evenly spaced"),
        (lambda: crooked("y", 2.0), RasterError, "x and y are not evenly spaced"),
        (lambda: named().rename(band="level"), RasterError, "level, y, x, expected y and x, and at most band and time"),
        (lambda: named().rename(x="a", y="b"), RasterError, "expected y and x among them"),
        (lambda: named()[:, :0], RasterError, "is empty|nobody knows"),
        (lambda: named() > 0, RasterError, "values of the type bool"),
        (lambda: named() * 1j, RasterError, "values of the type complex"),
        (lambda: named(wavelength=("band", [665.0, 50.0])), RasterError, "band 2: .* is outside"),
        (
            lambda: named(wavelength=("band", [0.6, 0.8], {"units": "um"}), fwhm=("band", [30, 40], {"units": "nm"})),
            RasterError,
            "wavelengths are in um and their widths in nm",
        ),
        (lambda: named().expand_dims(time=[2018.5]), RasterError, "time holds .*2018.5.*, expected dates"),
        (lambda: named().expand_dims(time=["1066-01-01"]), RasterError, "outside the years"),
        (lambda: xarray.Dataset({"red": named()}), RasterError, "red has the dimensions band, y, x"),
        (lambda: xarray.Dataset(), RasterError, "expected y and x among them"),
        (lambda: [named(), named().expand_dims(time=2)], ConfigurationError, "2 time steps, but stands in a list"),
        (lambda: 5, ConfigurationError, "expected a path or an xarray object"),
    ],
)
def test_what_is_no_image_is_refused_with_a_reason(image, error, words):
    with pytest.raises(error, match=words):
        open_scene([image()])


def test_one_date_is_no_date_for_many_steps_and_an_array_is_no_list(file):
    with pytest.raises(ConfigurationError, match="image 2 holds 2 time steps, but one date is given"):
        open_scene([file, named().expand_dims(time=2)], dates=[None, "2020-01-01"])
    with pytest.raises(ConfigurationError, match=r"images must be a list .* got DataArray"):
        open_scene(named())
    with pytest.raises(ConfigurationError, match=r"2020-01-01, but the file's own is 2018-05-01"):
        open_scene([labelled(**WAVES)], dates=["2020-01-01"])


def test_without_a_crs_only_the_same_grid_will_do(file):
    scene, images, _ = pixels([named(crs=None)])
    assert scene.gsd_m is None and images[0].shape == (2, 40, 53)
    with pytest.raises(RasterError, match="without a CRS nobody knows"):
        open_scene([file, named(crs=None)])


def test_what_cannot_be_computed_is_an_error_or_no_data():
    import dask.array

    def fail(values):
        raise OSError("the server is gone")

    lazy = dask.array.map_blocks(fail, dask.array.from_array(VALUES, (2, 10, 10)), dtype=VALUES.dtype, meta=VALUES[:0])
    scene = open_scene([named(lazy, name="failing")])
    with pytest.raises(
        RasterError, match=r"failing.*: rows 12-17, columns 5-14 cannot be computed .the server is gone"
    ):
        read_scene(scene, Window(12, 5, 6, 10))
    told = []
    _, valid = read_scene(scene, Window(12, 5, 6, 10), told.append)
    assert told == ["image 1 (failing): rows 12-17, columns 5-14"] and not valid.any()


def test_the_extra_is_named_where_it_is_missing(monkeypatch):
    array = named()
    monkeypatch.setitem(sys.modules, "rioxarray", None)
    with pytest.raises(ConfigurationError, match=r"rioxarray.*pip install 'stsun\[xarray\]'"):
        open_scene([array])
