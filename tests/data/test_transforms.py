from dataclasses import replace

import numpy as np
import pytest

from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.data import transforms
from stsun.data.sample import IGNORE, Sample
from stsun.errors import ConfigurationError

RED, NIR, SWIR, VV = Band("red", 665, 30), Band("nir", 840, 100), Band("swir16", 1610, 90), Band("vv")


def positions(height, width):
    return np.arange(height * width).reshape(height, width)


def make(task="segmentation", *, size=(24, 36), dates=3, bands=(RED, NIR, VV), per_date=False, gsd_m=10.0):
    """Pixel value = position + 10 000 * date + 100 000 * band; label = position modulo 200."""
    lists = bands if isinstance(bands[0], tuple) else (bands,) * dates
    images = [
        np.stack([positions(*size) + 10_000 * date + 100_000 * band for band in range(len(own))]).astype(np.float32)
        for date, own in enumerate(lists)
    ]
    maps = {"segmentation": dates if per_date else 1, "binary_change": dates - 1, "semantic_change": dates}[task]
    labels = np.stack([(positions(*size) + number) % 200 for number in range(maps)]).astype(np.int64)
    valid = np.stack([positions(*size) % 7 != date for date in range(dates)])
    names = tuple(f"class {number}" for number in range(200)) if task != "binary_change" else ("changed",)
    configuration = Configuration(bands, gsd_m, task, names, per_date)
    return Sample("s", images, valid, 100.0 * np.arange(dates), labels, configuration)


def rng(seed=0):
    return np.random.default_rng(seed)


def decoded(sample):
    """Position, date and band that each pixel says it is from, with what lies at the same place beside it."""
    return [image[0] % 10_000 for image in sample.images]


def assert_together(sample):
    """Image, label and mask still tell of the same place on the ground."""
    position = decoded(sample)[-1].astype(int)
    known = sample.labels[0] != IGNORE
    assert np.array_equal(sample.labels[0][known], position[known] % 200)
    for date, image in enumerate(sample.images):
        original = int(image[0].max()) // 10_000
        assert np.array_equal(sample.valid[date][known], ((image[0] % 10_000) % 7 != original)[known])


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("act", [
    lambda sample, draw: transforms.crop(sample, 16, 16, draw),
    lambda sample, draw: transforms.crop(sample, 32, 16, draw),
    transforms.dihedral,
])  # fmt: skip
def test_labels_and_masks_follow_the_images(act, seed):
    result = act(make(), rng(seed))
    assert_together(result)
    assert all(np.array_equal(decoded(result)[0], place) for place in decoded(result))


def test_a_crop_larger_than_the_image_is_padded_as_invalid_and_ignored():
    sample = make()
    result = transforms.crop(sample, 30, 40, rng())
    assert result.size == (30, 40)
    assert np.array_equal(result.images[1][:, :24, :36], sample.images[1])
    padding = np.ones((30, 40), bool)
    padding[:24, :36] = False
    assert not result.valid[:, padding].any()
    assert (result.labels[:, padding] == IGNORE).all()
    assert (result.labels[:, ~padding] != IGNORE).all()


def test_crops_prefer_places_with_labels():
    sample = make(size=(400, 400), dates=1)
    sparse = np.full_like(sample.labels, IGNORE)
    sparse[:, :100, :100] = 1
    sample = replace(sample, labels=sparse)
    found = [(transforms.crop(sample, 64, 64, rng(seed)).labels != IGNORE).mean() for seed in range(100)]
    assert min(found) > 0 and np.mean(found) > 0.1


@pytest.mark.parametrize("place", [(0, 0), (399, 299), (150, 7)])
def test_no_crop_misses_the_only_labelled_pixel(place):
    sample = make(size=(400, 300), dates=1)
    single = np.full_like(sample.labels, IGNORE)
    single[0][place] = 1
    sample = replace(sample, labels=single)
    crops = [transforms.crop(sample, 32, 48, rng(seed)) for seed in range(30)]
    assert all((crop.labels == 1).sum() == 1 and crop.valid.any() for crop in crops)
    empty = transforms.crop(replace(sample, labels=np.full_like(single, IGNORE)), 32, 48, rng())
    assert (empty.labels == IGNORE).all() and empty.size == (32, 48)


def test_every_position_of_the_square_occurs_and_can_be_undone():
    sample = make(size=(8, 8))
    positions_seen = {transforms.dihedral(sample, rng(seed)).images[0].tobytes() for seed in range(100)}
    assert len(positions_seen) == 8
    for quarters in range(4):
        turned = transforms.turn(sample, quarters, mirror=False)
        back = transforms.turn(turned, -quarters, mirror=False)
        assert np.array_equal(back.images[2], sample.images[2])
        assert np.array_equal(back.labels, sample.labels)
        mirrored = transforms.turn(turned, 0, mirror=True)
        assert np.array_equal(transforms.turn(mirrored, 0, mirror=True).valid, turned.valid)


def test_zooming_divides_the_gsd_and_keeps_places_together():
    ramp = np.tile(np.arange(64, dtype=np.float32), (48, 1))
    sample = make(size=(48, 64), dates=1, bands=(RED,))
    valid = np.ones((1, 48, 64), bool)
    sample = replace(sample, images=[ramp[None]], valid=valid, labels=ramp.astype(np.int64)[None])
    for factor in (0.5, 1.5, 2.0):
        result = transforms.resize(sample, round(48 * factor), round(64 * factor))
        assert result.configuration.gsd_m == pytest.approx(10 / factor)
        # the centre of new pixel i lies at (i + 0.5) / factor - 0.5 of the old grid
        expected = (np.arange(round(64 * factor)) + 0.5) / factor - 0.5
        inner = slice(3, -3)
        assert np.allclose(result.images[0][0, 5, inner], expected[inner], atol=1e-3)
        assert np.abs(result.labels[0][:, inner] - expected[inner]).max() <= 0.5
    unknown = replace(sample, configuration=replace(sample.configuration, gsd_m=None))
    assert transforms.resize(unknown, 24, 32).configuration.gsd_m is None


def test_scale_jitter_stays_between_half_and_double():
    sizes = [transforms.scale_jitter(make(size=(40, 60)), rng(seed)).size for seed in range(50)]
    assert all(20 <= height <= 80 and abs(width / height - 1.5) < 0.05 for height, width in sizes)
    assert np.mean([height < 40 for height, _ in sizes]) == pytest.approx(0.5, abs=0.2)


def test_invalid_pixels_do_not_bleed_into_resampled_ones():
    sample = make(size=(32, 32), dates=1, bands=(RED,))
    image = np.full((1, 32, 32), 0.25, np.float32)
    hidden = rng().uniform(size=(32, 32)) < 0.4
    image[:, hidden] = np.nan
    sample = replace(sample, images=[image], valid=~hidden[None])
    for side in (16, 45, 64):
        result = transforms.resize(sample, side, side)
        assert np.allclose(result.images[0][:, result.valid[0]], 0.25, atol=1e-5)
        assert (result.images[0][:, ~result.valid[0]] == 0).all()


def test_radiometric_jitter_differs_per_date_and_leaves_invalid_pixels_alone():
    thermal = Band("lwir11", 10_900, 600)
    bands = (RED, thermal, VV)
    sample = make(bands=bands)
    images = [
        np.stack([np.full(sample.size, 0.3), np.full(sample.size, 290.0), np.full(sample.size, -12.0)])
        for _ in range(3)
    ]
    texture = rng(1).standard_normal(sample.size)
    images = [(image + np.array([0.05, 2.0, 1.5])[:, None, None] * texture).astype(np.float32) for image in images]
    sample = replace(sample, images=images)
    result = transforms.radiometric_jitter(sample, rng())
    for date in range(3):
        valid = sample.valid[date]
        before, after = sample.images[date], result.images[date]
        assert np.array_equal(before[:, ~valid], after[:, ~valid])
        change = np.abs(after - before)[:, valid].mean(1)
        assert (change > 0).all()
        assert change[0] < 0.2
        assert change[1] < 2.0  # a gain of 10 % would be 29 K
        assert change[2] < 1.5
    assert not np.allclose(result.images[0], result.images[1])
    assert result.images[0].dtype == np.float32
    assert np.array_equal(sample.images[0], images[0])


@pytest.mark.parametrize("task", ["binary_change", "semantic_change"])
def test_time_swap_turns_everything_round_and_back(task):
    sample = make(task, dates=2, bands=((RED, NIR), (VV,)))
    swapped = transforms.time_swap(sample)
    assert np.array_equal(swapped.images[0], sample.images[1])
    assert np.array_equal(swapped.days, sample.days)  # two dates: mirrored days are the same days
    assert np.array_equal(swapped.labels, sample.labels[::-1])
    assert swapped.configuration.bands == ((VV,), (RED, NIR))
    back = transforms.time_swap(swapped)
    assert back.configuration == sample.configuration
    assert np.array_equal(back.valid, sample.valid)
    uneven = replace(make("semantic_change", dates=3), days=np.array([0.0, 10.0, 30.0]))
    assert transforms.time_swap(uneven).days.tolist() == [0.0, 20.0, 30.0]
    with pytest.raises(ConfigurationError, match="change tasks"):
        transforms.time_swap(make())


def test_dropping_dates_keeps_what_belongs_to_the_others():
    whole = transforms.drop_dates(make(dates=5), (1, 4))
    assert [int(image[0].max()) // 10_000 for image in whole.images] == [1, 4]
    assert np.array_equal(whole.days, [100.0, 400.0])
    assert whole.labels.shape[0] == 1
    per_date = transforms.drop_dates(make(dates=5, per_date=True), (1, 4))
    assert np.array_equal(per_date.labels[:, 0, 0], [1, 4])
    semantic = transforms.drop_dates(make("semantic_change", dates=5), (0, 3))
    assert np.array_equal(semantic.labels[:, 0, 0], [0, 3])
    binary = transforms.drop_dates(make("binary_change", dates=5), (2, 3, 4))
    assert np.array_equal(binary.labels[:, 0, 0], [2, 3])
    mixed = transforms.drop_dates(make(dates=3, bands=((RED,), (VV,), (RED,))), (0, 2))
    assert mixed.configuration.bands == (RED,)


@pytest.mark.parametrize("task", ["segmentation", "binary_change", "semantic_change"])
def test_chosen_dates_are_in_order_and_consecutive_where_labels_speak_of_pairs(task):
    configuration = make(task, dates=6).configuration
    for seed in range(30):
        kept = transforms.choose_dates(configuration, 6, 3, rng(seed))
        assert list(kept) == sorted(set(kept))
        assert len(kept) == 3
        if task == "binary_change":
            assert kept[-1] - kept[0] == 2


def test_dropped_bands_leave_with_their_metadata_and_one_always_stays():
    sample = transforms.drop_bands(make(), [(2, 0)] * 3)
    assert sample.configuration.bands == (VV, RED)
    assert [int(value) // 100_000 for value in sample.images[0].max((1, 2))] == [2, 0]
    mixed = transforms.drop_bands(make(dates=2, bands=((RED, NIR), (VV, RED, NIR))), [(0,), (0, 2)])
    assert mixed.configuration.bands == ((RED,), (VV, NIR))
    chosen = [transforms.choose_bands((RED, NIR, VV), rng(seed)) for seed in range(300)]
    assert all(chosen)
    assert 0.08 < 1 - np.mean([len(kept) for kept in chosen]) / 3 < 0.2
    assert transforms.choose_bands((VV,), rng()) == (0,)
    twins = (RED, replace(RED, name="red wide", bandwidth_nm=60), VV)
    for seed in range(200):
        kept = transforms.choose_bands(twins, rng(seed))
        Configuration([twins[index] for index in kept], categories=["a"])


def test_dropped_metadata_is_unknown_but_bands_stay_apart():
    twins = (RED, replace(RED, name="red wide", bandwidth_nm=60), NIR)
    sample = transforms.drop_metadata(make(bands=twins), gsd=True, days=True, bandwidths=True)
    assert sample.configuration.gsd_m is None
    assert np.isnan(sample.days).all()
    assert [band.bandwidth_nm for band in sample.configuration.bands] == [30, 60, None]
    untouched = make()
    assert transforms.drop_metadata(untouched).configuration == untouched.configuration


def test_the_same_generator_gives_the_same_sample_and_the_given_one_is_left_alone():
    sample = make(size=(40, 40))
    before = [image.copy() for image in sample.images]
    for act in (transforms.dihedral, transforms.scale_jitter, transforms.radiometric_jitter):
        first, second = act(sample, rng(5)), act(sample, rng(5))
        assert all(np.array_equal(a, b) for a, b in zip(first.images, second.images, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(before, sample.images, strict=True))
