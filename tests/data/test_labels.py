"""Labels in other forms than class numbers, and samples that are parts of files."""

import json

import numpy as np
import pytest
from small_sets import RED, only, refused

from stsun.data.dataset import open_dataset
from stsun.data.info import info
from stsun.data.sample import IGNORE
from stsun.data.validate import validate
from stsun.errors import DataError, RasterError

WATER, FOREST, EDGE = "#0000ff", "#00ff00", "#000000"


def picture(world, name, *colors):
    """Write an RGB label whose rows repeat the colours."""
    values = np.array([[int(color[at : at + 2], 16) for color in colors] for at in (1, 3, 5)], np.uint8)
    return world.raster(name, np.stack([np.resize(band, (4, 6)) for band in values]))


def colored(world, *colors, **keys):
    for sample in "abc":
        picture(world, f"labels/{sample}.png", *colors)
    return world.yaml(
        **{"labels": ["labels/{id}.png"], "classes": {WATER: "water", FOREST: "forest"}, "ignore": [EDGE]} | keys
    )


def polygons(world, *geometries):
    """Write a label of polygons for the only sample, whose image has 4 x 6 pixels."""
    features = [{"type": "Feature", "properties": {}, "geometry": geometry} for geometry in geometries]
    world.text("labels/a.geojson", json.dumps({"type": "FeatureCollection", "features": features}))
    world.text("train.txt", "a")
    world.text("test.txt", "a")
    return world.yaml(labels=["labels/{id}.geojson"])


def messages(path):
    return [str(problem) for problem in validate(path)]


def test_colours_are_stored_values_like_any_other(world):
    path = colored(world, WATER, FOREST, EDGE)
    assert messages(path) == []
    np.testing.assert_array_equal(only(path).labels[0, 0], [0, 1, IGNORE] * 2)


def test_an_undeclared_colour_is_named(world):
    refused(colored(world, WATER, "#fe00ff"), "undeclared label value #fe00ff .* classes are #0000ff: water")


def test_colours_are_told_as_they_are_written(world):
    told = info(colored(world, WATER, FOREST))
    assert [entry["value"] for entry in told["classes"]] == [WATER, FOREST] and told["ignore"] == [EDGE]


def test_a_colour_table_gives_colours(world):
    path = colored(world, WATER)
    index = np.resize([3, 7], (4, 6)).astype(np.uint8)
    import rasterio

    with rasterio.open(
        world.root / "labels/a.png", "w", driver="PNG", count=1, height=4, width=6, dtype="uint8"
    ) as file:
        file.write(index, 1)
        file.write_colormap(1, {3: (0, 255, 0, 255), 7: (0, 0, 255, 255)})
    np.testing.assert_array_equal(only(path).labels[0, 0], [1, 0] * 3)


def test_numbers_and_colours_cannot_be_mixed(world):
    assert "mix colours and numbers" in messages(colored(world, WATER, ignore=[0]))[0]


def test_classes_by_colour_need_coloured_labels(world):
    colored(world, WATER)
    world.label("labels/a.png")
    refused(world.root / "dataset.yaml", "has 1 bands of uint8, expected red, green and blue", error=RasterError)


@pytest.mark.parametrize(("stored", "expected"), [(0, 0), (127, 0), (128, 1), (254, 1), (255, 1)])
def test_nearest_takes_noise_of_compression_for_what_it_was(world, stored, expected):
    world.label("labels/a.tif", r0c0=stored, r0c1=0, r3c5=255)
    path = world.yaml(classes={0: "water", 255: "forest"}, nearest=True)
    assert only(path).labels[0, 0, 0] == expected


def test_nearest_does_not_take_a_mask_of_0_and_1_for_one_of_0_and_255(world):
    world.label("labels/a.tif")
    path = world.yaml(classes={0: "water", 255: "forest"}, nearest=True)
    refused(path, "holds 0 and 1, so that nearest would .* give classes={0: water, 1: forest}")


def test_nearest_leaves_declared_values_alone_and_moves_the_others(world):
    world.raster("labels/a.tif", np.resize([-1, 0, 3, 250, 255, 70_000], (4, 6)).astype("int32"))
    path = world.yaml(classes={0: "water", 255: "forest"}, ignore=[-1, 70_000], nearest=True)
    np.testing.assert_array_equal(only(path).labels[0, 0], [IGNORE, 0, 0, 1, 1, IGNORE])


def test_without_nearest_noise_is_an_error(world):
    world.label("labels/a.tif", r0c0=254, r0c1=0)
    refused(world.yaml(classes={0: "water", 1: "forest"}), "undeclared label value 254")


def test_nearest_measures_colours_in_all_three_channels(world):
    path = colored(world, "#fcff00", "#0a00f0", nearest=True, classes={"#ffff00": "water", WATER: "forest"})
    np.testing.assert_array_equal(only(path).labels[0, 0], [0, 1] * 3)


def test_one_band_a_class(world):
    bands = np.zeros((3, 4, 6), np.uint8)
    bands[1, :, :2], bands[2, :, 2:4] = 255, 255
    world.raster("labels/a.tif", bands)
    path = world.yaml(classes={1: "water", 2: "forest"}, ignore=[255], one_hot=True)
    np.testing.assert_array_equal(only(path).labels[0, 0], [0, 0, 1, 1, IGNORE, IGNORE])


def test_one_band_a_class_needs_a_band_for_each(world):
    refused(world.yaml(one_hot=True), "has 1 bands, expected 2 or more", error=RasterError)


def test_polygons_in_pixels_are_burned_where_they_hold_a_pixels_centre(world):
    ring = [[1, 0], [3.4, 0], [3.4, 2], [1, 2], [1, 0]]
    labels = only(polygons(world, {"type": "Polygon", "coordinates": [ring]})).labels[0]
    np.testing.assert_array_equal(labels, np.pad(np.ones((2, 2), int), ((0, 2), (1, 3))))


@pytest.mark.parametrize("geometry", [None, {"type": "Polygon", "coordinates": []}])
def test_a_feature_without_geometry_is_nothing(world, geometry):
    assert not only(polygons(world, geometry)).labels.any()


@pytest.mark.parametrize(
    ("corner", "message"),
    [
        ([8.5, 47.3], "rows 47.3 to 47.32, .* coordinates are pixels of the image"),
        ([1.5, 2.5], "0.0001 pixels in all"),
        ([-70, 1], "columns -70 to"),
        ([float("nan"), 1], "positions of finite numbers"),
    ],
)
def test_polygons_that_cannot_be_in_pixels_are_refused(world, corner, message):
    left, top = corner
    ring = [corner, [left + 0.01, top], [left + 0.01, top + 0.02], corner]
    refused(polygons(world, {"type": "Polygon", "coordinates": [ring]}), message, error=RasterError)


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Point", "coordinates": [1, 1]},
        {"type": "LineString", "coordinates": [[0, 0], [3, 3]]},
        {"type": "Polygon"},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]},
        {"type": "Polygon", "coordinates": [[["a", 1]] * 4]},
        "nonsense",
    ],
)
def test_what_is_no_polygon_is_refused(world, geometry):
    refused(polygons(world, geometry), "no GeoJSON of polygons", error=RasterError)


@pytest.fixture
def stacked(world):
    """Two dates of one band each in one file, the maps of both in another."""
    band, row, column = np.ogrid[:2, :4, :6]
    world.raster("series.tif", (100 * band + 10 * row + column).astype("int16"))
    world.raster("maps.tif", np.stack([np.zeros((4, 6)), np.ones((4, 6))]).astype("uint8"))
    dates = [{"path": "series.tif", "bands": [number], "date": f"202{number}-01-01"} for number in (1, 2)]
    row = {"id": "a", "split": "train", "images": dates, "labels": ["maps.tif", "maps.tif"], "layers": [1, 2]}
    keys = {"task": "semantic_change", "bands": [RED]}

    def write(**more):
        return world.yaml("images", "labels", "splits", **keys, samples=[row | more])

    return write


def test_dates_and_maps_can_be_bands_of_one_file(stacked):
    assert messages(stacked()) == []
    sample = only(stacked())
    assert [image[0, 2, 3] for image in sample.images] == [23, 123]
    assert sample.labels.mean(axis=(1, 2)).tolist() == [0, 1]


def test_a_window_is_a_sample(stacked):
    path = stacked(window=[1, 2, 2, 3])
    assert messages(path) == []
    sample = only(path)
    np.testing.assert_array_equal(sample.images[1][0], [[112, 113, 114], [122, 123, 124]])
    assert sample.labels.shape == (2, 2, 3)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"window": [3, 0, 2, 2]}, "is not inside its 4 x 6 pixels"),
        ({"window": [0, 0, 10**12, 10**12]}, "is not inside its 4 x 6 pixels"),
        ({"window": [0, 0, 10**30, 10**30]}, "is not inside its 4 x 6 pixels"),
        ({"images": [{"path": "series.tif", "bands": [1]}] * 2}, "dates 1 and 2 are the same series.tif (bands 1)"),
        ({"layers": [2, 2]}, "maps 1 and 2 have the same label maps.tif (layer 2)"),
        ({"window": [0, 0, 0, 2]}, "expected first row and column, height and width"),
        ({"layers": [1]}, "give the band, from 1, of each label file"),
        ({"layers": [1, 3]}, "has no band 3"),
        ({"images": [{"path": "series.tif", "bands": [0]}, {"path": "series.tif", "bands": [1]}]}, "bands of an image"),
    ],
)
def test_parts_that_are_not_there_are_told(stacked, more, message):
    assert any(message in one for one in messages(stacked(**more)))


def test_layers_and_one_band_a_class_contradict_each_other(world):
    row = {"id": "a", "split": "train", "images": [{"path": "images/a.tif"}], "labels": ["labels/a.tif"], "layers": [1]}
    found = messages(world.yaml("images", "labels", "splits", one_hot=True, samples=[row]))
    assert "layers are given, but one_hot takes all bands" in found[0]


def test_a_description_in_memory_is_that_of_a_file(world):
    path = world.yaml()
    from stsun.yamlfile import load_mapping

    mapping = load_mapping(path, DataError)
    expected = open_dataset(path)
    path.unlink()
    found = open_dataset(path, mapping)
    assert found.samples == expected.samples and validate(path, mapping) == []
    np.testing.assert_array_equal(
        found.read(found.records("train")[0]).labels, expected.read(expected.records("train")[0]).labels
    )


@pytest.fixture
def in_two_splits(stacked, world):
    """Describe two samples of the same files, one in train and one in test, with what each is given."""
    stacked()

    def messages_of(one, other):
        dates = [{"path": "series.tif", "bands": [number]} for number in (1, 2)]
        row = {"images": dates, "labels": ["maps.tif", "maps.tif"], "layers": [1, 2]}
        rows = [{"id": "a", "split": "train", **row, **one}, {"id": "b", "split": "test", **row, **other}]
        keys = {"task": "semantic_change", "bands": [RED], "samples": rows}
        return [one for one in messages(world.yaml("images", "labels", "splits", **keys)) if "share" in one]

    return messages_of


def test_windows_that_do_not_meet_and_bands_that_differ_are_no_overlap(in_two_splits):
    assert in_two_splits({"window": [0, 0, 4, 3]}, {"window": [0, 3, 4, 3]}) == []
    assert in_two_splits({"window": [0, 0, 2, 6]}, {"window": [2, 0, 2, 6]}) == []


@pytest.mark.parametrize("other", [{"window": [0, 0, 4, 3]}, {"window": [3, 2, 1, 2]}, {"window": [0, 0, 4, 6]}, {}])
def test_windows_that_meet_overlap(in_two_splits, other):
    found = in_two_splits({"window": [0, 0, 4, 3]}, other)
    assert len(found) == 2 and "sample 'a' of the window [0, 0, 4, 3] and sample 'b'" in found[0]


def test_bands_overlap_where_one_is_in_both(in_two_splits):
    def one_map(*bands):
        return {"images": [{"path": "series.tif", "bands": [band]} for band in bands]}

    found = in_two_splits(one_map(1, 1) | {"labels": ["labels/a.tif"] * 2, "layers": [1, 1]}, one_map(2, 2))
    assert found == []
    assert len(in_two_splits(one_map(1, 1) | {"labels": ["labels/a.tif"] * 2, "layers": [1, 1]}, one_map(2, 1))) == 1
