import numpy as np
import pytest

import calibration
from stsun.evaluation.temperature import Drawn, Pixels


def drawn(seed, temperature, pixels=4_000, classes=4):
    """Logits, and labels that are drawn from their softmax at a temperature."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 3, (pixels, classes)).astype(np.float32)
    labels = (logits / temperature + rng.gumbel(size=logits.shape)).argmax(axis=1)
    return Drawn(logits, labels, np.ones(pixels))


def data_set(name, *samples, task="segmentation"):
    return Pixels(name, task, f"{task}: {name}", samples)


@pytest.mark.parametrize("samples", [1, 2, 3, 8])
def test_every_pixel_is_left_out_once_and_never_fitted_on_then(samples):
    whole = data_set(
        "a", *(Drawn(np.full((6, 2), n, np.float32), np.arange(6) + 10 * n, np.ones(6)) for n in range(samples))
    )
    seen = []
    for remains, out in calibration.parts_of(whole):
        kept, held = (set(one.together.labels.tolist()) for one in (remains, out))
        assert not kept & held and kept | held == set(whole.together.labels.tolist())
        assert remains.key == out.key == whole.key
        seen += sorted(held)
    assert sorted(seen) == sorted(whole.together.labels.tolist())


def test_rules_for_a_task_do_not_see_the_data_set_itself():
    sets = [data_set("a", drawn(0, 6.0)), data_set("b", drawn(1, 2.0)), data_set("c", drawn(2, 2.0))]
    pooled = {one.name: calibration.likelihoods(one) for one in sets}
    found = calibration.rules(sets[0], sets[1:], pooled)
    assert found["none"] == 1
    assert found["task, median"] == pytest.approx(2, 0.1) and found["task, pooled"] == pytest.approx(2, 0.15)
    assert found["categories, 0"] == pytest.approx(6, 0.1) and found["categories, 0"] > found["categories, 2"] > 2
    alone = calibration.rules(data_set("d", drawn(3, 5.0), task="binary_change"), sets, pooled)
    assert alone["task, median"] == alone["task, pooled"] == 1


def test_a_set_unlike_the_others_is_mended_by_its_own_temperature_only():
    sets = [
        data_set("a", *(drawn(seed, 6.0) for seed in range(5))),
        data_set("b", drawn(7, 1.0)),
        data_set("c", drawn(8, 1.0)),
    ]
    first, *_ = results = calibration.measure(sets)
    assert first["ece"]["categories, 0"] < 0.03 < first["ece"]["task, median"]
    lines = calibration.table(results).splitlines()
    assert len(lines) == 2 + 3 + 2 and lines[-1].startswith("| **at most 0.05** |")
