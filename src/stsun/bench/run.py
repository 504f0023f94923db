"""A run of the suite: its cases measured one by one, and its file."""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import torch

from stsun import __version__
from stsun.bench.apart import apart
from stsun.bench.cases import Case
from stsun.bench.measure import Cost, measure
from stsun.errors import BenchmarkError
from stsun.yamlfile import read_text, validate

Progress = Callable[[int, int], None]
"""Told how many of how many cases are measured."""


@dataclass(frozen=True)
class Run:
    """Costs that were measured together; its fields are those of its file.

    Args:
        format: Of the file.
        version: Of this package.
        torch: Its version.
        threads: Of torch.
        repeats: Of each call.
        costs: Each case once.

    Raises:
        BenchmarkError: There is no case, or one twice.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    format: Literal["stsun bench 1"]
    version: str
    torch: str
    threads: int
    repeats: int
    costs: tuple[Cost, ...]

    def __post_init__(self) -> None:
        if not self.costs or len(self.of_cases) < len(self.costs):
            raise BenchmarkError(
                f"{len(self.costs)} costs of {len(self.of_cases)} cases; expected one of each case, of at least one"
            )

    @property
    def of_cases(self) -> dict[Case, Cost]:
        """The cost of each case."""
        return {cost.case: cost for cost in self.costs}


def run(
    cases: Sequence[Case], *, repeats: int, threads: int, training: bool = False, progress: Progress | None = None
) -> Run:
    """Measure cases, each in a process of its own.

    Args:
        cases: What to measure.
        repeats: How often each call is timed.
        threads: Of torch.
        training: Also time forward and backward.
        progress: Told after each case.

    Raises:
        BenchmarkError: An input is none, there is too little memory, or no case.
    """
    costs = []
    for number, case in enumerate(cases, start=1):
        costs.append(apart(measure, case, repeats=repeats, threads=threads, training=training))
        if progress is not None:
            progress(number, len(cases))
    return Run("stsun bench 1", __version__, torch.__version__, threads, repeats, tuple(costs))


def read_run(path: Path) -> Run:
    """Return a run from its file.

    Raises:
        BenchmarkError: It cannot be read, or is not the file of a run.
    """
    try:
        content = json.loads(read_text(path, BenchmarkError))
    except (ValueError, RecursionError) as problem:
        raise BenchmarkError(
            f"{path}: this is no valid JSON: {problem}; write it anew with stsun bench --json"
        ) from problem
    return validate(content, Run, BenchmarkError, f"{path} is no file of stsun bench --json")


def check_shared(cases: Collection[Case], old: Run | None) -> None:
    """Refuse to compare what has no case in common.

    Raises:
        BenchmarkError: It has none.
    """
    if old is not None and not set(cases) & set(old.of_cases):
        new, known = (", ".join(map(str, some)) for some in (cases, old.of_cases))
        raise BenchmarkError(f"the new figures are of {new}, the old ones of {known}; measure one of these")
