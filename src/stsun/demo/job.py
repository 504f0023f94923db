"""The job: simulate scenes, score a model on them, write maps and the page."""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stsun.data.sample import Sample
from stsun.demo.page import Section, render
from stsun.demo.story import dates_in_words, describe_model, most_varied, section_of
from stsun.errors import RasterError
from stsun.evaluation.evaluate import predict_sample
from stsun.evaluation.summary import HEADLINES, scored_names, summarise, tally
from stsun.files import write_text
from stsun.model.checkpoint import load
from stsun.model.inference import evaluating
from stsun.model.stsun import STSUN
from stsun.prediction.predict import predict
from stsun.report.words import number
from stsun.simulation.kinds import KINDS
from stsun.simulation.scenes import HELD_OUT, simulate
from stsun.simulation.write import write_scene

Maps = NDArray[np.int64]
Echo = Callable[[str], object]

FOLDER = Path("stsun-demo")
LAST = ("index.html", "scores.json")
"""What is written when all else is there."""
ROW = "{:27} {:16} {:>5} {:17} {:>6}  {}"


def run(
    output: Path | None = None,
    *,
    seed: int = 1000,
    model: STSUN | None = None,
    echo: Echo = print,
    samples: int = 6,
    size: int = 128,
    kinds: Sequence[str] = tuple(KINDS),
) -> dict[str, Any]:
    """Return the scores of a model on simulated scenes it has never seen, after writing maps and a page about them.

    For each kind of scene, ``samples`` worlds are simulated (seeds from 1 000 000 on; training uses seeds below that)
    and scored against their exact truth. The world with the most varied truth is also written as GeoTIFFs, one per
    date, from which a georeferenced map is made. ``index.html`` shows dates, truth and map of it, needs no other file,
    and explains itself.

    Args:
        output: Folder for the files: new, empty or an earlier demo's; None = ``stsun-demo`` in the current folder.
        seed: Of the worlds; other seeds give other worlds.
        model: The model; None = the checkpoint that ships with the package.
        echo: Gets each line of the summary.
        samples: Number of worlds of each kind.
        size: Side of each scene in pixels.
        kinds: Kinds of scenes (see `stsun.simulation.kinds.KINDS`).

    Returns:
        JSON-able dict: ``seed``, ``seconds``, ``scores`` (kind -> scores as `stsun.evaluate` gives them), ``files``.

    Raises:
        StsunError: A kind is unknown, the checkpoint is damaged, or the folder cannot be written or holds other things.
    """
    started = time.perf_counter()
    folder = FOLDER if output is None else Path(output)
    _check_folder(folder)
    _make_folder(folder)
    used = load(None) if model is None else model
    scores: dict[str, Any] = {}
    sections: list[Section] = []
    files: list[Path] = []
    echo(ROW.format("scenes", "task", "dates", "score", "value", "95 % interval").rstrip())
    for kind in kinds:
        worlds = [simulate(kind, HELD_OUT + seed * samples + number, size) for number in range(samples)]
        scores[kind], maps = _score(used, worlds)
        for line in _rows(kind, worlds, scores[kind]):
            echo(line)
        shown = most_varied(worlds)
        images, made = _write_files(used, worlds[shown], folder / kind)
        links = [path.relative_to(folder) for path in images]
        sections.append(section_of(kind, worlds, worlds[shown], maps[shown], scores[kind], links))
        files += [*images, *made]
    page = render(sections, describe_model(used, shipped=model is None))
    files += [folder / name for name in LAST]
    result = {"seed": seed, "seconds": time.perf_counter() - started, "scores": scores, "files": [*map(str, files)]}
    write_text(folder / "index.html", page, RasterError)
    write_text(folder / "scores.json", json.dumps(result, indent=2, allow_nan=False) + "\n", RasterError)
    echo(f"\n{len(files)} files in {folder} ({result['seconds']:.0f} s); open {folder / 'index.html'} in a browser:")
    for file in files:
        echo(f"  {file}")
    return result


def _check_folder(folder: Path) -> None:
    """Refuse a folder that holds something, but neither a finished demo nor only what one that was stopped has left."""
    held = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if not held >= set(LAST) and not held <= set(KINDS):
        raise RasterError(
            f"{folder} holds {min(held - set(KINDS))} and is no earlier demo; choose a new or empty folder (--output)"
        )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RasterError(f"{folder} cannot be made: {error}; choose another folder (--output)") from error


def _score(model: STSUN, worlds: Sequence[Sample]) -> tuple[dict[str, Any], list[Maps]]:
    """Return the scores over all worlds, and the maps of each."""
    configuration = worlds[0].configuration
    with evaluating(model, None) as device:
        maps = [predict_sample(model, world, device) for world in worlds]
    tallies = [
        tally(configuration.task, world.classes, world.labels, prediction)
        for world, prediction in zip(worlds, maps, strict=True)
        if world.labels is not None
    ]
    return summarise(configuration.task, scored_names(configuration), tallies), maps


def _rows(kind: str, worlds: Sequence[Sample], scores: dict[str, Any]) -> list[str]:
    """Return the lines of the table for one kind of scene."""
    rows = []
    for name in HEADLINES[scores["task"]]:
        interval = scores["intervals"][name]
        bounds = "" if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}"
        dates = dates_in_words(worlds)
        rows.append(ROW.format(kind, scores["task"], dates, name, number(scores[name]), bounds).rstrip())
    return rows


def _write_files(model: STSUN, world: Sample, folder: Path) -> tuple[list[Path], list[Path]]:
    """Write one world's images, and its map made from these files; return the paths of both."""
    images = write_scene(world, folder, "image")
    prediction = predict(
        model,
        images,
        task=world.configuration.task,
        categories=world.configuration.categories,
        output=folder / "map.tif",
        overwrite=True,
    )
    return images, list(prediction.files)
