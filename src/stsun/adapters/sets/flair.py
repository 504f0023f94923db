"""FLAIR #1: French land cover at 0.2 m in red, green, blue, near infrared and height."""

from collections.abc import Iterator
from pathlib import Path

from stsun.adapters.adapter import Adapter, Missing, Row
from stsun.adapters.folders import bands, folders, named, numbered, row

VAL = "D004_2021 D014_2020 D029_2021 D031_2019 D058_2020 D066_2021 D067_2021 D077_2021".split()


def rows(root: Path, challenge: int = 1) -> Iterator[Row | Missing]:
    """Yield the patches; the test folders are those of the first or the second ``challenge``."""
    test = (f"flair_{challenge}_aerial_test", f"flair_{challenge}_labels_test")
    for images, labels in (("flair_aerial_train", "flair_labels_train"), test):
        if not (root / images).is_dir():
            yield Missing("test" if images == test[0] else "train", images)
        for domain in folders(root, images):
            split = "test" if images == test[0] else "val" if domain in VAL else "train"
            for zone in (f"{domain}/{name}" for name in folders(root, f"{images}/{domain}")):
                for stem, image in named(root, f"{images}/{zone}/img", "IMG_*.tif").items():
                    yield row(f"{zone}/{stem}", split, [image], [f"{labels}/{zone}/msk/MSK{stem[3:]}.tif"])


CLASSES = """building, pervious surface, pavement, bare soil, water, coniferous tree, deciduous tree, shrubland,
 vineyard, herbaceous vegetation, agriculture, plowed land"""
ADAPTER = Adapter(
    name="flair",
    title="FLAIR: French land cover at 0.2 m",
    licence="Etalab 2.0",
    citation="Garioud et al.: FLAIR #1: semantic segmentation and domain adaptation dataset, 2022",
    sources=("torchgeo/torchgeo: tests/data/flair2", "a public loader (the domains of val)", "IGNF/FLAIR: index.md"),
    layout=("flair_aerial_train/D*/Z*/img/IMG_*.tif", "flair_labels_train/D*/Z*/msk/MSK_*.tif", "flair_1_*_test/"),
    dates="1",
    splits=("train", "val", "test"),
    description={"task": "segmentation", "gsd_m": 0.2, "classes": numbered(CLASSES), "ignore": [*range(13, 20)]}
    | {"bands": [*bands("aerial-rgbn", "red green blue nir"), {"name": "ndsm_height", "scale": 0.2}], "scale": 1 / 255},
    rows=rows,
    tested="miniature, real pixels",
)
