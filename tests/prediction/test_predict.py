from datetime import date

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import torch
from rasterio.crs import CRS
from rasterio.transform import from_origin

from stsun.errors import CheckpointError, ConfigurationError, RasterError
from stsun.model.stsun import create
from stsun.prediction.predict import predict
from stsun.prediction.results import to_text

RNG = np.random.default_rng(0)
FIRST = RNG.uniform(-0.4, 2.4, (40, 53)).astype(np.float32)
SECOND = RNG.uniform(-0.4, 2.4, (40, 53)).astype(np.float32)
SMALL = {"tile": 16, "overlap": 5}


def maps_of(path):
    with rasterio.open(path) as raster:
        return raster.read()


@pytest.fixture
def pair(write_image):
    return [write_image("a.tif", FIRST, day="2018-05-01"), write_image("b.tif", SECOND, day="2024-05-02")]


def test_a_segmentation_is_the_nearest_category_of_each_pixel_on_the_images_grid(model, pair, tmp_path):
    result = predict(model, pair, task="segmentation", output=tmp_path / "map.tif", **SMALL)
    with rasterio.open(tmp_path / "map.tif") as raster, rasterio.open(pair[0]) as image:
        np.testing.assert_array_equal(raster.read(), np.rint(SECOND)[None])
        assert (raster.crs, raster.transform, raster.shape) == (image.crs, image.transform, image.shape)
        assert raster.descriptions == ("2018-05-01 to 2024-05-02",)
        assert raster.tags(1)["category_2"] == "building"
        assert raster.colormap(1)[0][3] == 255
    assert result.files == (tmp_path / "map.tif", tmp_path / "map.qml")
    counts = {name: int((np.rint(SECOND) == k).sum()) for k, name in enumerate(("water", "forest", "building"))}
    assert result.maps[0].pixels == counts
    assert result.maps[0].area_m2 == pytest.approx({name: 100 * count for name, count in counts.items()})


def test_a_binary_change_has_one_map_per_pair_of_dates(model, pair, tmp_path):
    result = predict(model, [*pair, pair[1]], task="binary_change", output=tmp_path / "map.tif", **SMALL)
    expected = np.stack([SECOND - FIRST > 0.5, np.zeros_like(FIRST)])
    np.testing.assert_array_equal(maps_of(tmp_path / "map.tif"), expected)
    assert [one.period for one in result.maps] == ["2018-05-01 to 2024-05-02", "2024-05-02 to 2024-05-02"]
    assert set(result.maps[0].pixels) == {"unchanged", "flooded"}


def test_semantic_change_and_per_date_have_one_map_per_date(model, pair, tmp_path):
    predict(model, pair, task="semantic_change", output=tmp_path / "c.tif", **SMALL)
    predict(model, pair, task="segmentation", per_date=True, output=tmp_path / "d.tif", **SMALL)
    expected = np.rint(np.stack([FIRST, SECOND]))
    np.testing.assert_array_equal(maps_of(tmp_path / "c.tif"), expected)
    np.testing.assert_array_equal(maps_of(tmp_path / "d.tif"), expected)
    with rasterio.open(tmp_path / "c.tif") as raster:
        assert raster.descriptions == ("2018-05-01", "2024-05-02")


@pytest.mark.parametrize(("tile", "overlap"), [(512, 128), (64, 8), (16, 0), (17, 9), (7, 6)])
def test_tiles_leave_no_seams(model, pair, tmp_path, tile, overlap):
    """A network that looks at single pixels gives the same whole or tiled, to the probability."""
    options = {"task": "binary_change", "tile": tile, "overlap": overlap, "probability_type": "float32"}
    predict(model, pair, output=tmp_path / "map.tif", probabilities=tmp_path / "p.tif", **options)
    expected = 1 / (1 + np.exp(-(SECOND.astype(float) - FIRST - 0.5)))
    np.testing.assert_allclose(maps_of(tmp_path / "p.tif")[0], expected, atol=1e-5)
    np.testing.assert_array_equal(maps_of(tmp_path / "map.tif")[0], expected > 0.5)


def test_overlaps_are_blended_smoothly(pair, tmp_path):
    """A network that gives each tile a value of its own: at seams the result must not jump."""

    class PerTile(torch.nn.Module):
        calls = 0

        def forward(self, images, valid, days, configuration):
            self.calls += 1
            return torch.full((1, 1, 1, *valid.shape[-2:]), float(self.calls % 2))

    predict(
        PerTile(), pair, task="binary_change", categories=["flooded"], output=tmp_path / "m.tif",
        probabilities=tmp_path / "p.tif", probability_type="float32", tile=40, overlap=27,
    )  # fmt: skip
    row = maps_of(tmp_path / "p.tif")[0, 20]
    assert row.max() - row.min() > 0.2
    assert np.abs(np.diff(row)).max() < 0.05


def test_probabilities_have_one_band_per_map_and_category(model, pair, tmp_path):
    predict(
        model, pair, task="semantic_change", categories=["x", "y"], output=tmp_path / "m.tif",
        probabilities=tmp_path / "p.tif", probability_type="float32", **SMALL,
    )  # fmt: skip
    with rasterio.open(tmp_path / "p.tif") as raster:
        assert raster.descriptions == ("x, 2018-05-01", "y, 2018-05-01", "x, 2024-05-02", "y, 2024-05-02")
        shares = raster.read()
    odds = np.exp(-((FIRST - 0) ** 2)) / np.exp(-((FIRST - 1) ** 2))
    np.testing.assert_allclose(shares[0], odds / (1 + odds), atol=1e-5)
    np.testing.assert_allclose(shares[2] + shares[3], 1, atol=1e-5)


def test_pixels_without_data_are_nodata_and_are_not_counted(model, write_image, tmp_path):
    first, second = FIRST.copy(), SECOND.copy()
    first[:20], second[:, :18] = np.nan, -9999  # the upper left corner is missing at both dates
    images = [write_image("a.tif", first), write_image("b.tif", second, nodata=-9999)]
    series = predict(model, images, task="segmentation", output=tmp_path / "s.tif", **SMALL)
    predict(
        model, images, task="binary_change", output=tmp_path / "c.tif", probabilities=tmp_path / "p.tif",
        probability_type="float32", **SMALL,
    )  # fmt: skip
    predict(model, images, task="semantic_change", output=tmp_path / "d.tif", **SMALL)
    missing = np.stack([np.isnan(first), second == -9999])
    np.testing.assert_array_equal(maps_of(tmp_path / "s.tif")[0] == 255, missing.all(axis=0))
    np.testing.assert_array_equal(maps_of(tmp_path / "c.tif")[0] == 255, missing.any(axis=0))
    np.testing.assert_array_equal(np.isnan(maps_of(tmp_path / "p.tif")[0]), missing.any(axis=0))
    np.testing.assert_array_equal(maps_of(tmp_path / "d.tif") == 255, missing)
    assert series.maps[0].nodata_pixels == 20 * 18
    assert sum(series.maps[0].pixels.values()) == FIRST.size - 20 * 18


def test_tiles_without_any_data_do_not_trouble_the_network(model, write_image, tmp_path):
    empty = FIRST.copy()
    empty[:, :32] = np.nan
    predict(model, [write_image("a.tif", empty)], task="segmentation", output=tmp_path / "m.tif", tile=16, overlap=0)
    assert len(model.calls) == 3 * 2


def test_the_network_is_told_bands_gsd_and_days_and_left_in_its_mode(model, pair, tmp_path):
    result = predict(model, pair, task="binary_change", output=tmp_path / "m.tif", dates=None)
    configuration, days, size, training = model.calls[0]
    assert configuration == result.configuration
    assert configuration.gsd_m == pytest.approx(10) and configuration.bands[0].wavelength_nm == 665
    assert days.tolist() == [[17652, 19845]] and size == (40, 53)
    assert not training and model.training


def test_dates_of_different_sensors_go_through_together(model, write_image, tmp_path):
    optical = write_image("a.tif", np.stack([FIRST, FIRST]))
    radar = write_image("b.tif", SECOND, tags=(), descriptions=["VV"])
    predict(model, [optical, radar], task="binary_change", output=tmp_path / "m.tif")
    np.testing.assert_array_equal(maps_of(tmp_path / "m.tif")[0], SECOND - FIRST > 0.5)
    assert model.calls[0][0].mixed_sensors


def test_progress_counts_the_tiles(model, pair, tmp_path):
    seen = []
    predict(
        model, pair, task="binary_change", output=tmp_path / "m.tif", **SMALL, progress=lambda *done: seen.append(done)
    )
    assert seen == [(i, 20) for i in range(1, 21)]


def test_what_is_written_after_the_last_tile_is_told(model, pair, tmp_path):
    told = []
    files = {"output": tmp_path / "m.tif", "polygons": tmp_path / "g.gpkg", "transitions": tmp_path / "t.csv"}
    options = {"progress": lambda done, total: told.append(done == total), "stage": told.append}
    predict(model, pair, task="semantic_change", **files, **options)
    assert told == [True, *(f"writing {name}" for name in ("m.tif", "g.gpkg", "t.csv", "m.qml"))]


def test_a_raster_without_crs_gives_a_map_without_areas(model, write_image, tmp_path):
    result = predict(model, [write_image("a.tif", FIRST, crs=None)], task="segmentation", output=tmp_path / "m.tif")
    assert result.maps[0].area_m2 is None and result.configuration.gsd_m is None


def test_areas_in_degrees_are_those_on_the_ellipsoid(model, write_image, tmp_path):
    image = write_image("a.tif", FIRST, crs=CRS.from_epsg(4326), transform=from_origin(10, 50, 0.1, 0.1))
    result = predict(model, [image], task="segmentation", output=tmp_path / "m.tif")
    # a zone between 46 and 50 degrees north of 5.3 degrees: the sphere of equal area, latitudes made authalic
    sine = np.sin(np.radians([46, 50]) - 0.00223882 * np.sin(2 * np.radians([46, 50])))
    area = 6_371_007.181**2 * np.radians(5.3) * (sine[1] - sine[0])
    assert sum(result.maps[0].area_m2.values()) == pytest.approx(area, rel=1e-4)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"task": "binary_change", "images": 1}, ConfigurationError, "at least 2 dates, got 1"),
        ({"task": "binary_change", "dates": ["2024-05-02", "2018-05-01"]}, ConfigurationError, "file's own"),
        ({"task": "sunshine"}, ConfigurationError, "no task 'sunshine'"),
        ({"task": "segmentation", "categories": "water,forest"}, ConfigurationError, "list of names"),
        ({"task": "segmentation", "categories": ["water"]}, ConfigurationError, "background"),
        ({"task": "binary_change", "per_date": True}, ConfigurationError, "per_date"),
        ({"task": "segmentation", "overlap": 600}, ConfigurationError, "overlap"),
        ({"task": "segmentation", "output": "m.png"}, RasterError, r"\.tif"),
        ({"task": "segmentation", "probabilities": "m.tif"}, RasterError, "another output"),
        ({"task": "segmentation", "device": "abacus"}, ConfigurationError, "device 'abacus'"),
        ({"task": "segmentation", "dates": ["0001-05-01", None]}, ConfigurationError, "outside the years 1850 to 2200"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_written(model, pair, tmp_path, change, error, words):
    options = {"output": "m.tif", **change}
    images = pair[: options.pop("images", 2)]
    for key in ("output", "probabilities"):
        if key in options:
            options[key] = tmp_path / options[key]
    before = sorted(tmp_path.iterdir())
    with pytest.raises(error, match=words):
        predict(model, images, **options)
    assert sorted(tmp_path.iterdir()) == before


def test_dates_of_a_change_must_not_decrease(model, pair, write_image, tmp_path):
    with pytest.raises(ConfigurationError, match="must not decrease, got 2024-05-02, 2018-05-01"):
        predict(model, pair[::-1], task="binary_change", output=tmp_path / "m.tif")
    predict(model, pair[::-1], task="segmentation", output=tmp_path / "m.tif")
    day = [write_image(f"{hour}.tif", FIRST, day=f"2018-05-01T{hour}:00:00") for hour in (12, 10)]
    with pytest.raises(ConfigurationError, match="got 2018-05-01T12:00:00Z, 2018-05-01T10:00:00Z"):
        predict(model, day, task="binary_change", output=tmp_path / "m.tif", overwrite=True)


def test_unknown_categories_are_refused_before_the_first_tile(write_image, tmp_path):
    empty = write_image("a.tif", np.full_like(FIRST, np.nan))
    network = create("nano", ["water", "forest"])
    options = {"task": "segmentation", "output": tmp_path / "m.tif"}
    with pytest.raises(ConfigurationError, match="does not know the categories 'watre'; did you mean 'water'"):
        predict(network, [empty], categories=["watre", "forest"], **options)
    assert not (tmp_path / "m.tif").exists()
    predict(network, [empty], categories=["water", "background"], **options)


def test_dates_may_be_date_objects(model, write_image, tmp_path):
    images = [write_image("a.tif", FIRST), write_image("b.tif", SECOND)]
    given = [date(2018, 5, 1), np.datetime64("2024-05-02")]
    result = predict(model, images, task="binary_change", output=tmp_path / "m.tif", dates=given)
    assert result.maps[0].period == "2018-05-01 to 2024-05-02"


def test_values_that_are_no_reflectance_are_refused_until_someone_says_what_they_are(model, write_image, tmp_path):
    thousands = write_image("a.tif", 1000 + 1000 * FIRST)
    options = {"task": "segmentation", "output": tmp_path / "m.tif"}
    with pytest.raises(RasterError, match=r"a\.tif: band 1 holds values around [12]\d\d\d.*--scale"):
        predict(model, [thousands], **options)
    assert not (tmp_path / "m.tif").exists()
    whole = write_image("b.tif", (1000 + 1000 * FIRST).astype(np.int16))
    with pytest.raises(RasterError, match=r"stored as int16.*--scale"):
        predict(model, [whole], **options)
    for image in (thousands, whole):
        predict(model, [image], scale=1e-3, overwrite=True, **options)
    predict(model, [thousands], scale=1, overwrite=True, **options)


def test_a_few_wild_pixels_and_other_units_are_not_refused(model, write_image, tmp_path):
    wild = FIRST.copy()
    wild[:4] = 9999
    heights = write_image("b.tif", 1000 + FIRST, tags=(), descriptions=["DEM"])
    kelvin = write_image("c.tif", 290 + FIRST, tags=(("wavelength", "10900"),))
    for image in (write_image("a.tif", wild), heights, kelvin):
        predict(model, [image], task="segmentation", output=tmp_path / "m.tif", overwrite=True)


@pytest.mark.parametrize("change", [{"scale": 0.0}, {"scale": np.nan}, {"scale": np.inf}, {"offset": np.nan}])
def test_a_scale_that_leaves_nothing_is_refused(model, pair, tmp_path, change):
    with pytest.raises(ConfigurationError, match=r"expected a finite number"):
        predict(model, pair, task="binary_change", output=tmp_path / "m.tif", **change)


def test_a_summary_in_words_names_period_shares_notes_and_files(model, pair, tmp_path):
    text = to_text(predict(model, pair, task="binary_change", output=tmp_path / "m.tif"))
    assert "2018-05-01 to 2024-05-02: 2120 pixels, 0 without data" in text
    assert (
        "km²" in text and "note: " in text and text.endswith(f"wrote {tmp_path / 'm.tif'}\nwrote {tmp_path / 'm.qml'}")
    )


def test_an_image_is_never_overwritten(model, pair):
    before = pair[0].read_bytes()
    with pytest.raises(RasterError, match="overwrite an image"):
        predict(model, pair, task="binary_change", output=pair[0], overwrite=True)
    assert pair[0].read_bytes() == before


def test_what_a_virtual_raster_shows_is_never_overwritten(model, write_image, tmp_path):
    source, shown = write_image("source.tif", FIRST), tmp_path / "shown.vrt"
    rasterio.shutil.copy(source, shown, driver="VRT")
    before = source.read_bytes()
    with pytest.raises(RasterError, match="overwrite an image"):
        predict(model, [shown], task="segmentation", output=source, overwrite=True)
    assert source.read_bytes() == before


@pytest.mark.parametrize(("tile", "overlap"), [(4, 0), (4, 1)])
def test_chunks_that_do_not_overlap_leave_no_gaps(model, pair, tmp_path, tile, overlap):
    predict(model, pair, task="segmentation", per_date=True, output=tmp_path / "m.tif", tile=tile, overlap=overlap)
    np.testing.assert_array_equal(maps_of(tmp_path / "m.tif"), np.rint(np.stack([FIRST, SECOND])))


def test_a_truncated_image_leaves_no_map_behind(model, write_image, tmp_path):
    image = write_image("a.tif", RNG.normal(size=(300, 300)).astype(np.float32))
    image.write_bytes(image.read_bytes()[:200_000])
    with pytest.raises(RasterError, match=r"a\.tif"):
        predict(model, [image], task="segmentation", output=tmp_path / "m.tif")
    assert list(tmp_path.iterdir()) == [image]


def test_a_model_that_gives_nan_makes_no_map(model, pair, tmp_path):
    with torch.no_grad():
        model.scale.fill_(float("nan"))
    with pytest.raises(CheckpointError, match="NaN"):
        predict(model, pair, task="binary_change", output=tmp_path / "m.tif")
    assert not (tmp_path / "m.tif").exists()


def test_a_tile_too_large_for_the_device_is_a_clear_error(pair, tmp_path):
    class Greedy(torch.nn.Module):
        def forward(self, images, valid, days, configuration):
            raise torch.OutOfMemoryError("tried to allocate 1 PiB")

    with pytest.raises(ConfigurationError, match=r"40 x 53 pixels at 2 dates.*--tile"):
        predict(Greedy(), pair, task="binary_change", categories=["flooded"], output=tmp_path / "m.tif")


def test_a_real_pair_of_one_grid_gives_a_map(model, shared_data, tmp_path):
    folder = shared_data / "geo_io" / "landsat_pucallpa"
    images = [folder / "1985.tif", folder / "2020.tif"]
    result = predict(model, images, task="binary_change", output=tmp_path / "m.tif", dates=["1985-07-01", "2020-07-01"])
    assert result.configuration.gsd_m == pytest.approx(90, rel=0.05)
    assert sum(result.maps[0].pixels.values()) + result.maps[0].nodata_pixels == 256 * 384


def test_real_images_on_shifted_grids_are_mapped_on_the_first_ones(model, shared_data, tmp_path):
    images = sorted((shared_data / "geo_io" / "naip_prairie").glob("*.tif"))[:2]
    result = predict(model, images, task="binary_change", output=tmp_path / "m.tif")
    with rasterio.open(images[0]) as first, rasterio.open(tmp_path / "m.tif") as made:
        assert (made.crs, made.transform, made.shape) == (first.crs, first.transform, first.shape)
    assert any("resampled to the grid of the maps" in note for note in result.notes)
