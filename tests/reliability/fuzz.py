"""Fuzz every reader of foreign input, and count what became of each input.

Each reader runs in a process of its own, so that one that dies is counted too. An input is accepted and checked,
refused with a `StsunError`, or a failure: accepted though wrong, a crash (any other exception, or the process's death),
or a hang. Ends with 1 where there was a failure; the inputs of each kind of failure are written to the output folder.
"""

import argparse
import faulthandler
import json
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter, deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "archives"), str(TESTS / "data")]

from stsun.errors import StsunError  # noqa: E402

OUTCOMES = ("accepted", "refused", "wrong", "crash", "hang")
FAILURES = OUTCOMES[2:]
LIMIT_S = 5.0
"""Of processor time, which other programs do not add to."""
WAITS = 200
"""So many times as long by the clock is a hang, too: one that waits for something."""
DEAD_S = 1200.0
"""A process that is stuck in compiled code for so long by the clock is ended."""
MEMORY = 8 << 30


class HangError(BaseException):
    """An input took too long; no handler of ordinary errors may swallow it."""


@dataclass
class Tally:
    """What became of the inputs of one target.

    Args:
        counts: By outcome.
        failures: The first input of each kind of failure, by outcome, error and place.
        slowest_s: Seconds of processor time of the slowest input.
    """

    counts: Counter = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)
    slowest_s: float = 0.0


def run_target(target, inputs, number, folder, *, limit_s=LIMIT_S):
    """Return the tally of so many inputs; the same number gives the same ones."""
    tally = Tally()
    target.prepare(folder)

    @seed(number)
    @settings(
        max_examples=inputs, database=None, deadline=None, phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(target.inputs)
    def each(value):
        started = time.process_time()
        outcome, problem = outcome_of(target.check, value, folder, limit_s)
        took = time.process_time() - started
        outcome = "hang" if took > limit_s else outcome
        tally.slowest_s = max(tally.slowest_s, took)
        tally.counts[outcome] += 1
        if outcome in FAILURES:
            kind = f"{outcome}: {_described(problem)}"
            if kind not in tally.failures:
                told = "" if problem is None else "".join(traceback.format_exception(problem, limit=-8))
                tally.failures[kind] = f"{value!r:.20000}\n\n{told:.8000}"

    each()
    return tally


def outcome_of(check, value, folder, limit_s):
    """Return what became of one input, and the error if there was one."""
    try:
        with _limited(limit_s):
            check(value, folder)
    except StsunError as problem:
        return ("refused", None) if str(problem) else ("wrong", problem)
    except AssertionError as problem:
        return "wrong", problem
    except HangError as problem:
        return "hang", problem
    except KeyboardInterrupt:
        raise
    except BaseException as problem:  # a panic of compiled code is no Exception
        return "crash", problem
    return "accepted", None


@contextmanager
def _limited(seconds):
    def stop(_signal, _frame):
        raise HangError

    timers = ((signal.SIGPROF, signal.ITIMER_PROF, seconds), (signal.SIGALRM, signal.ITIMER_REAL, WAITS * seconds))
    before = [signal.signal(number, stop) for number, _, _ in timers]
    for _, timer, limit in timers:
        signal.setitimer(timer, limit, 0.1)  # again and again: some callers swallow what is raised in them
    faulthandler.dump_traceback_later(DEAD_S, exit=True)
    try:
        yield
    finally:
        for (number, timer, _), handler in zip(timers, before, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(number, handler)
        faulthandler.cancel_dump_traceback_later()


def _described(problem):
    """The error and the last line of the package that it came through."""
    if problem is None:
        return "slow"
    places = [frame for frame in traceback.extract_tb(problem.__traceback__) if "/stsun/" in frame.filename]
    places = places or list(traceback.extract_tb(problem.__traceback__))
    place = f"{Path(places[-1].filename).name}:{places[-1].lineno}" if places else "nowhere"
    return f"{type(problem).__name__} at {place}: {problem!s:.100}".split("\n")[0]


def start_apart(target, inputs, number, output):
    """Run one target in a process of its own with bounded memory; return what waits for its tally."""
    report = output / f"{target.name.replace(' ', '-')}.json"
    report.unlink(missing_ok=True)
    process = get_context("fork").Process(target=_alone, args=(target, inputs, number, report))
    process.start()
    return lambda: _finished(process, report)


def _finished(process, report):
    """Return a process's tally; its death is one crash."""
    process.join()
    if report.is_file():
        found = json.loads(report.read_text(encoding="utf-8"))
        return Tally(Counter(found["counts"]), found["failures"], found["slowest_s"])
    return Tally(Counter(crash=1), {f"crash: the process ended with {process.exitcode}": ""})


def _alone(target, inputs, number, report):
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with tempfile.TemporaryDirectory() as folder:
        tally = run_target(target, inputs, number, Path(folder))
    report.write_text(json.dumps(tally.__dict__), encoding="utf-8")


def _tallies(targets, shares, asked):
    """Yield each target's name and tally, in order, while others run already."""
    running = deque()
    for target in targets:
        if len(running) == asked.jobs:
            name, finish = running.popleft()
            yield name, finish()
        inputs = max(1, asked.inputs * target.share // shares)
        running.append((target.name, start_apart(target, inputs, asked.seed, asked.output)))
    for name, finish in running:
        yield name, finish()


def _row(name, counts, slowest_s):
    cells = [name, str(counts.total()), *(str(counts[outcome]) for outcome in OUTCOMES), f"{slowest_s:.2f}"]
    return f"| {' | '.join(cells)} |"


def main():
    """Run the targets, print the table, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=110_000, help="in all; each target gets its share")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="processes at once")
    parser.add_argument("--only", default="", help="targets whose names hold this")
    parser.add_argument("--output", type=Path, default=Path("build/fuzz"))
    asked = parser.parse_args()
    from fuzz_targets import TARGETS

    asked.output.mkdir(parents=True, exist_ok=True)
    print(f"| reader | inputs | {' | '.join(OUTCOMES)} | slowest, s |\n|---|{'---:|' * (len(OUTCOMES) + 2)}")
    whole, slowest_s, failed = Counter(), 0.0, {}
    shares = sum(target.share for target in TARGETS.values())
    for name, tally in _tallies([target for target in TARGETS.values() if asked.only in target.name], shares, asked):
        print(_row(name, tally.counts, tally.slowest_s), flush=True)
        whole, slowest_s = whole + tally.counts, max(slowest_s, tally.slowest_s)
        failed |= {f"{name}: {kind}": told for kind, told in tally.failures.items()}
    print(_row("in all", whole, slowest_s))
    for number, (kind, told) in enumerate(failed.items()):
        (asked.output / f"failure-{number}.txt").write_text(f"{kind}\n\n{told}\n", encoding="utf-8", errors="replace")
        print(f"failure-{number}.txt: {kind}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
