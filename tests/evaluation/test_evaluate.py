from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.data.batching import collate
from stsun.data.dataset import open_dataset
from stsun.data.sample import Sample
from stsun.errors import CheckpointError, ConfigurationError, DataError
from stsun.evaluation.evaluate import as_task, evaluate, evaluate_predictor
from stsun.model.stsun import create


def sample(identifier, task, labels, categories=("a", "b", "c")):
    """The one band of each date holds the date's own label map, so that a model can answer from the image alone."""
    labels = np.asarray(labels)
    shown = labels if task == "semantic_change" else np.repeat(labels, 2, axis=0)
    images = [date[None].astype(np.float32) for date in shown]
    return Sample(
        id=identifier,
        images=images,
        valid=np.ones(shown.shape, dtype=bool),
        days=np.full(len(shown), np.nan),
        labels=labels.astype(np.int64),
        configuration=Configuration([Band("vv")], task=task, categories=categories),
    )


@dataclass
class InMemory:
    """A data set without files."""

    task: str
    samples: tuple[Sample, ...]
    name: str = "in-memory"

    def records(self, split):
        return self.samples if split == "test" else ()

    def read(self, record):
        return record


class FromImage(nn.Module):
    """Answers with what the images hold; the weight says how far from the truth."""

    def __init__(self, shift=0.0):
        super().__init__()
        self.shift = nn.Parameter(torch.tensor(shift))
        self.dropout = nn.Dropout()
        self.frozen = nn.BatchNorm1d(1).eval()
        self.modes = []

    def forward(self, images, valid, days, configuration):
        self.modes.append((self.training, torch.is_inference_mode_enabled()))
        shown = images[:, :, 0] + self.shift
        if configuration.task == "binary_change":
            return (shown[:, 1:] - shown[:, :-1]).abs()[:, :, None] - 0.5
        if configuration.task == "segmentation":
            shown = shown[:, :1]
        classes = torch.arange(len(configuration.categories))[:, None, None]
        return -(shown[:, :, None] - classes).abs()


def label_maps(count, dates=2, seed=0):
    return np.random.default_rng(seed).integers(0, 3, (count, dates, 8, 11))


@pytest.fixture
def semantic():
    maps = label_maps(3)
    return InMemory("semantic_change", tuple(sample(str(i), "semantic_change", m) for i, m in enumerate(maps)))


def test_a_model_that_reads_the_truth_off_the_images_is_perfect(semantic):
    scores = evaluate(FromImage(), semantic)
    for name in ("overall_accuracy", "mean_iou", "kappa", "sek", "f_scd", "change_f1"):
        assert scores[name] == pytest.approx(1)
        assert scores["intervals"][name] == pytest.approx([1, 1])
    assert (scores["data_set"], scores["split"], scores["task"]) == ("in-memory", "test", "semantic_change")
    assert (scores["samples"], scores["pixels"], scores["model"]) == (3, 3 * 2 * 88, "FromImage")
    assert scores["seconds"] >= 0


def test_a_shifted_model_is_wrong_where_it_must_be():
    maps = label_maps(2, dates=1)
    data = InMemory("segmentation", tuple(sample(str(i), "segmentation", m) for i, m in enumerate(maps)))
    scores = evaluate(FromImage(shift=1.0), data)
    # every category becomes the next one; the last has none and stays
    zeros, ones, twos = ((maps == category).sum() for category in range(3))
    assert scores["confusion_matrix"] == [[0, zeros, 0], [0, 0, ones], [0, 0, twos]]


def test_semantic_labels_also_score_binary_change(semantic):
    scores = evaluate(FromImage(), semantic, task="binary_change")
    changed = sum(int((item.labels[0] != item.labels[1]).sum()) for item in semantic.samples)
    assert scores["task"] == "binary_change"
    assert scores["confusion_names"] == ["unchanged", "changed"]
    assert scores["confusion_matrix"] == [[3 * 88 - changed, 0], [0, changed]]
    assert scores["change_f1"] == 1


def test_change_from_semantic_labels_ignores_what_either_date_ignores():
    both = sample("x", "semantic_change", [[[0, 255, 1, 2]], [[0, 1, 255, 1]]])
    assert as_task(both, "binary_change").labels.tolist() == [[[0, 255, 255, 1]]]


@pytest.mark.parametrize("task", ["segmentation", "semantic_change"])
def test_labels_that_cannot_answer_a_task_are_refused(task):
    item = sample("x", "binary_change", np.zeros((1, 2, 2)), categories=("flooded",))
    with pytest.raises(DataError, match=f"binary_change cannot score {task}"):
        as_task(item, task)
    with pytest.raises(ConfigurationError, match="no task"):
        as_task(item, "nonsense")


def test_the_predictor_never_sees_labels(semantic):
    seen = []

    def predict(item):
        seen.append(item.labels)
        return np.zeros((2, *item.size), dtype=np.int64)

    evaluate_predictor(predict, semantic)
    assert seen == [None] * 3


def test_the_model_is_evaluated_in_inference_mode_and_left_as_it_was(semantic):
    model = FromImage().train()
    model.frozen.eval()
    evaluate(model, semantic)
    assert set(model.modes) == {(False, True)}
    assert (model.training, model.dropout.training, model.frozen.training) == (True, True, False)


def test_the_model_is_left_as_it_was_after_an_error(semantic):
    model = FromImage(shift=float("nan")).train()
    with pytest.raises(CheckpointError, match="NaN"):
        evaluate(model, semantic)
    assert model.training


def test_a_device_that_is_not_there_is_a_users_error(semantic):
    with pytest.raises(ConfigurationError, match="abacus"):
        evaluate(FromImage(), semantic, device="abacus")


def test_logits_of_another_shape_are_refused(semantic):
    class Flat(FromImage):
        def forward(self, *inputs):
            return super().forward(*inputs)[:, :, :2]

    with pytest.raises(CheckpointError, match="logits of shape"):
        evaluate(Flat(), semantic)


def test_progress_counts_the_samples(semantic):
    calls = []
    evaluate(FromImage(), semantic, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_an_empty_split_and_unlabelled_samples_are_refused(semantic):
    with pytest.raises(DataError, match="split 'train' of 'in-memory' holds no samples"):
        evaluate(FromImage(), semantic, "train")
    semantic.samples[1].labels = None
    with pytest.raises(DataError, match="sample '1' of 'in-memory' has no labels"):
        evaluate(FromImage(), semantic)


@pytest.mark.parametrize("task", ["segmentation", "semantic_change", "binary_change"])
def test_the_network_itself_is_scored_on_every_task(task):
    maps = label_maps(2, dates=2 if task == "semantic_change" else 1) % (2 if task == "binary_change" else 3)
    categories = ("flooded",) if task == "binary_change" else ("a", "b", "c")
    data = InMemory(task, tuple(sample(str(i), task, m, categories) for i, m in enumerate(maps)))
    model = create("nano", ["a", "b", "c", "flooded"]).eval()
    scores = evaluate(model, data)
    right = 0
    for each in data.samples:
        batch = collate([each])
        with torch.inference_mode():
            logits = model(batch.images, batch.valid, batch.days, batch.configuration)[0]
        found = logits[:, 0] > 0 if task == "binary_change" else logits.argmax(1)
        right += int((found.numpy() == each.labels).sum())
    assert (scores["pixels"], scores["overall_accuracy"]) == (maps.size, pytest.approx(right / maps.size))


def test_a_real_data_set_is_scored_from_its_file(shared_data):
    path = shared_data / "cloud_s2_l7_l5" / "landsat7.yaml"
    model = create("nano", open_dataset(path).categories)
    scores = evaluate(model, path, "val")
    assert (scores["samples"], scores["split"]) == (1, "val")
    assert 0 < scores["pixels"] <= 256 * 256
    with pytest.raises(DataError, match=r"no split 'autumn'.*val"):
        evaluate(model, path, "autumn")
