"""What is seen: pixels of tiles, contrast, areas, and the values at a point."""

import math

import numpy as np
import pytest
from rasterio.crs import CRS
from rasterio.transform import from_origin
from viewed_world import CATEGORIES, COLORS, DAYS, GRID, QUARTERS, SIZE, picture_of, reflectances

from stsun.bands import Band
from stsun.raster.grid import Grid, located
from stsun.raster.opening import opened
from stsun.raster.writer import Layer as Stored
from stsun.raster.writer import create
from stsun.sensors import sensor
from stsun.view.composites import Channel, composites_of
from stsun.view.frames import NATIVE_ZOOM, bounds_of, pixel_at, tile_grid, zoom_of
from stsun.view.sampling import sampled

ZOOM = 15


def place_of(bounds, across, down):
    """Longitude and latitude at shares of a box."""
    west, south, east, north = bounds
    return west + (east - west) * across, north + (south - north) * down


def tile_at(longitude, latitude, zoom):
    """The tile that shows a point, and the pixel of it."""
    x = (longitude + 180) / 360 * 2**zoom
    y = (1 - math.asinh(math.tan(math.radians(latitude))) / math.pi) / 2 * 2**zoom
    return (int(x), int(y)), (int(256 * (y % 1)), int(256 * (x % 1)))


def colour(viewer, layer, across, down, *, date=0, zoom=ZOOM, **style):
    """What is seen at shares of a layer's width and height: red, green, blue, opacity."""
    tile, pixel = tile_at(*place_of(layer["bounds"], across, down), zoom)
    answer = viewer.client.get(f"/tiles/{layer['id']}/{date}/{zoom}/{tile[0]}/{tile[1]}.png", params=style)
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/png"
    picture = picture_of(answer.content)
    return tuple(picture[pixel if picture.shape[0] > 1 else (0, 0)].tolist())


def hex_of(color):
    return "#{:02x}{:02x}{:02x}".format(*color[:3])


@pytest.mark.parametrize("zoom", [12, 15, 18])
def test_a_map_is_seen_in_its_legends_colours(town, zoom):
    layer, names = town.layer("categories", "map"), dict(CATEGORIES)
    for quarter, name in zip(QUARTERS.values(), ("water", "forest", "forest", "building"), strict=True):
        seen = colour(town, layer, 0.25 + 0.5 * quarter[1], 0.25 + 0.5 * quarter[0], zoom=zoom)
        assert (hex_of(seen), seen[3]) == (names[name], 255)
    assert colour(town, layer, 0.75, 0.75, date=1, zoom=zoom)[3] == 0  # no data


def test_hidden_categories_are_transparent(town):
    layer = town.layer("categories", "map")
    assert colour(town, layer, 0.25, 0.25, hide="0,2")[3] == 0
    assert colour(town, layer, 0.75, 0.25, hide="0,2")[3] == 255


def test_pictures_are_seen_as_they_are_in_pixel_coordinates(view, world):
    viewer = view(world / "pictures" / "before.png", world / "pictures" / "after.png")
    layer = viewer.layer("imagery")
    for date, colors in COLORS.items():
        for (down, across), expected in zip(QUARTERS.values(), colors, strict=True):
            for zoom in (NATIVE_ZOOM - 1, NATIVE_ZOOM, NATIVE_ZOOM + 2):
                seen = colour(viewer, layer, 0.25 + 0.5 * across, 0.25 + 0.5 * down, date=date, zoom=zoom)
                assert seen == (*expected, 255)


def test_pixels_without_a_place_are_seen_one_by_one(view, world):
    """At the native zoom a tile's pixel is the file's pixel: the border between quarters lies at column 64."""
    viewer = view(world / "pictures" / "before.png")
    answer = viewer.client.get(f"/tiles/{viewer.layer('imagery')['id']}/0/{NATIVE_ZOOM}/32768/32768.png")
    picture = picture_of(answer.content)
    assert picture[10, [63, 64]].tolist() == [[255, 0, 0, 255], [0, 255, 0, 255]]
    assert picture[[63, 64], 10].tolist() == [[255, 0, 0, 255], [0, 0, 255, 255]]
    assert picture[10, [127, 128], 3].tolist() == [255, 0] and picture[[127, 128], 10, 3].tolist() == [255, 0]


def test_dates_of_a_series_have_one_contrast_unless_each_is_to_have_its_own(town):
    layer = town.layer("imagery")
    dark, bright = (colour(town, layer, 0.5, 0.5, date=date) for date in (0, 2))
    assert all(bright[part] - dark[part] > 60 for part in range(3))
    alone = [colour(town, layer, 0.5, 0.5, date=date, each=True) for date in (0, 2)]
    assert np.abs(np.subtract(*alone)).max() <= 2
    across = [colour(town, layer, share, 0.5, each=True)[0] for share in (0.05, 0.5, 0.95)]
    assert across[0] < 60 and across[2] > 200 and across[0] < across[1] < across[2]


def test_single_bands_are_grey_and_composites_differ(town):
    layer = town.layer("imagery")
    grey = colour(town, layer, 0.3, 0.5, look="band-3")
    assert grey[0] == grey[1] == grey[2]
    assert colour(town, layer, 0.3, 0.5, look="false") == colour(town, layer, 0.3, 0.5, look="true")  # like ramps
    assert colour(town, layer, 0.3, 0.5, look="unknown") == colour(town, layer, 0.3, 0.5)


def test_probabilities_are_a_ramp_of_the_chosen_category(town):
    layer = town.layer("probability")
    water = colour(town, layer, 0.25, 0.25, look="0"), colour(town, layer, 0.25, 0.25, look="2")
    assert sum(water[0][:3]) < sum(water[1][:3])  # 0.8 is darker than 0.1
    assert colour(town, layer, 0.75, 0.75, date=1)[3] == 0


def test_labels_of_a_data_set_are_seen_with_its_images(view, world):
    viewer = view(world / "pairs" / "dataset.yaml")
    labels = viewer.layer("labels")
    assert hex_of(colour(viewer, labels, 0.75, 0.5, zoom=NATIVE_ZOOM)) == labels["legend"][1]["color"]
    assert hex_of(colour(viewer, labels, 0.25, 0.5, zoom=NATIVE_ZOOM)) == labels["legend"][0]["color"]
    image = viewer.layer("imagery")
    assert colour(viewer, image, 0.25, 0.25, zoom=NATIVE_ZOOM) == (*COLORS[0][0], 255)


def test_outside_of_a_layer_nothing_is_seen(town):
    layer = town.layer("imagery")
    assert colour(town, layer, -3, 0.5)[3] == 0
    for tile in ("15/0/0", "3/9/0", "25/0/0", "24/1/67000000"):
        answer = town.client.get(f"/tiles/{layer['id']}/0/{tile}.png")
        assert answer.status_code == 200 and len(answer.content) < 200


def test_a_large_raster_is_read_through_its_overviews_alone(view, tmp_path, monkeypatch):
    from stsun.raster.mosaic import write_cog

    layers = [Stored(name, tags={"wavelength": str(nm), "wavelength_units": "nm"}, scale=1e-4)
              for name, nm in (("red", 665), ("green", 560), ("blue", 490))]  # fmt: skip
    large = type(GRID)(GRID.crs, GRID.transform, 3000, 3000)
    with create(tmp_path / "plain.tif", large, layers, dtype="uint16", nodata=0) as rows:
        rows(0, np.full((3, 3000, 3000), 1000, "uint16"))
    write_cog(tmp_path / "plain.tif", tmp_path / "large.tif", dtype="uint16", overviews="average")
    viewer = view(tmp_path / "large.tif")
    layer = viewer.layer("imagery")
    data = bytearray((tmp_path / "large.tif").read_bytes())
    import rasterio

    with rasterio.open(tmp_path / "large.tif") as raster:
        assert raster.overviews(1) == [2, 4, 8]
        offset = int(raster.get_tag_item("BLOCK_OFFSET_2_2", "TIFF", bidx=1))
        size = int(raster.get_tag_item("BLOCK_SIZE_2_2", "TIFF", bidx=1))
    data[offset : offset + size] = bytes(size)  # a block of the full resolution is destroyed
    (tmp_path / "large.tif").write_bytes(data)
    assert colour(viewer, layer, 0.43, 0.43, zoom=11)[3] == 255
    tile, _ = tile_at(*place_of(layer["bounds"], 0.43, 0.43), 14)
    answer = viewer.client.get(f"/tiles/{layer['id']}/0/14/{tile[0]}/{tile[1]}.png")
    assert answer.status_code == 422 and "large.tif" in answer.json()["error"]


def test_areas_are_those_on_the_ground(town):
    layer = town.layer("categories", "map")
    quarter = (SIZE // 2) ** 2
    first = town.get(f"/api/areas/{layer['id']}/0")
    assert [line["pixels"] for line in first] == [quarter, 2 * quarter, quarter]
    assert [line["hectares"] for line in first] == pytest.approx([quarter / 100, quarter / 50, quarter / 100])
    assert [line["pixels"] for line in town.get(f"/api/areas/{layer['id']}/1")] == [quarter, quarter, quarter]


def test_areas_without_a_place_are_pixels(view, world):
    viewer = view(world / "pairs" / "dataset.yaml")
    lines = viewer.get(f"/api/areas/{viewer.layer('labels')['id']}/0")
    assert lines[1] == {"value": 1, "pixels": SIZE * SIZE // 2, "hectares": None}


def known_at(viewer, across, down):
    place = viewer.place()
    bounds = next(layer["bounds"] for layer in place["layers"] if layer["bounds"])
    longitude, latitude = place_of(bounds, across, down)
    return viewer.get(f"/api/pixel/{place['id']}", longitude=longitude, latitude=latitude)


def test_a_point_tells_its_values_at_all_dates(town):
    known = known_at(town, 0.25, 0.75)
    row, column = known["pixel"]["row"], known["pixel"]["column"]
    assert abs(row - 96) <= 1 and abs(column - 32) <= 1
    (image,) = known["images"]
    assert [date["name"] for date in image["dates"]] == list(DAYS)
    for number, date in enumerate(image["dates"]):
        read = [band["value"] for band in date["bands"]]
        assert read == pytest.approx((reflectances(number)[:, row, column] * 1e-4).tolist(), rel=1e-5)


def test_a_point_tells_what_maps_say_what_became_of_it_and_how_sure_they_are(town):
    known = known_at(town, 0.75, 0.25)
    said = {one["title"]: one for one in known["maps"]}
    assert [date["category"] for date in said["map"]["dates"]] == ["forest", "building"]
    assert said["map"]["changes"] == [{"from": "forest", "to": "building", "start": DAYS[0], "end": DAYS[-1]}]
    assert [date["category"] for date in said["changes"]["dates"]] == ["f to b"]
    (shares,) = known["probabilities"]
    assert [band["value"] for band in shares["dates"][0]["bands"]] == pytest.approx([0.1, 0.8, 0.1])
    nothing = {one["title"]: one for one in known_at(town, 0.75, 0.75)["maps"]}["map"]
    assert nothing["dates"][1]["category"] is None and not nothing["changes"]


def test_a_point_outside_tells_nothing(town):
    known = known_at(town, 3, 3)
    assert known == {"pixel": None, "images": [], "maps": [], "probabilities": []}


@pytest.mark.parametrize(
    ("crs", "corner", "pixel"),
    [(32633, (500_000, 5_800_000), 10), (4326, (179.9, 10), 0.001), (3031, (-500_000, 1_000_000), 500)],
    ids=["UTM", "across the antimeridian", "polar"],
)
@pytest.mark.parametrize("across", [0.5, 0.2, 0.8])
@pytest.mark.parametrize("closer", [-3, 0, 1, 4])
def test_a_tile_shows_each_pixel_where_it_lies(tmp_path, crs, corner, pixel, across, closer):
    """Pixels hold their own row and column; what a tile shows is compared with where each place lies exactly."""
    rows, columns = np.indices((300, 400)).astype("float32")
    grid = Grid(CRS.from_epsg(crs), from_origin(*corner, pixel, pixel), 300, 400)
    with create(tmp_path / "own.tif", grid, [Stored("row"), Stored("column")], dtype="float32", nodata=-1) as write:
        write(0, np.stack([rows, columns]))
    zoom = zoom_of(grid) - 1 + closer
    longitude, latitude = place_of(bounds_of(grid), across, 0.5)
    tile = tile_grid(zoom, *tile_at((longitude + 180) % 360 - 180, latitude, zoom)[0])
    with opened(tmp_path / "own.tif") as source:
        (row, column), seen = sampled(source, [1, 2], grid, tile, smooth=False)
    at = located(*np.meshgrid(np.arange(256) + 0.5, np.arange(256) + 0.5), tile, grid)
    inside = (at[0] >= 0) & (at[0] < 400) & (at[1] >= 0) & (at[1] < 300)
    shrunk = max(1.0, 2.0 ** -(closer - 1))
    assert seen.any() and (seen != inside).mean() < 0.02
    both = seen & inside
    assert np.abs(column[both] + 0.5 - at[0][both]).max() <= 0.6 + shrunk * 1.5
    assert np.abs(row[both] + 0.5 - at[1][both]).max() <= 0.6 + shrunk * 1.5
    if closer > 0:
        assert (np.abs(column[both] + 0.5 - at[0][both]) <= 0.51).mean() > 0.98


def test_tiles_and_pixels_agree_on_where_things_are():
    """The centre of a tile's pixel, in degrees, is found again by `pixel_at` on the tile's own grid."""
    grid = tile_grid(ZOOM, 17766, 10780)
    west, south, east, north = bounds_of(grid)
    assert pixel_at(grid, (west + east) / 2 + 1e-7, (south + north) / 2 - 1e-7) == (128, 128)


@pytest.mark.parametrize(
    ("bands", "keys"),
    [
        (sensor("sentinel-2-l2a").bands, ["true", "false", "shortwave", "geology"]),
        (sensor("landsat-7").bands, ["true", "false", "shortwave", "geology"]),
        (sensor("enmap").bands, ["true", "false", "shortwave", "geology"]),
        ((Band("VV"), Band("VH")), ["vv"]),
        ((Band("green", 560), Band("red", 665), Band("nir", 842)), ["false"]),
        ((Band("a"), Band("b"), Band("c"), Band("d")), ["bands"]),
        ((Band("dem"),), []),
    ],
)
def test_composites_follow_from_what_bands_measure(bands, keys):
    offered = composites_of(bands)
    assert [one.key for one in offered] == keys + [f"band-{place}" for place in range(len(bands))]
    assert all(channel.band < len(bands) for one in offered for channel in one.channels)


def test_radar_shows_both_polarisations_and_their_ratio():
    assert composites_of([Band("vh"), Band("vv")])[0].channels == (Channel(1), Channel(0), Channel(1, 0))


def test_true_colour_takes_the_bands_by_their_wavelengths_whatever_their_order():
    bands = [Band("x", 842), Band("y", 490), Band("z", 664), Band("w", 560)]
    assert composites_of(bands)[0].channels == (Channel(2), Channel(3), Channel(1))
