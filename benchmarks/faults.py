"""What is left of a verb that is disturbed: killed, interrupted, out of disk or memory, its input cut off.

Example:
    OMP_NUM_THREADS=1 python benchmarks/faults.py --json build/faults.json
    OMP_NUM_THREADS=1 python benchmarks/faults.py predict evaluate --json build/faults.json

Every case is a verb of the command line in a process of its own, on a small simulated world, and one fault. The moments
are drawn by a seed: by the clock, or by what the process does to files (the n-th file opened to be written, renamed,
removed). The promise that is tried: a disturbed verb either ends well with the right result; or it was killed,
interrupted (exit 130, one line) or refuses (exit 2, one message, no traceback), and files that were there before are as
they were or already the right new ones. The same command again, with --resume where it has that, then gives the right
result and leaves nothing else. Prints how the cases ended, by verb and by kind of fault; exits with 1 if a promise was
broken.

A whole run takes long, and can be done in parts: cases that the file of ``--json`` holds already are not tried again,
but counted. Begin another file once the code has changed.
"""

import argparse
import importlib
import json
import mmap
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import torch
import yaml

from stsun.cli import main as stsun
from stsun.cli.app import Verbs
from stsun.data.dataset import open_dataset
from stsun.model.checkpoint import save
from stsun.model.network import Network
from stsun.model.stsun import create
from stsun.simulation.dataset import write_dataset
from tables import head, row, write_json

PATIENCE_S, HUNG = 600, 124
"""Seconds until a process is taken to hang, and what then stands for its exit code."""
TOO_LATE = "ended before the fault"
BEFORE = b"what was there before"
IMPORTED = (
    "lightning.pytorch", "matplotlib.figure", "pyogrio", "shapely", "stsun.adapters.adapter", "stsun.categories.add",
    "stsun.evaluation.temperature", "stsun.export.write", "stsun.prediction.predict", "stsun.protocols.protocol",
    "stsun.quality.statistics", "stsun.report.write", "stsun.training.experiment", "stsun.training.fit",
)  # fmt: skip
RUNNING = {"seconds", "minutes", "made", "versions", "created", "updated"}
"""Keys of JSON files that differ from run to run."""
RUN_LEAVES = ("model.safetensors", "card.json", "metrics.csv", "scores.json", "report.html", "report.tex")
CHANGING = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree")


@dataclass(frozen=True)
class Verb:
    """A verb and what it makes.

    Args:
        arguments: Its command line, within a copy of the world.
        makes: What it writes: files, or folders whose files are compared.
        reads: A file that it reads again and again, and that is cut off.
        resume: It goes on with ``--resume``.
        replaces: Its files are there already, and may be replaced.
        computes: It asks the network.
        workers: It has a process of its own that makes batches.
    """

    arguments: str
    makes: tuple[str, ...] = ()
    reads: str = ""
    resume: bool = False
    replaces: bool = False
    computes: bool = False
    workers: bool = False


VERBS = {
    "simulate": Verb(
        "simulate --sensor sentinel-2-l2a --dates 2020-05-01 --size 96 --samples 2 --output out/new", ("out/new",)
    ),
    "data yaml": Verb(
        "data yaml levir-cd pairs --overwrite", ("pairs/levir-cd.yaml", "pairs/levir-cd.jsonl"), replaces=True
    ),
    "data stats": Verb("data stats data/dataset.yaml --json", reads="data/images/003_0.tif"),
    "predict": Verb(
        "predict data/images/000_0.tif --model model --task segmentation --tile 32 --overlap 8 --overwrite "
        "--output out/map.tif --probabilities out/p.tif --polygons out/map.gpkg --item out/map.json",
        ("out/map.tif", "out/p.tif", "out/map.gpkg", "out/map.json", "out/map.qml"),
        reads="data/images/000_0.tif", resume=True, replaces=True, computes=True,
    ),
    "evaluate": Verb(
        "evaluate --data data/dataset.yaml --split train --model model --json out/scores.json --report out/report",
        ("out/scores.json", "out/report"), reads="data/images/002_0.tif", replaces=True, computes=True,
    ),
    "calibrate": Verb(
        "calibrate --data data/dataset.yaml --split train --model model --output out/calibrated", ("out/calibrated",),
        reads="data/images/002_0.tif", computes=True,
    ),
    "categories add": Verb(
        "categories add pond --examples more/dataset.yaml --model model --output out/grown", ("out/grown",),
        reads="more/images/002_0.tif", computes=True,
    ),
    "train": Verb(
        "train experiment.yaml",
        tuple(f"out/run/{name}" for name in RUN_LEAVES),
        reads="data/images/001_0.tif", resume=True, computes=True,
    ),
    "train, workers=1": Verb(
        "train experiment.yaml workers=1", tuple(f"out/run/{name}" for name in RUN_LEAVES),
        reads="data/images/001_0.tif", resume=True, computes=True, workers=True,
    ),
    "export": Verb(
        "export --configuration data/dataset.yaml --dates 1 --model model --format pt2 --overwrite "
        "--output out/net.pt2",
        ("out/net.pt2",), replaces=True,
    ),
}  # fmt: skip


def make_world(folder: Path) -> None:
    """Write what the verbs work on: data sets, a model, an experiment, a public data set in miniature."""
    for name, seed in (("data", 0), ("more", 50)):
        write_dataset(folder / name, ["sentinel-2-l2a"], [date(2020, 5, 1)], size=96, samples=6, seed=seed)
    _rename_commonest(folder / "more" / "dataset.yaml", "pond")
    save(create("nano", open_dataset(folder / "data" / "dataset.yaml").categories), folder / "model", {})
    experiment = {
        "name": "short", "output": "out/run", "model": {"size": "nano"}, "steps": 6, "checkpoint_every": 2,
        "data": [{"dataset": "data/dataset.yaml", "validation": "val"}], "validate_every": 3, "accelerator": "cpu",
        "stream": {"crop": 32, "batch_size": 2, "accumulate": 2, "cache_gb": 0.0}, "optimiser": {"warmup": 1},
    }  # fmt: skip
    (folder / "experiment.yaml").write_text(yaml.safe_dump(experiment), encoding="utf-8")
    picture = {"driver": "PNG", "count": 3, "height": 16, "width": 16, "dtype": "uint8"}
    for part in ("train", "val", "test"):
        for kind in ("A", "B", "label"):
            (folder / "pairs" / part / kind).mkdir(parents=True)
            with rasterio.open(folder / "pairs" / part / kind / "one.png", "w", **picture) as file:
                file.write(np.zeros((3, 16, 16), np.uint8))
    (folder / "out").mkdir()


def _rename_commonest(path: Path, name: str) -> None:
    """Give the class that the first training sample shows most another name."""
    dataset = open_dataset(path)
    labels = dataset.read(dataset.records("train")[0]).labels
    assert labels is not None
    commonest = int(np.bincount(labels.ravel())[: len(dataset.categories)].argmax())
    description = yaml.safe_load(path.read_text(encoding="utf-8"))
    description["classes"][commonest] = name
    description["colors"] = {}
    path.write_text(yaml.safe_dump(description), encoding="utf-8")


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Args:
        code: Its exit code; minus the signal that killed it.
        out: What it printed.
        err: What it said.
        seconds: How long it took.
        changes: How often it changed files.
        mapped: By how many bytes its memory grew.
        struck: The fault came while it ran.
    """

    code: int
    out: str
    err: str
    seconds: float
    changes: int
    mapped: int
    struck: bool


@dataclass(frozen=True)
class Fault:
    """What happens to a process.

    Args:
        name: What.
        within: Done in the process before it begins.
        at_change: Done in the process at its n-th change of a file.
        after_s: Seconds after which ``outside`` is done.
        outside: Done from outside, with the process's number and its folder.
        mends: Undoes what it did to the folder.
    """

    name: str
    within: Callable[[], object] = lambda: None
    at_change: tuple[int, Callable[[], object]] | None = None
    after_s: float | None = None
    outside: Callable[[int, Path], object] | None = None
    mends: bool = False


def faults_of(verb: Verb, normal: Ended, draw: random.Random) -> Iterator[Fault]:
    """Yield the faults of one round for a verb, at random moments of its normal course."""

    def change() -> int:
        return draw.randint(1, max(1, normal.changes))

    def moment() -> float:
        return draw.uniform(0.05, 0.95) * normal.seconds

    for name, number in (("kill -9", signal.SIGKILL), ("SIGTERM", signal.SIGTERM), ("Ctrl-C", signal.SIGINT)):
        if verb.makes:
            yield Fault(name, at_change=(change(), lambda number=number: os.kill(os.getpid(), number)))
        yield Fault(name, after_s=moment(), outside=lambda pid, _, number=number: os.kill(pid, number))
    if verb.makes:
        yield Fault("disk full at a change of a file", at_change=(change(), _no_space))
    most = int(10 ** draw.uniform(1, 4.5))
    yield Fault("files limited in size", within=_limit(resource.RLIMIT_FSIZE, most))
    share = draw.uniform(0.05, 0.95)
    yield Fault("memory limited", within=lambda: _limit_memory(int(share * normal.mapped)))
    if verb.reads:
        size = draw.uniform(0.1, 0.9)
        yield Fault("input cut off", after_s=moment(), mends=True, outside=lambda _, to: _cut(to / verb.reads, size))
        yield Fault("input cut off", after_s=0.0, mends=True, outside=lambda _, to: _cut(to / verb.reads, size))
    if verb.computes:
        calls = draw.randint(1, 3)
        yield Fault("GPU out of memory (simulated)", within=lambda: _fail_at_call(calls))
    if verb.workers:
        yield Fault("a worker killed", after_s=moment(), outside=lambda pid, _: _kill_child(pid))
    yield Fault("ASCII only, stdout full", within=_full_terminal)
    clock = "clock set back a day, other zone and locale"
    yield Fault(clock, at_change=(change(), _other_time)) if verb.makes else Fault(clock, within=_other_time)


UNKNOWN = Ended(0, "", "", 0.0, 1, 1, False)
"""A normal course for which only the kinds of faults count."""


def kinds_of(verb: Verb) -> list[str]:
    """Return the names of the faults of one round for a verb."""
    return [fault.name for fault in faults_of(verb, UNKNOWN, random.Random(0))]


def _limit(what: int, most: int) -> Callable[[], object]:
    def limit() -> None:
        sys.dont_write_bytecode = True  # Python would leave half of a compiled module behind
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(what, (most, most))

    return limit


def _limit_memory(more: int) -> None:
    most = _mapped() + more
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _no_space() -> None:
    raise OSError(28, "No space left on device")


def _cut(path: Path, share: float) -> None:
    os.truncate(path, int(path.stat().st_size * share))


def _fail_at_call(calls: int) -> None:
    run, left = Network.run, [calls]

    def failing(self: Network, *arguments: Any, **options: Any) -> Any:
        left[0] -= 1
        if not left[0]:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nSee the documentation")
        return run(self, *arguments, **options)

    Network.run = failing  # type: ignore[method-assign]


def _kill_child(process: int) -> None:
    children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="utf-8").split()
    for child in children[:1]:
        os.kill(int(child), signal.SIGKILL)


def _full_terminal() -> None:
    os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="ascii")  # type: ignore[union-attr]


def _other_time() -> None:
    now = time.time
    time.time = lambda: now() - 86_400
    os.environ.update(TZ="Pacific/Kiritimati", LC_ALL="C", LANG="C")
    time.tzset()


def _mapped() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0])
    return pages * resource.getpagesize()


def run(arguments: Sequence[str], folder: Path, fault: Fault) -> Ended:
    """Run a verb in a fork of this process, in a folder, under a fault."""
    shared = mmap.mmap(-1, 32)
    shared[16] = fault.at_change is None and fault.outside is None
    sys.stdout.flush()
    for name in ("stdout", "stderr"):
        (folder / name).write_bytes(b"")
    child = os.fork()
    if child == 0:
        _become(arguments, folder, fault, shared)
    code, seconds = _wait(child, folder, fault, shared)
    out, err = ((folder / name).read_text(encoding="utf-8", errors="replace") for name in ("stdout", "stderr"))
    changes, mapped = (int.from_bytes(shared[place : place + 8], "little") for place in (0, 8))
    return Ended(code, out, err, seconds, changes, mapped, bool(shared[16]))


def _become(arguments: Sequence[str], folder: Path, fault: Fault, shared: mmap.mmap) -> None:
    """Be the process that is disturbed; never returns."""
    code, before = 1, _mapped()
    try:
        os.chdir(folder)
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(name, os.O_WRONLY), number)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        fault.within()
        sys.addaudithook(_watch(str(folder), fault, shared))
        _tell_begin(shared)
        sys.argv = ["stsun", *arguments]
        stsun()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(BaseException):
            shared[8:16] = max(0, _peak() - before).to_bytes(8, "little")
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _tell_begin(shared: mmap.mmap) -> None:
    invoke = Verbs.invoke

    def begun(self: Verbs, ctx: Any) -> Any:
        shared[24] = True
        return invoke(self, ctx)

    Verbs.invoke = begun  # type: ignore[method-assign]


def _peak() -> int:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return 1024 * int(status.partition("VmPeak:")[2].split()[0])


def _watch(folder: str, fault: Fault, shared: mmap.mmap) -> Callable[[str, tuple[Any, ...]], None]:
    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in CHANGING or not isinstance(arguments[0], str | os.PathLike):
            return
        if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            return
        if os.path.abspath(arguments[0]).startswith(folder):  # noqa: PTH100 (in a hook a Path would cause events)
            count = int.from_bytes(shared[:8], "little") + 1
            shared[:8] = count.to_bytes(8, "little")
            if fault.at_change is not None and count == fault.at_change[0]:
                shared[16] = True
                fault.at_change[1]()

    return hook


def _wait(child: int, folder: Path, fault: Fault, shared: mmap.mmap) -> tuple[int, float]:
    """Return how a process ended, and the seconds from where its verb began."""
    forked, begun, due = time.monotonic(), 0.0, fault.after_s
    while time.monotonic() - forked < PATIENCE_S:
        ended, status = os.waitpid(child, os.WNOHANG)
        now = time.monotonic()
        if ended:
            return os.waitstatus_to_exitcode(status), now - (begun or now)
        if not begun and shared[24]:
            begun = now
        if begun and due is not None and now - begun >= due and fault.outside is not None:
            due, shared[16] = None, True
            fault.outside(child, folder)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return HUNG, time.monotonic() - (begun or forked)


def contents(folder: Path, verb: Verb) -> dict[str, bytes]:
    """Return what a verb has made, without what differs from run to run; no entry where there is none."""
    found: dict[str, bytes] = {}
    for name in verb.makes:
        place = folder / name
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file() and ".unfinished" not in str(path):
                found[str(path.relative_to(folder))] = _lasting(path)
    return found


def _lasting(path: Path) -> bytes:
    content = path.read_bytes()
    if content == BEFORE or not content:
        return content
    if path.name.startswith("report.") or path.suffix == ".gpkg":  # tell when they were made
        return b"whole" if _is_whole(path, content) else content
    if path.suffix == ".json":
        return json.dumps(_without_times(json.loads(content))).encode()
    if path.suffix == ".pt2":
        torch.export.load(path)
        return b"whole"
    return content


def _is_whole(path: Path, content: bytes) -> bool:
    if path.suffix == ".gpkg":
        return len(content) % 4096 == 0 and content.startswith(b"SQLite")
    return path.suffix != ".html" or content.rstrip().endswith(b"</html>")


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_times(one) for key, one in value.items() if key not in RUNNING}
    return [_without_times(one) for one in value] if isinstance(value, list) else value


@dataclass
class Case:
    """One case and its end.

    Args:
        verb: What was disturbed.
        fault: By what.
        turn: In which round.
        place: Which fault of the round.
        ended: How.
        then: What another run came to, or that none was needed.
        broken: Which promises were not kept.
        said: The end of what it said.
    """

    verb: str
    fault: str
    turn: int
    place: int
    ended: str = ""
    then: str = ""
    broken: list[str] = field(default_factory=list)
    said: str = ""


def try_case(case: Case, fault: Fault, scratch: Path, expected: dict[str, bytes], normal: Ended) -> None:
    """Disturb a verb once, hold what is left against the promise, and run it again."""
    verb, world, folder = VERBS[case.verb], scratch / "world", scratch / "case"
    _fresh(world, folder, verb)
    before = contents(folder, verb)
    ended = run(verb.arguments.split(), folder, fault)
    if not ended.struck:
        case.ended = TOO_LATE
        return
    case.said = ended.err[-300:]
    case.ended = _kind(ended.code)
    case.broken += list(_broken(ended, contents(folder, verb), before, expected, normal))
    if fault.mends:
        shutil.copy2(world / verb.reads, folder / verb.reads)
    if verb.makes and contents(folder, verb) == expected:  # also where it could not say so
        case.then = "whole"
    elif ended.code != 0:
        again = _again(verb, folder)
        case.then = f"{_kind(again.code)} again"
        if again.code or contents(folder, verb) != expected or (not verb.makes and again.out != normal.out):
            case.broken.append(f"another run did not give the right result: {again.code} {again.err[-300:]}")
    left = [str(path.relative_to(folder)) for path in folder.rglob("*") if "unfinished" in path.name]
    if left:
        case.broken.append(f"left behind: {', '.join(left)}")


def _fresh(world: Path, folder: Path, verb: Verb) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(world, folder)
    for made in verb.makes if verb.replaces else ():
        if Path(made).suffix:
            (folder / made).write_bytes(BEFORE)


def _again(verb: Verb, folder: Path) -> Ended:
    commands = [verb.arguments.split()]
    if verb.resume:  # what had not begun cannot go on
        commands.insert(0, [*commands[0], "--resume"])
    for command in commands:
        ended = run(command, folder, Fault("none"))
        if ended.code != 2 or "without --resume" not in ended.err:
            break
    return ended


def _kind(code: int) -> str:
    return {0: "right", 2: "refused", 130: "interrupted", -signal.SIGKILL: "killed"}.get(code, f"exit {code}")


def _broken(
    ended: Ended, found: dict[str, bytes], before: dict[str, bytes], expected: dict[str, bytes], normal: Ended
) -> Iterator[str]:
    lines = ended.err.strip().splitlines()
    if ended.code == 0 and (found != expected or (not expected and ended.out != normal.out)):
        yield "ended well with another result: " + ", ".join(_differing(found, expected))
    if ended.code not in (0, 2, 130, -signal.SIGKILL):
        yield f"ended with {ended.code}: {ended.err[-300:]}"
    if "Traceback" in ended.err:
        yield f"a traceback: {ended.err[-300:]}"
    if ended.code in (2, 130) and sum(line.startswith("stsun: ") for line in lines) != 1:
        yield f"not one message: {ended.err[-300:]}"
    for name, content in found.items():
        if content not in (before.get(name), expected.get(name)):
            yield f"{name} is neither as it was nor as it should be"
    for name in before.keys() - found.keys():
        yield f"{name} is gone"


def _differing(found: dict[str, bytes], expected: dict[str, bytes]) -> list[str]:
    return sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))


def try_verb(name: str, wanted: Sequence[tuple[int, int]], seed: int, scratch: Path) -> Iterator[Case]:
    """Yield the cases of one verb: of each (round, place of a fault in it) that is wanted, in order."""
    verb, folder = VERBS[name], scratch / "case"
    _fresh(scratch / "world", folder, verb)
    normal = run(verb.arguments.split(), folder, Fault("none"))
    if normal.code:
        raise SystemExit(f"{name} does not even run undisturbed: {normal.code} {normal.err}")
    expected = contents(folder, verb)
    for turn, place in wanted:
        fault = list(faults_of(verb, normal, random.Random(f"{seed} {name} {turn}")))[place]
        case = Case(name, fault.name, turn, place)
        try_case(case, fault, scratch, expected, normal)
        yield case


def table(cases: Sequence[Case], *keys: str) -> str:
    """Return the cases as a Markdown table: how many of each kind, and how they ended."""
    lines = [head([*keys, "cases", "ended", "then", "broken"], len(keys))]
    cases = [case for case in cases if case.ended != TOO_LATE]
    for kind in dict.fromkeys(tuple(getattr(case, key) for key in keys) for case in cases):
        own = [case for case in cases if tuple(getattr(case, key) for key in keys) == kind]
        ended, then = (Counter(getattr(case, key) for case in own if getattr(case, key)) for key in ("ended", "then"))
        words = [", ".join(f"{count} {end}" for end, count in sorted(counted.items())) for counted in (ended, then)]
        lines.append(row([*kind, str(len(own)), *words, str(sum(bool(case.broken) for case in own))]))
    return "\n".join(lines)


def earlier(path: Path | None, seed: int) -> list[Case]:
    """Return the cases that a file holds already."""
    if path is None or not path.is_file():
        return []
    held = json.loads(path.read_text(encoding="utf-8"))
    if held["seed"] != seed:
        raise SystemExit(f"{path} holds cases of seed {held['seed']}, not {seed}: name another file")
    return [Case(**case) for case in held["cases"]]


def main() -> None:
    """Run the cases that are asked for; exit with 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verbs", nargs="*", default=list(VERBS), metavar="VERB", help=", ".join(VERBS))
    parser.add_argument("--rounds", type=int, default=1, help="how often each fault is tried")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--only", default="", help="part of the names of faults")
    parser.add_argument("--json", type=Path, help="write all cases here, too, and go on from those that it holds")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for module in IMPORTED:  # so that faults strike at work
        importlib.import_module(module)
    cases = earlier(options.json, options.seed)
    done = {(case.verb, case.turn, case.place) for case in cases}
    with tempfile.TemporaryDirectory(prefix="stsun-faults-") as scratch:
        make_world(Path(scratch) / "world")
        for name in options.verbs:
            kinds = [place for place, kind in enumerate(kinds_of(VERBS[name])) if options.only in kind]
            wanted = [(turn, place) for turn in range(options.rounds) for place in kinds]
            wanted = [one for one in wanted if (name, *one) not in done]
            for case in try_verb(name, wanted, options.seed, Path(scratch)) if wanted else ():
                cases.append(case)
                print(f"{case.verb}, {case.fault}: {case.ended} {case.then}", file=sys.stderr, flush=True)
                if options.json is not None:  # case by case: a long run may be stopped
                    write_json(options.json, {"seed": options.seed, "cases": [vars(each) for each in cases]})
                for problem in case.broken:
                    print(f"BROKEN {case.verb}, {case.fault}: {problem}", file=sys.stderr, flush=True)
    print(table(cases, "verb", "fault"), table(cases, "fault"), table(cases, "verb"), sep="\n\n")
    late = sum(case.ended == TOO_LATE for case in cases)
    print(f"\n{len(cases) - late} faults struck; {late} more came too late, as the verb had ended")
    sys.exit(any(case.broken for case in cases))


if __name__ == "__main__":
    main()
