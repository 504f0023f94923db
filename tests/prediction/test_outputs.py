import json

import numpy as np
import pytest
import rasterio

from stsun.legend import color_of
from stsun.prediction.predict import predict


def test_a_map_has_the_colours_of_the_data_sets_that_the_model_learned_from(model, write_image, tmp_path):
    model.colors = {"water": "#010203"}
    image = write_image("a.tif", np.ones((8, 9), np.float32))
    predict(model, [image], task="segmentation", output=tmp_path / "m.tif")
    with rasterio.open(tmp_path / "m.tif") as raster:
        assert raster.tags(1)["color_0"] == "#010203" and raster.colormap(1)[0][:3] == (1, 2, 3)
        assert raster.tags(1)["color_1"] == color_of("forest")


@pytest.mark.parametrize(
    ("dates", "period"),
    [
        (("2024-01-01", "2020-01-01", "2022-01-01"), "2020-01-01 to 2024-01-01"),
        ((None, "2024-01-01", "2020-01-01"), "2020-01-01 to 2024-01-01"),
        ((None, "2024-01-01", None), "date 1 to date 3"),
    ],
)
def test_the_period_of_a_series_starts_before_it_ends(model, write_image, tmp_path, dates, period):
    images = [write_image(f"{number}.tif", np.ones((8, 9), np.float32)) for number in range(3)]
    options = {"item": tmp_path / "m.json"} if period[0] == "2" else {}
    result = predict(model, images, task="segmentation", output=tmp_path / "m.tif", dates=dates, **options)
    assert [one.period for one in result.maps] == [period]
    with rasterio.open(tmp_path / "m.tif") as raster:
        assert raster.descriptions == (period,)
    if options:
        told = json.loads(options["item"].read_text())["properties"]
        assert (told["start_datetime"][:10], told["end_datetime"][:10]) == tuple(period.split(" to "))
