"""A frozen backbone under STSUN: where its features land, what is learned, and that all verbs take the two together."""

from dataclasses import replace

import pytest
import rasterio
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

import stsun
from stsun.configuration import Configuration
from stsun.errors import CheckpointError, ConfigurationError
from stsun.interop import backbones
from stsun.interop.backbones import EachDate, OnBackbone, as_maps
from stsun.model.backbone import BackboneLevels, resampled
from stsun.model.stsun import create
from stsun.training.losses import loss

from .conftest import CATEGORIES, NIR, RED, StandIn

CLOSE = {"atol": 1e-5, "rtol": 1e-4}


def scene(batch=2, dates=2, height=40, width=50, bands=2, seed=0):
    random = torch.Generator().manual_seed(seed)
    images = torch.rand(batch, dates, bands, height, width, generator=random)
    valid = torch.rand(batch, dates, height, width, generator=random) > 0.1
    return images, valid, torch.tensor([[18_000.0, 18_016.0][:dates]] * batch, dtype=torch.float64)


def on(model, network, stride=16, channels=12, prefix=1):
    return OnBackbone(model, EachDate(network), channels=channels, stride=stride, prefix=prefix).eval()


def awake(model):
    """Give the projections other weights than the zeros that they start with."""
    random = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.levels.projections.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=random) * 0.1)
    return model


def test_before_training_it_answers_as_the_model_alone(nano, stand_in, configuration):
    request = (*scene(), configuration)
    with torch.no_grad():
        assert torch.equal(on(nano, stand_in)(*request), nano(*request))
        assert not torch.allclose(awake(on(nano, stand_in))(*request), nano(*request))


@pytest.mark.parametrize("stride", [4, 8, 14, 16, 32])
@pytest.mark.parametrize("target", [4, 8, 16])
def test_a_ramp_over_the_image_is_the_same_ramp_at_every_stride(stride, target):
    def centres(count, side):
        return (torch.arange(count) + 0.5) * side

    side = 224
    rows, columns = centres(side // stride, stride)[:, None], centres(side // stride, stride)
    found = resampled((3 * rows + columns)[None, None, :, :, None], stride, (side // target, side // target), target)
    expected = 3 * centres(side // target, target)[:, None] + centres(side // target, target)
    inside = slice(32 // target, -32 // target)  # at the border the last value goes on
    # a mean over cells that do not divide the new ones is off by less than a pixel, 3 + 1 on this ramp
    off = 4.0 if stride < target and target % stride else 1e-3
    torch.testing.assert_close(found[0, 0, inside, inside, 0], expected[inside, inside], atol=off, rtol=0)


def test_features_stay_where_their_pixels_are_also_where_the_image_ends_within_a_cell():
    levels = BackboneLevels(1, 14, (4, 8, 16), (1, 1, 1))
    levels.norm = nn.Identity()
    for project in levels.projections:
        nn.init.ones_(project.weight)
    cells = torch.zeros(1, 1, 1, 3, 4)
    cells[..., 2, 1] = 1  # pixels 28 to 41 down, 14 to 27 across
    for level, stride in zip(levels(cells, (48, 64)), (4, 8, 16), strict=True):
        assert level.shape == (1, 1, 48 // stride, 64 // stride, 1)
        row, column = divmod(int(level.argmax()), 64 // stride)
        assert 28 <= (row + 0.5) * stride and 14 <= (column + 0.5) * stride <= 28


def test_tokens_are_read_row_by_row_and_what_is_before_them_is_left_out():
    maps = torch.arange(2 * 3 * 5 * 2 * 4.0).reshape(2, 3, 5, 2, 4)
    tokens = maps.flatten(3).mT
    before = torch.full((2, 3, 2, 5), -1.0)
    assert torch.equal(as_maps(torch.cat([before, tokens], dim=2), maps.shape, prefix=2), maps)
    assert torch.equal(as_maps(maps, maps.shape), maps)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (torch.zeros(2, 3, 13, 5), "5 tokens are not of the image: prefix=5"),
        (torch.zeros(2, 3, 5), "that it pools nothing"),
        (torch.zeros(2, 3, 5, 4, 2), "expected maps"),
    ],
)
def test_other_features_than_were_told_are_refused(features, message):
    with pytest.raises(ConfigurationError, match=message):
        as_maps(features, (2, 3, 5, 2, 4))


def test_invalid_pixels_are_never_read(nano, stand_in, configuration):
    images, valid, days = scene()
    model = awake(on(nano, stand_in))
    other = torch.where(valid[:, :, None], images, torch.nan)
    with torch.no_grad():
        assert torch.equal(model(images, valid, days, configuration), model(other, valid, days, configuration))


def test_a_batch_is_the_same_as_its_samples_one_by_one(nano, stand_in, configuration):
    images, valid, days = scene()
    model = awake(on(nano, stand_in))
    with torch.no_grad():
        both = model(images, valid, days, configuration)
        last = model(images[1:], valid[1:], days[1:], configuration)
    torch.testing.assert_close(both[1:], last, **CLOSE)


def test_the_backbone_sees_whole_cells_and_the_dates_of_one_sensor_with_their_bands(nano, configuration):
    class Series(nn.Module):
        def forward(self, images, bands, days):
            seen.append((tuple(images.shape), [band.name for band in bands], days.tolist()))
            return images.mean(dim=2, keepdim=True).unflatten(-2, (-1, 16)).unflatten(-1, (-1, 16)).mean((-3, -1))

    seen = []
    images, valid, _ = scene(batch=1, dates=2)
    days = torch.tensor([[1.0, 2.0, 3.0]], dtype=torch.float64)
    dates = [images[:, 0], images[:, 1, :1], images[:, 1]]
    mixed = replace(configuration, bands=[[RED, NIR], [RED], [RED, NIR]])
    model = OnBackbone(nano, Series(), channels=1, stride=16)
    maps = model.maps(dates, torch.cat([valid, valid[:, :1]], dim=1), days, mixed)
    assert maps.shape == (1, 3, 1, 3, 4)
    assert seen == [
        ((1, 2, 2, 48, 64), ["red", "nir"], [[1.0, 3.0]]),
        ((1, 1, 1, 48, 64), ["red"], [[2.0]]),
    ]
    # the one band of the second date is its own, not its neighbour's
    shown = torch.where(valid[0, 1], images[0, 1, 0], 0.0)
    assert maps[0, 1, 0, 0, 0] == pytest.approx(shown[:16, :16].mean().item(), abs=1e-6)


def test_what_only_the_backbone_knows_is_learned_and_the_backbone_stays_as_it_is(configuration):
    """The labels are a secret of the backbone: the image is blank, so without its features nothing can be learned."""

    class Secret(nn.Module):
        def __init__(self):
            super().__init__()
            self.codes = nn.Parameter(torch.randn(2, 4, generator=torch.Generator().manual_seed(0)))

        def forward(self, images, bands):
            return self.codes[truth].movedim(-1, 1)

    random = torch.Generator().manual_seed(0)
    truth = torch.randint(0, 2, (2, 4, 4), generator=random)
    labels = F.interpolate(truth[:, None].float(), scale_factor=16).long()  # B 1 H W
    images, valid = torch.full((2, 1, 2, 64, 64), 0.3), torch.ones(2, 1, 64, 64, dtype=torch.bool)
    days = torch.full((2, 1), torch.nan, dtype=torch.float64)
    asked = replace(configuration, categories=("water", "forest"))
    fresh = create("nano", CATEGORIES, seed=0, depths=(0, 0, 0))
    model = on(fresh, Secret(), channels=4, prefix=0).train()
    before = {name: tensor.clone() for name, tensor in model.backbone.state_dict().items()}
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(learned, lr=2e-3)
    values = []
    for _ in range(120):
        value = loss(model(images, valid, days, asked), labels, asked)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        values.append(value.item())
    assert values[-1] < 0.4 * values[0], values[::10]
    assert all(parameter.grad is not None for parameter in model.levels.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.backbone.state_dict().items())


def test_the_backbone_never_enters_training_mode(nano, stand_in):
    model = on(nano, stand_in).train()
    assert model.model.training and not model.backbone.training and not stand_in.drop.training


def test_what_is_saved_is_all_that_was_learned_without_the_backbone(tmp_path, nano, stand_in, configuration):
    model = awake(on(nano, stand_in))
    folder = backbones.save(model, tmp_path / "saved", {"name": "roofs", "backbone": "stand-in"})
    again = backbones.load(folder, EachDate(StandIn()))
    request = (*scene(), configuration)
    with torch.no_grad():
        assert torch.equal(again(*request), model(*request))
    assert again.name == "roofs on EachDate" and not again.training
    saved = [tensor for path in folder.rglob("*.safetensors") for tensor in load_file(path).values()]
    learned = [parameter for part in (model.model, model.levels) for parameter in part.parameters()]
    assert sum(tensor.numel() for tensor in saved) == sum(parameter.numel() for parameter in learned)
    with pytest.raises(CheckpointError, match="no checkpoint"):  # without its backbone it would answer wrongly
        stsun.load(folder)
    (folder / backbones.LEVELS).write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match="cannot read"):
        backbones.load(folder, EachDate(StandIn()))


def test_a_map_of_a_raster_is_made_with_it(tmp_path, nano, stand_in, write_image):
    values = torch.rand(2, 70, 90, generator=torch.Generator().manual_seed(0)).numpy()
    image = write_image("scene.tif", values)
    model = awake(on(nano, stand_in))
    stsun.predict(model, [image], task="segmentation", output=tmp_path / "map.tif")
    with rasterio.open(tmp_path / "map.tif") as written:
        found = torch.from_numpy(written.read(1))
    with torch.no_grad():
        asked = Configuration([replace(RED, bandwidth_nm=None), replace(NIR, wavelength_nm=765, bandwidth_nm=None)],
                              10.0, "segmentation", CATEGORIES)  # fmt: skip
        whole = model(torch.from_numpy(values)[None, None], torch.ones(1, 1, 70, 90, dtype=torch.bool),
                      torch.full((1, 1), torch.nan, dtype=torch.float64), asked)  # fmt: skip
    assert found.unique().numel() > 1
    assert (found == whole[0, 0].argmax(0)).float().mean() > 0.999
    assert stand_in.seen[0] == ((1, 2, 80, 96), ("665 nm", "765 nm"))
