"""Trainings that must do without something: altered copies of data sets, and runs side by side."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from stsun.errors import DataError
from stsun.model.checkpoint import WEIGHTS
from stsun.yamlfile import load_mapping

Change = Callable[[dict[str, Any]], None]
"""Alters a description in place."""


def altered(path: Path, output: Path, name: str, change: Change) -> Path:
    """Write another description of a data set beside a copy of its files; return its path.

    Args:
        path: The data set's YAML file.
        output: Folder of copies; a data set's folder is copied into it once, under its own name.
        name: Of the new description.
        change: What becomes of it.
    """
    home = output / path.resolve().parent.name
    if not home.is_dir():
        shutil.copytree(path.parent, home)
    description = load_mapping(path, DataError)
    change(description)
    file = home / f"{path.stem}-{name}.yaml"
    file.write_text(yaml.safe_dump(description, sort_keys=False), encoding="utf-8")
    return file


def ignoring(categories: Sequence[str]) -> Change:
    """Return the change after which pixels of these categories count as not labelled."""

    def change(description: dict[str, Any]) -> None:
        classes = description["classes"]
        held = [value for value, name in classes.items() if name in categories]
        description["classes"] = {value: name for value, name in classes.items() if value not in held}
        description["ignore"] = [*description.get("ignore", []), *held]
        colors = description.get("colors", {})
        description["colors"] = {name: color for name, color in colors.items() if name not in categories}

    return change


def train_all(plans: Mapping[Path, Mapping[str, Any]], processes: int) -> None:
    """Run experiments, some at a time; those that are finished already are left as they are.

    Args:
        plans: The content of an experiment file by the folder of its run.
        processes: How many run at a time.

    Raises:
        SystemExit: A folder holds a run of another plan, or one of them failed; what it said is above.
    """
    files = {folder: _written(plan, folder) for folder, plan in plans.items()}

    def run(folder: Path) -> int:
        if (folder / WEIGHTS).is_file():
            return 0
        file = files[folder]
        resumed = ["--resume"] if folder.is_dir() else []
        return subprocess.run([sys.executable, "-m", "stsun", "train", str(file), *resumed], check=False).returncode

    with ThreadPoolExecutor(processes) as pool:
        codes = list(pool.map(run, plans))
    if any(codes):
        sys.exit(f"{sum(map(bool, codes))} of {len(codes)} trainings failed; what they said is above")


def _written(plan: Mapping[str, Any], folder: Path) -> Path:
    """Return the experiment file of a run, beside its folder; a run that is there already has to be of this plan.

    Raises:
        SystemExit: It is of another.
    """
    file = folder.with_suffix(".yaml")
    text = yaml.safe_dump({**plan, "name": folder.name, "output": str(folder.resolve())})
    if folder.is_dir() and not (file.is_file() and file.read_text(encoding="utf-8") == text):
        sys.exit(f"{folder} is of a run with other settings ({file.name}); give another --output, or remove it")
    folder.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file
