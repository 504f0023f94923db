import json
import re
import shlex
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from typer.testing import CliRunner

from stsun.bands import Band
from stsun.cli import app
from stsun.data.sample import IGNORE
from stsun.demo import run
from stsun.demo.page import render
from stsun.demo.story import most_varied, section_of
from stsun.errors import ConfigurationError, RasterError
from stsun.evaluation.evaluate import predict_sample
from stsun.evaluation.summary import scored_names, summarise, tally
from stsun.model.stsun import create
from stsun.prediction.products import observed
from stsun.report.pictures import (
    HATCH,
    MOST_PIXELS,
    agreement,
    changes,
    composite_of,
    findings,
    painted,
    photographs,
    thinned,
)
from stsun.report.words import interval, number
from stsun.simulation.scenes import HELD_OUT, KINDS, simulate
from stsun.tasks import output_periods

SIZE, SAMPLES, SEED = 24, 2, 3
SHOWN = ("aerial-change", "sentinel2-series", "sentinel2-semantic-change", "landsat-mixed-series", "sentinel1-flood")
MOST_BYTES = 5_000_000
VOID = {"meta", "link", "img", "br"}


@pytest.fixture(scope="module")
def model():
    asked = [simulate(kind, HELD_OUT, SIZE).configuration for kind in KINDS]
    categories = dict.fromkeys(name for configuration in asked for name in configuration.categories)
    return create("nano", list(categories), seed=0).eval()


@pytest.fixture(scope="module")
def demo(model, tmp_path_factory):
    folder, lines = tmp_path_factory.mktemp("demo"), []
    result = run(folder, seed=SEED, model=model, echo=lines.append, samples=SAMPLES, size=SIZE, kinds=SHOWN)
    return folder, lines, result


@pytest.fixture(scope="module")
def page(demo):
    return Page((demo[0] / "index.html").read_text(encoding="utf-8"))


class Page(HTMLParser):
    """Tags with their attributes and the text under each section; refuses tags that are not closed in order."""

    def __init__(self, source):
        super().__init__()
        self.source, self.tags, self.open, self.sections = source, [], [], {}
        self.feed(source)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        for tag, attributes in self.open:
            if tag == "section":
                key = attributes.get("id")
                self.sections[key] = self.sections.get(key, "") + data

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    def pictures(self, kind):
        start = self.source.index(f'<section id="{kind}"')
        return self.source[start : self.source.index("</section>", start)].count("<img ")


def shown_world(kind):
    worlds = [simulate(kind, HELD_OUT + SEED * SAMPLES + number, SIZE) for number in range(SAMPLES)]
    return worlds[most_varied(worlds)]


def pixels(rows):
    return np.array(rows, np.int64)


def test_all_three_tasks_are_scored_on_several_sensors(demo):
    folder, lines, result = demo
    assert set(result["scores"]) == set(SHOWN)
    assert {scores["task"] for scores in result["scores"].values()} == {
        "segmentation", "binary_change", "semantic_change",
    }  # fmt: skip
    assert all(scores["samples"] == SAMPLES for scores in result["scores"].values())
    assert json.loads((folder / "scores.json").read_text()) == result
    for kind in SHOWN:
        assert any(line.startswith(kind) for line in lines)


def test_every_file_it_lists_is_there_and_every_file_there_is_listed(demo):
    folder, lines, result = demo
    found = {str(path) for path in folder.rglob("*") if path.is_file()}
    assert found == set(result["files"])
    assert all(any(file in line for line in lines) for file in found)


@pytest.mark.parametrize("kind", SHOWN)
def test_maps_lie_where_the_images_lie_and_equal_the_model_in_memory(demo, model, kind):
    folder, _, _ = demo
    world = shown_world(kind)
    with rasterio.open(folder / kind / "map.tif") as dataset, rasterio.open(folder / kind / "image_1.tif") as image:
        stored = dataset.read().astype(np.int64)
        assert (dataset.crs, dataset.transform) == (image.crs, image.transform) and dataset.crs is not None
        assert dataset.transform.a == world.configuration.gsd_m
    periods = output_periods(world.configuration.task, len(world.images))
    seen = observed(world.valid, periods, world.configuration.task)
    expected = predict_sample(model, world, torch.device("cpu"))
    assert seen.any() and (stored == expected)[seen].mean() > 0.999  # ties may fall otherwise after blending
    assert (seen == (stored != IGNORE)).all()


def test_the_page_needs_nothing_but_itself(page):
    for _, attributes in page.tags:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            assert re.match(r"data:|#", attributes.get(name, "#")), attributes
    assert not re.search(r"https?:|url\(|@import|@font-face|<script|<iframe|\son\w+=", page.source)
    anchors = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    assert {attributes["href"][1:] for attributes in page.all("a")} == set(SHOWN) <= anchors


def test_the_page_is_accessible_and_fits_phones_and_both_colour_schemes(page):
    assert page.all("html") == [{"lang": "en"}] and page.all("title")
    assert all(len(picture["alt"]) > 20 for picture in page.all("img"))
    assert all(cell["scope"] in ("row", "col") for cell in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))
    assert any(meta.get("name") == "viewport" for meta in page.all("meta"))
    assert "prefers-color-scheme: dark" in page.source and "pixelated" in page.source
    identities = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(identities) == len(set(identities))


def test_the_page_says_that_scenes_are_simulated_and_not_trained_on(page):
    assert "simulated" in page.source and "never trained on" in page.source


@pytest.mark.parametrize("kind", SHOWN)
def test_every_kind_has_its_section_with_dates_maps_scores_and_legend(page, demo, kind):
    world, scores = shown_world(kind), demo[2]["scores"][kind]
    text, dates, maps = page.sections[kind], len(world.images), len(world.labels)
    became = maps - 1 if world.configuration.task == "semantic_change" else 0
    assert page.pictures(kind) == min(dates, 4) + 3 * (maps + became)
    for day in (world.days[0], world.days[-1]):
        assert str(np.datetime64(int(day), "D")) in text
    assert (f"4 of {dates} dates" in text) == (dates > 4)
    for name, category in scores["categories"].items():
        assert name in text and (category["iou"] is None or f"{category['iou']:z.3f}" in text)
    for name, bounds in scores["intervals"].items():
        if name != "categories":
            assert number(scores[name]) in text and interval(bounds) in text


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("sentinel2-series", ["Sentinel-2 MSI level 2A", "infrared, red, green"]),
        ("landsat-mixed-series", ["Landsat 5 TM", "Landsat 7 ETM+"]),
        ("aerial-change", ["red, green, blue", "missed", "false alarm"]),
        ("sentinel1-flood", ["Sentinel-1", "VV, VH"]),
    ],
)
def test_captions_tell_the_sensor_and_how_it_is_shown(page, kind, words):
    assert all(word in page.sections[kind] for word in words)


@pytest.mark.parametrize("kind", ["sentinel2-series", "sentinel1-flood"])
def test_the_command_on_the_page_makes_the_map_beside_it(page, demo, model, kind, monkeypatch):
    folder, _, _ = demo
    command = shlex.split(re.search(r"stsun predict .*", page.sections[kind])[0])
    before = (folder / kind / "map.tif").read_bytes()
    (folder / kind / "map.tif").unlink()
    monkeypatch.chdir(folder)
    monkeypatch.setattr("stsun.model.checkpoint.load", lambda path: model)
    CliRunner().invoke(app, command[1:], catch_exceptions=False)
    assert (folder / kind / "map.tif").read_bytes() == before


def test_hostile_names_of_categories_are_shown_as_text(tmp_path, monkeypatch):
    hostile = ("<script>alert(1)</script>", "a\"b'c & <b>")

    def renamed(kind, seed, size):
        world = simulate(kind, seed, size)
        labels = np.where(world.labels == IGNORE, IGNORE, world.labels % 2)
        return replace(world, labels=labels, configuration=replace(world.configuration, categories=hostile))

    monkeypatch.setattr("stsun.demo.job.simulate", renamed)
    model = create("nano", hostile, seed=0).eval()
    kinds = ("sentinel2-series", "sentinel2-semantic-change")
    run(tmp_path, model=model, echo=lambda line: None, samples=1, size=SIZE, kinds=kinds)
    page = Page((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert not page.all("script") and not page.all("b")
    assert all(name in page.sections[kind] for kind in kinds for name in hostile)


def test_the_page_stays_small_even_with_the_largest_pictures_of_mere_noise():
    rng, sections = np.random.default_rng(0), []
    for kind in KINDS:
        world = simulate(kind, HELD_OUT, SIZE)
        configuration, square = world.configuration, (MOST_PIXELS, MOST_PIXELS)
        images = [rng.random((len(image), *square), np.float32) for image in world.images]
        labels, maps = rng.integers(0, world.classes, (2, len(world.labels), *square))
        noise = replace(world, images=images, valid=np.ones((len(images), *square), bool), labels=labels)
        counts = [tally(configuration.task, world.classes, labels, maps)] * 2
        scores = summarise(configuration.task, scored_names(configuration), counts)
        sections.append(section_of(kind, [noise], noise, maps, scores, [Path("image.tif")]))
    assert len(render(sections, "noise").encode()) <= MOST_BYTES


def test_the_scene_with_the_most_varied_truth_is_shown():
    world = simulate("aerial-change", HELD_OUT, SIZE)
    nothing, little, much, unknown = (np.zeros_like(world.labels) for _ in range(4))
    little[:, 0], much[:, ::2], unknown[:] = 1, 1, IGNORE
    worlds = [replace(world, labels=labels) for labels in (nothing, unknown, little, much, None)]
    assert most_varied(worlds) == 3 and most_varied(worlds[:3]) == 2 and most_varied(worlds[:2]) == 0


def test_of_a_long_series_four_dates_are_shown_first_and_last_among_them():
    world = simulate("sentinel2-series", HELD_OUT, SIZE)
    dates = 9
    long = replace(
        world, images=world.images[:1] * dates, valid=world.valid[[0] * dates], days=100 * np.arange(dates, dtype=float)
    )
    counts = tally("segmentation", world.classes, world.labels, world.labels)
    scores = summarise("segmentation", scored_names(world.configuration), [counts])
    section = section_of("sentinel2-series", [world, long], long, world.labels, scores, [Path("image.tif")])
    assert section.facts["dates"] == f"{len(world.images)}-{dates}"
    titles = [figure.title for figure in section.inputs]
    assert len(titles) == 4 and titles == sorted(titles) and section.input_note == "4 of 9 dates are shown"
    assert (titles[0], titles[-1]) == ("1970-01-01", "1972-03-11")  # day 800 = 365 + 365 + 31 + 29 + 10


def test_larger_scenes_are_thinned_to_the_largest_picture():
    for size in (1, MOST_PIXELS, MOST_PIXELS + 1, 4096):
        thin = thinned(np.arange(size)[None, :].repeat(2, 0))
        assert thin[0, 0] == 0 and thin.shape[-1] <= MOST_PIXELS and (size > MOST_PIXELS or thin.shape[-1] == size)


def test_colours_show_the_bands_they_are_named_after():
    blue, green, red, infrared = (Band(str(nm), nm, 30) for nm in (490, 560, 665, 842))
    swir, thermal, dem = Band("swir", 1610, 90), Band("thermal", 10_900, 600), Band("dem")

    def shown(*bands):
        composite = composite_of(bands)
        return composite.title, composite.weights.tolist()

    assert shown(green, red, infrared) == ("infrared, red, green", [[0, 0, 1], [0, 1, 0], [1, 0, 0]])
    assert shown(dem, blue, green, red) == ("red, green, blue", [[0, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0]])
    assert shown(Band("vv"), Band("vh")) == ("VV, VH, VV − VH", [[1, 0], [0, 1], [1, -1]])
    assert shown(swir, thermal) == ("10900 nm, 1610 nm, 1610 nm", [[0, 1], [1, 0], [1, 0]])
    assert shown(dem) == ("dem in grey", [[1], [1], [1]])


def test_hidden_pixels_are_hatched_and_never_read():
    composite = composite_of([Band("red", 665), Band("green", 560), Band("blue", 490)])
    image = np.linspace(0, 1, 3 * 64, dtype=np.float32).reshape(3, 8, 8)
    valid = np.ones((1, 8, 8), bool)
    valid[0, :, :3] = False
    pictures = [photographs([np.where(valid, image, value)], valid, [composite])[0] for value in (0.5, np.nan, np.inf)]
    assert all((picture == pictures[0]).all() for picture in pictures)
    assert {tuple(color) for color in pictures[0][:, :3].reshape(-1, 3).tolist()} == set(HATCH)
    assert photographs([image], np.zeros_like(valid), [composite])[0].shape == (8, 8, 3)


def test_dates_of_a_scene_have_the_same_contrast():
    composite = composite_of([Band("dem")])
    ramp = np.linspace(0, 1, 100, dtype=np.float32).reshape(1, 10, 10)
    dark, bright = photographs([ramp, ramp + 0.5], np.ones((2, 10, 10), bool), [composite] * 2)
    assert (dark.mean((0, 1)) < bright.mean((0, 1)) - 50).all() and 250 <= bright.max() and dark.min() <= 5
    snow = photographs([ramp, ramp, ramp + 100], np.ones((3, 10, 10), bool), [composite] * 3)
    assert np.ptp(snow[0]) == 255 and (snow[2] == 255).all()


def test_comparisons_of_maps():
    truth, prediction = pixels([[0, 0, 1, 1, IGNORE, 1]]), pixels([[0, 1, 0, 1, 1, IGNORE]])
    assert agreement(truth, prediction).tolist() == [[0, 1, 1, 0, IGNORE, IGNORE]]
    assert findings(truth, prediction).tolist() == [[0, 3, 2, 1, IGNORE, IGNORE]]
    assert changes(truth, prediction).tolist() == [[0, 2, 1, 0, IGNORE, IGNORE]]
    picture = painted(pixels([[0, 1, IGNORE]]), ["#010203", "#fefdfc"])
    assert picture[0, :2].tolist() == [[1, 2, 3], [254, 253, 252]] and tuple(picture[0, 2].tolist()) in HATCH


def test_a_seed_gives_the_same_scores_again(demo, model, tmp_path):
    _, _, result = demo
    again = run(tmp_path, seed=SEED, model=model, echo=lambda line: None, samples=SAMPLES, size=SIZE, kinds=SHOWN[-1:])
    assert again["scores"][SHOWN[-1]] == result["scores"][SHOWN[-1]]


def test_an_unknown_kind_is_refused(model, tmp_path):
    with pytest.raises(ConfigurationError, match="expected one of"):
        run(tmp_path, model=model, echo=lambda line: None, kinds=["radio"])


@pytest.mark.parametrize("held", ["letter.txt", "index.html", "scores.json", "photos/one.tif"])
def test_a_folder_of_other_things_is_refused_and_left_alone(model, tmp_path, held):
    (tmp_path / held).parent.mkdir(exist_ok=True)
    (tmp_path / held).write_text("precious")
    with pytest.raises(RasterError, match=rf"holds {Path(held).parts[0]} .*--output"):
        run(tmp_path, model=model, echo=lambda line: None)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / held]


def test_a_demo_is_made_again_in_the_folder_of_one_that_is_finished_or_was_stopped(model, tmp_path):
    options = {"model": model, "echo": lambda line: None, "samples": 1, "size": SIZE, "kinds": SHOWN[-1:]}
    first = run(tmp_path, **options)
    (tmp_path / "notes.txt").write_text("mine")
    assert run(tmp_path, **options)["files"] == first["files"]
    for name in ("notes.txt", "index.html", "scores.json"):
        (tmp_path / name).unlink()
    assert run(tmp_path, **options)["files"] == first["files"]


def test_an_output_that_is_a_file_is_refused_before_any_work(model, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(RasterError, match="--output"):
        run(tmp_path / "taken", model=model, echo=lambda line: None)
