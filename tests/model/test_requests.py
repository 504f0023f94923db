"""Many unlike samples at once: what is wrong with one of them is told by its number."""

import pytest
import torch

from stsun.bands import Band
from stsun.configuration import Configuration
from stsun.errors import ConfigurationError
from stsun.model.stsun import create

RED, NIR, VV = Band("red", 665), Band("nir", 842), Band("vv")
MODEL = create("nano", ["water", "forest"])


def request(dates=1, bands=(RED, NIR), side=16, **fields):
    configuration = Configuration(bands, **{"categories": ["water", "forest"], **fields})
    shape = (1, dates, side, side)
    images = torch.rand(1, dates, 2, side, side)
    return images, torch.ones(shape, dtype=torch.bool), torch.zeros(1, dates, dtype=torch.float64), configuration


RIGHT = request()
IMAGES, VALID, DAYS, CONFIGURATION = RIGHT


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ((IMAGES[0], VALID, DAYS, CONFIGURATION), r"images has shape .1, 2, 16, 16., expected \(batch, dates"),
        ((IMAGES[0, 0, 0, 0], VALID, DAYS, CONFIGURATION), r"images has shape .16,."),
        ((IMAGES[:, :, :1], VALID, DAYS, CONFIGURATION), "2 bands"),
        ((IMAGES, VALID[0], DAYS, CONFIGURATION), "valid has shape"),
        ((IMAGES, VALID.float(), DAYS, CONFIGURATION), "valid must be bool"),
        ((IMAGES, VALID, DAYS[0], CONFIGURATION), "days has shape"),
        (([], VALID, DAYS, CONFIGURATION), "no images"),
        ((None, VALID, DAYS, CONFIGURATION), "images is NoneType, expected a tensor"),
        ((IMAGES.numpy(), VALID, DAYS, CONFIGURATION), "images is ndarray, expected a tensor"),
        (([IMAGES[:, 0].numpy()], VALID, DAYS, CONFIGURATION), "the image of date 0 is ndarray"),
        ((IMAGES, None, DAYS, CONFIGURATION), "valid is NoneType"),
        ((IMAGES, VALID, [0.0], CONFIGURATION), "days is list"),
        ((IMAGES, VALID, DAYS, None), "configuration is NoneType"),
        ((IMAGES, VALID, DAYS, {"bands": ["red"]}), "configuration is dict"),
        (request(task="binary_change", categories=[]), "at least 2 dates, got 1"),
        (request(categories=["water", "lava"]), "does not know the categories 'lava'"),
        (request(bands=[[RED, NIR]] * 3), "bands of 3 dates, but there are 1 images"),
        (request(dates=2, bands=[[RED, NIR], [VV]]), "1 bands"),
    ],
)
def test_a_request_that_forward_would_refuse_is_refused_by_its_number(wrong, words):
    with pytest.raises(ConfigurationError, match=words):
        MODEL(*wrong)
    with pytest.raises(ConfigurationError, match=rf"^request 2: .*{words}"):
        MODEL.forward_many([RIGHT, RIGHT, wrong, RIGHT])


@pytest.mark.parametrize("wrong", [RIGHT[:3], (*RIGHT, None), (), None, IMAGES])
def test_what_is_no_request_of_four_parts_is_refused_by_its_number(wrong):
    with pytest.raises(ConfigurationError, match=r"^request 1: got .* expected images, valid, days, configuration"):
        MODEL.forward_many([RIGHT, wrong])


def test_equal_lists_of_bands_go_through_the_network_as_one_list():
    listed = request(dates=2, bands=[[RED, NIR], [RED, NIR]])
    plain = (*listed[:3], Configuration([RED, NIR], categories=["water", "forest"]))
    torch.testing.assert_close(*MODEL.forward_many([listed, plain]))


def test_categories_are_checked_without_a_forward_pass():
    MODEL.check_categories(CONFIGURATION)
    MODEL.check_categories(Configuration([RED], task="binary_change"))
    MODEL.check_categories(Configuration([RED], categories=["background", "unchanged"]))
    with pytest.raises(ConfigurationError, match="did you mean 'water'"):
        MODEL.check_categories(Configuration([RED], categories=["watre", "forest"]))
