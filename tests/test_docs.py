"""The examples in docs/ are read by the readers that users' files go through, and no key is missing or too many."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
import rasterio
import yaml

from stsun.data.dataset import open_dataset
from stsun.data.description import AreaSplit, BandEntry, Description, Row, RowImage, SensorEntry
from stsun.data.validate import validate
from stsun.training.experiment import read_experiment
from stsun.training.plan import DataPlan, Experiment, ModelPlan
from stsun.training.schedule import OptimiserPlan
from stsun.training.stream import Augmentation, StreamPlan

DOCS = Path(__file__).resolve().parents[1] / "docs"
SIZE = (8, 9)
TAGS = [{"wavelength": "665", "wavelength_units": "nm"}, {"wavelength": "842", "wavelength_units": "nm"}]


def blocks(page, language="yaml"):
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)


def by_name(page):
    return {yaml.safe_load(block)["name"]: block for block in blocks(page)}


FILES = {
    "roofs": {"images/a.png": 3, "images/b.png": 3, "labels/a.png": [0, 1], "labels/b.png": [0, 1]},
    "building-change": {
        f"{split}/{name}/{sample}.png": content
        for split, sample in (("train", "a"), ("val", "b"))
        for name, content in (("A", 3), ("B", 3), ("clear", [0, 1]), ("label", [0, 255, 128]))
    },
    "clouds": {"series/a/20200101.tif": 2, "series/a/2020-02-01_101500.tif": 2}
    | {f"masks/a/{date}.tif": [0, 1, 2, 3] for date in ("20200101", "20200201")},
    "optical-and-radar": {
        f"{sample}_{name}.tif": content
        for sample in "ab"
        for name, content in (("optical", 2), ("radar", 1), ("label", [0, 1]))
    },
    "landsat-series": {"a/LT05_20100101.tif": 6, "a/LE07_20100117.tif": 2, "a/label.tif": [0, 1]},
    "one-scene": {"before.tif": 2, "after.tif": 2, "before_map.tif": [0, 1, 2], "after_map.tif": [0, 1, 2]}
    | {"split.tif": [1, 2]},
    "irregular": {"n_s2.tif": 12, "n_vv.tif": 1, "n_vh.tif": 1, "n_label.tif": [0, 1]}
    | {"s_s2.tif": 12, "s_label.tif": [0, 1], "s_clear.tif": [0, 1]},
    "parts": {"both.tif": 4, "maps.tif": [[0, 1], [1, 0]]},
    "crops": {"train/a.npz": 2, "val/b.npz": 2},
}
"""The files of each example: how many bands an image has, or the values that each band of a label has."""


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = SIZE
    if path.suffix == ".npz":
        images = np.full((3, content, height, width), 1000, np.int16)
        days = np.array(["2018-09-17", "2018-09-22", "2018-09-27"], "datetime64[D]")
        np.savez(path, images=images, labels=np.resize([0, 1, 2, 19], (1, height, width)), dates=days)
        return
    bands = [content] if isinstance(content, list) and isinstance(content[0], int) else content
    values = np.full((bands, *SIZE), 99) if isinstance(bands, int) else np.stack([np.resize(b, SIZE) for b in bands])
    driver, dtype = ("PNG", "uint8") if path.suffix == ".png" else ("GTiff", "int16")
    profile = {"driver": driver, "dtype": dtype, "count": len(values), "height": height, "width": width}
    with rasterio.open(path, "w", **profile) as target:
        target.write(values.astype(dtype))
        for band, tags in zip(range(1, len(values) + 1), TAGS, strict=False):
            if path.parts[-3] == "series":
                target.update_tags(band, **tags)


@pytest.mark.parametrize("name", FILES)
def test_a_data_set_like_the_example_can_be_used(tmp_path, name):
    for path, content in FILES[name].items():
        write(tmp_path / path, content)
    for split, sample in (("train", "a"), ("val", "b"), ("test", "b")):
        (tmp_path / f"{split}.txt").write_text(f"{sample}  # a comment\n")
    (tmp_path / "samples.jsonl").write_text(blocks("datasets.md", "json")[0])
    path = tmp_path / "dataset.yaml"
    path.write_text(by_name("datasets.md")[name], encoding="utf-8")
    assert [str(problem) for problem in validate(path)] == []
    dataset = open_dataset(path)
    for split in dataset.splits:
        for record in dataset.records(split):
            assert dataset.read(record).size == SIZE


def test_every_example_of_a_data_set_is_tried():
    assert list(by_name("datasets.md")) == list(FILES)


@pytest.mark.parametrize("name", by_name("training.md"))
def test_an_experiment_like_the_example_can_be_read(tmp_path, name):
    path = tmp_path / "experiment.yaml"
    path.write_text(by_name("training.md")[name], encoding="utf-8")
    assert read_experiment(path).name == name


@pytest.mark.parametrize("kind", [Description, BandEntry, SensorEntry, AreaSplit, Row, RowImage])
def test_every_key_of_a_data_set_is_explained(kind):
    text = (DOCS / "datasets.md").read_text(encoding="utf-8")
    for field in dataclasses.fields(kind):
        assert f"`{field.name}`" in text or f"{{{field.name}: " in text, field.name


@pytest.mark.parametrize("kind", [Experiment, ModelPlan, DataPlan, StreamPlan, OptimiserPlan, Augmentation])
def test_every_key_of_an_experiment_is_explained_with_its_default(kind):
    rows = {row.split("|")[1].strip(): row for row in (DOCS / "training.md").read_text().splitlines() if "|" in row}
    for field in dataclasses.fields(kind):
        prefix = {ModelPlan: "model.", StreamPlan: "stream.", OptimiserPlan: "optimiser."}.get(kind, "")
        prefix = {DataPlan: "data.N.", Augmentation: "stream.augment."}.get(kind, prefix)
        default = field.default
        if default is dataclasses.MISSING or default is None:
            assert f"`{prefix}{field.name}`" in rows, field.name
            continue
        shown = rows[f"`{prefix}{field.name}`"].split("|")[2].strip()
        assert yaml.safe_load(shown.strip("`")) in (default, list(default) if isinstance(default, tuple) else default)
