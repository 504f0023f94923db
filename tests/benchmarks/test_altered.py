"""Runs that stand for others are not taken for them."""

import subprocess
from types import SimpleNamespace

import pytest

import altered


@pytest.fixture
def trained(monkeypatch):
    """Trainings that only leave weights behind; the commands that were run."""
    commands = []

    def run(command, check):
        commands.append(command)
        folder = next(folder for folder in altered_folders if str(folder.with_suffix(".yaml")) in command)
        folder.mkdir(exist_ok=True)
        (folder / altered.WEIGHTS).touch()
        return SimpleNamespace(returncode=0)

    altered_folders: list = []
    monkeypatch.setattr(subprocess, "run", run)
    return altered_folders, commands


def test_a_finished_run_is_kept_for_its_own_plan_only(tmp_path, trained):
    folders, commands = trained
    folders.append(folder := tmp_path / "runs" / "one")
    altered.train_all({folder: {"steps": 2}}, 1)
    altered.train_all({folder: {"steps": 2}}, 1)
    assert len(commands) == 1
    with pytest.raises(SystemExit, match="one is of a run with other settings"):
        altered.train_all({folder: {"steps": 3}}, 1)
    assert len(commands) == 1


def test_a_run_that_was_stopped_goes_on(tmp_path, trained):
    folders, commands = trained
    folders.append(folder := tmp_path / "one")
    altered.train_all({folder: {"steps": 2}}, 1)
    (folder / altered.WEIGHTS).unlink()
    altered.train_all({folder: {"steps": 2}}, 1)
    assert "--resume" not in commands[0] and "--resume" in commands[1]
