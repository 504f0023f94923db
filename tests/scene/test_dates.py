import numpy as np
import pytest
import rasterio

from stsun.errors import ConfigurationError, RasterError
from stsun.prediction.predict import predict

RNG = np.random.default_rng(0)
FIRST = RNG.uniform(-0.4, 2.4, (40, 53)).astype(np.float32)
SECOND = RNG.uniform(-0.4, 2.4, (40, 53)).astype(np.float32)


def maps_of(path):
    with rasterio.open(path) as raster:
        return raster.read()


def test_a_scale_for_the_optical_image_leaves_radar_and_reflectance_alone(model, write_image, tmp_path):
    optical = write_image("a.tif", (1e4 * np.clip(FIRST, 0, 2)).astype(np.uint16), day="2018-05-01")
    radar = write_image("b.tif", SECOND, tags=(), descriptions=["VV"], day="2018-05-02")
    ready = write_image("c.tif", SECOND, day="2018-05-03")
    predict(model, [optical, radar, ready], task="segmentation", per_date=True, scale=1e-4, output=tmp_path / "m.tif")
    expected = np.rint(np.stack([np.clip(FIRST, 0, 2), SECOND, SECOND]))
    assert (maps_of(tmp_path / "m.tif") == expected).mean() > 0.99  # rounding to 1e-4 moves a pixel or two


def test_one_file_per_band_group_and_date_makes_as_many_dates_as_there_are_days(model, write_image, tmp_path):
    radar = {"tags": (), "descriptions": ["VV"]}
    files = {
        day: [write_image(f"vv_{day}.tif", FIRST, day=day, **radar), write_image(f"nir_{day}.tif", SECOND, day=day)]
        for day in ("2018-05-01", "2018-06-01")
    }
    options = {"task": "binary_change", "output": tmp_path / "m.tif", "overwrite": True}
    first, second = files.values()
    for images in ([*first, *second], [first[0], second[0], first[1], second[1]]):
        result = predict(model, images, **options)
        assert [one.period for one in result.maps] == ["2018-05-01 to 2018-06-01"]
        assert [band.name for band in result.configuration.bands] == ["vv", "665 nm"]
        assert any("taken as one date" in note for note in result.notes)
    with pytest.raises(ConfigurationError, match=r"needs at least 2 dates, but .*vv_2018-05-01\.tif,.* make one date"):
        predict(model, first, **options)
    with pytest.raises(ConfigurationError, match=r"some have bands in common .*comma \(a\.tif,b\.tif\)"):
        predict(model, [*first, first[0], second[0]], **options)
    # two images of the same bands and day, or what the user lists by date, stay apart
    assert len(predict(model, [first[0]] * 2, **options).maps) == 1
    assert len(predict(model, [[first[0]], [first[1]]], **options).maps) == 1


def test_a_sensor_is_told_of_its_own_files_and_its_scale_must_give_reflectance(model, write_image, tmp_path):
    radar = write_image("b.tif", SECOND, tags=(), descriptions=["VV"], day="2018-05-02")
    options = {"task": "segmentation", "output": tmp_path / "m.tif", "sensor": "aerial-rgb"}
    picture = write_image("a.tif", np.full((3, 40, 53), 99, np.uint8), tags=(), day="2018-05-01")
    notes = [note for note in predict(model, [picture, radar], **options).notes if "aerial-rgb" in note]
    assert notes and all("a.tif" in note for note in notes)
    wide = write_image("a.tif", np.full((3, 40, 53), 2000, np.uint16), tags=(), day="2018-05-01")
    with pytest.raises(RasterError, match=r"a\.tif: band 1 holds values around 7\.8.*--scale"):
        predict(model, [wide, radar], overwrite=True, **options)
