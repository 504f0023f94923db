"""Public data sets in miniature: the folders that are downloaded, with images of 16 x 20 pixels made on the spot.

Band c of date t holds 10 t + c + 11 (times ``unit``); labels repeat a short list of values, from the first pixel on.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import h5py
import numpy as np
import rasterio
import scipy.io

SIZE = (16, 20)
DRIVERS = {".png": "PNG", ".jpg": "JPEG"}
DEN = "dynnet_training_splits"
OSCD = "Onera Satellite Change Detection dataset -"
WHU = "1. The two-period image data"


@dataclass(frozen=True)
class Miniature:
    """How a folder is made, and what must be read from it.

    Args:
        build: Writes the folder.
        splits: How many samples each split has.
        bands: How many bands each date of the first sample has.
        scales: Stored value to physical value: of all, or of each date (of each band, where a date's differ).
        maps: Names at the first pixels of each map of the first sample; None = ignored.
        days: Days of the first sample, or None = unknown.
        given: Parameters of the adapter.
        dates: Which date of its sensor each date of the first sample is; None = all in order.
    """

    build: Callable
    splits: dict
    bands: list
    scales: float | list
    maps: list
    days: list = None
    given: dict = field(default_factory=dict)
    dates: list = None


def raster(path, array, **profile):
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.asarray(array)
    array = array[None] if array.ndim == 2 else array
    shape = {"count": len(array), "height": array.shape[1], "width": array.shape[2], "dtype": array.dtype.name}
    with rasterio.open(path, "w", driver=DRIVERS.get(path.suffix, "GTiff"), **shape, **profile) as target:
        target.write(array)


def values(date=0, bands=3, dtype="uint8", unit=1, size=SIZE):
    stored = np.arange(bands) + 10 * date + 11
    return np.broadcast_to((stored * unit).astype(dtype)[:, None, None], (bands, *size)).copy()


def image(path, date=0, bands=3, dtype="uint8", unit=1, size=SIZE, **profile):
    raster(path, values(date, bands, dtype, unit, size), **profile)


def pattern(*stored, dtype="uint8", size=SIZE):
    return np.resize(np.array(stored, dtype), size)


def label(path, *stored, dtype="uint8", size=SIZE):
    raster(path, pattern(*stored, dtype=dtype, size=size))


def colors(path, *stored):
    red_green_blue = [[int(color[at : at + 2], 16) for color in stored] for at in (1, 3, 5)]
    raster(path, np.stack([pattern(*band) for band in red_green_blue]))


def text(path, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{row}\n" for row in rows))


def array(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, content)


def pairs(splits, dates, name="{split}_1.png", stored=(0, 255), labels="label"):
    def build(root):
        for split in splits:
            file = name.format(split=split)
            for number, date in enumerate(dates):
                image(root / split / date / file, number)
            label(root / split / labels / file, *stored)

    return build


def whu_building(root):
    for split in ("train", "val", "test"):
        image(root / split / "image" / "2_1.tif")
        label(root / split / "label" / "2_1.tif", 0, 255)


def whu_cd(root):
    for split in ("train", "test"):
        for number, year in enumerate((2012, 2016)):
            image(root / WHU / f"{year}/whole_image/{split}/image/{year}_{split}.tif", number)
        label(root / WHU / f"change_label/{split}/change_label.tif", 0, 255)


def listed(root):
    for split in ("train", "val", "test"):
        text(root / "list" / f"{split}.txt", f"{split}_2_0000_0512.png")
        for number, date in enumerate("AB"):
            image(root / date / f"{split}_2_0000_0512.png", number)
        label(root / "label" / f"{split}_2_0000_0512.png", 0, 255)


def tscd(root):
    for split in ("train", "val", "test"):
        for number, period in enumerate(("2016_2018", "2018_2020", "2020_2022")):
            for later, date in enumerate("AB"):
                image(root / period / split / date / "7.png", number + later)
            label(root / period / split / ("OUT" if number else "label") / "7.png", *((3, 250) if number else (250, 3)))


def loveda(root):
    for split, part, number in (("Train", "Urban", 1), ("Train", "Rural", 2), ("Val", "Urban", 3), ("Val", "Rural", 4)):
        image(root / split / part / "images_png" / f"{number}.png")
        label(root / split / part / "masks_png" / f"{number}.png", 0, 1, 2, 7)


def second(root):
    for folder in ("SECOND_train_set", "test"):
        for number in (1, 2):
            image(root / folder / f"im{number}" / "00003.png", number - 1)
        colors(root / folder / "label1" / "00003.png", "#ffffff", "#0000ff", "#008000")
        colors(root / folder / "label2" / "00003.png", "#ffffff", "#808080", "#800000")


def dynamicearthnet(root):
    for place, split in enumerate(("train", "val", "test")):
        moved, real = f"/reprocess-cropped/UTM-24000/10N/{place}/PF-SR", root / f"planet/10N/{place}/PF-SR"
        rows = []
        for month in (2, 1):
            name = f"labels/{place}/Labels/Raster/2018-{month:02d}-01.tif"
            rows.append(f"{moved} /{name} 2018-{month:02d}")
            raster(root / name, np.stack([pattern(*(255 * (c == k) for c in (5, 6, month))) for k in range(7)]))
            for day in (1, 2, 5, 10, 15, 20, 25):
                image(real / f"2018-{month:02d}-{day:02d}.tif", month - 1, 4, "uint16", day)
        text(root / DEN / f"{split}.txt", *rows)


def pastis(root):
    features = []
    for number in range(1, 6):
        days = {"S2": {"0": 20180917, "1": 20181002}, "S1A": {"0": 20180920}, "S1D": {"0": 20180918, "1": 20181001}}
        facts = {"ID_PATCH": 10000 + number, "Fold": number}
        features.append({"properties": facts | {f"dates-{name}": when for name, when in days.items()}})
        array(root / f"DATA_S2/S2_{10000 + number}.npy", np.stack([values(t, 10, "int16") for t in range(2)]))
        for name, count in (("S1A", 1), ("S1D", 2)):
            series = np.stack([values(t, 3, "float16") for t in range(count)])
            array(root / f"DATA_{name}/{name}_{10000 + number}.npy", series)
        classes = np.stack([pattern(0, 3, 19), pattern(99), pattern(98)])
        array(root / f"ANNOTATIONS/TARGET_{10000 + number}.npy", classes)
    text(root / "metadata.geojson", json.dumps({"type": "FeatureCollection", "features": features}))


def oscd(root):
    names = [f"B{number:02d}" for number in range(1, 13)]
    names.insert(8, "B8A")
    for split, city in (("Train", "abudhabi"), ("Test", "brasilia")):
        text(root / f"{OSCD} Images" / city / "dates.txt", "date_1: 20161130", "date_2: 20170829")
        for date in (1, 2):
            for number, name in enumerate(names):
                stored = values(date - 1, 13, "uint16")[number]
                raster(root / f"{OSCD} Images" / city / f"imgs_{date}_rect" / f"{name}.tif", stored)
        mask = np.stack([pattern(0, 255)] * 3)
        raster(root / f"{OSCD} {split} Labels" / city / "cm" / "cm.png", mask)


def xbd(root):
    for place, split in enumerate(("train", "test", "hold")):
        for number, when in enumerate(("pre", "post")):
            name = f"guatemala-volcano_0000000{place}_{when}_disaster"
            image(root / split / "images" / f"{name}.png", number)
            label(root / split / "targets" / f"{name}_target.png", *((0, 1, 1) if when == "pre" else (0, 1, 3)))


def spacenet7(root):
    for place in ("L15-0331E", "L15-0357E"):
        for month in (1, 2):
            stem = f"global_monthly_2018_{month:02d}_mosaic_{place}"
            alpha = np.concatenate([values(month - 1), np.full((1, *SIZE), 255, np.uint8)])
            raster(root / f"train/{place}/images_masked/{stem}.tif", alpha, photometric="RGB", alpha="YES")
            square = [[1, 0], [2 + month, 0], [2 + month, 2], [1, 2], [1, 0]]
            house = {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [square]}}
            name = f"train/{place}/labels_match_pix/{stem}_Buildings.geojson"
            text(root / name, json.dumps({"type": "FeatureCollection", "features": [house]}))


def hi_ucd(root):
    for split in ("train", "val"):
        for number, year in enumerate((2018, 2019)):
            image(root / split / "image" / str(year) / "12.png", number)
        raster(root / split / "mask/2018_2019/12.png", np.stack([pattern(1, 3, 0), pattern(1, 8, 0), pattern(1, 2, 0)]))


def potsdam(root):
    for number in ("2_10", "2_13"):
        image(root / "4_Ortho_RGBIR" / f"top_potsdam_{number}_RGBIR.tif", bands=4)
        colors(root / "5_Labels_all" / f"top_potsdam_{number}_label.tif", "#ffffff", "#0000ff", "#fcff00", "#000000")


def vaihingen(root):
    folder = "ISPRS_semantic_labeling_Vaihingen_ground_truth_COMPLETE"
    for number in (1, 2):
        image(root / "top" / f"top_mosaic_09cm_area{number}.tif")
        colors(root / folder / f"top_mosaic_09cm_area{number}.tif", "#ffffff", "#00ffff", "#ff0000", "#00ff00")


def openearthmap(root):
    text(root / "train.txt", "tokyo_1.tif", "hurricane-matthew_2.tif")
    text(root / "val.txt", "tokyo_2.tif")
    for number in (1, 2):
        image(root / "tokyo/images" / f"tokyo_{number}.tif")
        label(root / "tokyo/labels" / f"tokyo_{number}.tif", 0, 1, 8)


def flair(root):
    for kind, domain in (("train", "D006_2020"), ("train", "D004_2021")):
        image(root / f"flair_aerial_{kind}/{domain}/Z1_NN/img/IMG_000001.tif", bands=5)
        label(root / f"flair_labels_{kind}/{domain}/Z1_NN/msk/MSK_000001.tif", 1, 12, 19)
    for challenge in (1, 2):
        image(root / f"flair_{challenge}_aerial_test/D012_2019/Z2_UN/img/IMG_000009.tif", bands=5)
        label(root / f"flair_{challenge}_labels_test/D012_2019/Z2_UN/msk/MSK_000009.tif", 1, 12, 19)


def sen1floods11(root):
    folder = root / "data/flood_events/HandLabeled"
    for name, chip in (("train", "Ghana_1"), ("valid", "Ghana_2"), ("test", "India_3"), ("bolivia", "Bolivia_4")):
        text(root / f"splits/flood_handlabeled/flood_{name}_data.csv", f"{chip}_S1Hand.tif,{chip}_LabelHand.tif")
        image(folder / f"S2Hand/{chip}_S2Hand.tif", 0, 13, "int16")
        image(folder / f"S1Hand/{chip}_S1Hand.tif", 0, 2, "float32")
        label(folder / f"LabelHand/{chip}_LabelHand.tif", -1, 0, 1, dtype="int16")


def multisenge(root):
    names = {
        "s1": "32ULU_20200105_S1_3_4.tif; 32ULU_20200301_S1_3_4.tif",
        "s2": "32ULU_20200212_S2_3_4.tif;32ULU_20201231_S2_3_4.tif",
    }
    text(root / "labels/32ULU_3_4.json", json.dumps({f"corresponding_{s}": listed for s, listed in names.items()}))
    image(root / "s1/32ULU_20200105_S1_3_4.tif", 0, 2, "float32")
    image(root / "s2/32ULU_20200212_S2_3_4.tif", 1, 10, "uint16")
    label(root / "ground_reference/32ULU_GR_3_4.tif", 0, 1, 14)


def hls_burn_scars(root):
    for folder, day in (("training", "2020248"), ("validation", "2019001")):
        stem = f"subsetted_512x512_HLS.S30.T10SDH.{day}.v1.4"
        image(root / folder / f"{stem}_merged.tif", 0, 6, "float32", 0.01)
        label(root / folder / f"{stem}.mask.tif", -1, 0, 1, dtype="int16")


def hls_crops(root):
    days = "2022-04-01T00:00:00,2022-06-20T00:00:00,2022-09-01T00:00:00"
    header = "chip_id,first_img_date,middle_img_date,last_img_date"
    text(root / "chips_df.csv", header, f"chip_001_002,{days}", f"chip_003_004,{days}")
    for name, chip in (("training", "chip_001_002"), ("validation", "chip_003_004")):
        text(root / f"{name}_data.txt", chip)
        stacked = np.concatenate([values(date, 6, "int16") for date in range(3)])
        raster(root / f"{name}_chips/{chip}_merged.tif", stacked)
        label(root / f"{name}_chips/{chip}.mask.tif", 0, 1, 13)


def scene(name, truth, bands, dtype="uint16", unit=1, classes=(0, 1, 9)):
    def build(root):
        cube = np.moveaxis(values(0, bands, dtype, unit), 0, -1)
        scipy.io.savemat(root / f"{name}.mat", {name: cube}, do_compression=True)
        scipy.io.savemat(root / f"{truth}.mat", {truth: pattern(*classes)})

    return build


def houston2018(root):
    contents = {"Houston18": ("ori_data", np.moveaxis(values(0, 48, "uint16"), 0, -1))}
    contents["Houston18_7gt"] = ("map", pattern(0, 1, 7))
    for file, (variable, content) in contents.items():
        path = root / f"{file}.mat"
        with h5py.File(path, "w", userblock_size=512) as target:  # as MATLAB does: a text, then HDF5, axes in reverse
            target[variable] = content.T
        with path.open("r+b") as target:
            target.write(b"MATLAB 7.3 MAT-file, written by a test".ljust(512))


RGB, BYTE, TEN = [3], 1 / 255, 1e-4
THREE = {"train": 1, "val": 1, "test": 1}
TWO = {"train": 1, "test": 1}
BUILT = [["unchanged", "building change"]]
CHANGED = [["unchanged", "changed"]]
CD = ("train", "val", "test")
WATER = [[None, "background", "water"]]

MINIATURES = {
    "whu-building": Miniature(whu_building, THREE, RGB, BYTE, [["background", "building"]]),
    "whu-cd": Miniature(whu_cd, {"train": 4, "test": 4}, RGB * 2, BYTE, BUILT, given={"tile": 12}),
    "levir-cd": Miniature(pairs(CD, "AB", stored=(0, 254)), THREE, RGB * 2, BYTE, BUILT),
    "levir-cd-plus": Miniature(pairs(("train", "test"), "AB", name="1.png"), TWO, RGB * 2, BYTE, BUILT),
    "levir-cd-256": Miniature(listed, THREE, RGB * 2, BYTE, BUILT),
    "whu-cd-256": Miniature(listed, THREE, RGB * 2, BYTE, BUILT),
    "tscd": Miniature(tscd, THREE, RGB * 4, BYTE, [["changed", "unchanged"], *CHANGED, *CHANGED]),
    "loveda": Miniature(loveda, {"train": 2, "val": 2}, RGB, BYTE, [[None, "background", "building", "agriculture"]]),
    "second": Miniature(
        second, TWO, RGB * 2, BYTE,
        [["unchanged", "water", "low vegetation"], ["unchanged", "bare ground", "building"]],
    ),
    "dynamicearthnet": Miniature(
        dynamicearthnet, THREE, [4, 4], TEN, [["water", None, "agriculture"], ["water", None, "forest and other vegetation"]],
        days=["2018-01-01", "2018-02-01"],
    ),
    "dynamicearthnet-daily": Miniature(
        dynamicearthnet, {"train": 2, "val": 2, "test": 2}, [4] * 6,
        [day * TEN for day in (1, 5, 10, 15, 20, 25)],
        [["water", None, "forest and other vegetation"]],
        days=[f"2018-02-{day:02d}" for day in (1, 5, 10, 15, 20, 25)], dates=[1] * 6,
    ),
    "pastis": Miniature(
        pastis, {"train": 3, "val": 1, "test": 1}, [10, 10], TEN, [["background", "maize", None]],
        days=["2018-09-17", "2018-10-02"],
    ),
    "pastis-r": Miniature(
        pastis, {"train": 3, "val": 1, "test": 1}, [10, 3, 3, 3, 10], [TEN, 1, 1, 1, TEN],
        [["background", "maize", None]], dates=[0, 0, 0, 1, 1],
        days=["2018-09-17", "2018-09-18", "2018-09-20", "2018-10-01", "2018-10-02"],
    ),
    "oscd": Miniature(oscd, TWO, [13, 13], TEN, CHANGED, days=["2016-11-30", "2017-08-29"]),
    "s2looking": Miniature(pairs(CD, ("Image1", "Image2")), THREE, RGB * 2, BYTE, BUILT),
    "sysu-cd": Miniature(pairs(CD, ("time1", "time2"), name="00000.png"), THREE, RGB * 2, BYTE, CHANGED),
    "clcd": Miniature(pairs(CD, ("image1", "image2"), name="00001.png"), THREE, RGB * 2, BYTE, CHANGED),
    "xbd": Miniature(
        xbd, TWO | {"hold": 1}, RGB * 2, BYTE,
        [["background", "building", "building"], ["background", "building", "building major damage"]],
    ),
    "spacenet7": Miniature(
        spacenet7, {"train": 2}, RGB * 2, BYTE,
        [["background", "building", "building", "background"], ["background", "building", "building", "building"]],
        days=["2018-01-01", "2018-02-01"],
    ),
    "hi-ucd": Miniature(
        hi_ucd, {"train": 1, "val": 1}, RGB * 2, BYTE, [["water", "building", None], ["water", "bare soil", None]]
    ),
    "potsdam": Miniature(
        potsdam, {"train": 4, "test": 4}, [4], BYTE, [["pavement", "building", "vehicle", None]], given={"tile": 12}
    ),
    "vaihingen": Miniature(vaihingen, TWO, RGB, BYTE, [["pavement", "low vegetation", "background", "tree"]]),
    "openearthmap": Miniature(openearthmap, {"train": 1, "val": 1}, RGB, BYTE, [[None, "bare soil", "building"]]),
    "flair": Miniature(flair, THREE, [5], [[BYTE] * 4 + [0.2]], [["building", "plowed land", None]]),
    "sen1floods11": Miniature(sen1floods11, {**THREE, "bolivia": 1}, [15], [[TEN] * 13 + [11 / 24, 12 / 25]], WATER),  # radar: a file of its own
    "sen1floods11-s1": Miniature(sen1floods11, {**THREE, "bolivia": 1}, [2], 1.0, WATER),
    "sen1floods11-s2": Miniature(sen1floods11, {**THREE, "bolivia": 1}, [13], TEN, WATER),
    "multisenge": Miniature(
        multisenge, {"all": 1}, [2, 10], [1.0, TEN], [[None, "dense built-up", "water"]], days=["2020-01-05", "2020-02-12"]
    ),
    "hls-burn-scars": Miniature(
        hls_burn_scars, {"train": 1, "val": 1}, [6], 0.01, [[None, "background", "burned area"]], days=["2020-09-04"]
    ),
    "hls-crops": Miniature(
        hls_crops, {"train": 1, "val": 1}, [6, 6, 6], TEN, [[None, "natural vegetation", "other"]],
        days=["2022-04-01", "2022-06-20", "2022-09-01"],
    ),
    "pavia-university": Miniature(
        scene("PaviaU", "PaviaU_gt", 103), {"all": 1}, [103], TEN, [[None, "asphalt", "shadow"]]
    ),
    "indian-pines": Miniature(
        scene("Indian_pines_corrected", "Indian_pines_gt", 200, classes=(0, 1, 16)), {"all": 1}, [200], TEN,
        [[None, "alfalfa", "stone towers"]],
    ),
    "houston2018": Miniature(houston2018, {"all": 1}, [48], TEN, [[None, "healthy grass", "road"]]),
    "whu-hi-longkou": Miniature(
        scene("WHU_Hi_LongKou", "WHU_Hi_LongKou_gt", 270, "float32", 1e-3), {"all": 1}, [270], 1e-3,
        [[None, "maize", "mixed weed"]],
    ),
    "whu-hi-hanchuan": Miniature(
        scene("WHU_Hi_HanChuan", "WHU_Hi_HanChuan_gt", 274, "float32", 1e-3, (0, 1, 16)), {"all": 1}, [274], 1e-3,
        [[None, "strawberry", "water"]],
    ),
    "whu-hi-honghu": Miniature(
        scene("WHU_Hi_HongHu", "WHU_Hi_HongHu_gt", 270, "float32", 1e-3, (0, 1, 22)), {"all": 1}, [270], 1e-3,
        [[None, "red roof", "tree"]],
    ),
}  # fmt: skip
