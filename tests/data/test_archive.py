"""Samples in .npz files: read, checked, never unpickled."""

import numpy as np
import pytest
from small_sets import only, position, refused

from stsun.errors import RasterError


def archive(world, **changes):
    arrays = {
        "images": np.stack([position(), position(first=1000)]).astype("int16"),
        "labels": (np.indices((4, 6)).sum(0) % 2)[None].astype("uint8"),
        "dates": np.array(["2019-01-01", "NaT"], "datetime64[D]"),
        "valid": np.ones((2, 4, 6), bool),
    } | changes
    path = world.root / "npz/a.npz"
    path.parent.mkdir(exist_ok=True)
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
    return world.yaml("labels", images="npz/{id}.npz", scale=0.5, nodata=1123, splits={"train": "one.txt"})


def test_archives_hold_images_labels_dates_and_masks(world):
    world.text("one.txt", "a")
    valid = np.ones((2, 4, 6), "uint8")
    valid[0, 3, 3] = 0
    sample = only(archive(world, valid=valid))
    assert sample.days[0] == 17_897 and np.isnan(sample.days[1])
    assert not sample.valid[0, 3, 3] and not sample.valid[1, 2, 3] and sample.valid.sum() == 46
    np.testing.assert_allclose(sample.images[0][:, sample.valid[0]], position()[:, sample.valid[0]] * 0.5)
    assert (sample.images[1][:, 2, 3] == 0).all()
    bare = only(archive(world, valid=None, dates=None))
    assert np.isnan(bare.days).all() and bare.valid.sum() == 47


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"labels": None}, "has no array 'labels', only images, dates, valid"),
        ({"images": np.zeros((2, 4, 6))}, r"images is float64 of shape \(2, 4, 6\), expected real numbers"),
        ({"images": np.zeros((2, 3, 4, 6))}, "images has 3 bands, but .* lists 2"),
        ({"labels": np.zeros((1, 5, 6), int)}, r"labels has \(5, 6\) pixels, images \(4, 6\)"),
        ({"labels": np.zeros((1, 4, 6))}, "labels is float64"),
        ({"labels": np.zeros((2, 4, 6), int)}, "has 2 label maps for 2 dates, but segmentation has 1"),
        ({"labels": np.full((1, 4, 6), 9)}, r"undeclared label value 9 \(24 pixels\)"),
        ({"dates": np.array(["2019-01-01"], "datetime64[D]")}, "dates has the shape"),
        ({"dates": np.array([1, 2])}, "expected datetime64"),
        (
            {"dates": np.array(["12000-01-01", "NaT"], "datetime64[D]")},
            "in dates, the date '12000-01-01' is outside the years",
        ),
        ({"dates": np.array(["2019-01-01", "0001-01-01"])}, "in dates, the date '0001-01-01' is outside the years"),
        ({"valid": np.ones((1, 4, 6), bool)}, "valid has the shape"),
        ({"images": np.array([{"run": "me"}], object)}, "cannot be read: it holds Python objects"),
    ],
)
def test_wrong_archives_are_refused_and_never_unpickled(world, changes, message):
    world.text("one.txt", "a")
    refused(archive(world, **changes), rf"a\.npz.*{message}|{message}")


def test_arrays_follow_the_same_rule_of_scales_as_files(world):
    world.text("one.txt", "a")
    archive(world)
    path = world.yaml("labels", "scale", images="npz/{id}.npz", splits={"train": "one.txt"})
    refused(path, r"a\.npz: red 665 nm .*stored as int16, and nobody says", error=RasterError)
    archive(world, images=np.full((2, 2, 4, 6), 51, np.uint8))
    np.testing.assert_allclose(
        only(world.yaml("labels", "scale", images="npz/{id}.npz", splits={"train": "one.txt"})).images[0], 0.2
    )


def test_values_that_scaling_makes_too_large_are_not_valid(world):
    world.text("one.txt", "a")
    archive(world)
    sample = only(world.yaml("labels", images="npz/{id}.npz", scale=3e36, splits={"train": "one.txt"}))
    assert all(np.isfinite(image).all() for image in sample.images)
    assert not sample.valid[1].any() and sample.valid[0, 0, 0] and not sample.valid[0, 3, 5]


def test_damaged_archives_are_refused(world):
    world.text("one.txt", "a")
    path = archive(world)
    file = world.root / "npz/a.npz"
    whole = file.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"no zip at all"):
        file.write_bytes(content)
        refused(path, r"a\.npz: cannot be read")
    np.save(file.open("wb"), np.zeros(3))
    refused(path, "one bare array")
    file.unlink()
    refused(path, "there is no such file")


def test_the_one_pattern_of_an_archive_may_stand_in_a_list(world):
    world.text("one.txt", "a")
    archive(world)
    assert len(only(world.yaml("labels", images=["npz/{id}.npz"], splits={"train": "one.txt"})).images) == 2
