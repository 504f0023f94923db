"""What the command line writes: JSON, indented lines, files, and a progress bar."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stsun.errors import StsunError


def to_json(value: Any) -> str:
    """Return JSON for machines; NaN is refused rather than written."""
    return json.dumps(value, indent=2, default=str, allow_nan=False)


def check_target(path: Path | None) -> None:
    """Refuse a file that cannot be written before the work whose result it shall hold."""
    if path is not None and (path.is_dir() or not path.parent.is_dir()):
        raise StsunError(f"{path} cannot be written: it is a folder, or its folder is missing; choose another name")


def check_new(folder: Path) -> None:
    """Refuse a folder that holds something before the work whose result it shall hold."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StsunError(f"{folder} is there already and not an empty folder; choose another --output")


def write_text(path: Path, text: str) -> None:
    """Write a text file, or say why it cannot be."""
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise StsunError(f"{path} cannot be written: {error.strerror}; choose another name or folder") from error


def lines_of(value: Any, indent: str = "") -> Iterator[str]:
    """Yield a nested dict as indented lines; lists of plain values stay on one line, other entries have one each."""
    for key, item in value.items():
        if isinstance(item, dict):
            yield f"{indent}{key}:"
            yield from lines_of(item, indent + "  ")
        elif _is_table(item):
            yield f"{indent}{key}:"
            for part in item:
                plain = (f"{name}: {_word(one)}" for name, one in part.items() if not _is_table(one))
                yield f"{indent}  - " + ", ".join(plain)
                yield from lines_of({name: one for name, one in part.items() if _is_table(one)}, indent + "    ")
        else:
            yield f"{indent}{key}: {_word(item)}"


def _is_table(value: Any) -> bool:
    return isinstance(value, list | tuple) and any(isinstance(part, dict) for part in value)


def _word(value: Any) -> str:
    if isinstance(value, dict):
        return f"({', '.join(f'{name} {_word(one)}' for name, one in value.items())})"
    if isinstance(value, list | tuple):
        return ", ".join(map(_word, value)) or "none"
    if value is None:
        return "none given"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


@contextmanager
def progress_bar(unit: str) -> Iterator[Callable[[int, int], None] | None]:
    """Show a progress bar with rate and time left on a terminal's stderr; nothing where no one watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    rate = TextColumn("{task.fields[rate]}")
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(unit, total=None, rate="")

        def show(done: int, total: int) -> None:
            speed = bar.tasks[0].speed
            bar.update(task, completed=done, total=total, rate="" if speed is None else f"{speed:.2g} {unit}/s")

        yield show
