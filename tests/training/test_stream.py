from dataclasses import replace

import numpy as np
import pytest
import torch

from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.data.sample import Sample
from stsun.errors import DataError, ExperimentError
from stsun.simulation.scenes import simulate
from stsun.training.sources import Source, memory_source
from stsun.training.stream import NO_AUGMENTATION, StreamPlan, TrainingStream

PLAN = StreamPlan(crop=32, batch_size=4, accumulate=4)


@pytest.fixture
def sources(make_sample):
    return [
        memory_source("water", [make_sample("water", "segmentation", seed) for seed in range(6)]),
        memory_source("change", [make_sample("change", "binary_change", seed) for seed in range(6)]),
        memory_source("series", [make_sample("series", "semantic_change", seed, dates=3) for seed in range(6)]),
    ]


def same(first, second):
    images = zip(first.images, second.images, strict=True)
    return (
        first.ids == second.ids
        and first.configuration == second.configuration
        and all(torch.equal(a, b) for a, b in images)
        and torch.equal(first.labels, second.labels)
        and torch.equal(first.days.nan_to_num(-1), second.days.nan_to_num(-1))
    )


def test_a_batch_is_a_function_of_seed_and_number_only(sources):
    stream, again = TrainingStream(sources, PLAN, seed=5), TrainingStream(sources, PLAN, seed=5)
    numbers = list(range(24))
    backwards = {number: again[number] for number in reversed(numbers)}
    batches = [stream[number] for number in numbers]
    assert all(same(batch, backwards[number]) for number, batch in enumerate(batches))
    other = TrainingStream(sources, PLAN, seed=6)
    assert not all(batch.ids == other[number].ids for number, batch in enumerate(batches))


def test_what_a_batch_holds_is_known_without_reading_it(sources):
    stream = TrainingStream(sources, PLAN)
    for number in range(16):
        name, samples = stream.drawn(number)
        assert [own.split("/")[0] for own in stream[number].ids] == [name] * samples


def test_the_cache_changes_nothing(sources):
    full, none = TrainingStream(sources, PLAN), TrainingStream(sources, replace(PLAN, cache_gb=0.0))
    assert all(same(full[number], none[number]) for number in range(8))


def test_every_update_mixes_all_tasks(sources):
    stream = TrainingStream(sources, PLAN)
    for update in range(50):
        window = {stream.source_of(4 * update + position) for position in range(4)}
        assert len(window) == 3  # each of the three tasks has a share of 1/3, more than one in four


def test_sources_are_drawn_by_the_root_of_their_size_times_weight(make_sample):
    few = memory_source("few", [make_sample("few", "segmentation", seed) for seed in range(4)])
    many = memory_source("many", [make_sample("many", "segmentation", seed) for seed in range(36)])
    twice = replace(few, name="twice", weight=2.0)
    stream = TrainingStream([few, many, twice], PLAN)
    assert stream.probabilities == pytest.approx([0.2, 0.6, 0.2 * 2 / 1] / np.sum([0.2, 0.6, 0.4]))
    drawn = np.bincount([stream.source_of(number) for number in range(4000)], minlength=3) / 4000
    assert drawn == pytest.approx(stream.probabilities, abs=0.01)


def test_one_large_scene_counts_as_its_crops(make_sample):
    scene = memory_source("scene", [make_sample("scene", "segmentation", 0, size=(96, 160))])
    stream = TrainingStream([scene], PLAN)
    assert stream.library.count(0) == 15
    batch = stream[0]
    assert batch.images.shape[0] == 4
    assert len({image.numpy().tobytes() for image in batch.images}) == 4


@pytest.mark.parametrize("seed", range(3))
def test_every_batch_is_whole(sources, seed):
    stream = TrainingStream(sources, PLAN, seed=seed)
    for number in range(30):
        batch = stream[number]
        assert batch.labels is not None
        _, dates, bands, height, width = batch.images.shape
        assert height == width in (16, 32)
        assert bands == len(batch.configuration.bands)
        assert batch.images.isfinite().all()
        assert dates >= (1 if batch.configuration.task == "segmentation" else 2)
        assert set(batch.labels.unique().tolist()) <= {0, 1, 255}


def test_without_augmentation_batches_are_plain_crops(make_sample):
    samples = [make_sample("plain", "segmentation", seed, dates=2) for seed in range(4)]
    stream = TrainingStream([memory_source("plain", samples)], replace(PLAN, augment=NO_AUGMENTATION))
    batch = stream[3]
    for name, images, labels in zip(batch.ids, batch.images, batch.labels, strict=True):
        sample = samples[int(name.rsplit("-", 1)[1])]
        assert np.array_equal(images, np.stack(sample.images))
        assert np.array_equal(labels, sample.labels)


def test_changes_may_be_told_backwards_only_where_the_source_allows_it(make_sample):
    samples = [make_sample("flood", "binary_change", seed) for seed in range(4)]
    samples = [replace(one, images=[np.full_like(image, k) for k, image in enumerate(one.images)]) for one in samples]
    source = memory_source("flood", samples)
    augment = replace(PLAN.augment, drop_metadata=False)

    def orders(one_way):
        stream = TrainingStream([replace(source, time_swap=not one_way)], replace(PLAN, augment=augment))
        batches = [stream[number] for number in range(8)]
        assert all(days[0] < days[1] for batch in batches for days in batch.days)
        return {bool(pair[0].mean() < pair[1].mean()) for batch in batches for pair in batch.images}

    assert orders(one_way=True) == {True}
    assert orders(one_way=False) == {True, False}


def test_unlike_series_are_made_equally_long_and_unlike_bands_never_share_a_batch(make_sample):
    blue, red = Band("blue", 490), Band("red", 665)
    samples = [make_sample("series", "segmentation", seed, dates=2 + seed % 3, bands=(blue, red)) for seed in range(6)]
    samples += [make_sample("other", "segmentation", seed, dates=20, bands=(red,), gsd_m=30.0) for seed in range(6)]
    stream = TrainingStream([memory_source("all", samples)], replace(PLAN, max_dates=8))
    dates = []
    for number in range(40):
        batch = stream[number]
        assert len({name.split("/")[1].split("-")[0] for name in batch.ids}) == 1
        dates.append(batch.images.shape[1])
    assert max(dates) == 8
    assert min(dates) == 1


def test_long_series_make_smaller_batches(make_sample):
    samples = [make_sample("long", "segmentation", seed, dates=8) for seed in range(8)]
    assert TrainingStream([memory_source("long", samples)], PLAN)[0].images.shape[0] == 1


def test_gsd_that_differ_by_a_hair_share_a_batch(make_sample):
    samples = [make_sample("near", "segmentation", seed, gsd_m=10 + seed / 500) for seed in range(4)]
    augment = replace(NO_AUGMENTATION, scale_jitter=True)
    batch = TrainingStream([memory_source("near", samples)], replace(PLAN, augment=augment))[0]
    assert len(batch.ids) == 4


def test_sensors_that_take_turns_are_dropped_together():
    optical, radar = (Band("red", 665), Band("nir", 840)), (Band("vv"),)
    configuration = Configuration((optical, radar, optical), 10.0, "segmentation", ("water", "land"))

    def mixed(seed):
        rng = np.random.default_rng(seed)
        images = [rng.uniform(0, 1, (count, 32, 32)).astype(np.float32) for count in (2, 1, 2)]
        labels = rng.integers(0, 2, (1, 32, 32))
        return Sample(f"m-{seed}", images, np.ones((3, 32, 32), bool), np.arange(3.0), labels, configuration)

    stream = TrainingStream([memory_source("mixed", [mixed(seed) for seed in range(4)])], PLAN)
    kinds = {type(stream[number].images) for number in range(20)}
    assert kinds == {list, torch.Tensor}


def test_simulated_scenes_are_an_endless_source():
    source = Source(
        "simulated",
        "segmentation",
        1000,
        lambda seed: simulate("sentinel2-series", seed, 32),
        endless=True,
        counts_as=9,
    )
    stream = TrainingStream([source], PLAN)
    assert stream.library.count(0) == 9
    names = {name for number in range(4) for name in stream[number].ids}
    assert len(names) >= 4
    assert same(stream[2], stream[2])


def test_what_cannot_be_trained_on_is_refused(make_sample):
    sample = make_sample("a", "segmentation", 0)
    with pytest.raises(ExperimentError, match="nothing to train on"):
        TrainingStream([], PLAN)
    with pytest.raises(ExperimentError, match="no samples"):
        memory_source("empty", [])
    with pytest.raises(ExperimentError, match="positive weight"):
        TrainingStream([memory_source("a", [sample], weight=0.0)], PLAN)
    with pytest.raises(DataError, match="no labels"):
        TrainingStream([memory_source("a", [replace(sample, labels=None)])], PLAN)
    with pytest.raises(DataError, match="not binary_change"):
        TrainingStream([replace(memory_source("a", [sample]), task="binary_change")], PLAN)
    for wrong in ({"crop": 8}, {"batch_size": 0}, {"max_dates": 1}, {"power": 2.0}):
        with pytest.raises(ExperimentError, match=next(iter(wrong))):
            replace(PLAN, **wrong)
