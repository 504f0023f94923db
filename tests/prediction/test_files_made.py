"""All files that a prediction can make agree with one another and with what the network said."""

import csv
import json

import geopandas
import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS
from rio_cogeo.cogeo import cog_validate

from stsun.errors import ConfigurationError, RasterError
from stsun.prediction.predict import predict

RNG = np.random.default_rng(3)
SHAPE = (90, 70)
BEFORE, AFTER = RNG.integers(0, 3, (2, *SHAPE)).astype(np.float32)
BEFORE[:30], AFTER[:30] = 1, 2
AFTER[60:, :20] = np.nan


@pytest.fixture
def pair(write_image):
    return [write_image("a.tif", BEFORE, day="2018-05-01"), write_image("b.tif", AFTER, day="2024-05-02")]


@pytest.fixture
def made(model, pair, tmp_path):
    """All files of a semantic change, by what they are."""
    names = {
        "output": "m.tif", "probabilities": "p.tif", "confidence": "c.tif", "changes": "ch.tif",
        "polygons": "g.gpkg", "transitions": "t.csv", "item": "i.json",
    }  # fmt: skip
    files = {key: tmp_path / "made" / name for key, name in names.items()}
    result = predict(model, pair, task="semantic_change", tile=32, overlap=8, **files)
    styles = [f"{name}.qml" for name in ("m", "p", "c", "ch")]
    assert result.files == (*files.values(), *(tmp_path / "made" / name for name in styles))
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == sorted([*names.values(), *styles])
    return files


def read(path):
    with rasterio.open(path) as raster:
        return raster.read()


def test_rasters_are_valid_cogs_with_overviews_on_the_grid_of_the_images(made, pair):
    for key in ("output", "probabilities", "confidence", "changes"):
        valid, errors, _ = cog_validate(made[key], quiet=True)
        assert valid and not errors, (key, errors)
        with rasterio.open(made[key]) as raster, rasterio.open(pair[0]) as image:
            assert (raster.crs, raster.transform, raster.shape) == (image.crs, image.transform, image.shape)


def test_large_maps_have_overviews(model, write_image, tmp_path):
    image = write_image("a.tif", RNG.integers(0, 3, (700, 600)).astype(np.float32))
    predict(model, [image], task="segmentation", output=tmp_path / "m.tif")
    with rasterio.open(tmp_path / "m.tif") as raster:
        assert raster.overviews(1) == [2]
    assert cog_validate(tmp_path / "m.tif", quiet=True)[0]


def test_confidence_is_the_largest_probability_and_changes_compare_the_maps(made):
    maps, changes = read(made["output"]), read(made["changes"])[0]
    shares = read(made["probabilities"]).reshape(2, 3, *SHAPE)
    known = maps != 255
    np.testing.assert_array_equal(read(made["confidence"])[known], shares.max(axis=1)[known])
    np.testing.assert_array_equal(shares.argmax(axis=1)[known], maps[known])
    both = known.all(axis=0)
    expected = np.where(BEFORE == AFTER, 0, 1 + 3 * BEFORE + np.nan_to_num(AFTER))
    np.testing.assert_array_equal(changes[both], expected[both])
    assert (changes[~both] == 255).all() and both.sum() == BEFORE.size - 30 * 20
    with rasterio.open(made["changes"]) as raster:
        assert raster.tags(1)["category_6"] == "forest to building" and raster.tags(1)["category_0"] == "unchanged"
    with rasterio.open(made["confidence"]) as raster:
        assert raster.scales == (1 / 250,) * 2


def test_polygons_and_transitions_have_the_areas_of_the_changes(made):
    changes = read(made["changes"])[0]
    regions = geopandas.read_file(made["polygons"])
    names = ("water", "forest", "building")
    with made["transitions"].open() as file:
        table = list(csv.reader(file))
    for i, before in enumerate(names):
        for j, after in enumerate(names):
            assert table[1 + i][:2] == ["2018-05-01 to 2024-05-02", before]
            hectares = float(table[1 + i][2 + j])
            pixels = int(((BEFORE == i) & (AFTER == j)).sum())
            assert hectares == pytest.approx(pixels / 100)
            if i != j:
                found = regions[(regions["from"] == before) & (regions["to"] == after)]
                assert found.area_m2.sum() == pytest.approx(100 * (changes == 1 + 3 * i + j).sum())
    assert set(regions.start) == {"2018-05-01"} and set(regions.end) == {"2024-05-02"}
    assert regions.mean_confidence.between(0.33, 1).all()
    both = read(made["confidence"]).min(axis=0) / 250  # a change is no surer than the less sure of its maps
    changed = (changes != 0) & (changes != 255)
    weighted = (regions.mean_confidence * regions.area_m2).sum() / regions.area_m2.sum()
    assert weighted == pytest.approx(both[changed].mean(), rel=1e-6)
    block = regions[(regions["from"] == "forest") & (regions["to"] == "building")].area_m2.max()
    assert block >= 30 * 70 * 100  # 30 rows of tiles of 32 and 8 pixels' overlap: one polygon


def test_the_item_describes_the_files(made):
    item = json.loads(made["item"].read_text())
    hrefs = {asset["href"] for asset in item["assets"].values()}
    assert {path.name for key, path in made.items() if key != "item"} == hrefs
    assert item["properties"]["start_datetime"].startswith("2018-05-01")


def test_the_same_prediction_gives_the_same_bytes(model, pair, tmp_path):
    def go(name):
        files = {"output": "m.tif", "polygons": "g.gpkg", "transitions": "t.csv", "item": "i.json"}
        made = {key: tmp_path / name / file for key, file in files.items()}
        predict(model, pair, task="semantic_change", tile=32, overlap=8, **made)
        return [path.read_bytes() for path in made.values()]

    assert go("one") == go("two")


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32"])
def test_probabilities_may_be_stored_small(model, pair, tmp_path, dtype):
    options = {"task": "binary_change", "probability_type": dtype, "output": tmp_path / "m.tif"}
    predict(model, pair, probabilities=tmp_path / "p.tif", **options)
    with rasterio.open(tmp_path / "p.tif") as raster:
        values, scale = raster.read(1).astype(float), raster.scales[0]
        missing = np.isnan(values) if dtype.startswith("float") else values == 255
    expected = 1 / (1 + np.exp(-(AFTER - BEFORE - 0.5)))
    np.testing.assert_array_equal(missing, np.isnan(AFTER))
    tolerance = {"uint8": 1 / 500, "float16": 1e-3, "float32": 1e-6}[dtype]
    np.testing.assert_allclose((values * scale)[~missing], expected[~missing], atol=1.01 * tolerance)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"task": "binary_change", "changes": "x.tif"}, ConfigurationError, "what became what"),
        ({"task": "segmentation", "transitions": "x.csv"}, ConfigurationError, "categories at two dates"),
        (
            {"task": "segmentation", "per_date": True, "transitions": "x.csv", "first": 1},
            ConfigurationError,
            r"1 map\(s\)",
        ),
        ({"task": "segmentation", "transitions": "x.txt"}, RasterError, r"ends with \.csv"),
        ({"task": "segmentation", "polygons": "x.shp"}, RasterError, "gpkg"),
        ({"task": "segmentation", "item": "x.tif"}, RasterError, r"ends with \.json"),
        ({"task": "segmentation", "confidence": "m.tif"}, RasterError, "another output"),
        ({"task": "segmentation", "probabilities": "x.tif", "probability_type": "int4"}, ConfigurationError, "int4"),
        ({"task": "segmentation", "probability_type": "float16"}, ConfigurationError, "none are asked for"),
        ({"task": "segmentation", "min_area_m2": 400}, ConfigurationError, "none are asked for"),
    ],
)
def test_files_that_cannot_be_made_are_refused_before_any_work(model, pair, tmp_path, options, error, words):
    before = sorted(tmp_path.iterdir())
    options = {key: tmp_path / value if "." in str(value) else value for key, value in options.items()}
    images = pair[: options.pop("first", None)]
    with pytest.raises(error, match=words):
        predict(model, images, output=tmp_path / "m.tif", **options)
    assert sorted(tmp_path.iterdir()) == before and not model.calls


@pytest.mark.parametrize("crs", [None, CRS.from_wkt('LOCAL_CS["building site",UNIT["metre",1]]')])
def test_geojson_of_what_nobody_can_place_is_refused_before_any_work(model, write_image, tmp_path, crs):
    image = write_image("a.tif", BEFORE, crs=crs)
    with pytest.raises(RasterError, match=r"g\.geojson: GeoJSON is in longitude and latitude"):
        predict(model, [image], task="segmentation", output=tmp_path / "m.tif", polygons=tmp_path / "g.geojson")
    assert not model.calls


def test_a_series_of_maps_has_transitions_from_each_to_the_next_and_from_first_to_last(model, write_image, tmp_path):
    years = np.stack([BEFORE, RNG.integers(0, 3, SHAPE).astype(np.float32), AFTER])
    images = [write_image(f"{i}.tif", one, day=f"202{i}-01-01") for i, one in enumerate(years)]
    predict(model, images, task="semantic_change", output=tmp_path / "m.tif", transitions=tmp_path / "t.csv")
    with (tmp_path / "t.csv").open() as file:
        head, *rows = csv.reader(file)
    assert head == ["period", "from, ha", "water", "forest", "building", "total"]
    for number, (first, last) in enumerate([(0, 1), (1, 2), (0, 2)]):
        own = rows[5 * number : 5 * number + 5]
        assert {row[0] for row in own} == {f"202{first}-01-01 to 202{last}-01-01"}
        expected = [[((years[first] == i) & (years[last] == j)).sum() / 100 for j in range(3)] for i in range(3)]
        np.testing.assert_allclose([[float(cell) for cell in row[2:5]] for row in own[:3]], expected)
        assert float(own[3][5]) + float(own[4][5]) == pytest.approx(BEFORE.size / 100)


def test_an_item_needs_a_date(model, write_image, tmp_path):
    with pytest.raises(ConfigurationError, match="needs a date"):
        predict(
            model,
            [write_image("a.tif", BEFORE)],
            task="segmentation",
            output=tmp_path / "m.tif",
            item=tmp_path / "i.json",
        )


def test_the_item_tells_versions_of_a_checkpoint_apart(model, pair, tmp_path):
    def version(name):
        predict(model, pair, task="semantic_change", output=tmp_path / name / "m.tif", item=tmp_path / name / "i.json")
        item = json.loads((tmp_path / name / "i.json").read_text())
        return item["properties"]["mlm:hyperparameters"]["checkpoint_version"]

    first, again = version("first"), version("again")
    model.scale.data *= 2
    assert first == again != version("trained")


def test_changes_of_many_categories_list_them_whatever_their_names(model, pair, tmp_path):
    names = ["grass, tall", *(f"kind {number}" for number in range(15))]
    files = {"output": tmp_path / "m.tif", "changes": tmp_path / "c.tif"}
    predict(model, pair, task="semantic_change", categories=names, **files)
    with rasterio.open(tmp_path / "c.tif") as raster:
        assert json.loads(raster.tags(1)["categories"]) == names


def test_a_failure_at_the_end_leaves_nothing_beside_the_outputs(model, pair, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise RasterError("no more space")

    monkeypatch.setattr("stsun.prediction.derived.write_polygons", fail)
    made = tmp_path / "made"
    with pytest.raises(RasterError, match="no more space"):
        predict(model, pair, task="binary_change", output=made / "m.tif", polygons=made / "g.gpkg")
    assert [path.name for path in made.iterdir()] == [".m.tif.unfinished"]


@pytest.mark.parametrize(("scale", "told"), [(1e300, True), (1.0, False)])
def test_maps_without_any_data_say_so(model, pair, tmp_path, scale, told):
    result = predict(model, pair, task="binary_change", output=tmp_path / "m.tif", scale=scale)
    assert any("no pixel of the maps has data" in note for note in result.notes) is told
