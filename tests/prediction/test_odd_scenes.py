"""Odd rasters from file to map: each gives the map that numpy gives, on the grid that the file has."""

import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS
from rasterio.transform import Affine, from_origin

from stsun.errors import RasterError
from stsun.prediction.predict import predict

FIELD = np.random.default_rng(5).integers(0, 3, (37, 29)).astype(np.float32)
LAEA = CRS.from_string("+proj=laea +lat_0=48 +lon_0=11 +x_0=0 +y_0=0 +ellps=GRS80 +units=m")


def masked(values, nodata):
    holed = values.copy()
    holed[5:9, 3:20] = nodata
    return holed


ODD = {
    "south-up": (FIELD, {"transform": Affine(10, 0, 500_000, 0, 10, 4_000_000)}),
    "rotated": (FIELD, {"transform": Affine(8, 3, 500_000, 3, -8, 5_000_000)}),
    "antimeridian": (FIELD, {"crs": CRS.from_epsg(4326), "transform": from_origin(179.99, 10, 1e-3, 1e-3)}),
    "no CRS": (FIELD, {"crs": None, "transform": Affine.identity()}),
    "CRS without a code": (FIELD, {"crs": LAEA, "transform": from_origin(0, 0, 10, 10)}),
    "web mercator": (FIELD, {"crs": CRS.from_epsg(3857), "transform": from_origin(1e6, 6e6, 10, 10)}),
    "feet": (FIELD, {"crs": CRS.from_epsg(2263), "transform": from_origin(1e6, 2e5, 30, 30)}),
    "NaN": (masked(FIELD, np.nan), {}),
    "NaN as nodata": (masked(FIELD, np.nan), {"nodata": np.nan}),
    "nodata": (masked(FIELD, -9999), {"nodata": -9999}),
    "infinity": (masked(FIELD, np.inf), {}),
    "float64": (FIELD.astype(np.float64), {}),
    "int16": (masked(FIELD, -3).astype(np.int16), {"nodata": -3}),
    "int32": (FIELD.astype(np.int32), {}),
    "uint16": (FIELD.astype(np.uint16), {}),
    "uint8": (masked(FIELD, 255).astype(np.uint8), {"nodata": 255}),
    "one pixel wide": (FIELD[:, :1], {}),
    "one pixel": (FIELD[:1, :1], {}),
    "striped": (FIELD, {"blockysize": 1}),
    "BigTIFF": (FIELD, {"bigtiff": "YES"}),
    "LZW with predictor": (FIELD, {"compress": "lzw", "predictor": 3}),
    "south-up in degrees": (FIELD, {"crs": CRS.from_epsg(4326), "transform": Affine(1e-4, 0, 10, 0, 1e-4, 50)}),
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("tile", [16, 512])
def test_an_odd_raster_gives_the_map_that_its_values_say(model, write_image, tmp_path, name, tile):
    values, profile = ODD[name]
    image = write_image("a.tif", values, **profile)
    options = {"task": "segmentation", "tile": tile, "overlap": tile // 4, "scale": 1.0}
    result = predict(model, [image], output=tmp_path / "m.tif", **options)
    missing = ~np.isfinite(values) | (values == profile.get("nodata", np.nan))
    with rasterio.open(tmp_path / "m.tif") as raster, rasterio.open(image) as given:
        np.testing.assert_array_equal(raster.read(1), np.where(missing, 255, np.nan_to_num(values, posinf=0)))
        assert raster.transform == given.transform and raster.shape == given.shape
        assert (raster.crs is None) is (given.crs is None)
        assert given.crs is None or raster.crs.to_wkt() == given.crs.to_wkt()
    assert result.maps[0].nodata_pixels == missing.sum()


def test_the_order_of_bands_may_differ_between_dates(model, write_image, tmp_path):
    """The network is told the bands of each date; this one looks at the first, so that the order shows."""
    red, nir = FIELD, (FIELD + 1) % 3
    first = write_image("a.tif", np.stack([red, nir]), descriptions=["red", "nir"], tags=())
    second = write_image("b.tif", np.stack([nir, red]), descriptions=["nir", "red"], tags=())
    predict(model, [first, second], task="semantic_change", output=tmp_path / "m.tif", scale=1.0)
    with rasterio.open(tmp_path / "m.tif") as raster:
        np.testing.assert_array_equal(raster.read(), np.stack([red, nir]))
    asked = model.calls[0][0]
    assert [[band.name for band in date] for date in asked.bands_of_dates(2)] == [["red", "nir"], ["nir", "red"]]


def test_what_only_one_date_covers_is_no_change(model, write_image, tmp_path):
    second = write_image("b.tif", FIELD[10:, 4:], transform=from_origin(500_040, 4_999_900, 10, 10))
    predict(model, [write_image("a.tif", FIELD), second], task="binary_change", output=tmp_path / "m.tif")
    expected = np.full(FIELD.shape, 255)
    expected[10:, 4:] = 0
    with rasterio.open(tmp_path / "m.tif") as raster:
        np.testing.assert_array_equal(raster.read(1), expected)


def test_an_internal_mask_and_an_alpha_band_tell_what_holds_data(model, write_image, tmp_path):
    mask = np.full(FIELD.shape, 255, np.uint8)
    mask[:7] = 0
    image = write_image("a.tif", FIELD)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(image, "r+") as raster:
        raster.write_mask(mask)
    predict(model, [image], task="segmentation", output=tmp_path / "m.tif")
    with rasterio.open(tmp_path / "m.tif") as raster:
        np.testing.assert_array_equal(raster.read(1) == 255, mask == 0)


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ({"dtype": "complex64"}, "complex"),
        ({"transform": from_origin(900_000, 5_000_000, 10, 10)}, "does not overlap"),
        ({"crs": None, "transform": from_origin(500_000, 5_000_000, 20, 20)}, "without a CRS"),
    ],
)
def test_what_cannot_be_mapped_is_the_one_right_error(model, write_image, tmp_path, profile, words):
    values = FIELD.astype(profile.pop("dtype", "float32"))
    pair = [write_image("a.tif", FIELD), write_image("b.tif", values, **profile)]
    with pytest.raises(RasterError, match=words):
        predict(model, pair, task="binary_change", output=tmp_path / "m.tif")
    assert not (tmp_path / "m.tif").exists()


def test_a_palette_is_refused(model, write_image, tmp_path):
    image = write_image("a.tif", FIELD.astype(np.uint8))
    with rasterio.open(image, "r+") as raster:
        raster.write_colormap(1, {0: (0, 0, 0, 255), 1: (255, 0, 0, 255), 2: (0, 255, 0, 255)})
    with pytest.raises(RasterError, match="colour table"):
        predict(model, [image], task="segmentation", output=tmp_path / "m.tif")
