"""Fixtures shared by all tests.

Among them small rasters, and a network so simple that its map is known exactly.
"""

from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from rasterio.crs import CRS
from rasterio.transform import from_origin
from torch import nn

from stsun.tasks import output_periods

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
CATEGORIES = ("water", "forest", "building")


@pytest.fixture(scope="session")
def shared_data():
    """Folder of real labelled data sets that lies beside the checkout, where there is one."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real data sets are not beside this checkout (../shared/data)")
    return SHARED_DATA


class Threshold(nn.Module):
    """Per pixel: category k has the logit -(value - k)², of the first band of a map's last date.

    A change has the logit: difference of the first band between its dates, minus 1/2.
    """

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.calls = []

    def categories_for(self, task):
        return ("flooded",) if task == "binary_change" else CATEGORIES

    def forward(self, images, valid, days, configuration):
        dates = list(images.unbind(1)) if isinstance(images, torch.Tensor) else images
        self.calls.append((configuration, days.clone(), tuple(valid.shape[-2:]), self.training))
        first = [date[:, 0] for date in dates]
        maps = []
        for start, end in output_periods(configuration.task, len(first), configuration.per_date):
            if configuration.task == "binary_change":
                maps.append((first[end] - first[start] - 0.5)[:, None])
            else:
                maps.append(
                    torch.stack([-((first[end] - k) ** 2) for k in range(len(configuration.categories))], dim=1)
                )
        return self.scale * torch.stack(maps, dim=1)


@pytest.fixture
def model():
    return Threshold().train()


@pytest.fixture
def write_image(tmp_path):
    """Write a float32 GeoTIFF ``C H W``; keyword arguments go to the profile."""

    def write(name, values, *, tags=(("wavelength", "665"),), day=None, descriptions=(), **profile):
        values = np.asarray(values)
        values = values[None] if values.ndim == 2 else values
        profile = {
            "crs": CRS.from_epsg(32633),
            "transform": from_origin(500_000, 5_000_000, 10, 10),
            "dtype": values.dtype.name,
        } | profile
        path = tmp_path / name
        count, height, width = values.shape
        with rasterio.open(path, "w", driver="GTiff", count=count, height=height, width=width, **profile) as raster:
            raster.write(values)
            for band in range(1, count + 1):
                if tags:
                    raster.update_tags(band, **{key: str(float(value) + 100 * (band - 1)) for key, value in tags})
            for band, text in enumerate(descriptions, start=1):
                raster.set_band_description(band, text)
            if day:
                raster.update_tags(ACQUISITION_DATE=day)
        return path

    return write
