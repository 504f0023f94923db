"""What is fuzzed: a way to make inputs, and a check that refuses one with a `StsunError` or looks at what came of it.

A check that finds something else than it may come of an input raises AssertionError: a silent acceptance.
"""

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import seeds
import torch
import yaml
from hypothesis import strategies as st
from small_archives import S2, item_json, mtl_groups, mtl_text, mtl_xml, product_xml, reflectance

from strategies import DAYS, FILE_TEXTS, MUTATIONS, ODD, ODD_TEXTS, damaged, mutate, mutated
from stsun.archives.opening import open_archive
from stsun.archives.stac import open_stac
from stsun.bands import Band
from stsun.configuration import Configuration, read_categories
from stsun.data.archive import read_archive
from stsun.data.dataset import open_dataset
from stsun.data.sample import IGNORE
from stsun.errors import DataError
from stsun.export.request import read_configuration
from stsun.model.card import CARD
from stsun.model.checkpoint import WEIGHTS, load, save
from stsun.model.stsun import create
from stsun.raster.metadata import YEARS, band_of, day_of, moment_text, parse_day
from stsun.raster.reader import inspect, read
from stsun.training.experiment import read_experiment
from stsun.yamlfile import MAXIMUM_VALUES, dump, load_yaml

PIXELS = 1_000_000
"""Rasters that claim to be larger are read in part."""


@dataclass(frozen=True)
class Target:
    """One reader that gets odd input.

    Args:
        name: Its name in the table.
        share: How many of a thousand inputs it gets.
        inputs: Makes them.
        check: Gets an input and the folder; returns where it was accepted and is right.
        prepare: Puts into the folder what all inputs share.
    """

    name: str
    share: int
    inputs: st.SearchStrategy[Any]
    check: Callable[[Any, Path], None]
    prepare: Callable[[Path], object] = lambda folder: None


def _written(whole, tokens):
    """Plain data, damaged, as JSON (which is YAML too) or YAML; or its text, mutated."""
    texts = [json.dumps(whole, indent=1).encode(), yaml.safe_dump(whole, sort_keys=False).encode()]
    as_json = damaged(whole).map(lambda data: json.dumps(data, default=str, skipkeys=True).encode())
    return st.one_of(as_json, mutated(texts, tokens))


def _plain(data):
    """Every value inside plain data; refuses what is none."""
    waiting = [data]
    while waiting:
        value = waiting.pop()
        assert type(value) in (dict, list, str, int, float, bool, type(None)), type(value)
        yield value
        waiting += [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ()


def check_yaml(content, folder):
    path = folder / "file.yaml"
    path.write_bytes(content)
    data = load_yaml(path, DataError)
    assert len(list(islice(_plain(data), 2 * MAXIMUM_VALUES + 1))) <= 2 * MAXIMUM_VALUES
    if isinstance(data, dict):
        path.write_text(dump(data), encoding="utf-8")
        assert repr(load_yaml(path, DataError)) == repr(data)


def make_set(folder):
    from small_sets import World

    world = World(folder / "set")
    for first, sample in enumerate("ab"):
        world.image(f"images/{sample}.tif", first=first)
        world.label(f"labels/{sample}.tif")
    return world


def check_set(content, folder):
    description, ids = content
    (folder / "set" / "train.txt").write_bytes(ids)
    (folder / "set" / "dataset.yaml").write_bytes(description)
    _check_samples(open_dataset(folder / "set" / "dataset.yaml"))


def check_rows(lines, folder):
    (folder / "set" / "samples.jsonl").write_bytes(b"\n".join(lines))
    kept = {key: value for key, value in seeds.DATASET.items() if key not in ("images", "labels", "splits")}
    dataset = open_dataset(folder / "set" / "rows.yaml", {**kept, "samples": "samples.jsonl"})
    _check_samples(dataset)


def _check_samples(dataset):
    for split in dataset.splits:
        for record in dataset.records(split)[:2]:
            sample = dataset.read(record)
            assert all(np.isfinite(image).all() for image in sample.images)
            assert set(np.unique(sample.labels)) <= {*range(sample.classes), IGNORE}
            assert sample.configuration.gsd_m is None or sample.configuration.gsd_m > 0
            assert all(map(_is_text, (*dataset.categories, sample.id)))


def check_experiment(content, folder):
    description, overrides = content
    path = folder / "experiment.yaml"
    path.write_bytes(description)
    experiment = read_experiment(path, overrides)
    plan, optimiser = experiment.stream, experiment.optimiser
    numbers = [plan.power, plan.cache_gb, optimiser.learning_rate, *optimiser.betas, optimiser.clip, optimiser.ema]
    numbers += [entry.weight for entry in experiment.data]
    assert all(map(math.isfinite, numbers)) and int(plan.cache_gb * 1e9) >= 0
    torch.Generator().manual_seed(experiment.seed)
    assert _is_text(experiment.name)


def check_request(content, folder):
    path = folder / "request.yaml"
    path.write_bytes(content)
    configuration = read_configuration(str(path), lambda task: ["water"])
    assert len(configuration.bands_of_dates(configuration.dates)) == configuration.dates >= 1
    assert all(map(_is_text, configuration.categories))


def check_vocabulary(told, _folder):
    told = {**VOCABULARY, **{name: value for name, value in told.items() if name in VOCABULARY}}
    band, texts = told.pop("band"), told.pop("categories")
    bands = [Band(*band)] if isinstance(band, list) and 0 < len(band) <= 3 else band
    names, merged = read_categories(texts if isinstance(texts, list) else [texts])
    found = Configuration(**{"merged": merged, **told, "bands": bands, "categories": names})
    assert hash(found) == hash(found) and all(map(_is_text, found.categories))
    assert all(_is_text(band.name) for sensor in found.sensors for band in sensor)


VOCABULARY = {
    "band": ["red", 665, 70], "gsd_m": 10, "task": "segmentation", "per_date": True,
    "categories": ["water", "vegetation=forest+grass", "Wasser / Fluß"],
}  # fmt: skip


def small_model():
    return create(
        "nano", ["water", "forest"], widths=(8, 8, 16), attention_width=8, embedding=4, condition=8, virtual_bands=4
    )  # fmt: skip


def make_checkpoint(folder):
    home = save(small_model(), folder / "model", {"name": "small", "colors": {"water": "#0000ff"}})
    (folder / "card.json").write_bytes((home / CARD).read_bytes())
    (folder / "weights").write_bytes((home / WEIGHTS).read_bytes())


def check_card(content, folder):
    change, number = content
    card = (folder / "card.json").read_bytes()
    if change is None:
        card = mutate(card, number, seeds.JSON_TOKENS)
    else:
        card = json.dumps(change, default=str, skipkeys=True).encode()
    check_card_file(card, folder)


def check_card_file(content, folder):
    (folder / "model" / CARD).write_bytes(content)
    _check_model(folder)


def check_weights(number, folder):
    weights = (folder / "weights").read_bytes()
    size = int.from_bytes(weights[:8], "little")
    header = mutate(weights[8 : 8 + size], number, seeds.JSON_TOKENS)
    length = len(header) if number % 4 else size
    (folder / "model" / WEIGHTS).write_bytes(length.to_bytes(8, "little") + header + weights[8 + size :])
    _check_model(folder)


def _check_model(folder):
    model = load(folder / "model")
    assert all(_is_text(name) for name in (*model.categories, model.name))
    asked = Configuration([Band("red", 665), Band("vv")], 10.0, "segmentation", ["water", "forest"])
    with torch.inference_mode():
        found = model(torch.rand(1, 1, 2, 20, 24), torch.ones(1, 1, 20, 24, dtype=torch.bool), torch.zeros(1, 1), asked)
    assert found.shape == (1, 1, 2, 20, 24) and found.isfinite().all()


def make_tiff(folder):
    from small_archives import write_tiff

    write_tiff(folder / "a.tif")


STAC_ITEM = item_json(
    {
        "red": reflectance("a.tif"),
        "nir": {"href": "a.tif", "bands": [{"name": "B08", "eo:common_name": "nir"}], "raster:scale": 1e-4, "gsd": 10},
        "scl": {"href": "a.tif", "gsd": 20},
    },
    **S2,
)


def check_stac(content, folder):
    path = folder / "item.json"
    path.write_bytes(content)
    _check_acquisitions(open_stac(path))


def check_safe(content, folder):
    name, metadata, xml, files = content
    product = folder / name
    images = product / "GRANULE" / "L2A" / "IMG_DATA"
    _fresh(product, images, files)
    (product / metadata).write_bytes(xml)
    _check_acquisitions(open_archive(product))


def check_folder(content, folder):
    files, metadata, opened = content
    product = folder / "scene"
    _fresh(product, product, files)
    for name, text in metadata.items():
        (product / name).write_bytes(text)
    found = open_archive(product / opened)
    if found is not None:
        _check_acquisitions(found)


def _fresh(product, images, files):
    shutil.rmtree(product, ignore_errors=True)
    images.mkdir(parents=True)
    for name in files:
        path = images / name.removesuffix("#")
        if not path.exists():
            path.mkdir() if name.endswith("#") else path.touch()


def _check_acquisitions(acquisitions):
    assert acquisitions
    for taken in acquisitions:
        assert taken.bands and _is_day(taken.day) and _is_text(taken.name) and all(map(_is_text, taken.notes))
        for file in taken.bands:
            assert math.isfinite(file.scale) and file.scale != 0 and math.isfinite(file.offset)
            assert _is_text(file.band.name) and file.index >= 1


def check_tags(content, _folder):
    tags, imagery, description, day = content
    band = band_of(tags, imagery, description)
    assert band is None or _is_text(band.name)
    for found in (day_of(tags, imagery), parse_day(day)):
        assert found is None or _is_day(found)
        if found is not None:
            assert abs(parse_day(moment_text(found)) - found) <= 1 / 86_400


def make_rasters(folder):
    import h5py
    import rasterio.shutil
    import scipy.io

    numbers = np.arange(2 * 8 * 9).reshape(2, 8, 9)
    for name, driver, options in (
        ("tiff.tif", "GTiff", {"nodata": 3}),
        ("packed.tif", "GTiff", {"compress": "deflate", "tiled": True, "blockxsize": 16, "blockysize": 16}),
        ("picture.png", "PNG", {}),
        ("picture.jpg", "JPEG", {}),
    ):
        bands = numbers[:1] if driver != "GTiff" else numbers
        profile = {"count": len(bands), "height": 8, "width": 9, "dtype": "uint8", **options}
        with rasterio.open(folder / name, "w", driver=driver, **profile) as target:
            target.write(bands.astype("uint8"))
            target.update_tags(1, wavelength="665", wavelength_units="nm")
    rasterio.shutil.copy(folder / "tiff.tif", folder / "stack.vrt", driver="VRT")
    np.save(folder / "array.npy", numbers)
    scipy.io.savemat(folder / "array.mat", {"image": np.moveaxis(numbers, 0, -1)})
    with h5py.File(folder / "newer.mat", "w", userblock_size=512) as file:
        file["image"] = numbers
    newer = (folder / "newer.mat").read_bytes()
    (folder / "newer.mat").write_bytes(b"MATLAB 7.3 MAT-file".ljust(512) + newer[512:])
    for name, save_as in (("plain.npz", np.savez), ("packed.npz", np.savez_compressed)):
        save_as(
            folder / name, images=numbers[None] / 7, labels=numbers[:1] % 2, dates=np.array(["2019-09-18"], "M8[D]")
        )


RASTERS = ("tiff.tif", "packed.tif", "picture.png", "picture.jpg", "stack.vrt", "array.npy", "array.mat", "newer.mat")
ARCHIVES = ("plain.npz", "packed.npz")


def check_raster(content, folder):
    name, number = content
    path = folder / f"mutated-{name}"
    path.write_bytes(mutate((folder / name).read_bytes(), number, (*seeds.ARRAY_TOKENS, *seeds.XML_TOKENS)))
    info = inspect(path)
    assert info.count >= 1 and all(scale != 0 and math.isfinite(scale) for scale in info.scales)
    small = info.count * info.height * info.width <= PIXELS
    values, valid = read(path, window=None if small else (0, 0, 1, 1))
    size = (info.height, info.width) if small else (1, 1)
    assert values.shape == (info.count, *size) and valid.shape == size and np.isfinite(values).all()


def check_archive(content, folder):
    name, number = content
    path = folder / "mutated.npz"
    path.write_bytes(mutate((folder / name).read_bytes(), number, seeds.ARRAY_TOKENS))
    found = read_archive(path)
    assert (
        found.valid.shape == (len(found.images), *found.images.shape[2:]) == (len(found.days), *found.labels.shape[1:])
    )
    assert all(math.isnan(day) or _is_day(day) for day in found.days)


def _is_day(day):
    return math.isfinite(day) and YEARS[0] <= 1970 + day / 365.2425 <= YEARS[1] + 1


def _is_text(text):
    """Whether a text can be printed and written to a file."""
    try:
        return isinstance(text, str) and bool(text.encode("utf-8"))
    except UnicodeEncodeError:
        return False


_MTL = [mtl_text(mtl_groups()).encode(), mtl_text(mtl_groups(level="L1TP")).encode()]
_MTL_JSON = [json.dumps({"LANDSAT_METADATA_FILE": mtl_groups()}).encode()]
_MTL_NAME = "LC08_L2SP_037034_20201226_20210310_02_T1_MTL"
_IDS = st.just(b"a\nb  # the second\n") | mutated(
    [b"a\n\n# none\nb\n"], (b"../a", b"\x00", b"a" * 300, b"{id}", b"\xff", b"a\na")
)
_OVERRIDES = st.lists(
    st.tuples(
        st.sampled_from(["steps", "seed", "stream.crop", "stream.cache_gb", "data.0.weight", "data.9.weight", "model", "a.b.c"])
        | ODD_TEXTS,
        ODD.map(str) | st.sampled_from(["2020-99-99", "!!bool x", "1:1.5", "[", "{a: 1}", "&a [*a]", "!!int ''"]),
    ).map("=".join),
    max_size=2,
)  # fmt: skip


def _file_names(names):
    odd = mutated([name.encode() for name in names], (b"_", b".", b"0", b"#", b"T1")).map(
        lambda name: name.decode("utf-8", "replace")
    )
    odd = odd.map(lambda name: name.replace("/", "_").replace("\0", "_")[:80]).filter(lambda name: name.strip(".#"))
    return st.lists(st.sampled_from(names) | odd | st.sampled_from(names).map(lambda name: name + "#"), max_size=4)


def _tags(*names):
    texts = {name: st.sampled_from(seeds.TAGS[name]) | ODD_TEXTS | ODD.map(str) for name in names}
    return st.fixed_dictionaries({}, optional=texts)


_SAFE = st.tuples(
    st.sampled_from(["S2B_MSIL2A_20231217T135659.SAFE", "product"]),
    st.sampled_from(["MTD_MSIL2A.xml", "MTD_MSIL1C.xml", "other.xml"]),
    mutated([product_xml(level).encode() for level in ("2A", "1C")], seeds.XML_TOKENS),
    _file_names(seeds.S2_FILES).map(lambda names: [*names, seeds.S2_FILES[3]]),
)
_SCENES = st.tuples(
    st.one_of(_file_names(seeds.LANDSAT_FILES), _file_names(seeds.HLS_FILES)),
    st.fixed_dictionaries(
        {},
        optional={
            f"{_MTL_NAME}.txt": mutated(_MTL, seeds.MTL_TOKENS),
            f"{_MTL_NAME}.json": mutated(_MTL_JSON, seeds.JSON_TOKENS),
            f"{_MTL_NAME}.xml": mutated([mtl_xml(mtl_groups()).encode()], seeds.XML_TOKENS),
            "other_MTL.txt": st.just(b"x"),
        },
    ),
    st.sampled_from(["", "", f"{_MTL_NAME}.txt", "other_MTL.txt", f"{_MTL_NAME}.json"]),
)
_CARD = {
    "format": 1, "library": "stsun", "name": "small", "colors": {"water": "#0000ff"}, "temperatures": {"segmentation": 1.5},
    "architecture": json.loads(json.dumps(small_model().config.__dict__)),
}  # fmt: skip
TARGETS = {
    target.name: target
    for target in (
        Target("YAML reader", 190, mutated(seeds.YAML, seeds.YAML_TOKENS), check_yaml),
        Target("data set", 100, st.tuples(_written(seeds.DATASET, seeds.YAML_TOKENS), _IDS), check_set, make_set),
        Target(
            "rows of samples",
            70,
            st.lists(
                _written(seeds.ROW, seeds.JSON_TOKENS).map(lambda row: b" ".join(row.split(b"\n"))),
                min_size=1,
                max_size=3,
            ),
            check_rows,
            make_set,
        ),
        Target(
            "experiment", 70, st.tuples(_written(seeds.EXPERIMENT, seeds.YAML_TOKENS), _OVERRIDES), check_experiment
        ),
        Target("export request", 40, _written(seeds.REQUEST, seeds.YAML_TOKENS), check_request),
        Target("bands and configurations", 60, damaged(VOCABULARY), check_vocabulary),
        Target("checkpoint card", 40, st.tuples(st.none() | damaged(_CARD), MUTATIONS), check_card, make_checkpoint),
        Target("weights", 40, MUTATIONS, check_weights, make_checkpoint),
        Target("STAC item", 80, _written(STAC_ITEM, seeds.JSON_TOKENS), check_stac, make_tiff),
        Target("SAFE product", 60, _SAFE, check_safe),
        Target("Landsat and HLS scenes", 60, _SCENES, check_folder),
        Target(
            "sensor metadata",
            110,
            st.tuples(
                _tags(*(key for key in seeds.TAGS if "_UM" not in key)),
                _tags("CENTRAL_WAVELENGTH_UM", "FWHM_UM", "ACQUISITIONDATETIME"),
                st.none() | st.sampled_from(seeds.DESCRIPTIONS) | FILE_TEXTS,
                DAYS | ODD_TEXTS,
            ),
            check_tags,
        ),
        Target("rasters", 50, st.tuples(st.sampled_from(RASTERS), MUTATIONS), check_raster, make_rasters),
        Target("archives of arrays", 30, st.tuples(st.sampled_from(ARCHIVES), MUTATIONS), check_archive, make_rasters),
    )
}
"""By name, in the order of the table."""
