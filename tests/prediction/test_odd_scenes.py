"""Odd rasters from file to map: each gives the map that numpy gives, on the grid that the file has."""

import numpy as np
import pyproj
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


def test_an_alpha_band_tells_what_holds_data(model, write_image, tmp_path):
    alpha = np.where(np.random.default_rng(6).random(FIELD.shape) < 0.3, 0, 255)
    values = np.stack([FIELD, alpha]).astype(np.uint8)
    image = write_image("a.tif", values, tags=(), descriptions=["red"], photometric="MINISBLACK", alpha="YES")
    predict(model, [image], task="segmentation", output=tmp_path / "m.tif", scale=1.0, tile=16, overlap=4)
    with rasterio.open(tmp_path / "m.tif") as raster:
        np.testing.assert_array_equal(raster.read(1), np.where(alpha == 0, 255, FIELD))


def test_each_band_may_have_a_nodata_value_of_its_own(model, write_image, tmp_path):
    """The first band holds 1 where the field does, the second 7 where that is 0; only twos are left."""
    write_image("a.tif", np.stack([FIELD, np.where(FIELD == 0, 7, 1)]))
    bands = "".join(
        f'<VRTRasterBand dataType="Float32" band="{band}"><Metadata><MDI key="wavelength">{wave}</MDI></Metadata>'
        f"<NoDataValue>{nodata}</NoDataValue><SimpleSource>"
        '<SourceFilename relativeToVRT="1">a.tif</SourceFilename>'
        f"<SourceBand>{band}</SourceBand></SimpleSource></VRTRasterBand>"
        for band, wave, nodata in ((1, 665, 1), (2, 842, 7))
    )
    place = "<SRS>EPSG:32633</SRS><GeoTransform>500000, 10, 0, 5000000, 0, -10</GeoTransform>"
    text = f'<VRTDataset rasterXSize="29" rasterYSize="37">{place}{bands}</VRTDataset>'
    (tmp_path / "a.vrt").write_text(text)
    predict(model, [tmp_path / "a.vrt"], task="segmentation", output=tmp_path / "m.tif", scale=1.0)
    with rasterio.open(tmp_path / "m.tif") as raster:
        np.testing.assert_array_equal(raster.read(1), np.where(FIELD == 2, 2, 255))


def test_a_date_in_another_crs_shows_what_lies_at_each_place(model, write_image, tmp_path):
    """Squares of 100 m, drawn from the coordinates of each pixel's centre, which pyproj brings from zone 32 to 33."""

    def centres(west, north, size):
        return np.meshgrid(west + 10 * (np.arange(size) + 0.5), north - 10 * (np.arange(size) + 0.5))

    def squares(east, north):
        return ((east // 100 + north // 100) % 3).astype(np.float32)

    to_33 = pyproj.Transformer.from_crs(32632, 32633, always_xy=True)
    west, north = to_33.transform(500_000, 5_000_000, direction="INVERSE")
    west, north = round(west - 200, -1), round(north + 200, -1)
    own = centres(500_000, 5_000_000, 60)
    first = write_image("a.tif", squares(*own))
    other = squares(*to_33.transform(*centres(west, north, 120)))
    second = write_image("b.tif", other, crs=CRS.from_epsg(32632), transform=from_origin(west, north, 10, 10))
    predict(model, [first, second], task="semantic_change", output=tmp_path / "m.tif", scale=1.0, tile=32, overlap=8)
    with rasterio.open(tmp_path / "m.tif") as raster:
        maps = raster.read()
    np.testing.assert_array_equal(maps[0], squares(*own))
    inside = np.logical_and.reduce([(15 < axis % 100) & (axis % 100 < 85) for axis in own])  # of squares, not between
    assert inside.mean() > 0.3
    np.testing.assert_array_equal(maps[1][inside], squares(*own)[inside])


def test_an_internal_mask_tells_what_holds_data(model, write_image, tmp_path):
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
