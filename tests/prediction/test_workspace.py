"""A prediction that is stopped, killed or disturbed goes on to the same bytes, and never leaves half a file."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import torch

from stsun.errors import ConfigurationError, RasterError
from stsun.prediction.predict import predict
from stsun.prediction.workspace import folder_of

FIELD = np.random.default_rng(0).uniform(-0.4, 2.4, (150, 190)).astype(np.float32)
OPTIONS = {"task": "segmentation", "categories": ["a", "b", "c"], "tile": 16, "overlap": 5}


class Stopping(torch.nn.Module):
    """Nearest category of each pixel; raises at the n-th call."""

    def __init__(self, calls=None):
        super().__init__()
        self.left = calls

    def forward(self, images, valid, days, configuration):
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt
        first = images[0] if isinstance(images, list) else images[:, 0]
        return torch.stack([-((first[:, 0] - k) ** 2) for k in range(3)], dim=1)[:, None]


@pytest.fixture
def image(write_image):
    return write_image("a.tif", FIELD)


@pytest.fixture
def whole(image, tmp_path):
    """What an unbroken run writes."""
    predict(Stopping(), [image], output=tmp_path / "whole.tif", confidence=tmp_path / "whole_c.tif", **OPTIONS)
    return [(tmp_path / name).read_bytes() for name in ("whole.tif", "whole_c.tif")]


def go(calls, image, tmp_path, **options):
    files = {"output": tmp_path / "m.tif", "confidence": tmp_path / "c.tif"}
    return predict(Stopping(calls), [image], **files, **OPTIONS, **options)


def test_a_run_that_is_stopped_again_and_again_ends_in_the_same_bytes(image, whole, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        go(100, image, tmp_path)
    assert not (tmp_path / "m.tif").exists()
    for calls in (70, 66):
        with pytest.raises(KeyboardInterrupt):
            go(calls, image, tmp_path, resume=True)
    go(None, image, tmp_path, resume=True)
    assert [(tmp_path / name).read_bytes() for name in ("m.tif", "c.tif")] == whole
    assert not folder_of(tmp_path / "m.tif").exists()


def test_what_is_done_is_not_done_again(image, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        go(100, image, tmp_path)
    seen = []
    go(None, image, tmp_path, resume=True, progress=lambda *done: seen.append(done))
    assert seen[0][0] > 60 and seen[-1] == (14 * 17, 14 * 17)


def test_an_unfinished_prediction_is_neither_lost_nor_taken_for_another(image, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        go(100, image, tmp_path)
    with pytest.raises(ConfigurationError, match=r"unfinished prediction; go on with it \(--resume\) or start again"):
        go(None, image, tmp_path)
    with pytest.raises(ConfigurationError, match="started with another request;"):
        predict(
            Stopping(), [image], output=tmp_path / "m.tif", confidence=tmp_path / "c.tif",
            resume=True, **OPTIONS | {"categories": ["a", "b", "d"]},
        )  # fmt: skip
    os.utime(image, (0, 0))
    with pytest.raises(ConfigurationError, match="started with another files"):
        go(None, image, tmp_path, resume=True)
    go(None, image, tmp_path, overwrite=True)


@pytest.mark.parametrize("kept", [0, 3, 9])
def test_a_kill_while_all_is_thrown_away_leaves_nothing_to_go_on_with(image, whole, tmp_path, monkeypatch, kept):
    with pytest.raises(KeyboardInterrupt):
        go(100, image, tmp_path)
    removed, unlink = [], Path.unlink

    def killed(path, **options):
        if path.parent == folder_of(tmp_path / "m.tif"):
            removed.append(path)
            if len(removed) > kept + 1:
                raise KeyboardInterrupt
        unlink(path, **options)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Path, "unlink", killed)
        go(None, image, tmp_path, overwrite=True)
    go(None, image, tmp_path, resume=True)
    assert [(tmp_path / name).read_bytes() for name in ("m.tif", "c.tif")] == whole


def test_two_runs_do_not_make_one_file(image, tmp_path):
    class Second(Stopping):
        def forward(self, *arguments):
            with pytest.raises(ConfigurationError, match="made by another run at this moment"):
                predict(Stopping(), [image], output=tmp_path / "m.tif", resume=True, **OPTIONS)
            return super().forward(*arguments)

    predict(Second(), [image], output=tmp_path / "m.tif", **OPTIONS | {"tile": 256})


def test_a_part_that_a_power_cut_has_damaged_is_made_again(image, whole, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        go(130, image, tmp_path)
    parts = sorted(folder_of(tmp_path / "m.tif").glob("*.npz"))
    assert parts
    parts[-1].write_bytes(parts[-1].read_bytes()[:1000])
    go(None, image, tmp_path, resume=True)
    assert (tmp_path / "m.tif").read_bytes() == whole[0]


PROGRAM = """
import sys, time, numpy as np
sys.path.insert(0, sys.argv[1])
from test_workspace import OPTIONS, Stopping
from stsun.prediction.predict import predict
class Slow(Stopping):
    def forward(self, *arguments):
        time.sleep(0.01)
        return super().forward(*arguments)
Slow.__name__ = "Stopping"
folder = sys.argv[2]
files = {"output": folder + "/m.tif", "confidence": folder + "/c.tif"}
predict(Slow(), [folder + "/a.tif"], **files, **OPTIONS, resume=True)
"""


@pytest.mark.slow
def test_a_run_that_is_killed_at_random_moments_ends_in_the_same_bytes(image, whole, tmp_path):
    """The process is killed, not asked to stop: nothing of it can tidy up."""
    rng = np.random.default_rng(1)
    command = [sys.executable, "-c", PROGRAM, str(Path(__file__).parent), str(tmp_path)]
    folder = folder_of(tmp_path / "m.tif")
    killed = 0
    for _ in range(3):
        process = subprocess.Popen(command, stderr=subprocess.PIPE)
        while not folder.exists() and process.poll() is None:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 1.5))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stderr.close()
        killed += not (tmp_path / "m.tif").exists()
    assert killed
    if folder.exists():
        subprocess.run(command, check=True)
    assert [(tmp_path / name).read_bytes() for name in ("m.tif", "c.tif")] == whole


def test_a_disk_that_is_full_is_one_clear_error_and_what_is_done_is_kept(image, whole, tmp_path):
    """A limit on the size of files stands for a full disk: writing fails in the middle."""
    script = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000));" + PROGRAM
    )
    # -B: no half of a compiled module is left behind
    command = [sys.executable, "-B", "-c", script, str(Path(__file__).parent), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and "RasterError" in done.stderr.splitlines()[-1], done.stderr
    assert "cannot be written" in done.stderr and not (tmp_path / "m.tif").exists()
    go(None, image, tmp_path, resume=True)
    assert (tmp_path / "m.tif").read_bytes() == whole[0]


def test_blocks_that_cannot_be_read_are_reported_and_count_as_no_data_where_allowed(write_image, tmp_path):
    damaged = write_image("a.tif", FIELD, tiled=True, blockxsize=64, blockysize=64, compress="deflate")
    with rasterio.open(damaged) as raster:
        offset = int(raster.get_tag_item("BLOCK_OFFSET_1_1", "TIFF", bidx=1))
    content = bytearray(damaged.read_bytes())
    content[offset : offset + 200] = bytes(200)
    damaged.write_bytes(content)
    options = {"output": tmp_path / "m.tif", **OPTIONS}
    with pytest.raises(RasterError, match=r"a\.tif.*rows 64.*columns 64"):
        predict(Stopping(), [damaged], **options)
    assert not (tmp_path / "m.tif").exists()
    result = predict(Stopping(), [damaged], allow_missing=True, overwrite=True, **options)
    assert len(result.missing) == 1 and "rows 64-127, columns 64-127" in result.missing[0]
    expected = np.rint(FIELD)
    expected[64:128, 64:128] = 255
    with rasterio.open(tmp_path / "m.tif") as raster:
        np.testing.assert_array_equal(raster.read(1), expected)


def test_an_image_that_vanishes_on_the_way_is_one_clear_error(image, tmp_path):
    class Vanishing(Stopping):
        def forward(self, *arguments):
            image.unlink(missing_ok=True)
            return super().forward(*arguments)

    with pytest.raises(RasterError, match=r"a\.tif.*no such file"):
        predict(Vanishing(), [image], output=tmp_path / "m.tif", **OPTIONS)
    assert not (tmp_path / "m.tif").exists()


def test_another_name_for_a_further_file_does_not_lose_what_is_done(image, whole, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        go(100, image, tmp_path)
    files = {"output": tmp_path / "m.tif", "confidence": tmp_path / "elsewhere" / "d.tif"}
    predict(Stopping(), [image], **files, **OPTIONS, resume=True)
    assert [path.read_bytes() for path in files.values()] == whole


def test_going_on_replaces_no_file_that_the_prediction_has_not_made(image, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        go(100, image, tmp_path)
    mine = tmp_path / "c.tif"
    mine.write_bytes(b"mine")
    with pytest.raises(RasterError, match=r"c\.tif is already there"):
        go(None, image, tmp_path, resume=True)
    assert mine.read_bytes() == b"mine"


def test_a_file_that_appears_on_the_way_is_not_replaced(image, tmp_path):
    mine = tmp_path / "c.tif"

    class Slow(Stopping):
        def forward(self, *arguments):
            mine.write_bytes(b"mine")
            return super().forward(*arguments)

    files = {"output": tmp_path / "m.tif", "confidence": mine}
    with pytest.raises(RasterError, match=r"c\.tif has appeared .* --resume"):
        predict(Slow(), [image], **files, **OPTIONS)
    assert mine.read_bytes() == b"mine" and not (tmp_path / "m.tif").exists()


def test_a_run_that_dies_while_files_get_their_names_goes_on(image, whole, tmp_path, monkeypatch):
    replace = Path.replace

    def dying(path, target):
        if Path(target).name == "c.tif":
            raise KeyboardInterrupt
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", dying)
    with pytest.raises(KeyboardInterrupt):
        go(None, image, tmp_path)
    assert (tmp_path / "m.tif").exists() and not (tmp_path / "c.tif").exists()
    monkeypatch.undo()
    go(None, image, tmp_path, resume=True)
    assert [(tmp_path / name).read_bytes() for name in ("m.tif", "c.tif")] == whole
    rasters = ["c.tif", "m.tif", "whole.tif", "whole_c.tif"]
    styles = [name.replace("tif", "qml") for name in rasters]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["a.tif", *rasters, *styles])


def test_the_sources_of_a_virtual_raster_are_watched(image, tmp_path):
    virtual = tmp_path / "a.vrt"
    rasterio.shutil.copy(image, virtual, driver="VRT")
    with pytest.raises(KeyboardInterrupt):
        go(100, virtual, tmp_path)
    os.utime(image, (0, 0))
    with pytest.raises(ConfigurationError, match="started with another files"):
        go(None, virtual, tmp_path, resume=True)


def test_another_meaning_of_a_mask_is_another_prediction(image, write_image, tmp_path):
    mask = write_image("mask.tif", np.ones(FIELD.shape, np.uint8), tags=())
    with pytest.raises(KeyboardInterrupt):
        go(100, image, tmp_path, masks=[mask])
    with pytest.raises(ConfigurationError, match="started with another images"):
        go(None, image, tmp_path, masks=[f"clouds:{mask}"], resume=True)


def test_the_raster_that_gives_the_grid_is_not_overwritten(image, write_image, tmp_path):
    like = write_image("like.tif", FIELD)
    before = like.read_bytes()
    with pytest.raises(RasterError, match="overwrite an image"):
        predict(Stopping(), [image], like=like, output=like, overwrite=True, **OPTIONS)
    assert like.read_bytes() == before


@pytest.mark.parametrize("place", ["a.tif/m.tif", "x" * 250 + ".tif"])
def test_a_place_that_cannot_be_written_is_told_before_any_work(image, tmp_path, place):
    model = Stopping(0)  # would raise at the first tile
    for target in ("output", "probabilities"):
        files = {"output": tmp_path / "m.tif", target: tmp_path / place}
        with pytest.raises(RasterError, match="cannot be written"):
            predict(model, [image], **files, **OPTIONS)
    assert not folder_of(tmp_path / "m.tif").exists()
