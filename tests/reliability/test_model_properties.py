"""Properties of the network for any bands, dates, sizes and categories, and of checkpoints for any architecture."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strategies import band_lists, series_days
from stsun.configuration import Configuration
from stsun.model.checkpoint import load, save
from stsun.model.stsun import create
from stsun.tasks import TASKS, channels, output_periods

CATEGORIES = ("water", "forest", "building", "road")
FEW = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def model():
    return create("nano", CATEGORIES, seed=1).eval()


@FEW
@given(st.data())
def test_any_request_gives_finite_logits_that_no_order_and_no_invalid_value_changes(model, data):
    task = data.draw(st.sampled_from(list(TASKS)))
    dates = data.draw(st.integers(TASKS[task].minimum_dates, 4))
    bands = data.draw(band_lists(4))
    names = data.draw(st.lists(st.sampled_from(CATEGORIES), unique=True, min_size=1))
    gsd_m = data.draw(st.none() | st.floats(0.01, 1000))
    size = data.draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    images = torch.from_numpy(rng.normal(0, data.draw(st.sampled_from([0.1, 1.0, 1e4])), (1, dates, len(bands), *size)))
    images, valid = images.float(), torch.from_numpy(rng.uniform(size=(1, dates, *size)) > 0.2)
    days = torch.tensor([data.draw(series_days(dates))], dtype=torch.float64)

    def logits(these, listed):
        with torch.inference_mode():
            return model(these, valid, days, Configuration(listed, gsd_m, task, names))

    found = logits(images, bands)
    assert found.shape == (1, len(output_periods(task, dates)), channels(task, len(names)), *size)
    assert found.isfinite().all()
    order = data.draw(st.permutations(range(len(bands))))
    torch.testing.assert_close(logits(images[:, :, order], [bands[i] for i in order]), found, rtol=1e-3, atol=1e-3)
    spoilt = torch.where(valid.unsqueeze(2), images, float("nan"))
    assert torch.equal(logits(spoilt, bands), found)


ARCHITECTURES = st.fixed_dictionaries(
    {},
    optional={
        "temporal": st.sampled_from(["attention", "linear", "mean"]),
        "windows": st.sampled_from(["cycle", "shifted", "global"]),
        "spectral": st.sampled_from(["basis", "hypernetwork"]),
        "head": st.sampled_from(["category", "generated"]),
        "embedding": st.sampled_from([4, 12]),
        "virtual_bands": st.integers(2, 6),
        "task_embedding": st.booleans(),
    },
)


@FEW
@given(ARCHITECTURES, st.lists(st.sampled_from(["Wasser / Fluß", "水", "no", *CATEGORIES]), unique=True, min_size=1))
def test_a_checkpoint_is_the_model_that_was_saved_to_the_last_bit(tmp_path, choices, names):
    model = create("nano", names, seed=3, widths=(8, 8, 16), attention_width=8, condition=8, **choices)
    again = load(save(model, tmp_path / "model", {}))
    assert again.config == model.config and again.categories == tuple(names)
    assert again.state_dict().keys() == model.state_dict().keys()
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in model.state_dict().items())
