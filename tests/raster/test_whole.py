from pathlib import Path

import pytest
import rasterio.shutil
from rasterio._err import CPLE_BaseError
from rasterio.errors import RasterioIOError

from stsun.errors import RasterError
from stsun.files import BESIDE, PROBE, unfinished_path
from stsun.raster.whole import appearing, check_writable, explained, whole_file
from stsun.raster.writer import check_target


def test_a_file_takes_its_name_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "folder" / "map.tif"
    with whole_file(path) as unfinished:
        unfinished.write_text("all of it")
        assert (unfinished.name, unfinished.parent) == (".map.tif.unfinished.tif", path.parent)
        assert not path.exists()
    assert path.read_text() == "all of it"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_a_failure_leaves_what_was_there_and_nothing_else(tmp_path, error):
    path = tmp_path / "map.tif"
    path.write_text("before")
    with pytest.raises(error), whole_file(path) as unfinished:
        unfinished.write_text("half")
        unfinished.with_name(f"{unfinished.name}-journal").write_text("of a database")
        raise error
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_run_left_is_not_added_to(tmp_path):
    path = tmp_path / "table.gpkg"
    left = unfinished_path(path)
    left.write_text("left")
    left.with_name(f"{left.name}-journal").write_text("left")
    with whole_file(path) as unfinished:
        assert list(tmp_path.iterdir()) == []
        unfinished.write_text("new")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError("no space"), RasterioIOError("no space"), CPLE_BaseError(3, 4, "no space")])
def test_errors_of_the_system_and_of_gdal_are_told_of_the_file(tmp_path, error):
    with pytest.raises(RasterError, match=r"map\.tif cannot be written: .*no space.*; check the folder"):
        with whole_file(tmp_path / "map.tif"):
            raise error
    with pytest.raises(type(error)), appearing(tmp_path / "map.tif"):  # as it is: the block does more than write
        raise error
    assert list(tmp_path.iterdir()) == []


def impossible(tmp_path):
    (tmp_path / "file").write_text("in the way")
    return [tmp_path / "file" / "map.tif", tmp_path / f"{'n' * 250}.tif", tmp_path / "deep" / f"{'n' * 300}.tif"]


def test_paths_that_cannot_be_written_are_refused_and_leave_nothing(tmp_path):
    for path in impossible(tmp_path):
        with pytest.raises(RasterError, match="cannot be written"):
            check_writable(path)
        with pytest.raises(RasterError, match="cannot be written"), whole_file(path) as unfinished:
            unfinished.write_text("x")
    with pytest.raises(RasterError, match="cannot be written"):  # a name with room for all but what SQLite puts beside
        check_writable(tmp_path / f"{'n' * (255 - len('..gpkg.unfinished.gpkg') - 4)}.gpkg")
    with pytest.raises(RasterError, match="cannot be written"):
        check_target(tmp_path / f"{'n' * 300}.tif", overwrite=True)
    assert {path.name for path in tmp_path.iterdir()} <= {"file", "deep"}


def test_a_copy_to_where_nothing_can_be_is_told_of_the_file(tmp_path):
    source = tmp_path / "source.tif"
    shape = {"height": 600, "width": 600, "count": 1, "dtype": "uint8"}
    rasterio.open(source, "w", driver="GTiff", **shape).close()
    for path in impossible(tmp_path):
        with pytest.raises(RasterError, match="cannot be written"), explained(path):
            rasterio.shutil.copy(source, path, driver="COG")


def test_a_check_leaves_no_trace(tmp_path):
    check_writable(tmp_path / "new" / "folder" / "map.tif")
    assert list(tmp_path.iterdir()) == []
    left = unfinished_path(tmp_path / "map.tif")
    left.write_text("another run still writes here")
    check_writable(tmp_path / "map.tif")
    assert left.read_text() == "another run still writes here"


def test_a_check_that_is_interrupted_or_killed_leaves_nothing_for_good(tmp_path, monkeypatch):
    assert len(PROBE) == max(map(len, BESIDE)), "shorter than what writing needs, it would check too little"
    left = unfinished_path(tmp_path / "map.tif")
    left.with_name(left.name + PROBE).write_text("")  # a check was killed here
    check_writable(tmp_path / "map.tif")
    assert list(tmp_path.iterdir()) == []
    opened = Path.open

    def interrupted(path, *arguments):
        opened(path, *arguments).close()
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "open", interrupted)
    with pytest.raises(KeyboardInterrupt):
        check_writable(tmp_path / "map.tif")
    assert list(tmp_path.iterdir()) == []
