import pytest
import torch

from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.errors import ExperimentError
from stsun.model.checkpoint import save
from stsun.model.stsun import create
from stsun.training.plan import ModelPlan
from stsun.training.vocabulary import extended, start_model, vocabulary_of

RED, NIR, ODD = Band("red", 665), Band("nir", 840), Band("gravity")
ROADS = Configuration((RED,), 1.0, "segmentation", ("background", "road"))
LAND = Configuration((RED, NIR), 10.0, "segmentation", ("water", "road"))
FLOOD = Configuration(((RED,), (ODD,)), 10.0, "binary_change", ("flooded",))


def test_a_name_that_occurs_in_several_data_sets_is_one_category():
    vocabulary = vocabulary_of([ROADS, LAND, FLOOD, LAND])
    assert vocabulary.categories == ("background", "road", "water", "flooded")
    assert vocabulary.tokens == ("gravity",)
    assert vocabulary.bands == (RED, NIR, ODD)
    assert dict(vocabulary.task_categories) == {"segmentation": ("road", "water"), "binary_change": ("flooded",)}


def test_background_answers_a_task_only_where_every_data_set_has_it():
    assert dict(vocabulary_of([ROADS]).task_categories)["segmentation"] == ("background", "road")


def test_a_fresh_model_knows_all_names_and_tokens():
    model = start_model(ModelPlan("nano", options={"temporal": "mean"}), vocabulary_of([ROADS, FLOOD]), seed=1)
    assert set(model.categories) == {"background", "road", "flooded"}
    assert {"gravity", "vv"} <= set(model.config.tokens)
    assert model.config.temporal == "mean"
    fixed = start_model(ModelPlan("nano", options={"spectral": "fixed"}), vocabulary_of([ROADS, FLOOD]), seed=1)
    assert fixed.config.fixed_bands == (RED, ODD)


def test_a_checkpoint_learns_new_names_and_keeps_its_answers(tmp_path):
    model = start_model(ModelPlan("nano"), vocabulary_of([LAND]), seed=1).eval()
    save(model, tmp_path, {})
    wider = start_model(ModelPlan(checkpoint=str(tmp_path)), vocabulary_of([ROADS, FLOOD]), seed=2).eval()
    assert {"water", "road", "flooded"} <= set(wider.categories)
    assert dict(wider.config.task_categories)["segmentation"][:2] == ("water", "road")
    images, valid = torch.rand(1, 1, 2, 32, 32), torch.ones(1, 1, 32, 32, dtype=torch.bool)
    days = torch.full((1, 1), 18_000.0, dtype=torch.float64)
    with torch.inference_mode():
        assert torch.equal(model(images, valid, days, LAND), wider(images, valid, days, LAND))


def test_fixed_bands_cannot_be_extended():
    model = create("nano", ["water"], spectral="fixed", fixed_bands=(RED,))
    with pytest.raises(ExperimentError, match="nir"):
        extended(model, vocabulary_of([LAND]), seed=0)


def test_a_checkpoint_and_a_size_contradict_each_other():
    with pytest.raises(ExperimentError, match="either"):
        ModelPlan(size="nano", checkpoint="runs/x")
