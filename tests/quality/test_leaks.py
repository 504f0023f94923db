"""Near-duplicates and shared ground between splits; nothing between images that are merely alike in kind."""

import numpy as np
import pytest
import rasterio
import yaml
from rasterio.transform import from_origin

from stsun.data.dataset import open_dataset
from stsun.quality.leaks import SIDE, find_leaks, perceptual_hash


def texture(seed, size=96):
    """A smooth random picture, 0..1."""
    rng, field = np.random.default_rng(seed), np.zeros((size, size))
    for cells in (3, 6, 12):
        coarse = rng.random((cells + 1, cells + 1))
        at = np.linspace(0, cells, size)
        rows = np.array([np.interp(at, np.arange(cells + 1), column) for column in coarse.T]).T
        field += np.array([np.interp(at, np.arange(cells + 1), row) for row in rows]) / cells
    return (field - field.min()) / np.ptp(field)


@pytest.fixture
def make(tmp_path):
    """Write pictures of splits, with places where these are given, and open them as a data set."""

    def make(places=None, **splits):
        for split, pictures in splits.items():
            ids = [f"{split}{number}" for number in range(len(pictures))]
            (tmp_path / f"{split}.txt").write_text("\n".join(ids))
            for sample, picture in zip(ids, pictures, strict=True):
                where = {} if places is None else places[sample]
                shape = {"height": picture.shape[0], "width": picture.shape[1], "dtype": "uint8"}
                with rasterio.open(tmp_path / f"{sample}.tif", "w", driver="GTiff", count=3, **shape, **where) as file:
                    file.write(np.stack([(255 * picture).astype("uint8")] * 3))
                with rasterio.open(tmp_path / f"{sample}_l.tif", "w", driver="GTiff", count=1, **shape) as file:
                    file.write(np.zeros((1, *picture.shape), "uint8"))
        content = {"name": "made", "task": "segmentation", "bands": "aerial-rgb", "images": ["{id}.tif"]}
        content |= {"labels": ["{id}_l.tif"], "classes": {0: "water", 1: "forest"}}
        content |= {"splits": {split: f"{split}.txt" for split in splits}}
        (tmp_path / "set.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
        return open_dataset(tmp_path / "set.yaml")

    return make


def pairs(leaks):
    return [(leak.kind, leak.one[1], leak.other[1]) for leak in leaks]


def test_other_pictures_are_no_leak(make):
    assert find_leaks(make(train=[texture(seed) for seed in range(12)], test=[texture(99), texture(98)])) == []


@pytest.mark.parametrize(
    "copy",
    [
        lambda picture: picture,
        lambda picture: 0.2 + 0.6 * picture,
        lambda picture: picture[::2, ::2],
        lambda picture: np.clip(picture + np.random.default_rng(0).normal(0, 0.03, picture.shape), 0, 1),
    ],
    ids=["same", "paler", "smaller", "noisy"],
)
def test_copies_are_found_in_spite_of_tone_size_and_noise(make, copy):
    leaks = find_leaks(make(train=[texture(1), texture(2)], test=[texture(3), copy(texture(2))]))
    assert pairs(leaks) == [("alike", "train1", "test1")]
    assert leaks[0].measure > 0.95 and "look the same" in str(leaks[0])


def test_copies_within_a_split_are_no_leak(make):
    assert find_leaks(make(train=[texture(1), texture(1)], test=[texture(2)])) == []


def test_flat_images_tell_nothing(make):
    assert find_leaks(make(train=[np.full((40, 40), 0.3)], test=[np.full((40, 40), 0.3)])) == []


def test_images_that_share_ground_are_found_and_neighbours_are_not(make):
    def at(x, y, crs="EPSG:32633"):
        return {"crs": crs, "transform": from_origin(x, y, 10, 10)}

    pictures = [texture(seed, 40) for seed in range(4)]
    places = {"train0": at(500_000, 5_000_000), "train1": at(600_000, 5_000_000)}
    places |= {"test0": at(500_400, 5_000_000), "test1": at(600_200, 4_999_900)}  # a neighbour; half and more of it
    leaks = find_leaks(make(places, train=pictures[:2], test=pictures[2:]))
    assert pairs(leaks) == [("overlap", "train1", "test1")]
    assert leaks[0].measure == pytest.approx(0.5 * 0.75, abs=0.02)


@pytest.mark.parametrize("rows", [80, 20], ids=["half of it", "most of it"])
def test_what_is_missing_in_both_is_no_likeness(make, rows):
    pictures = [0.4 + 0.2 * texture(seed) for seed in (1, 2)]
    for picture in pictures:
        picture[rows:] = picture[:, :20] = 0
    hidden = {sample: {"nodata": 0} for sample in ("train0", "test0")}
    assert find_leaks(make(hidden, train=pictures[:1], test=pictures[1:])) == []
    picture = pictures[0].copy()
    copies = pairs(find_leaks(make(hidden, train=[picture], test=[picture])))
    assert copies == ([("alike", "train0", "test0")] if rows == 80 else [])


def test_the_same_ground_at_other_days_is_told_as_that(make, tmp_path):
    place = {"crs": "EPSG:32633", "transform": from_origin(500_000, 5_000_000, 10, 10)}
    dataset = make({"train0": place, "test0": place}, train=[texture(1)], test=[texture(2)])
    for day, words in (("2020-07-01", "at other days: scores speak for other times"), ("2019-07-01", "(share 1.00)")):
        for sample, when in (("train0", "2019-07-01"), ("test0", day)):
            with rasterio.open(tmp_path / f"{sample}.tif", "r+") as file:
                file.update_tags(ACQUISITION_DATE=when)
        (leak,) = find_leaks(dataset)
        assert leak.kind == "overlap" and words in str(leak) and leak.other_days == (day == "2020-07-01")


def test_the_hash_is_that_of_the_lowest_frequencies():
    picture = texture(5, SIDE)
    assert perceptual_hash(picture) == perceptual_hash(3 * picture + 1)
    checks = np.indices((SIDE, SIDE)).sum(0) % 2
    assert (perceptual_hash(picture) ^ perceptual_hash(picture + 0.01 * checks)).bit_count() <= 2
    assert (perceptual_hash(picture) ^ perceptual_hash(texture(6, SIDE))).bit_count() > 10
