import numpy as np
import pytest
from rasterio.crs import CRS
from rasterio.transform import from_origin
from rasterio.warp import transform

from stsun.errors import ConfigurationError, RasterError, StsunError
from stsun.raster.grid import Window
from stsun.scene.scene import iso, open_scene, read_scene

VALUES = (0.004 * np.arange(12)[None, :] + 0.1 * np.arange(10)[:, None]).astype(np.float32)


def test_a_scene_knows_its_bands_days_grid_and_gsd(write_image):
    files = [write_image("a.tif", VALUES, day="2018-05-01"), write_image("b.tif", VALUES, day="1970-01-02")]
    scene = open_scene(files)
    assert [date.bands[0].wavelength_nm for date in scene.dates] == [665, 665]
    assert scene.days.tolist() == [17652, 1]
    assert [iso(day) for day in scene.days] == ["2018-05-01", "1970-01-02"]
    assert scene.gsd_m == pytest.approx(10)
    assert (scene.grid.height, scene.grid.width) == (10, 12)


def test_a_window_holds_the_pixels_of_that_place(write_image):
    scene = open_scene([write_image("a.tif", VALUES)])
    images, valid = read_scene(scene, Window(2, 3, 4, 5))
    np.testing.assert_array_equal(images[0][0], VALUES[2:6, 3:8])
    assert valid.shape == (1, 4, 5) and valid.all()


def test_files_of_one_date_are_stacked_and_valid_where_all_are(write_image):
    holes = VALUES.copy()
    holes[0, 0] = np.nan
    red = write_image("red.tif", VALUES, day="2020-01-01")
    nir = write_image("nir.tif", holes + 1, tags=(("wavelength", "842"),))
    scene = open_scene([[red, nir], [red, nir]])
    images, valid = read_scene(scene, Window(0, 0, 10, 12))
    assert [band.wavelength_nm for band in scene.dates[0].bands] == [665, 842]
    assert images[1].shape == (2, 10, 12) and images[1][1, 3, 3] == VALUES[3, 3] + 1
    assert (~valid[0]).sum() == 1 and not valid[0, 0, 0]


def test_dates_may_be_given_and_must_agree_with_the_files(write_image):
    tagged, plain = write_image("a.tif", VALUES, day="2018-05-01T10:00"), write_image("b.tif", VALUES)
    assert np.isnan(open_scene([plain]).days[0])
    assert any("date unknown" in note for note in open_scene([plain]).notes)
    assert open_scene([tagged, plain], dates=["2018-05-01", "2019-01-01"]).days.tolist() == [17652, 17897]
    with pytest.raises(ConfigurationError, match="given is 2018-05-02, but the file's own is 2018-05-01"):
        open_scene([tagged], dates=["2018-05-02"])
    with pytest.raises(ConfigurationError, match="got 1 dates for 2 images"):
        open_scene([tagged, plain], dates=["2018-05-01"])
    with pytest.raises(ConfigurationError, match="no ISO date"):
        open_scene([plain], dates=["1.5.2018"])


def transform_in_zone_32():
    """Where (500 000, 5 000 000) of zone 33 lies in zone 32."""
    x, y = transform("EPSG:32633", "EPSG:32632", [500_000], [5_000_000])
    return x[0], y[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"transform": from_origin(500_003, 5_000_000, 10, 10)}, "0.3 pixels"),
        ({"transform": from_origin(500_000, 5_000_000, 20, 20)}, "pixels apart"),
        ({"crs": CRS.from_epsg(32632), "transform": from_origin(*transform_in_zone_32(), 10, 10)}, "EPSG:32632"),
    ],
)
def test_a_date_on_another_grid_is_resampled_to_that_of_the_first_and_a_note_says_so(write_image, change, words):
    files = [write_image("a.tif", VALUES), write_image("b.tif", VALUES, **change)]
    scene = open_scene(files)
    assert scene.grid.crs == CRS.from_epsg(32633) and scene.gsd_m == pytest.approx(10)
    assert any("b.tif: resampled to the grid of the maps" in note and words in note for note in scene.notes)


def test_a_date_of_another_size_covers_what_it_covers(write_image):
    scene = open_scene([write_image("a.tif", VALUES), write_image("b.tif", VALUES[:9])])
    images, valid = read_scene(scene, Window(0, 0, 10, 12))
    assert valid[0].all() and valid[1, :9].all() and not valid[1, 9:].any()
    np.testing.assert_array_equal(images[1][0, :9], VALUES[:9])


def test_the_maps_lie_on_the_grid_that_is_asked_for(write_image):
    fine = write_image(
        "fine.tif",
        np.zeros((20, 24), np.float32),
        transform=from_origin(500_000, 5_000_000, 5, 5),
        tags=(("wavelength", "842"),),
    )
    coarse = write_image("a.tif", VALUES)
    assert open_scene([coarse], like=fine).gsd_m == pytest.approx(5)
    assert open_scene([[coarse, fine]]).grid.height == 20


def test_dates_that_do_not_meet_are_refused(write_image):
    far = write_image("b.tif", VALUES, transform=from_origin(600_000, 5_000_000, 10, 10))
    with pytest.raises(RasterError, match=r"b\.tif does not overlap the grid of the maps"):
        open_scene([write_image("a.tif", VALUES), far])


def test_a_date_without_crs_is_refused_where_the_grids_differ(write_image):
    bare = write_image("b.tif", VALUES[:9], crs=None)
    with pytest.raises(RasterError, match=r"b\.tif does not lie on the grid .* without a CRS"):
        open_scene([write_image("a.tif", VALUES), bare])


def test_bands_may_differ_from_date_to_date(write_image):
    optical = write_image("a.tif", VALUES)
    radar = write_image("b.tif", np.stack([VALUES, VALUES]), tags=(), descriptions=["VV", "VH"])
    scene = open_scene([optical, radar])
    assert [[band.name for band in date.bands] for date in scene.dates] == [["665 nm"], ["vv", "vh"]]
    plain = write_image("c.tif", VALUES, tags=())
    scene = open_scene([plain, plain], bands=[["red:665"], ["vv"]])
    assert [date.bands[0].name for date in scene.dates] == ["red", "vv"]
    with pytest.raises(ConfigurationError, match="2 lists of bands for 3 images"):
        open_scene([plain] * 3, bands=[["red:665"], ["vv"]])


def test_without_crs_the_gsd_is_the_sensors_or_unknown(write_image):
    rgb = np.zeros((3, 4, 4), np.uint8)
    file = write_image("a.tif", rgb, tags=(), crs=None)
    assert open_scene([file], bands=["red", "green", "blue"]).gsd_m is None
    scene = open_scene(
        [write_image("b.tif", np.zeros((12, 4, 4), np.uint16), tags=(), crs=None)], sensor="sentinel-2-l2a"
    )
    assert scene.gsd_m == 10
    assert any("no CRS" in note for note in scene.notes)


def test_a_pixel_in_degrees_is_measured_in_metres(write_image):
    file = write_image("a.tif", VALUES, crs=CRS.from_epsg(4326), transform=from_origin(10, 60.0005, 0.0001, 0.0001))
    # one degree of latitude is 111.4 km and of longitude 55.8 km at 60 degrees north
    assert open_scene([file]).gsd_m == pytest.approx((11.14 * 5.58) ** 0.5, rel=2e-3)


@pytest.mark.parametrize("images", [[], "a.tif", [[]], ["missing.tif"], [None], [["a.tif", None]], [3]])
def test_images_that_are_not_there_are_refused(images):
    with pytest.raises(StsunError):
        open_scene(images)


def test_a_fourth_band_marked_as_transparency_is_a_band_for_whoever_counts_it(write_image):
    pixels = np.full((4, 6, 5), 51, np.uint8)
    pixels[3, 0] = 0
    file = write_image("a.tif", pixels, tags=(), photometric="RGB", alpha="YES")
    window = Window(0, 0, 6, 5)
    for told in ({"bands": ["red", "green", "blue", "nir"]}, {"sensor": "naip"}):
        images, valid = read_scene(open_scene([file], **told), window)
        assert images[0].shape == (4, 6, 5) and valid.all() and images[0][3, 1, 1] == pytest.approx(0.2)
    images, valid = read_scene(open_scene([file], bands=["red", "green", "blue"]), window)
    assert images[0].shape == (3, 6, 5) and not valid[0, 0].any() and valid[0, 1:].all()


def test_scale_and_offset_may_be_given(write_image):
    file = write_image("a.tif", np.full((4, 4), 2000, np.uint16))
    images, _ = read_scene(open_scene([file], scale=1e-4, offset=-0.1), Window(0, 0, 4, 4))
    np.testing.assert_allclose(images[0], 0.1, atol=1e-6)


def test_a_mask_may_be_told_for_each_image(write_image, tmp_path):
    files = [write_image("a.tif", VALUES), write_image("b.tif", VALUES)]
    classes = np.full((5, 6), 4, np.uint8)
    classes[:2] = 9  # cloud, at twice the pixel size
    coarse = {"transform": from_origin(500_000, 5_000_000, 20, 20), "tags": ()}
    mask = write_image("scl.tif", classes, **coarse)
    scene = open_scene(files, masks=[f"scl:{mask}", "-"])
    _, valid = read_scene(scene, Window(0, 0, 10, 12))
    assert not valid[0, :4].any() and valid[0, 4:].all() and valid[1].all()
    plain = open_scene(files, masks=[None, write_image("m.tif", (classes != 9).astype(np.uint8), **coarse)])
    _, valid = read_scene(plain, Window(0, 0, 10, 12))
    assert valid[0].all() and not valid[1, :4].any() and valid[1, 4:].all()
    assert str(mask) in scene.paths
    with pytest.raises(ConfigurationError, match="1 masks for 2 images"):
        open_scene(files, masks=[mask])
    with pytest.raises(RasterError, match="no such file"):
        open_scene(files, masks=["-", tmp_path / "missing.tif"])
