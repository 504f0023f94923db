from pathlib import Path

import pytest

import ablations
from stsun.errors import ConfigurationError
from stsun.simulation.scenes import simulate
from stsun.training.experiment import read_experiment
from stsun.training.sources import memory_source
from stsun.training.stream import TrainingStream
from stsun.training.vocabulary import start_model, vocabulary_of

EXPERIMENT = Path(ablations.__file__).parents[1] / "configs" / "ablation-nano.yaml"


@pytest.fixture(scope="module")
def source():
    return memory_source("series", [simulate("sentinel2-series", index, 16) for index in range(2)])


def made(source, overrides, batches):
    """What an experiment's first model makes of each configuration of its first batches."""
    experiment = read_experiment(EXPERIMENT, ["stream.crop=16", *overrides])
    stream = TrainingStream([source], experiment.stream)
    model = start_model(experiment.model, vocabulary_of(stream.library.configurations), seed=0)
    return [model.made(stream[index].configuration) for index in range(batches)]


@pytest.mark.parametrize("variant", ablations.VARIANTS)
def test_every_variant_takes_what_the_stream_makes(variant, source):
    assert made(source, ablations.VARIANTS[variant], 2)


def test_fixed_rows_and_lost_bandwidths_do_not_go_together(source):
    fixed, *others = ablations.VARIANTS["spectral: fixed"]
    assert made(source, [fixed, *others], 30)
    with pytest.raises(ConfigurationError, match="none for"):
        made(source, [fixed], 30)


def test_the_table_tells_means_and_how_far_seeds_lie_apart():
    runs = [{"a": 0.2, "b": 0.4, "parameters": 2e6}, {"a": 0.4, "b": 0.6, "parameters": 2e6}]
    *_, both = ablations.table({"default": runs}).splitlines()
    # by hand: the seeds' means are 0.3 and 0.5, their deviation 0.1414, over the root of two
    assert both == "| default | 0.300 | 0.500 | 0.400 ± 0.100 | 2.00 M |"
    *_, alone = ablations.table({"default": runs[:1]}).splitlines()
    assert alone.split(" | ")[3] == "0.300"


def test_a_finished_run_is_taken_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(ablations, "train", None)
    monkeypatch.setattr(ablations, "read_card", lambda folder: {"parameters": 5})
    (folder := tmp_path / "spectral-fixed-0").mkdir()
    (folder / ablations.WEIGHTS).touch()
    (folder / "scores.json").write_text('[{"data_set": "a", "task": "segmentation", "mean_iou": 0.25}]')
    assert ablations.run("x.yaml", "spectral: fixed", 0, tmp_path) == {"a": 0.25, "parameters": 5}
