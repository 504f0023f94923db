"""What the command line writes: JSON, indented lines, and a progress bar."""

import json
import re
import sys
from collections.abc import Iterator
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


_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """Return a text that moves no cursor and hides nothing: names in files may hold what a terminal obeys."""
    return _UNSEEN.sub(lambda found: ascii(found[0])[1:-1], text)


def lines_of(value: Any) -> Iterator[str]:
    """Yield a nested dict as indented lines; lists of plain values stay on one line, other entries have one each."""
    return map(printable, _lines(value, ""))


def _lines(value: Any, indent: str) -> Iterator[str]:
    for key, item in value.items():
        if isinstance(item, dict):
            yield f"{indent}{key}:"
            yield from _lines(item, indent + "  ")
        elif _is_table(item):
            yield f"{indent}{key}:"
            for part in item:
                plain = (f"{name}: {_word(one)}" for name, one in part.items() if not _is_table(one))
                yield f"{indent}  - " + ", ".join(plain)
                yield from _lines({name: one for name, one in part.items() if _is_table(one)}, indent + "    ")
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


class ProgressBar:
    """Shows how far some work has come: call it with what is done and in all.

    Args:
        bar: The display, a ``rich.progress.Progress``.
        unit: What is counted.
    """

    def __init__(self, bar: Any, unit: str) -> None:
        self._bar, self._unit = bar, unit
        self._task = bar.add_task(unit, total=None, rate="")

    def __call__(self, done: int, total: int) -> None:
        """Show how far it has come."""
        speed = self._bar.tasks[0].speed
        rate = "" if speed is None else f"{speed:.2g} {self._unit}/s"
        self._bar.update(self._task, completed=done, total=total, rate=rate)

    def tell(self, words: str) -> None:
        """Say what is being done now."""
        self._bar.update(self._task, description=printable(words))


@contextmanager
def progress_bar(unit: str) -> Iterator[ProgressBar | None]:
    """Show a progress bar with rate and time left on a terminal's stderr; nothing where no one watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    rate = TextColumn("{task.fields[rate]}")
    words = TextColumn("{task.description}", markup=False)  # names of files may hold brackets
    columns = words, BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield ProgressBar(bar, unit)
