import itertools
import json
import sys
from dataclasses import replace

import numpy as np
import pytest

import curves
import stsun
from stsun.simulation.kinds import KINDS
from stsun.simulation.kinds import LAND_COVER as LAND_COVER_LEGEND
from stsun.simulation.scenes import categories_of, sample_of, scene_of
from stsun.training import experiment

SIZE, SEED = 32, curves.HELD_OUT + 3
EVERY = [(name, kind) for name, curve in curves.CURVES.items() for kind in curve.kinds]
EVERY_CURVE = pytest.mark.parametrize(("name", "kind"), EVERY, ids=["-".join(pair) for pair in EVERY])
KNOWN = sorted({name for kind in KINDS.values() for name in categories_of(kind.task, kind.legend)})
CHANGES = {  # what of a scene may differ from the scene itself, and what of its acquisitions
    "shift-told": ({"bands"}, set()),
    "shift-not-told": ({"bands"}, set()),
    "bands": ({"bands"}, set()),
    "bands-spread": ({"bands"}, set()),
    "gsd": ({"window"}, set()),
    "spacing": ({"conditions"}, {"day"}),
    "clouds": ({"conditions"}, {"cloud_cover"}),
    "misregistration": ({"conditions"}, {"shift_px"}),
}


@pytest.fixture(scope="module")
def models():
    return {"one": stsun.create("nano", KNOWN, seed=0), "two": stsun.create("nano", KNOWN, seed=1)}


def places(name, kind):
    """The curve, the scene it changes, and the scene at each level."""
    curve = curves.CURVES[name]
    base = curve.base(kind, SEED, SIZE)
    return curve, base, [curve.change(base, level) for level in curve.levels]


def samples(name, kind):
    """The curve, and its sample at each level."""
    curve, base, _ = places(name, kind)
    return curve, {level: curves.sample_at(curve, kind, base, level) for level in curve.levels}


def differing(one, other):
    return {field for field in vars(one) if getattr(one, field) != getattr(other, field)}


def test_the_worlds_are_those_that_training_leaves_out():
    assert curves.HELD_OUT == experiment.HELD_OUT


@EVERY_CURVE
def test_at_the_unchanged_level_the_scene_is_itself(name, kind):
    curve, base, changed = places(name, kind)
    assert changed[curve.levels.index(curve.unchanged)] == base


@EVERY_CURVE
def test_each_level_is_another_scene(name, kind):
    _, _, changed = places(name, kind)
    assert all(one != other for one, other in itertools.pairwise(changed))


@pytest.mark.parametrize(("name", "kind"), [pair for pair in EVERY if pair[0] in CHANGES])
def test_only_one_thing_is_changed(name, kind):
    _, base, changed = places(name, kind)
    of_scene, of_dates = CHANGES[name]
    for scene in changed:
        assert differing(scene, base) <= of_scene
        assert all(differing(*pair) <= of_dates for pair in zip(scene.conditions, base.conditions, strict=True))


@pytest.mark.parametrize(
    ("name", "freed"), [("clouds", {"cloud_cover"}), ("gsd", {"cloud_cover"}), ("misregistration", {"shift_px"})]
)
def test_the_scene_that_is_changed_is_the_simulators_but_for_what_would_disturb(name, freed):
    for kind in curves.CURVES[name].kinds:
        base, drawn = places(name, kind)[1], scene_of(kind, SEED, SIZE)
        assert differing(base, drawn) <= {"conditions"}
        assert all(differing(*pair) <= freed for pair in zip(base.conditions, drawn.conditions, strict=True))


@pytest.mark.parametrize(
    ("name", "kind"),
    [pair for pair in EVERY if pair[0] not in ("gsd", "clouds")],
)
def test_the_truth_is_the_same_at_all_levels(name, kind):
    _, at = samples(name, kind)
    first, *others = at.values()
    assert (first.labels != 255).any()
    for other in others:
        # what was not seen moves along with the clouds
        seen = (other.labels != 255) & (first.labels != 255)
        assert seen.mean() > 0.8 * (first.labels != 255).mean()
        assert (other.labels == first.labels)[seen].all()


@pytest.mark.parametrize("kind", curves.CURVES["shift-told"].kinds)
def test_a_shift_that_is_not_told_changes_what_is_seen_but_not_what_is_said(kind):
    told, not_told = samples("shift-told", kind)[1], samples("shift-not-told", kind)[1]
    for level in told:
        pairs = zip(told[level].images, not_told[level].images, strict=True)
        assert all((one == other).all() for one, other in pairs)
        assert not_told[level].configuration == not_told[0].configuration == told[0].configuration
        moved = zip(told[level].configuration.bands, told[0].configuration.bands, strict=True)
        assert all(band.wavelength_nm == pytest.approx(old.wavelength_nm + level) for band, old in moved)
    assert (told[60].images[0] != told[0].images[0]).any()


@pytest.mark.parametrize("name", ["bands", "bands-spread"])
def test_the_bands_are_as_many_as_the_level_says_and_in_their_old_order(name):
    (kind,) = curves.CURVES[name].kinds
    _, base, changed = places(name, kind)
    for level, scene in zip(curves.CURVES[name].levels, changed, strict=True):
        for bands, old in zip(scene.bands, base.bands, strict=True):
            assert len(bands) == level
            assert list(bands) == [band for band in old if band in bands]


@pytest.mark.parametrize("kind", curves.CURVES["gsd"].kinds)
@pytest.mark.parametrize("size", [32, 96])
def test_pixels_of_every_size_cover_the_same_ground_of_a_land_cover_kind(kind, size):
    assert KINDS[kind].legend is LAND_COVER_LEGEND
    base = curves.clear_scene(kind, SEED, size)
    for factor in curves.CURVES["gsd"].levels:
        window = curves.resize_pixels(base, factor).window
        assert (window.x_m, window.y_m) == (base.window.x_m, base.window.y_m)
        for pixels, old in zip(window.shape, base.window.shape, strict=True):
            assert pixels * window.gsd_m == pytest.approx(old * base.window.gsd_m)
        assert window.gsd_m == pytest.approx(factor * base.window.gsd_m, rel=0.03)


def test_the_land_cover_of_the_whole_scene_stays_about_the_same_at_every_gsd():
    base = curves.clear_scene("sentinel2-series", SEED, 64)
    at = {level: curves.sample_at(curves.CURVES["gsd"], "sentinel2-series", base, level) for level in (0.5, 1, 2)}
    shares = {
        level: np.bincount(sample.labels.ravel(), minlength=7) / sample.labels.size for level, sample in at.items()
    }
    assert max(shares[1]) < 0.95  # more than one category
    assert np.abs(shares[0.5] - shares[1]).max() < 0.05 and np.abs(shares[2] - shares[1]).max() < 0.05


def test_fewer_or_closer_dates_end_on_the_same_day():
    for name in ("dates", "spacing"):
        curve, base, changed = places(name, "sentinel2-series")
        assert all(scene.conditions[-1] == base.conditions[-1] for scene in changed)
        for level, scene in zip(curve.levels, changed, strict=True):
            if name == "dates":
                assert len(scene.days) == level and set(scene.days) <= set(base.days)
                assert level == 1 or scene.days[0] == base.days[0]
            else:
                assert len(scene.days) == curves.SPACED_DATES and (np.diff(scene.days) == level).all()


@pytest.mark.parametrize("kind", curves.CURVES["clouds"].kinds)
def test_the_valid_share_falls_with_the_cloud_share_and_labels_only_get_lost(kind):
    curve = curves.CURVES["clouds"]
    at = []
    for seed in range(3):
        base = curve.base(kind, SEED + seed, SIZE)
        at.append([curves.sample_at(curve, kind, base, level) for level in curve.levels])
    for less, more in itertools.pairwise(zip(*at, strict=True)):
        assert sum(sample.valid.sum() for sample in less) > sum(sample.valid.sum() for sample in more)
        for one, other in zip(less, more, strict=True):
            kept = other.labels != 255
            assert (one.labels[kept] == other.labels[kept]).all()


@pytest.mark.parametrize("kind", curves.CURVES["misregistration"].kinds)
def test_all_dates_but_the_first_are_moved_by_the_level(kind):
    curve, _, changed = places("misregistration", kind)
    for level, scene in zip(curve.levels, changed, strict=True):
        first, *others = (np.hypot(*date.shift_px) for date in scene.conditions)
        assert first == 0 and others == pytest.approx([level] * len(others))


def test_misregistration_moves_the_image_by_so_many_pixels():
    drawn = scene_of("sentinel2-semantic-change", SEED, SIZE)
    still = replace(drawn, conditions=tuple(replace(date, noise=0.0, cloud_cover=0.0) for date in drawn.conditions))
    kind = KINDS["sentinel2-semantic-change"]
    at = [sample_of(curves.misregister(still, px), kind.task, kind.legend, "x").images[1][2] for px in (0, 2)]
    right, down = (round(step) for step in curves.misregister(still, 2).conditions[1].shift_px)
    inner = slice(6, -6)
    moved = np.roll(at[0], (down, right), (0, 1))
    similarity = np.corrcoef(moved[inner, inner].ravel(), at[1][inner, inner].ravel())[0, 1]
    assert similarity > np.corrcoef(at[0][inner, inner].ravel(), at[1][inner, inner].ravel())[0, 1]


@EVERY_CURVE
def test_the_table_and_the_json_hold_every_level(name, kind, models):
    curve = curves.CURVES[name]
    few = replace(curve, levels=(curve.levels[0], curve.levels[-1])) if name != "bands" else curve
    result = curves.measure(few, kind, models, 2, 16)
    assert [level["level"] for level in result["levels"]] == list(few.levels)
    assert all(set(level["models"]) == set(models) for level in result["levels"])
    lines = curves.table(result).splitlines()
    assert [line.split(" | ")[0].strip("| ") for line in lines[2:]] == [f"{level:g}" for level in few.levels]
    assert all(line.count("|") == lines[0].count("|") == 2 + 2 + 2 * len(models) for line in lines)


def test_the_same_places_give_the_same_figures(models):
    one, same = (curves.measure(curves.CURVES["misregistration"], "sentinel1-flood", models, 3, 16) for _ in range(2))
    assert json.dumps(one) == json.dumps(same)


def test_a_level_that_a_model_refuses_has_no_score_but_others_do(models, capsys):
    limited = {"limited": stsun.create("nano", ["water"]), **models}
    result = curves.measure(curves.CURVES["clouds"], "sentinel2-series", limited, 2, 16)
    clear = result["levels"][0]
    assert clear["models"]["limited"]["mean_iou"] is None and clear["models"]["one"]["mean_iou"] is not None
    assert clear["scenes"] == 2
    assert "limited left out" in capsys.readouterr().err
    assert " – | – | " in curves.table(result)


def test_scores_are_worth_one_where_the_answer_is_the_truth(monkeypatch, models):
    monkeypatch.setattr(
        curves, "predict_sample", lambda model, sample, device: np.where(sample.labels == 255, 0, sample.labels)
    )
    result = curves.measure(curves.CURVES["clouds"], "sentinel2-series", models, 2, 16)
    clear = result["levels"][0]["models"]["one"]
    assert clear["mean_iou"] == 1 and clear["intervals"]["mean_iou"] == [1, 1] and clear["pixels"] == 2 * 16 * 16


def test_the_program_prints_the_tables_and_writes_every_curve(monkeypatch, tmp_path, capsys, models):
    monkeypatch.setattr(curves, "load", lambda folder: models[folder])
    file = tmp_path / "results" / "curves.json"
    command = f"curves.py --models a=one b=two --scenes 2 --size 16 --only dates --json {file}"
    monkeypatch.setattr(sys, "argv", command.split())
    curves.main()
    content = json.loads(file.read_text())
    assert set(content["curves"]) == {"dates/sentinel2-series"} and set(content["models"]) == {"a", "b"}
    assert [level["level"] for level in content["curves"]["dates/sentinel2-series"]["levels"]] == list(
        curves.CURVES["dates"].levels
    )
    assert curves.table(content["curves"]["dates/sentinel2-series"]) in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [("--models tiny", "expected NAME=FOLDER"), ("--scenes 0", "at least 1"), ("--only nothing", "no curve is called")],
)
def test_wrong_options_are_refused_with_what_is_expected(options, message, capsys):
    with pytest.raises(SystemExit):
        curves.parse(options.split())
    assert message in capsys.readouterr().err
