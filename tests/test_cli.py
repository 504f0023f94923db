"""The command line as users meet it: exit codes, messages, help."""

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin
from rasterio.warp import transform_bounds

import stsun
from stac_api import PROXIES, serving
from stsun import cli, errors
from stsun.errors import DataError, StsunError
from stsun.model import checkpoint
from stsun.model.stsun import create
from stsun.raster.writer import write_picture

VERBS = (
    "demo",
    "simulate",
    "info",
    "validate",
    "train",
    "evaluate",
    "predict",
    "map",
    "view",
    "bench",
    "data",
    "export",
)


@pytest.fixture
def run(monkeypatch, capfd):
    """Run a command in this process: exit code, stdout, stderr."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["stsun", *map(str, arguments)])
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
        return (code, *capfd.readouterr())

    return run


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Folder of a checkpoint that nobody has trained."""
    return checkpoint.save(create("nano", ["water", "forest", "building"]), tmp_path_factory.mktemp("model"), {})


@pytest.fixture
def images(tmp_path):
    """Two dates of one place, with tags for band and date."""
    paths = []
    for year in (2018, 2024):
        paths.append(tmp_path / f"{year}.tif")
        pixels = np.random.default_rng(year).integers(0, 3000, (2, 40, 50), np.uint16)
        grid = {"crs": "EPSG:32633", "transform": from_origin(500_000, 5_000_000, 10, 10)}
        with rasterio.open(
            paths[-1], "w", driver="GTiff", count=2, height=40, width=50, dtype="uint16", **grid
        ) as file:
            file.write(pixels)
            file.scales = (1e-4, 1e-4)
            file.update_tags(ACQUISITION_DATE=f"{year}-05-01")
            for band, wavelength in ((1, 665), (2, 842)):
                file.update_tags(band, wavelength=wavelength, fwhm=50, wavelength_units="Nanometers")
    return paths


def test_help_is_quick_and_names_every_verb():
    started = time.perf_counter()
    result = subprocess.run([sys.executable, "-m", "stsun", "--help"], capture_output=True, text=True, check=True)
    assert time.perf_counter() - started < 2  # 0.2 s on an idle machine
    assert all(f"  {verb} " in result.stdout for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(run, verb):
    code, out, _ = run(verb, "--help")
    assert code == 0 and f"Example: stsun {verb}" in out


@pytest.mark.parametrize("module", ["stsun", "stsun.cli"])
def test_nothing_heavy_is_imported_before_it_is_needed(module):
    program = f"import sys, {module}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "numpy", "rasterio", "pydantic", "lightning", "einops"} & set(loaded)


def test_the_version_is_told(run):
    assert run("--version") == (0, f"stsun {stsun.__version__}\n", "")


def test_the_public_names_are_there():
    assert set(stsun.__all__) <= set(dir(stsun))
    assert all(getattr(stsun, name) is not None for name in stsun.__all__)
    with pytest.raises(AttributeError, match="it offers Band"):
        _ = stsun.unheard_of


@pytest.mark.parametrize(
    "arguments",
    [["predict"], ["predict", "a.tif"], ["dance"], ["--unknown"], ["evaluate", "x"], ["predict", "--tile", "x"]],
)
def test_a_wrong_command_exits_with_2(run, arguments):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "") and "Traceback" not in err and "Error: " in err


def test_predict_writes_the_map_and_says_so(run, model, images, tmp_path):
    output = tmp_path / "map.tif"
    code, out, err = run(
        "predict",
        "--model",
        model,
        "--task",
        "segmentation",
        "--categories",
        "forest, water",
        "--output",
        output,
        *images,
    )
    assert (code, err) == (0, "")
    assert f"wrote {output}" in out and "2018-05-01 to 2024-05-01" in out and "forest" in out
    with rasterio.open(output) as raster, rasterio.open(images[0]) as image:
        assert raster.shape == image.shape and raster.crs == image.crs
        assert raster.tags(1)["category_1"] == "water"


def test_predict_speaks_json(run, model, images, tmp_path):
    more = tmp_path / "p.tif"
    code, out, err = run(
        "predict", "--model", model, "--task", "binary_change", "--output", tmp_path / "m.tif", "--json",
        "--probabilities", more, "--tile", 32, "--overlap", 8, *images,
    )  # fmt: skip
    result = json.loads(out)
    assert (code, err) == (0, "")
    assert result["files"] == [str(tmp_path / name) for name in ("m.tif", "p.tif", "m.qml", "p.qml")]
    assert sum(result["maps"][0]["pixels"].values()) == 40 * 50
    assert result["configuration"]["gsd_m"] == pytest.approx(10)


def test_predict_writes_all_that_is_asked_for_and_goes_on_only_with_what_is_unfinished(run, model, images, tmp_path):
    names = {
        "probabilities": "p.tif", "confidence": "c.tif", "changes": "x.tif", "polygons": "g.geojson",
        "transitions": "t.csv", "item": "i.json",
    }  # fmt: skip
    files = [part for key, name in names.items() for part in (f"--{key}", tmp_path / name)]
    command = [
        "predict",
        "--model",
        model,
        "--task",
        "semantic_change",
        "--output",
        tmp_path / "m.tif",
        *files,
        *images,
    ]
    code, out, err = run(*command, "--probability-type", "float16", "--min-area", 500, "--local", "--tile", 32,
                         "--overlap", 8)  # fmt: skip
    assert (code, err) == (0, "") and all(f"wrote {tmp_path / name}" in out for name in names.values())
    code, _, err = run(*command, "--resume")
    assert code == 2 and "already there" in err


def test_map_finds_images_of_a_place_in_a_catalogue(run, model, images, tmp_path, monkeypatch):
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    band = {"name": "red", "eo:common_name": "red", "eo:center_wavelength": 0.665, "raster:scale": 1e-4}
    items = [
        {
            "type": "Feature", "stac_version": "1.1.0", "stac_extensions": [], "id": image.stem, "geometry": None,
            "collection": "small", "links": [], "properties": {"datetime": f"{image.stem}-05-01T00:00:00Z"},
            "assets": {"red": {"href": str(image), "roles": ["data"], "bands": [band, band | {"name": "nir",
                       "eo:common_name": "nir", "eo:center_wavelength": 0.842}]}},
        }
        for image in images
    ]  # fmt: skip
    box = ",".join(map(str, transform_bounds("EPSG:32633", "EPSG:4326", 500_105, 4_999_705, 500_395, 4_999_895)))
    with serving(items) as server:
        place = ["--catalog", server.url, "--collection", "small", "--bbox", box]
        ask = ["map", "--model", model, "--task", "binary_change", "--output", tmp_path / "m.tif", *place]
        code, out, err = run(*ask, "--dates", "2018-01-01/2018-12-31", "--dates", "2024-01-01/2024-12-31")
        assert (code, err) == (0, "") and "2018-05-01 to 2024-05-01" in out
        for bad, words in (("--dates=2018", "expected a day or two"), ("--dates=2019-01-01", "has nothing of small")):
            code, _, err = run(*ask, bad, "--overwrite")
            assert code == 2 and words in err
    with rasterio.open(tmp_path / "m.tif") as raster:
        assert raster.crs.to_epsg() == 32633 and raster.res == (10, 10) and raster.width in range(29, 33)


def test_predict_takes_the_files_of_one_date_joined_by_commas(run, model, images, tmp_path):
    joined = f"{images[0]},{images[1]}"
    code, out, _ = run(
        "predict", "--model", model, "--task", "segmentation", "--output", tmp_path / "m.tif", "--json",
        "--date", "2018-05-01", joined,
    )  # fmt: skip
    assert code == 2  # the files hold the same two bands: one date cannot have them twice
    code, out, _ = run(
        "predict", "--model", model, "--task", "segmentation", "--output", tmp_path / "m.tif", "--json",
        "--overwrite", "--per-date", *images,
    )  # fmt: skip
    assert code == 0 and len(json.loads(out)["maps"]) == 2


def test_predict_is_the_same_from_python(run, model, images, tmp_path):
    run("predict", "--model", model, "--task", "semantic_change", "--output", tmp_path / "a.tif", *images)
    stsun.predict(stsun.load(model), images, task="semantic_change", output=tmp_path / "b.tif")
    with rasterio.open(tmp_path / "a.tif") as one, rasterio.open(tmp_path / "b.tif") as other:
        np.testing.assert_array_equal(one.read(), other.read())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["--task", "mapping"], "no task 'mapping'"),
        (["--date", "2018-05-01"], "got 1 dates for 2 images"),
        (["--date", "2018-05-01", "2024-05-01", "2025-05-01"], "got 3 dates for 2 images"),
        (["--date", "2024-05-01,2018-05-01"], "file's own"),
        (["--categories", "lava,water"], "does not know the categories 'lava'"),
        (["--device", "abacus"], "abacus"),
        (["--scale", "0"], "expected a finite number"),
        (["--categories", "forest"], "background"),
        (["--sensor", "sentinel-9"], "no sensor 'sentinel-9'"),
        (["--bands", "red:abc"], "cannot read the band"),
        (["--output", "map.jpg"], ".tif"),
        (["--model", "nowhere"], "nowhere is no checkpoint"),
        (["missing.tif"], "missing.tif"),
    ],
)
def test_a_users_error_is_one_message_and_exit_code_2(run, model, images, tmp_path, change, words):
    basis = ["predict", "--model", model, "--task", "segmentation", "--output", tmp_path / "m.tif", *images]
    code, out, err = run(*basis, *change)
    assert (code, out) == (2, "")
    assert err.startswith("stsun: ") and err.count("\n") == 1 and words in err
    assert not (tmp_path / "m.tif").exists()


@pytest.mark.parametrize(
    "dates",
    [
        ["--date", "2018-05-01", "--date", "2024-05-01"],
        ["--date", "2018-05-01", "20240501"],
        ["--date=2018-05-01", "2024-05-01"],
        ["--date", "2018-05-01,2024-05-01"],
        ["--date", "2018-05-01T10:00", "2024-05-01T23:59", "--date", "2030-01-01"],
    ],
)
def test_dates_follow_one_option_or_each_its_own(run, model, images, tmp_path, dates):
    basis = ["predict", "--model", model, "--task", "binary_change", "--output", tmp_path / "m.tif"]
    extra = [images[1]] if "2030-01-01" in dates else []
    code, out, err = run(*basis, *dates, *images, *extra, "--json")
    if extra:  # three dates for three images, of which the last says otherwise
        assert code == 2 and "2030-01-01" in err
    else:
        assert (code, err) == (0, "") and json.loads(out)["maps"][0]["period"] == "2018-05-01 to 2024-05-01"


def test_whole_numbers_without_a_scale_are_refused_with_the_way_out(run, model, images, tmp_path):
    with rasterio.open(images[0], "r+") as file:
        file.scales = (1, 1)
    basis = ["predict", "--model", model, "--task", "segmentation", "--output", tmp_path / "m.tif", images[0]]
    code, out, err = run(*basis)
    assert (code, out, err.count("\n")) == (2, "", 1) and "uint16" in err and "--scale" in err
    assert run(*basis, "--scale", "1e-4")[0] == 0


def test_pictures_that_lie_nowhere_are_mapped_without_a_warning(run, model, tmp_path):
    pair = [
        write_picture(tmp_path / f"{name}.png", np.random.default_rng(seed).integers(0, 255, (20, 30, 3), np.uint8))
        for seed, name in enumerate("ab")
    ]
    basis = ["predict", "--model", model, "--task", "binary_change", "--output", tmp_path / "m.tif", *pair]
    assert run(*basis)[0] == 2
    code, out, err = run(*basis, "--sensor", "aerial-rgb")
    assert (code, err) == (0, "") and "600 pixels" in out


def test_a_truncated_image_is_one_message_too(run, model, images, tmp_path):
    images[1].write_bytes(images[1].read_bytes()[:3000])
    code, out, err = run(
        "predict", "--model", model, "--task", "binary_change", "--output", tmp_path / "m.tif", *images
    )
    assert (code, out, err.count("\n")) == (2, "", 1) and "2024.tif" in err


def test_info_tells_what_a_raster_and_a_checkpoint_hold(run, model, images):
    code, out, err = run("info", images[0], model)
    assert (
        (code, err) == (0, "")
        and "wavelength_nm 665, bandwidth_nm 50" in out
        and "2018-05-01" in out
        and "forest" in out
    )
    code, out, _ = run("info", "--json", images[0], model)
    facts = json.loads(out)
    assert code == 0 and set(facts) == {str(images[0]), str(model)}
    assert [facts[str(path)]["kind"] for path in (images[0], model)] == ["raster", "checkpoint"]


def test_info_of_a_checkpoint_whose_weights_are_damaged_is_an_error(run, model, tmp_path):
    weights = shutil.copytree(model, tmp_path / "damaged") / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    code, out, err = run("info", weights.parent)
    assert (code, out, err.count("\n")) == (2, "", 1) and "truncated" in err


def test_the_demo_speaks_json_and_nothing_else(run, monkeypatch, tmp_path):
    def demo(output, *, echo):
        echo(f"in words: {output}")
        return {"seed": 1}

    monkeypatch.setattr("stsun.demo.run", demo)
    assert run("demo", "--output", tmp_path) == (0, f"in words: {tmp_path}\n", "")
    code, out, err = run("demo", "--output", tmp_path, "--json")
    assert (code, json.loads(out), err) == (0, {"seed": 1}, "")


def test_simulate_writes_a_data_set_that_validate_accepts(run, tmp_path):
    options = ("--sensor", "sentinel-2-l2a", "--dates", "2020-05-01,2020-07-15", "--size", "32")
    code, out, _ = run("simulate", *options, "--output", tmp_path / "new")
    assert (code, out) == (0, f"wrote {tmp_path / 'new' / 'dataset.yaml'}\n")
    assert run("validate", tmp_path / "new" / "dataset.yaml")[0] == 0
    code, _, err = run("simulate", *options, "--output", tmp_path / "new")
    assert code == 2 and "choose another --output" in err


@pytest.mark.parametrize("dates", ["2020", "2020-13-01", "", "2020-05-01;2020-06-01"])
def test_simulate_refuses_what_is_no_date(run, tmp_path, dates):
    code, _, err = run("simulate", "--sensor", "sentinel-1", "--dates", dates, "--output", tmp_path / "new")
    assert code == 2 and "2020-05-01,2021-06-30" in err and not (tmp_path / "new").exists()


def test_validate_lists_all_problems_and_exits_with_2(run, monkeypatch):
    monkeypatch.setattr("stsun.data.validate.validate", lambda path: ["first problem", "second problem"])
    code, out, err = run("validate", "dataset.yaml")
    assert (code, out) == (2, "") and "first problem" in err and "second problem" in err and "2 problem(s)" in err
    code, out, err = run("validate", "--json", "dataset.yaml")
    assert code == 2 and json.loads(out)["problems"] == ["first problem", "second problem"]
    monkeypatch.setattr("stsun.data.validate.validate", lambda path: [])
    assert run("validate", "dataset.yaml") == (0, "dataset.yaml: no problem found\n", "")


def test_evaluate_prints_a_report_and_writes_json(run, monkeypatch, model, tmp_path):
    asked = []

    def evaluate(used, dataset, split, *, task, legend, device, progress):
        asked.append((type(used).__name__, str(dataset), split, task))
        return {"mean_iou": 0.5}

    monkeypatch.setattr("stsun.evaluation.evaluate.evaluate", evaluate)
    monkeypatch.setattr("stsun.report.words.to_text", lambda scores: f"mean IoU {scores['mean_iou']}")
    code, out, err = run(
        "evaluate", "--model", model, "--data", "d.yaml", "--split", "val", "--json", tmp_path / "s.json"
    )
    assert (code, out, err) == (0, "mean IoU 0.5\n", "")
    assert json.loads((tmp_path / "s.json").read_text()) == {"mean_iou": 0.5}
    assert asked == [("STSUN", "d.yaml", "val", None)]
    assert json.loads(run("evaluate", "--model", model, "--data", "d.yaml", "--json", "-")[1]) == {"mean_iou": 0.5}
    asked.clear()
    for nowhere in (tmp_path / "no" / "s.json", tmp_path):
        assert run("evaluate", "--model", model, "--data", "d.yaml", "--json", nowhere)[0] == 2
    for read in ("d.yaml", model / "model.safetensors", model / "card.json"):
        assert "would replace" in run("evaluate", "--model", model, "--data", "d.yaml", "--json", read)[2]
    assert not asked  # told before the work, not after it


@pytest.fixture
def damaged(tmp_path):
    """Folder of a data set whose labels hold a value that it does not declare, and of an experiment with it."""
    for split in ("train", "test"):
        image = np.full((2, 16, 16), 300, np.uint16)
        for name, values in ((split, image), (f"{split}_label", image[:1] % 8)):  # 4
            with rasterio.open(tmp_path / f"{name}.tif", "w", driver="GTiff", count=len(values), height=16, width=16,
                               dtype="uint16") as file:  # fmt: skip
                file.write(values)
        (tmp_path / f"{split}.txt").write_text(split)
    (tmp_path / "dataset.yaml").write_text(
        "name: damaged\ntask: segmentation\ngsd_m: 10\nscale: 0.0001\nclasses: {0: water, 1: forest}\n"
        "bands: [{name: red, wavelength_nm: 665}, {name: nir, wavelength_nm: 842}]\n"
        "images: ['{id}.tif']\nlabels: ['{id}_label.tif']\nsplits: {train: train.txt, test: test.txt}\n"
    )
    (tmp_path / "experiment.yaml").write_text(
        "name: a\noutput: run\nmodel: {size: nano}\ndata: [{dataset: dataset.yaml}]\nsteps: 1\naccelerator: cpu\n"
    )
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [("validate", "dataset.yaml"), ("evaluate", "--data", "dataset.yaml"), ("train", "experiment.yaml")],
    ids=lambda command: command[0],
)
def test_damaged_data_are_one_message_and_exit_code_2(run, monkeypatch, damaged, command):
    monkeypatch.chdir(damaged)
    code, out, err = run(*command)
    assert (code, out) == (2, "")
    assert err.startswith("stsun: ") and err.count("stsun: ") == 1 and "Traceback" not in err
    assert "undeclared label value 4" in err and "label.tif" in err


def test_train_hands_over_overrides_and_resume(run, monkeypatch):
    asked = []

    def train(*given):
        sys.stdout.write("80 %")  # as progress bars do
        asked.append(given)
        return "runs/joint", len(asked) < 3

    monkeypatch.setattr("stsun.training.experiment.run", train)
    code, out, _ = run("train", "experiment.yaml", "steps=3", "seed=1", "--resume")
    assert (code, out) == (0, "wrote runs/joint\n")
    assert json.loads(run("train", "experiment.yaml", "--json")[1]) == {"folder": "runs/joint", "trained": True}
    told = run("train", "experiment.yaml", "--resume")[1]
    assert told == "runs/joint holds the finished run already; nothing was left to do\n"
    del asked[1:]
    assert [(str(path), overrides, resume) for path, overrides, resume in asked] == [
        ("experiment.yaml", ["steps=3", "seed=1"], True)
    ]


@pytest.mark.parametrize("kind", [kind for kind in vars(errors).values() if isinstance(kind, type)])
def test_an_error_names_the_page_that_helps(run, monkeypatch, kind):
    def fail(path):
        raise kind("what was found")

    monkeypatch.setattr("stsun.data.validate.validate", fail)
    code, _, err = run("validate", "dataset.yaml")
    page = re.fullmatch(r"stsun: what was found(?:; see (docs/\w+\.md))?\n", err)[1]
    assert code == 2 and (page is None) == (kind is StsunError)
    assert page is None or (Path(__file__).resolve().parents[1] / page).is_file()


@pytest.mark.parametrize(
    ("failure", "code"), [(DataError("no such label"), 2), (KeyboardInterrupt(), 130), (ZeroDivisionError("oops"), 1)]
)
def test_each_way_to_fail_has_its_exit_code_and_no_traceback(run, monkeypatch, failure, code):
    def fail(path):
        raise failure

    monkeypatch.setattr("stsun.data.validate.validate", fail)
    monkeypatch.delenv("STSUN_DEBUG", raising=False)
    result, _, err = run("validate", "dataset.yaml")
    assert result == code and "Traceback" not in err
    assert ("please report" in err) == (code == 1)


def test_a_bug_shows_its_traceback_on_demand(run, monkeypatch):
    monkeypatch.setattr("stsun.data.validate.validate", lambda path: 1 / 0)
    monkeypatch.setenv("STSUN_DEBUG", "1")
    code, _, err = run("validate", "dataset.yaml")
    assert code == 1 and "Traceback" in err and "ZeroDivisionError" in err
