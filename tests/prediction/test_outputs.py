import numpy as np
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
