"""Small data sets made on the spot: a folder, its YAML file, and rasters whose pixels tell their place."""

import json
import warnings

import numpy as np
import pytest
import rasterio
import yaml
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import Affine

from stsun.data.dataset import open_dataset
from stsun.errors import DataError

RED, NIR = {"name": "red", "wavelength_nm": 665, "bandwidth_nm": 30}, {"name": "nir", "wavelength_nm": 842}
TAGS = [
    {"wavelength": "665", "fwhm": "30", "wavelength_units": "nm"},
    {"wavelength": "0.842", "wavelength_units": "um"},
]


class World:
    """A data set that is right; tests change one thing of it and look at what is said."""

    def __init__(self, root):
        self.root = root

    def image(self, name, bands=2, height=4, width=6, first=0, **profile):
        """Write 100 * band + 10 * row + column + first."""
        band, row, column = np.ogrid[:bands, :height, :width]
        return self.raster(name, (100 * band + 10 * row + column + first).astype("int16"), **profile)

    def raster(self, name, array, *, tags=None, band_tags=(), descriptions=(), scales=None, metres=None, **profile):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        array = np.asarray(array)
        array = array[None] if array.ndim == 2 else array
        if metres is not None:
            profile |= {"crs": "EPSG:32633", "transform": Affine(metres, 0, 5e5, 0, -metres, 5e6)}
        driver = {"png": "PNG", "jpg": "JPEG"}.get(path.suffix[1:], "GTiff")
        shape = {"count": array.shape[0], "height": array.shape[1], "width": array.shape[2]}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(path, "w", driver=driver, dtype=array.dtype.name, **shape, **profile) as target:
                target.write(array)
                target.update_tags(**(tags or {}))
                for index, values in enumerate(band_tags, start=1):
                    target.update_tags(index, **values)
                for index, text in enumerate(descriptions, start=1):
                    target.set_band_description(index, text)
                if scales:
                    target.scales, target.offsets = scales
        return path

    def label(self, name, height=4, width=6, **pixels):
        """Write 0 and 1 in a checkerboard; ``r1c2=7`` sets row 1, column 2 to 7."""
        labels = np.indices((height, width)).sum(0) % 2
        for place, value in pixels.items():
            row, column = place[1:].split("c")
            labels[int(row), int(column)] = value
        return self.raster(name, labels.astype("uint8"))

    def text(self, name, *lines):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    def rows(self, *rows, name="samples.jsonl"):
        return self.text(name, *map(json.dumps, rows))

    def yaml(self, *without, **keys):
        """Write dataset.yaml: the standard keys, with ``keys`` in place of theirs and without ``without``."""
        standard = {
            "name": "small",
            "task": "segmentation",
            "bands": [RED, NIR],
            "scale": 1,
            "images": ["images/{id}.tif"],
            "labels": ["labels/{id}.tif"],
            "classes": {0: "water", 1: "forest"},
            "splits": {"train": "train.txt", "test": "test.txt"},
        }
        content = {key: value for key, value in (standard | keys).items() if key not in without}
        path = self.root / "dataset.yaml"
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        return path


def only(path, split="train"):
    dataset = open_dataset(path)
    return dataset.read(dataset.records(split)[0])


def position(bands=2, first=0):
    band, row, column = np.ogrid[:bands, :4, :6]
    return 100 * band + 10 * row + column + first


def refused(path, message, split="train", error=DataError):
    with pytest.raises(error, match=message):
        only(path, split)
