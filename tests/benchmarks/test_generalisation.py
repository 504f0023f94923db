from dataclasses import replace

import numpy as np
import pytest
import torch

import generalisation
from stsun.data.sample import Sample
from stsun.model.stsun import create
from stsun.simulation.scenes import simulate


@pytest.fixture(scope="module")
def series():
    sample = simulate("sentinel2-series", seed=3, size=24)
    return sample if len(sample.images) >= 4 else simulate("sentinel2-series", seed=4, size=24)


@pytest.fixture(scope="module")
def predict(series):
    model = create("nano", series.configuration.categories, seed=0).eval()

    def answer(sample: Sample) -> torch.Tensor:
        return generalisation.logits_of(model, sample, torch.device("cpu"))

    return answer


class Held:
    """A data set of samples in memory."""

    def __init__(self, *samples):
        self.samples, self.task = samples, samples[0].configuration.task

    def records(self, split):
        return self.samples

    def read(self, record):
        return record


def test_bands_are_left_out_with_their_metadata_and_alike_for_all_dates(series):
    fewer = generalisation.without_bands(series, 0.3, np.random.default_rng(0))
    bands = fewer.configuration.bands
    full = series.configuration.bands
    assert len(bands) == len(full) - round(0.3 * len(full)) and not fewer.configuration.mixed_sensors
    places = [full.index(band) for band in bands]
    assert places == sorted(places)
    for before, after in zip(series.images, fewer.images, strict=True):
        assert np.array_equal(after, before[places])
    again = generalisation.without_bands(series, 0.3, np.random.default_rng(0))
    assert again.configuration == fewer.configuration != series.configuration


def test_dates_keep_their_days_masks_and_bands():
    mixed = simulate("landsat-mixed-series", seed=1, size=16)
    assert mixed.configuration.mixed_sensors
    order = list(range(len(mixed.images)))[::-1]
    turned = generalisation.with_dates(mixed, order)
    assert np.array_equal(turned.days, mixed.days[::-1]) and np.array_equal(turned.valid, mixed.valid[::-1])
    bands = mixed.configuration.bands_of_dates(len(order))
    assert turned.configuration.bands_of_dates(len(order)) == bands[::-1]
    one = generalisation.with_dates(mixed, [2])
    assert np.array_equal(one.images[0], mixed.images[2]) and one.configuration.bands_of_dates(1) == (bands[2],)


def test_other_pixels_are_told_and_invalid_ones_stay_out(series):
    flat = replace(
        series, images=[np.full_like(image, 0.25) for image in series.images], valid=np.ones_like(series.valid)
    )
    flat.valid[:, :12] = False
    for image, seen in zip(flat.images, flat.valid, strict=True):
        image[:, ~seen] = 1e9  # what is not valid is not read
    larger = generalisation.resized(flat, 4 / 3)
    assert larger.size == (18, 18) and larger.configuration.gsd_m == pytest.approx(series.configuration.gsd_m * 24 / 18)
    for image, seen in zip(larger.images, larger.valid, strict=True):
        assert np.allclose(image[:, seen], 0.25, rtol=1e-5)
        assert not seen[:8].any() and seen[10:].any()


def test_every_answer_lies_on_the_labels_own_pixels(series, predict):
    plain = generalisation.maps(predict(series), series)
    for variation in generalisation.VARIATIONS:
        found = variation.answer(predict, series, np.random.default_rng(0))
        assert found.maps.shape == plain.shape, variation.name


def test_the_order_of_dates_does_not_matter(series, predict):
    plain = generalisation.maps(predict(series), series)
    shuffled = generalisation.shuffled_dates(predict, series, np.random.default_rng(0))
    assert (shuffled.maps != plain).mean() < 0.01


def test_maps_of_dates_that_stay_are_held_against_their_own_labels(predict):
    scene = simulate("sentinel2-series", seed=3, size=24)
    dates = len(scene.images)
    sample = replace(
        scene,
        labels=np.repeat(scene.labels, dates, axis=0),
        configuration=replace(scene.configuration, per_date=True),
    )

    def number_of_date(asked):
        # the category of every pixel is the number of the date that its day belongs to
        numbers = [int(np.flatnonzero(sample.days == day)[0]) for day in asked.days]
        logits = torch.zeros(len(numbers), 7, *asked.size)
        for place, number in enumerate(numbers):
            logits[place, number % 7] = 1
        return logits

    kept = generalisation.fewer_dates(number_of_date, sample, np.random.default_rng(1), share=0.5)
    assert len(kept.kept) == round(dates / 2) == len(kept.maps)
    assert [int(one[0, 0]) for one in kept.maps] == [place % 7 for place in kept.kept]
    shuffled = generalisation.shuffled_dates(number_of_date, sample, np.random.default_rng(1))
    assert [int(one[0, 0]) for one in shuffled.maps] == [place % 7 for place in range(dates)]


def test_tiles_cover_every_pixel_once(series):
    def position(asked):
        return torch.from_numpy(np.stack([asked.images[0][0], np.zeros(asked.size, np.float32)])[None])

    signs = np.random.default_rng(0).normal(size=series.size).astype(np.float32)
    marked = replace(series, images=[np.broadcast_to(signs, image.shape).copy() for image in series.images])
    found = generalisation.in_tiles(position, marked, np.random.default_rng(0), side=10)
    assert np.array_equal(found.maps[0], (signs < 0).astype(int))


def test_measures_hold_what_is_changed_against_the_same_labels(series):
    model = create("nano", series.configuration.categories, seed=0).eval()
    told = generalisation.measure(model, Held(series, series), "val", generalisation.VARIATIONS[:4])
    assert told["metric"] == "mean_iou" and list(told["changed"]) == [one.name for one in generalisation.VARIATIONS[:4]]
    for one in told["changed"].values():
        assert one["samples"] == 2 and one["before"] == told["score"]
        assert one["after"] == pytest.approx(np.mean(one["draws"]))
    names = [one.name for one in generalisation.VARIATIONS]
    assert len(list(generalisation.summary({"a": told}, names))) == 1 + 4
    assert "–" in list(generalisation.by_set({"a": told}, names))[1]
