import os
import threading
from pathlib import Path

import pytest

from stsun.errors import DataError
from stsun.files import UNFINISHED, appearing, check_new, filled, unfinished_path, write_text


def test_a_text_takes_its_name_when_it_is_whole_and_the_old_one_stays_until_then(tmp_path):
    path = tmp_path / "new" / "scores.json"
    write_text(path, "first: ä", DataError)
    with pytest.raises(ZeroDivisionError), appearing(path) as unfinished:
        unfinished.write_text("half")
        raise ZeroDivisionError
    assert path.read_text(encoding="utf-8") == "first: ä" and list(path.parent.iterdir()) == [path]
    unfinished_path(path).write_text("of a killed run")
    write_text(path, "second", DataError)
    assert path.read_text() == "second" and list(path.parent.iterdir()) == [path]


def test_a_text_that_cannot_be_written_is_an_error_of_the_kind_asked_for(tmp_path):
    (tmp_path / "file").write_text("in the way")
    for path in (tmp_path / "file" / "scores.json", tmp_path / ("n" * 300)):
        with pytest.raises(DataError, match=r"cannot be written: .*; check the folder"):
            write_text(path, "text", DataError)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_link_stays_a_link_and_a_pipe_a_pipe(tmp_path):
    (tmp_path / "disk").mkdir()
    link = tmp_path / "scores.json"
    link.symlink_to(tmp_path / "disk" / "scores.json")
    write_text(link, "text", DataError)
    assert link.is_symlink() and (tmp_path / "disk" / "scores.json").read_text() == "text"
    write_text(Path(os.devnull), "text", DataError)
    assert Path(os.devnull).is_char_device()
    pipe, heard = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: heard.append(pipe.read_text()))
    reader.start()
    write_text(pipe, "text", DataError)
    reader.join(10)
    assert heard == ["text"] and pipe.is_fifo()


def fill(folder, text, stop_at=""):
    with filled(folder, last="a.yaml") as unfinished:
        (unfinished / "images").mkdir()
        for name in ("a.yaml", "images/b", "z"):
            if name == stop_at:
                raise KeyboardInterrupt
            (unfinished / name).write_text(text)


def test_a_folder_is_filled_whole_or_left_as_it_was(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        fill(tmp_path / "deep" / "new", "half", stop_at="z")
    assert list(tmp_path.iterdir()) == []
    fill(tmp_path / "deep" / "new", "whole")
    with pytest.raises(KeyboardInterrupt):
        fill(tmp_path / "deep" / "new", "half", stop_at="z")
    made = {str(path.relative_to(tmp_path / "deep" / "new")) for path in tmp_path.rglob("*") if path.is_file()}
    assert made == {"a.yaml", "images/b", "z"}
    assert {(tmp_path / "deep" / "new" / name).read_text() for name in made} == {"whole"}


@pytest.mark.parametrize("moved", range(4))
def test_what_a_killed_run_was_filling_is_filled_anew(tmp_path, monkeypatch, moved):
    """Killed at any move: the last file is there only if all are, and the folder counts as new."""
    replace, left = Path.replace, [moved]

    def killed(path, target):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", killed)
    monkeypatch.setattr("stsun.files.shutil.rmtree", lambda *_, **__: None)  # nothing of a killed run tidies up
    if moved < 3:
        with pytest.raises(KeyboardInterrupt):
            fill(tmp_path / "new", "first")
        assert not (tmp_path / "new" / "a.yaml").exists()
    else:
        fill(tmp_path / "new", "first")
    monkeypatch.undo()
    check_new(tmp_path / "new", DataError)
    fill(tmp_path / "new", "second")
    assert {path.read_text() for path in (tmp_path / "new").rglob("*") if path.is_file()} == {"second"}
    assert not (tmp_path / "new" / UNFINISHED).exists()


def test_a_folder_that_holds_something_is_not_new(tmp_path):
    check_new(tmp_path, DataError)
    check_new(tmp_path / "missing", DataError)
    (tmp_path / "mine").write_text("")
    for folder in (tmp_path, tmp_path / "mine"):
        with pytest.raises(DataError, match="not an empty folder; choose another --output"):
            check_new(folder, DataError)
