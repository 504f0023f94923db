"""TorchGeo samples and data sets, by plain dicts and stand-ins: nothing of TorchGeo is installed."""

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pandas
import pytest
import torch
from torch.utils.data import default_collate

from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.data.sample import Sample
from stsun.errors import DataError, RasterError
from stsun.interop.torchgeo import Items, item_of, sample_of, source_of
from stsun.simulation.dataset import write_dataset
from stsun.training.stream import NO_AUGMENTATION, StreamPlan, TrainingStream

from .conftest import NIR, RED


def series(dates=2, height=4, width=6):
    return torch.rand(dates, 2, height, width, generator=torch.Generator().manual_seed(0))


def test_an_item_and_a_sample_are_the_same_thing(configuration):
    valid = np.ones((2, 4, 6), bool)
    valid[1, 2, 3] = False
    labels = np.arange(24).reshape(1, 4, 6) % 3
    sample = Sample("a", list(series().numpy()), valid, np.array([18_000.25, np.nan]), labels, configuration)
    item = item_of(sample)
    assert item["image"].shape == (2, 2, 4, 6) and item["mask"].shape == (4, 6) and item["mask"].dtype == torch.int64
    assert item["t"][0] == datetime(2019, 4, 14, 6, tzinfo=UTC).timestamp()
    assert item["wavelength"].tolist() == pytest.approx([0.665, 0.842]) and item["res"] == 10
    again = sample_of(item, configuration)
    np.testing.assert_array_equal(again.images, sample.images)
    np.testing.assert_array_equal(again.valid, valid)
    np.testing.assert_array_equal(again.days, sample.days)
    np.testing.assert_array_equal(again.labels, labels)


def test_a_single_image_has_no_axis_of_dates_and_a_band_without_wavelength_none():
    item = {"image": series(1)[0], "mask": torch.zeros(1, 4, 6)}
    told = Sample("a", [series(1)[0].numpy()], np.ones((1, 4, 6), bool), np.array([np.nan]), None, with_radar())
    assert sample_of(item, with_radar()).labels.shape == (1, 4, 6)
    assert item_of(told)["image"].shape == (2, 4, 6)
    assert item_of(told)["wavelength"].isnan().tolist() == [False, True]


def with_radar():
    return Configuration([RED, Band("vv")], None, "segmentation", ["water", "forest"])


SECONDS = [datetime(2021, 7, day, tzinfo=UTC).timestamp() for day in (1, 3)]
JULY_2ND_2021 = 18_810.0


@pytest.mark.parametrize(
    ("told", "day"),
    [
        ({"t": torch.tensor([SECONDS[0] + 86_400], dtype=torch.float64)}, JULY_2ND_2021),
        ({"bounds": torch.tensor([0, 9, 1, 0, 9, 1, *SECONDS, 1], dtype=torch.float64)}, JULY_2ND_2021),
        ({"bounds": (slice(0, 9), slice(0, 9), slice(datetime(2021, 7, 1, tzinfo=UTC), datetime(2021, 7, 3, tzinfo=UTC)))},
         JULY_2ND_2021),
        ({"bounds": (slice(0, 9), slice(0, 9), slice(pandas.Timestamp("2021-07-01"), pandas.Timestamp("2021-07-03")))},
         JULY_2ND_2021),
        ({"bounds": (slice(0, 9), slice(0, 9), slice(datetime(2021, 7, 1), datetime(2021, 7, 3)))}, JULY_2ND_2021),
        ({"bounds": (slice(0, 9), slice(0, 9))}, np.nan),  # what was asked for has no time
        ({"bounds": (slice(0, 9), slice(0, 9), slice(None))}, np.nan),
        ({"bounds": slice(0, 9)}, np.nan),
        ({"bounds": SimpleNamespace(minx=0, maxx=9, miny=0, maxy=9, mint=SECONDS[0], maxt=SECONDS[1])}, JULY_2ND_2021),
        # files without a date are from 1677 to 2262: that says nothing of the day
        ({"bounds": torch.tensor([0, 9, 1, 0, 9, 1, -9.2e9, 9.2e9, 1])}, np.nan),
        ({}, np.nan),
    ],
)  # fmt: skip
def test_days_are_taken_from_whatever_tells_them(configuration, told, day):
    found = sample_of({"image": series(1)[0], **told}, configuration).days
    np.testing.assert_allclose(found, [day], atol=1e-2)


def test_what_is_not_finite_is_invalid_and_the_ignored_index_ours(configuration):
    image, mask = series(1)[0], torch.tensor([[0, 1, 2, -100, 255, 0]] * 4)
    image[1, 2, 3] = torch.nan
    sample = sample_of({"image": image, "mask": mask, "valid": torch.ones(4, 6)}, configuration, ignore_index=-100)
    assert sample.valid.sum() == 23 and not sample.valid[0, 2, 3]
    assert sample.labels[0, 0].tolist() == [0, 1, 2, 255, 255, 0]


def test_numbers_that_are_no_reflectances_and_labels_of_no_category_are_refused(configuration):
    stored = {"image": series(1)[0] * 10_000}
    with pytest.raises(RasterError, match="scale=1e-4"):
        sample_of(stored, configuration)
    np.testing.assert_allclose(sample_of(stored, configuration, scale=1e-4).images, series(1), atol=1e-6)
    with pytest.raises(DataError, match="holds 7, but there are 3 categories"):
        sample_of({"image": series(1)[0], "mask": torch.full((4, 6), 7)}, configuration)
    with pytest.raises(DataError, match="has no 'image' but label"):
        sample_of({"label": 1}, configuration)
    mixed = Sample("m", list(series().numpy()), np.ones((2, 4, 6), bool), np.zeros(2), None,
                   replace(configuration, bands=[[RED, NIR], [NIR, RED]]))  # fmt: skip
    with pytest.raises(DataError, match="different bands"):
        item_of(mixed)


class GeoStandIn:
    """Answers slices as a ``GeoDataset`` does: pixels that tell their place."""

    def __getitem__(self, query):
        x, y = query
        columns, rows = torch.arange(x.start, x.stop), torch.arange(y.start, y.stop)
        image = (rows[:, None] * 0.01 + columns * 0.001).expand(2, -1, -1)
        return {"image": image.float(), "mask": (rows[:, None] + columns) % 3}


def test_both_kinds_of_data_sets_feed_the_training_stream(configuration):
    plan = StreamPlan(crop=16, batch_size=2, accumulate=1, augment=NO_AUGMENTATION)
    by_number = [{"image": series(1, 16, 16)[0], "mask": torch.zeros(16, 16)} for _ in range(3)]
    batch = TrainingStream([source_of("numbers", by_number, configuration)], plan)[0]
    assert batch.images.shape == (2, 1, 2, 16, 16) and batch.configuration == configuration
    queries = [(slice(x, x + 16), slice(8, 24)) for x in (0, 32)]
    source = source_of("slices", GeoStandIn(), configuration, queries=queries)
    assert source.length == 2
    sample = source.read(1)
    assert sample.images[0][1, 3, 5] == pytest.approx(0.01 * (8 + 3) + 0.001 * (32 + 5)) and sample.id == "slices-1"
    assert TrainingStream([source], plan)[5].labels.shape == (2, 1, 16, 16)


def test_a_split_of_ours_is_a_data_set_for_its_loaders(tmp_path):
    path = write_dataset(tmp_path / "w", ["sentinel-2-l2a"], [datetime(2020, 5, 1).date()], size=32, samples=5)
    calls = []
    items = Items(path, "train", transforms=lambda item: calls.append(1) or item)
    batch = default_collate([items[0], items[1]]) if len(items) > 1 else default_collate([items[0]] * 2)
    assert batch["image"].ndim == 4 and batch["image"].shape[-2:] == (32, 32) and calls
    sample = items.dataset.read(items.records[0])
    np.testing.assert_array_equal(sample_of(items[0], sample.configuration).labels, sample.labels)
    with pytest.raises(DataError, match="no split"):
        Items(path, "nonsense")
