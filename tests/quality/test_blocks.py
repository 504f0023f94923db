"""Splits by blocks: what they hold, how far apart they lie, and the leak that they avoid."""

import numpy as np
import pytest
import rasterio
import yaml
from scipy.spatial.distance import cdist
from sklearn.neighbors import KNeighborsClassifier

from stsun.adapters.adapter import write_yaml
from stsun.data.dataset import open_dataset
from stsun.data.sample import IGNORE
from stsun.errors import DataError
from stsun.quality.blocks import block_mask, by_blocks

SHAPE = {"height": 64, "width": 64, "dtype": "uint8"}
SHARES = {"train": 0.6, "val": 0.2, "test": 0.2}


def fields(seed=0, size=96, side=12):
    """A scene of fields: each has a class by chance, and a look of its own that tells nothing of it."""
    rng = np.random.default_rng(seed)
    count = size // side
    where = np.kron(np.arange(count * count).reshape(count, count), np.ones((side, side), int))
    classes, looks = rng.integers(0, 4, count * count), rng.normal(0, 1, (count * count, 8))
    return looks[where] + rng.normal(0, 0.1, (size, size, 8)), classes[where]


def accuracy(pixels, labels, train, test):
    model = KNeighborsClassifier(1).fit(pixels[train], labels[train])
    return model.score(pixels[test], labels[test])


def test_blocks_avoid_the_leak_of_pixels_drawn_at_random():
    pixels, labels = fields()
    drawn = np.random.default_rng(1).random(labels.shape) < 0.6
    random = accuracy(pixels, labels, drawn, ~drawn)
    mask = block_mask(labels, SHARES, side=24, buffer=2)
    blocks = accuracy(pixels, labels, mask == 1, mask == 3)
    assert random > 0.99  # a neighbour in the same field is in train, though looks tell nothing of classes
    assert blocks < 0.5  # of four classes, a quarter is chance


@pytest.mark.parametrize("buffer", [0, 1, 5])
def test_labels_of_two_splits_lie_more_than_twice_the_buffer_apart(buffer):
    _, labels = fields(size=60)
    mask = block_mask(labels, SHARES, side=15, buffer=buffer, seed=3)
    for one, other in ((1, 2), (1, 3), (2, 3)):
        places = [np.argwhere(mask == value) for value in (one, other)]
        assert cdist(*places, "chebyshev").min() > 2 * buffer


def test_splits_get_their_share_of_each_class():
    rng = np.random.default_rng(0)
    labels = np.kron(rng.choice(4, (24, 24), p=[0.6, 0.25, 0.1, 0.05]), np.ones((5, 5), int))
    mask = block_mask(labels, SHARES, side=10, buffer=0)
    for category in range(4):
        shares = [((mask == value) & (labels == category)).sum() / (labels == category).sum() for value in (1, 2, 3)]
        np.testing.assert_allclose(shares, [0.6, 0.2, 0.2], atol=0.08)


def test_whole_blocks_belong_to_one_split_and_the_seed_decides():
    _, labels = fields()
    mask = block_mask(labels, SHARES, side=16, buffer=0)
    blocks = mask.reshape(6, 16, 6, 16)
    assert (blocks.max((1, 3)) == blocks.min((1, 3))).all() and set(np.unique(mask)) == {1, 2, 3}
    np.testing.assert_array_equal(mask, block_mask(labels, SHARES, side=16, buffer=0))
    assert (mask != block_mask(labels, SHARES, side=16, buffer=0, seed=1)).any()


def test_a_scene_need_not_be_a_multiple_of_blocks():
    labels = np.random.default_rng(0).integers(0, 2, (37, 50))
    assert block_mask(labels, {"train": 3, "test": 1}, side=8, buffer=1).shape == (37, 50)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"side": 0, "buffer": 1}, "expected a positive side"),
        ({"side": 8, "buffer": 4}, "has no labelled pixel left"),
        ({"side": 64, "buffer": 0}, "has no labelled pixel left"),
    ],
)
def test_blocks_that_leave_a_split_empty_are_refused(given, message):
    labels = np.full((32, 32), IGNORE)
    labels[::2] = np.random.default_rng(0).integers(0, 2, (16, 32))
    with pytest.raises(DataError, match=message):
        block_mask(labels, SHARES, **given)


@pytest.fixture
def scene(tmp_path):
    """Write the description of a scene of 64 x 64 pixels with three classes, and open it."""
    rng = np.random.default_rng(0)
    for name, bands, most in (("s", 3, 255), ("l", 1, 3)):
        with rasterio.open(tmp_path / f"{name}.tif", "w", driver="GTiff", count=bands, **SHAPE) as file:
            file.write(rng.integers(0, most, (bands, 64, 64)).astype("uint8"))

    def scene(**more):
        row = {"id": "x", "split": "all", "images": [{"path": "s.tif"}], "labels": ["l.tif"]} | more
        content = {"name": "x", "task": "segmentation", "bands": "aerial-rgb", "classes": {0: "a", 1: "b", 2: "c"}}
        (tmp_path / "x.yaml").write_text(yaml.safe_dump(content | {"samples": [row]}))
        return open_dataset(tmp_path / "x.yaml")

    return scene


def test_a_scene_that_was_split_before_is_split_anew_from_all_its_pixels(scene, tmp_path):
    first = by_blocks(scene(), SHARES, tmp_path / "first.tif", side=8, buffer=0)
    before = open_dataset(write_yaml(tmp_path / "first.yaml", first).with_suffix(".yaml"))
    again = by_blocks(before, SHARES, tmp_path / "again.tif", side=8, buffer=0)
    for split in SHARES:
        labels = [open_dataset(tmp_path / "x.yaml", m) for m in (first, again)]
        one, other = (data.read(data.records(split)[0]).labels for data in labels)
        np.testing.assert_array_equal(one, other)


def test_a_window_is_refused_as_the_mask_would_not_fit_its_file(scene, tmp_path):
    with pytest.raises(DataError, match="1 samples of a window; blocks are for one scene"):
        by_blocks(scene(window=[0, 0, 32, 32]), SHARES, tmp_path / "mask.tif", side=8, buffer=0)
    assert not (tmp_path / "mask.tif").exists()
