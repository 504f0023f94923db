"""Small data sets that are right; tests change one thing and look at what is said."""

import pytest
from small_sets import World


@pytest.fixture
def world(tmp_path):
    """A segmentation data set of one date with the samples a, b (train) and c (test)."""
    made = World(tmp_path / "set")
    for first, sample in enumerate("abc"):
        made.image(f"images/{sample}.tif", first=first)
        made.label(f"labels/{sample}.tif")
    made.text("train.txt", "a", "# a comment", "", "b  # the second")
    made.text("test.txt", "c")
    made.yaml()
    return made


@pytest.fixture
def pair(world):
    """The same folder as pairs for change detection: {id}_1.tif and {id}_2.tif, one label."""
    for sample in "abc":
        world.image(f"images/{sample}_1.tif")
        world.image(f"images/{sample}_2.tif", first=1000)
    world.keys = {
        "task": "binary_change",
        "images": ["images/{id}_1.tif", "images/{id}_2.tif"],
        "classes": {0: "unchanged", 1: "flooded"},
    }
    world.yaml(**world.keys)
    return world
