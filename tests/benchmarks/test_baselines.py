import numpy as np
import pytest

import baselines
from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.data.sample import Sample

NAMES = ("red", "nir", "vv")


def sample(bands=(2,), task="segmentation", per_date=False, seed=0, size=(10, 12)):
    """Random bands; the category is 1 where the first band of the map's date (or of the last date) is above 0.5."""
    rng = np.random.default_rng(seed)
    images = [rng.random((count, *size), dtype=np.float32) for count in bands]
    above = np.stack([image[0] > 0.5 for image in images]).astype(np.int64)
    maps = {"segmentation": above if per_date else above[-1:], "semantic_change": above, "binary_change": above[1:]}
    lists = [[Band(name, 500 + 100 * i) for i, name in enumerate(NAMES[:count])] for count in bands]
    categories = ("change",) if task == "binary_change" else ("low", "high")
    return Sample(
        id=f"{task}-{seed}",
        images=images,
        valid=np.ones((len(bands), *size), dtype=bool),
        days=np.arange(len(bands), dtype=np.float64),
        labels=maps[task],
        configuration=Configuration(lists, task=task, categories=categories, per_date=per_date),
    )


@pytest.mark.parametrize(
    "form",
    [
        {"bands": (2,)},
        {"bands": (2, 2, 2)},
        {"bands": (1, 3)},
        {"bands": (2, 2, 2), "per_date": True},
        {"bands": (2, 2), "task": "binary_change"},
        {"bands": (2, 2, 2), "task": "semantic_change"},
    ],
)
def test_the_linear_baseline_learns_what_is_linear(form):
    train = [sample(**form, seed=seed, size=(40, 40)) for seed in range(4)]
    unseen = sample(**form, seed=99)
    predicted = baselines.linear(train)(unseen)
    assert predicted.shape == unseen.labels.shape
    assert (predicted == unseen.labels).mean() > 0.97


def test_the_linear_baseline_is_the_same_each_time(monkeypatch):
    monkeypatch.setattr(baselines, "TRAINING_PIXELS", 50)
    train, unseen = [sample(seed=seed) for seed in range(2)], sample(seed=9)
    assert np.array_equal(baselines.linear(train)(unseen), baselines.linear(train)(unseen))


def test_series_of_unlike_length_are_compared_by_their_statistics_over_valid_dates():
    longer = sample((2, 2, 2))
    longer.valid[0] = False
    longer.images[0][:] = np.nan
    features = baselines.features_for([sample((2, 2)), longer])(longer)[0]
    seen = np.stack(longer.images[1:])
    assert np.allclose(features, np.concatenate([seen.mean(0), seen.min(0), seen.max(0)]).transpose(1, 2, 0))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"bands": (2,)}, {"bands": (1, 2)}),
        ({"bands": (2, 2), "task": "binary_change"}, {"bands": (2, 2, 2), "task": "binary_change"}),
        ({"bands": (1, 2), "per_date": True}, {"bands": (1, 2), "per_date": True}),
    ],
)
def test_samples_without_common_features_are_skipped_with_the_reason(first, second):
    with pytest.raises(baselines.NotComparable, match="different numbers of"):
        baselines.linear([sample(**first), sample(**second)])


def test_the_majority_baseline_answers_the_most_frequent_labelled_category():
    train = sample()
    train.labels[:] = 255
    train.labels[0, 0, :3] = [1, 1, 0]
    predicted = baselines.majority([train])(sample((2, 2), seed=1))
    assert predicted.shape == (1, 10, 12)
    assert (predicted == 1).all()
