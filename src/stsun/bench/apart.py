"""Calls in processes of their own: what one allocates does not count for the next."""

import multiprocessing
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import ParamSpec, TypeVar

from stsun.errors import BenchmarkError

P = ParamSpec("P")
R = TypeVar("R")

PRELOADED = ["stsun.bench.measure"]
"""Imported once, and never run, by the process that all others are copies of."""


def apart(call: Callable[P, R], *arguments: P.args, **options: P.kwargs) -> R:
    """Return what a function of a module returns, called in a new process.

    Raises:
        BenchmarkError: The process came to an end before the call.
    """
    kinds = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in kinds else "spawn")
    context.set_forkserver_preload(PRELOADED)
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
        try:
            return pool.submit(call, *arguments, **options).result()
        except BrokenProcessPool as problem:
            said = ", ".join(map(str, arguments))
            raise BenchmarkError(
                f"the process that measured {said} ended early, as one does that gets no more memory; leave it out"
            ) from problem


def peak_mb() -> float:
    """Return the largest resident memory that this process ever had, in megabytes of 1024 x 1024 bytes.

    It holds all of Python and torch, some hundred megabytes. Where the system tells (Linux), it is this process's
    alone; elsewhere it may be that of the process that started it.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        lines = status.read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
    import resource  # not everywhere

    unit = 1024**2 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
