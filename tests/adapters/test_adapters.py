"""Every adapter reads a miniature of its data set, made in the very layout of the download."""

from pathlib import Path

import numpy as np
import pytest
from miniatures import MINIATURES

from stsun.adapters import sets
from stsun.adapters.adapter import adapter, adapter_names, described_at
from stsun.data.dataset import open_dataset
from stsun.data.sample import IGNORE
from stsun.data.validate import validate
from stsun.raster.metadata import parse_day

EVERY = pytest.mark.parametrize("name", MINIATURES)


@pytest.fixture
def folder(tmp_path, name):
    MINIATURES[name].build(tmp_path)
    return tmp_path


def described(name, root):
    return described_at(name, root), adapter(name).describe(root, **MINIATURES[name].given)


def test_every_adapter_has_a_miniature():
    assert set(adapter_names()) == set(MINIATURES)


@pytest.mark.parametrize("module", sorted(Path(sets.__path__[0]).glob("*.py")), ids=lambda path: path.stem)
def test_a_data_set_takes_one_file_of_at_most_40_lines(module):
    assert len(module.read_text(encoding="utf-8").splitlines()) <= 40


@EVERY
def test_the_description_of_a_miniature_has_no_problem(folder, name):
    assert [str(problem) for problem in validate(*described(name, folder))] == []


@EVERY
def test_samples_have_the_right_bands_days_values_and_labels(folder, name):
    mini, dataset = MINIATURES[name], open_dataset(*described(name, folder))
    assert {split: len(dataset.records(split)) for split in dataset.splits} == mini.splits
    assert set(mini.splits) == set(adapter(name).splits)
    sample = dataset.read(dataset.records(dataset.splits[0])[0])
    assert [len(image) for image in sample.images] == mini.bands
    expected = [np.nan if day is None else parse_day(day) for day in mini.days or [None] * len(mini.bands)]
    np.testing.assert_array_equal(sample.days, expected)
    assert sample.valid.all()
    names = [*dataset.legend.names, *[None] * (IGNORE + 1 - len(dataset.legend.names))]
    for stored, found in zip(mini.maps, sample.labels, strict=True):
        assert [names[index] for index in found[0, : len(stored)]] == stored


@EVERY
def test_values_are_those_of_their_date_and_band(folder, name):
    mini, dataset = MINIATURES[name], open_dataset(*described(name, folder))
    sample = dataset.read(dataset.records(dataset.splits[0])[0])
    scales = mini.scales if isinstance(mini.scales, list) else [mini.scales] * len(sample.images)
    for image, date, scale in zip(sample.images, mini.dates or range(len(sample.images)), scales, strict=True):
        expected = (np.arange(len(image)) + 10 * date + 11) * np.array(scale)
        np.testing.assert_allclose(image, np.broadcast_to(expected[:, None, None], image.shape), rtol=1e-5)
