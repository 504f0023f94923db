"""Streaming statistics, against numpy on all values at once."""

import numpy as np
import pytest
import rasterio
import yaml

from stsun.data.dataset import open_dataset
from stsun.quality import statistics as module
from stsun.quality.statistics import class_shares, statistics

BANDS = [{"name": "red", "wavelength_nm": 665}, {"name": "vv"}]


@pytest.fixture
def made(tmp_path):
    """Three images of unlike sizes with some pixels missing, and their labels; all values at once."""
    rng, every, labels = np.random.default_rng(0), [], []
    for number, size in enumerate([(20, 30), (7, 9), (64, 50)]):
        values = rng.normal([[[0.3]], [[-12]]], [[[0.1]], [[4]]], (2, *size)).astype("float32") + number / 10
        values[:, :2, :3] = np.nan
        truth = rng.choice([0, 1, 9], size, p=[0.7, 0.2, 0.1]).astype("uint8")
        for name, array in ((f"{number}.tif", values), (f"{number}_label.tif", truth[None])):
            shape = {"count": len(array), "height": size[0], "width": size[1], "dtype": array.dtype.name}
            with rasterio.open(tmp_path / name, "w", driver="GTiff", **shape) as file:
                file.write(array)
        every.append(values[:, ~np.isnan(values[0])])
        labels.append(truth.ravel())
    (tmp_path / "train.txt").write_text("0\n1\n")
    (tmp_path / "test.txt").write_text("2\n")
    content = {"name": "made", "task": "segmentation", "bands": BANDS, "scale": 1, "images": ["{id}.tif"]}
    content |= {"labels": ["{id}_label.tif"], "classes": {0: "water", 1: "forest", 2: "rock"}, "ignore": [9]}
    (tmp_path / "set.yaml").write_text(yaml.safe_dump(content | {"splits": {"train": "train.txt", "test": "test.txt"}}))
    return open_dataset(tmp_path / "set.yaml"), every, labels


@pytest.mark.parametrize("workers", [1, 3])
def test_means_and_spreads_are_those_of_all_values_at_once(made, workers):
    dataset, every, _ = made
    found, all_values = statistics(dataset, workers=workers), np.concatenate(every, axis=1).astype(np.float64)
    for band, values in zip(found["bands"], all_values, strict=True):
        assert band["mean"] == pytest.approx(values.mean(), rel=1e-9)
        assert band["std"] == pytest.approx(values.std(), rel=1e-9)
        assert (band["min"], band["max"]) == (values.min(), values.max())
        for quantile, value in band["quantiles"].items():
            assert (values < value).mean() <= float(quantile) <= (values <= value).mean()


def test_a_split_is_only_itself(made):
    dataset, every, _ = made
    found = statistics(dataset, "test")
    assert found["samples"] == 1 and found["splits"] == ["test"]
    assert found["bands"][0]["mean"] == pytest.approx(every[2][0].mean(dtype=np.float64), rel=1e-9)


def test_quantiles_stay_close_where_values_are_left_out(made, monkeypatch):
    dataset, every, _ = made
    monkeypatch.setattr(module, "KEPT_OF_IMAGE", 500)
    monkeypatch.setattr(module, "KEPT_OF_BAND", 700)
    values = np.concatenate(every, axis=1)[0]
    for quantile, value in statistics(dataset)["bands"][0]["quantiles"].items():
        assert (values <= value).mean() == pytest.approx(float(quantile), abs=0.05)


def test_shares_of_valid_pixels_and_classes(made):
    dataset, every, labels = made
    found, truth = statistics(dataset), np.concatenate(labels)
    assert found["valid_share"] == pytest.approx(sum(len(one[0]) for one in every) / len(truth))
    assert found["ignored_share"] == pytest.approx((truth == 9).mean())
    assert found["classes"]["forest"]["pixels"] == (truth == 1).sum()
    assert found["classes"]["rock"] == {"pixels": 0, "share": 0.0, "weight": None}


def test_weights_are_the_median_share_over_each_share():
    # shares 0.8, 0.15, 0.05: median 0.15
    weights = [one["weight"] for one in class_shares("abc", [80, 15, 5]).values()]
    assert weights == pytest.approx([0.15 / 0.8, 1, 3])
